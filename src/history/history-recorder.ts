/**
 * Records a history while a trial runs: gives every operation its index and time, and every open operation a process of
 * its own. A client that waits for each answer keeps one process number; one that pipelines takes as many as it has
 * operations open. After `info` a number is never used again.
 *
 * Unlike Jepsen, where a crashed process p goes on as p + concurrency, fresh numbers come from one counter: how many
 * operations a pipelining producer has open is not known beforehand.
 */
import { InvariantError } from '../base/assert.ts'
import type { Micros } from '../base/time.ts'
import type { History, Json, Operation, OperationType } from './operation.ts'

type Extra = { readonly [key: string]: Json }
type Recorded = { -readonly [key in keyof Operation]: Operation[key] }

/** One invoked operation that awaits its completion. Completing it twice is an error, after `abandon` it is ignored. */
export interface RecordedOperation {
  readonly process: number
  ok(value: Json): void
  fail(error: string): void
  info(error: string): void
}

/** What one client machine did. */
export interface ClientHistory {
  invoke(f: string, value: Json, extra?: Extra): RecordedOperation
}

export class HistoryRecorder {
  private readonly operations: Operation[] = []
  private readonly clients = new Map<string, ClientLane>()
  private readonly now: () => Micros
  private nextProcess = 0

  /** `now` is the true virtual time, not any machine's clock. */
  constructor(now: () => Micros) {
    this.now = now
  }

  get history(): History {
    return this.operations
  }

  /** Operations invoked and not completed. */
  get openCount(): number {
    let count = 0
    for (const client of this.clients.values()) count += client.open.size
    return count
  }

  /** The recorder of one client machine; the same object for the same node. */
  client(node: string): ClientHistory {
    let client = this.clients.get(node)
    if (client === undefined) {
      client = new ClientLane(this, node)
      this.clients.set(node, client)
    }
    return client
  }

  /** A fault, as an operation of process `nemesis`; of type `info` throughout, as in Jepsen. */
  fault(phase: 'start' | 'stop', id: number, text: string): void {
    this.append('nemesis', 'info', `fault-${phase}`, { id, text }, undefined, undefined, undefined)
  }

  /** The client process died: what it had open has an unknown fate. */
  abandon(node: string, error: string): void {
    const client = this.clients.get(node)
    if (client === undefined) return
    for (const operation of client.open) operation.abandon(error)
  }

  /** The end of the trial: everything that is open has an unknown fate. */
  abandonAll(error: string): void {
    for (const node of this.clients.keys()) this.abandon(node, error)
  }

  /** @internal */
  takeProcess(): number {
    return this.nextProcess++
  }

  /** @internal */
  append(process: number | 'nemesis', type: OperationType, f: string, value: Json, error: string | undefined, node: string | undefined, extra: Extra | undefined): void {
    const operation: Recorded = { index: this.operations.length, time: this.now(), process, type, f, value }
    if (error !== undefined) operation.error = error
    if (node !== undefined) operation.node = node
    if (extra !== undefined) Object.assign(operation, extra)
    this.operations.push(operation)
  }
}

class ClientLane implements ClientHistory {
  readonly recorder: HistoryRecorder
  readonly node: string
  readonly open = new Set<OpenOperation>()
  readonly free: number[] = []

  constructor(recorder: HistoryRecorder, node: string) {
    this.recorder = recorder
    this.node = node
  }

  invoke(f: string, value: Json, extra?: Extra): RecordedOperation {
    const process = this.free.pop() ?? this.recorder.takeProcess()
    const operation = new OpenOperation(this, process, f, value, extra)
    this.open.add(operation)
    this.recorder.append(process, 'invoke', f, value, undefined, this.node, extra)
    return operation
  }
}

class OpenOperation implements RecordedOperation {
  readonly process: number
  private readonly lane: ClientLane
  private readonly f: string
  private readonly value: Json
  private readonly extra: Extra | undefined
  private abandoned = false

  constructor(lane: ClientLane, process: number, f: string, value: Json, extra: Extra | undefined) {
    this.lane = lane
    this.process = process
    this.f = f
    this.value = value
    this.extra = extra
  }

  ok(value: Json): void {
    this.complete('ok', value, undefined)
  }

  fail(error: string): void {
    this.complete('fail', this.value, error)
  }

  info(error: string): void {
    this.complete('info', this.value, error)
  }

  abandon(error: string): void {
    this.info(error)
    this.abandoned = true
  }

  private complete(type: OperationType, value: Json, error: string | undefined): void {
    if (this.abandoned) return
    if (!this.lane.open.delete(this)) throw new InvariantError(`operation ${this.f} of process ${this.process} completed twice`)
    this.lane.recorder.append(this.process, type, this.f, value, error, this.lane.node, this.extra)
    if (type !== 'info') this.lane.free.push(this.process)
  }
}
