/**
 * The fields of one operation while a parser reads them, in whatever order they come, and the operation that they make.
 * One object is used for a whole history. Every operation gets its properties in the same order, so that they share a
 * shape: a million of them are small, and fast to walk.
 */
import { TrialError } from '../base/trial-error.ts'
import type { Json, Operation, OperationType, Process } from './operation.ts'

type Field = Json | undefined

const TYPES: ReadonlySet<unknown> = new Set<OperationType>(['invoke', 'ok', 'fail', 'info'])

export class OperationFields {
  private index: Field = undefined
  private time: Field = undefined
  private process: Field = undefined
  private type: Field = undefined
  private f: Field = undefined
  private value: Field = undefined
  private error: Field = undefined
  private node: Field = undefined
  private readonly names: string[] = []
  private readonly others: Json[] = []
  /** How many were made, and the time of the last one. */
  private count = 0
  private lastTime = 0

  clear(): void {
    this.index = this.time = this.process = this.type = this.f = this.value = this.error = this.node = undefined
    if (this.names.length > 0) this.names.length = this.others.length = 0
  }

  /** False when there is one of that name already. */
  set(name: string, value: Json): boolean {
    let before: Field
    switch (name) {
      case 'index': before = this.index; this.index = value; break
      case 'time': before = this.time; this.time = value; break
      case 'process': before = this.process; this.process = value; break
      case 'type': before = this.type; this.type = value; break
      case 'f': before = this.f; this.f = value; break
      case 'value': before = this.value; this.value = value; break
      case 'error': before = this.error; this.error = value; break
      case 'node': before = this.node; this.node = value; break
      default:
        if (this.names.includes(name)) return false
        this.names.push(name)
        this.others.push(value)
        return true
    }
    return before === undefined
  }

  /**
   * A missing index becomes the place in the history, a missing time that of the operation before: the order of the lines
   * is the order of events. @throws TrialError('input')
   */
  build(line: number): Operation {
    const index = this.index ?? this.count
    const time = this.time ?? this.lastTime
    const { process, type, f, error, node } = this
    const value = this.value ?? null
    if (typeof index !== 'number' || !Number.isSafeInteger(index)) throw wrong(line, 'index is not an integer.')
    if (typeof time !== 'number') throw wrong(line, 'time is not a number.')
    if (process !== 'nemesis' && !(typeof process === 'number' && Number.isSafeInteger(process))) throw wrong(line, 'process is neither an integer nor "nemesis".')
    if (!TYPES.has(type)) throw wrong(line, 'type is not one of invoke, ok, fail, info.')
    if (typeof f !== 'string') throw wrong(line, 'f is not a string.')
    this.count++
    this.lastTime = time
    const operation: { -readonly [K in keyof Operation]: Operation[K] } = { index, time, process: process as Process, type: type as OperationType, f, value }
    if (error !== undefined) operation.error = error
    if (node !== undefined) operation.node = typeof node === 'string' ? node : JSON.stringify(node)
    const { names } = this
    for (let i = 0; i < names.length; i++) setOwn(operation, names[i]!, this.others[i]!)
    return operation
  }
}

/** Sets a property of its own, whatever its name. */
export function setOwn(object: object, name: string, value: Json): void {
  if (name === '__proto__') Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true })
  else (object as { [name: string]: Json })[name] = value
}

function wrong(line: number, what: string): TrialError {
  return new TrialError('input', `line ${line}: ${what}`, 'An operation is {"index":0,"time":0,"process":0,"type":"invoke","f":"send","value":[...]}')
}
