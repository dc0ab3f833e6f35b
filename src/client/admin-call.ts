/**
 * One administrative request about several items, retried until every item has an answer or default.api.timeout.ms is over
 * (KafkaAdminClient's Call).
 *
 * As in Kafka, disconnects, time-outs and NOT_CONTROLLER are retried; other errors about an item end it, unless the call
 * says that retriable ones are retried. A change whose attempt got no answer, or an answer that a controller also gives
 * after it has written, is never a definite failure afterwards: TOPIC_ALREADY_EXISTS on a retry may be our own topic.
 */
import type { Task } from '../base/task.ts'
import { msToUs, usToMs } from '../base/time.ts'
import type { Micros, Millis } from '../base/time.ts'
import type { AdminConfig } from '../config/client.ts'
import type { Env } from '../env/env.ts'
import { ErrorCode, errorName, isRetriable, refreshesMetadata } from '../protocol/errors.ts'
import { Backoff } from './backoff.ts'
import type { BrokerRpc } from './broker-rpc.ts'
import type { BrokerNode, ClusterMetadata } from './cluster-metadata.ts'

/** `definite`: certainly nothing was changed. */
export type AdminResult<T = null> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: string; readonly definite: boolean }

export interface AdminCall<Item, Value> {
  readonly apiKey: number
  /** Newest version to use; absent: the newest that both know. */
  readonly version?: number
  /** Called for every attempt; undefined: nobody can be asked now. Items are grouped by their node. */
  node(item: Item): BrokerNode | undefined
  request(items: readonly Item[], timeoutMs: Millis): object
  /** What the response to a request about `items` says about each of them, by `nameOf`. */
  answers(response: never, items: readonly Item[]): Iterable<{ readonly name: string; readonly errorCode: number; readonly value: Value }>
  /** An error of the whole request. */
  overallError?(response: never): number
  nameOf(item: Item): string
  /** Does it change anything? */
  readonly isChange: boolean
  /** Finds whom to ask about these items, of which nobody is known; errors of those for which there is nobody, by `nameOf`. */
  locate?(items: readonly Item[], timeoutMs: Millis): Task<ReadonlyMap<string, number>>
  /** Whoever was asked about this item is not the one, or does not answer. */
  mislocated?(item: Item): void
  /** Retry whatever error is retriable (Kafka's drivers for reads do). */
  readonly retriesErrors: boolean
}

/** Answers after which a change may have happened, or may still. */
const UNCERTAIN: ReadonlySet<number> = new Set([
  ErrorCode.UNKNOWN_SERVER_ERROR,
  ErrorCode.REQUEST_TIMED_OUT,
  ErrorCode.NOT_CONTROLLER,
  ErrorCode.NETWORK_EXCEPTION,
  ErrorCode.BROKER_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
])

interface Pending<Item, Value> {
  readonly item: Item
  readonly name: string
  attempts: number
  mayHaveHappened: boolean
  lastError: string
  result: AdminResult<Value> | undefined
}

export class AdminCaller {
  private readonly env: Env
  private readonly config: AdminConfig
  private readonly rpc: BrokerRpc
  private readonly metadata: ClusterMetadata
  private readonly backoff: Backoff

  constructor(env: Env, config: AdminConfig, rpc: BrokerRpc, metadata: ClusterMetadata) {
    this.env = env
    this.config = config
    this.rpc = rpc
    this.metadata = metadata
    this.backoff = new Backoff(env, 'admin-backoff', config.retryBackoffMs, config.retryBackoffMaxMs)
  }

  /** A result for each item, in order. */
  *run<Item, Value>(call: AdminCall<Item, Value>, items: readonly Item[]): Task<AdminResult<Value>[]> {
    const deadline = this.env.now() + msToUs(this.config.defaultApiTimeoutMs)
    const all: Pending<Item, Value>[] = items.map(item => (
      { item, name: call.nameOf(item), attempts: 0, mayHaveHappened: false, lastError: 'TIMEOUT', result: undefined }
    ))
    for (let round = 0; ; round++) {
      const open = all.filter(pending => pending.result === undefined)
      if (open.length === 0) break
      if (this.env.now() >= deadline) {
        for (const pending of open) this.fail(pending, pending.lastError)
        break
      }
      const lost = call.locate === undefined ? [] : open.filter(pending => call.node(pending.item) === undefined)
      if (call.locate !== undefined && lost.length > 0) {
        const timeoutMs = Math.max(1, Math.min(this.config.requestTimeoutMs, usToMs(deadline - this.env.now())))
        const refused = yield* call.locate(lost.map(({ item }) => item), timeoutMs)
        for (const pending of lost) {
          const errorCode = refused.get(pending.name)
          if (errorCode !== undefined) this.fail(pending, errorName(errorCode))
        }
      }
      const groups = new Map<number, { node: BrokerNode; pending: Pending<Item, Value>[] }>()
      for (const pending of open) {
        if (pending.result !== undefined) continue
        const node = call.node(pending.item)
        if (node === undefined) {
          this.metadata.requestUpdate()
          continue
        }
        const group = groups.get(node.id)
        if (group === undefined) groups.set(node.id, { node, pending: [pending] })
        else group.pending.push(pending)
      }
      for (const { node, pending } of groups.values()) yield* this.attempt(call, node, pending, deadline)
      const left = open.filter(pending => pending.result === undefined)
      const delay = Math.min(this.backoff.delay(round, call.apiKey), deadline - this.env.now())
      if (left.length === 0 || delay <= 0) continue
      // what nobody could be asked about yet waits for metadata only
      if (call.locate === undefined && left.every(pending => pending.attempts === 0)) yield* this.metadata.nextUpdate(delay).wait()
      else yield* this.env.sleep(delay).wait()
    }
    return all.map(pending => pending.result!)
  }

  private *attempt<Item, Value>(
    call: AdminCall<Item, Value>, node: BrokerNode, pending: readonly Pending<Item, Value>[], deadline: Micros,
  ): Task<void> {
    const timeoutMs = Math.max(1, Math.min(this.config.requestTimeoutMs, usToMs(deadline - this.env.now())))
    const request = call.request(pending.map(each => each.item), timeoutMs)
    const result = yield* this.rpc.send(node.host, node.port, call.apiKey, request, call.version === undefined ? { timeoutMs } : { timeoutMs, version: call.version }).wait()
    for (const each of pending) each.attempts++
    if (!result.ok) {
      for (const each of pending) {
        if (result.sent && call.isChange) each.mayHaveHappened = true
        call.mislocated?.(each.item)
        each.lastError = result.reason === 'disconnected' ? 'DISCONNECTED' : 'TIMEOUT'
        if (result.reason === 'unsupported-version') this.fail(each, 'UNSUPPORTED_VERSION')
        else if (each.attempts > this.config.retries) this.fail(each, each.lastError)
      }
      this.metadata.requestUpdate()
      return
    }
    const overall = call.overallError?.(result.body as never) ?? ErrorCode.NONE
    if (overall !== ErrorCode.NONE) {
      for (const each of pending) this.handleError(call, each, overall)
      return
    }
    const byName = new Map(pending.map(each => [each.name, each]))
    for (const { name, errorCode, value } of call.answers(result.body as never, pending.map(({ item }) => item))) {
      const each = byName.get(name)
      if (each === undefined) continue
      byName.delete(name)
      if (errorCode === ErrorCode.NONE) each.result = { ok: true, value }
      else this.handleError(call, each, errorCode)
    }
    for (const each of byName.values()) this.handleError(call, each, ErrorCode.UNKNOWN_SERVER_ERROR)
  }

  private handleError<Item, Value>(call: AdminCall<Item, Value>, pending: Pending<Item, Value>, errorCode: number): void {
    if (call.isChange && UNCERTAIN.has(errorCode)) pending.mayHaveHappened = true
    if (errorCode === ErrorCode.NOT_COORDINATOR || errorCode === ErrorCode.COORDINATOR_NOT_AVAILABLE) call.mislocated?.(pending.item)
    if (refreshesMetadata(errorCode) || errorCode === ErrorCode.NOT_CONTROLLER) this.metadata.requestUpdate()
    pending.lastError = errorName(errorCode)
    const retry = errorCode === ErrorCode.NOT_CONTROLLER || (call.retriesErrors && isRetriable(errorCode))
    if (!retry || pending.attempts > this.config.retries) this.fail(pending, pending.lastError)
  }

  private fail<Item, Value>(pending: Pending<Item, Value>, error: string): void {
    pending.result = { ok: false, error, definite: !pending.mayHaveHappened }
  }
}
