/**
 * What makes a sequence of operations a history: a process invokes once and completes once before it invokes again, a
 * process whose operation ended as `info` never speaks again, time does not go back, indices rise. The nemesis is exempt
 * from pairing (as in Jepsen, its operations may be of type `info` throughout).
 *
 * Errors are TrialError('input') and name the line of a file or the place in the list.
 */
import { TrialError } from '../base/trial-error.ts'
import type { History, Json, Operation, OperationType } from './operation.ts'

const TYPES: ReadonlySet<string> = new Set<OperationType>(['invoke', 'ok', 'fail', 'info'])
/** Deeper values are refused: every walk over a value may then be recursive. */
export const MAX_VALUE_DEPTH = 64

/** Checks one operation after another; `where` says in errors where it stands ("line 17"). */
export class HistoryValidator {
  private readonly open = new Map<number, Operation>()
  private readonly retired = new Set<number>()
  private lastTime = Number.NEGATIVE_INFINITY
  private lastIndex = Number.NEGATIVE_INFINITY

  add(operation: Operation, where: string): void {
    if (operation.time < this.lastTime) {
      throw new TrialError('input', `${where}: time goes backwards, from ${this.lastTime} to ${operation.time}.`, 'Operations are listed in the order in which they happened.')
    }
    if (operation.index <= this.lastIndex) {
      throw new TrialError('input', `${where}: index ${operation.index} does not follow ${this.lastIndex}.`, 'Indices rise with every operation.')
    }
    this.lastTime = operation.time
    this.lastIndex = operation.index
    const { process } = operation
    if (process === 'nemesis') return
    const open = this.open.get(process)
    if (operation.type === 'invoke') {
      if (open !== undefined) {
        throw new TrialError('input', `${where}: process ${process} invokes ${operation.f} while its ${open.f} (index ${open.index}) is open.`, 'A process does one operation at a time; give concurrent operations processes of their own.')
      }
      if (this.retired.has(process)) {
        throw new TrialError('input', `${where}: process ${process} invokes ${operation.f} after an operation of unknown fate.`, 'After `info` a client goes on under a new process number.')
      }
      this.open.set(process, operation)
      return
    }
    if (open === undefined) {
      throw new TrialError('input', `${where}: process ${process} completes ${operation.f} that it never invoked.`, 'Every ok, fail or info follows an invoke of the same process.')
    }
    if (open.f !== operation.f) {
      throw new TrialError('input', `${where}: process ${process} completes ${operation.f}, but what it invoked is ${open.f} (index ${open.index}).`)
    }
    this.open.delete(process)
    if (operation.type === 'info') this.retired.add(process)
  }
}

export function validateHistory(history: History): void {
  const validator = new HistoryValidator()
  for (let i = 0; i < history.length; i++) validator.add(history[i]!, `operation ${i}`)
}

/** Turns a parsed JSON value into an operation, or throws. A missing index becomes `position`. */
export function toOperation(value: unknown, position: number, where: string): Operation {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TrialError('input', `${where}: not an operation, an object is expected.`, 'One JSON object a line: {"index":0,"time":0,"process":0,"type":"invoke","f":"send","value":[...]}')
  }
  const raw = value as { readonly [key: string]: Json | undefined }
  const index = raw['index'] ?? position
  const { time, process, type, f } = raw
  if (typeof index !== 'number' || !Number.isSafeInteger(index)) throw new TrialError('input', `${where}: index is not an integer.`)
  if (typeof time !== 'number' || !Number.isFinite(time)) throw new TrialError('input', `${where}: time is not a number.`)
  if (process !== 'nemesis' && !(typeof process === 'number' && Number.isSafeInteger(process))) {
    throw new TrialError('input', `${where}: process is neither an integer nor "nemesis".`)
  }
  if (typeof type !== 'string' || !TYPES.has(type)) throw new TrialError('input', `${where}: type is not one of invoke, ok, fail, info.`)
  if (typeof f !== 'string') throw new TrialError('input', `${where}: f is not a string.`)
  if (tooDeep(value as Json, MAX_VALUE_DEPTH)) throw new TrialError('input', `${where}: nested more than ${MAX_VALUE_DEPTH} levels deep.`)
  return { ...raw, index, time, process, type: type as OperationType, f, value: raw['value'] ?? null } as Operation
}

function tooDeep(value: Json | undefined, left: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (left === 0) return true
  if (Array.isArray(value)) {
    for (const element of value as readonly Json[]) if (tooDeep(element, left - 1)) return true
    return false
  }
  for (const key of Object.keys(value)) if (tooDeep((value as { readonly [key: string]: Json })[key], left - 1)) return true
  return false
}
