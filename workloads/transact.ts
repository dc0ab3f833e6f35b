/**
 * What a transactional application does with its `transact` operations, one after the other: begins, sends, commits or
 * aborts, and goes on after whatever went wrong as an application should: aborts what can be aborted, asks again about a
 * commit of unknown fate, and starts over with a new producer when it was fenced or the producer is broken.
 *
 * In the history a transaction is one operation `txn` of sends. It is `fail` only if a commit was never asked for, or was
 * certainly refused; every other end of a commit is `info`.
 */
import { Future, type Task } from '../src/base/task.ts'
import { type Micros, US_PER_MS } from '../src/base/time.ts'
import { Producer } from '../src/client/producer.ts'
import type { SendResult } from '../src/client/send-result.ts'
import type { TransactionOutcome } from '../src/client/transaction/transaction-outcome.ts'
import { DEFAULT_PRODUCER_CONFIG } from '../src/config/client.ts'
import type { PlanOperation, TopicSpec } from '../src/config/workload.ts'
import type { Env } from '../src/env/env.ts'
import type { Json } from '../src/history/operation.ts'
import type { RecordHeader } from '../src/protocol/records/record-batch.ts'
import { isCompacted, waitUntil } from './client-script.ts'
import type { ClientContext, OpenOperation } from './contract.ts'
import { encodeRecord, type PayloadOf } from './records.ts'

export type TransactOperation = Extract<PlanOperation, { f: 'transact' }>

const RETRY_MS = 50
/** An instance that was fenced comes back after so long, and fences the other in turn. */
const RESTART_MS = 400

/** Values are unique in a trial: those of plain sends are the ids of their operations, which are fewer than this. */
export function transactedValue(operation: number, index: number): number {
  return (operation + 1_000) * 1_000 + index
}

export function* runTransactions(context: ClientContext, payload: PayloadOf): Task<void> {
  const { env, spec, stop } = context
  const begin = env.now()
  const instance = new TransactionalInstance(context)
  for (const operation of context.operations) {
    if (operation.f !== 'transact') continue
    yield* waitUntil(env, begin, operation.at)
    // Transactions that are held open push the others back, and some of those have no time left.
    if (stop.isSettled) break
    if (!(yield* instance.ready(() => stop.isSettled))) break
    const sends = operation.sends.map(({ topic, partition, key }, index): Transacted => ({ topic, partition, key, value: transactedValue(operation.id, index), headers: [] }))
    yield* transact(context, instance, { ...operation, sends }, payload)
  }
  if (spec.kind === 'app') yield* instance.close()
}

/** One record of a transaction; `value` is what the history calls it. */
export interface Transacted {
  readonly topic: string
  readonly partition: number
  readonly key: string | null
  readonly value: number
  /** Beside the one that says its value. */
  readonly headers: readonly RecordHeader[]
}

export interface Transaction {
  readonly sends: readonly Transacted[]
  readonly end: TransactOperation['end']
  readonly openUs: Micros
  /** How many of the sends come after that. */
  readonly late?: number
}

/** The producer of one application, anew whenever the old one is of no use any more. */
export class TransactionalInstance {
  private readonly context: ClientContext
  private current: Producer | undefined = undefined
  private made = 0

  constructor(context: ClientContext) {
    this.context = context
  }

  get producer(): Producer {
    return this.current!
  }

  /** Who writes, for the checkers: order is owed within one producer only. */
  get name(): string {
    const { env, spec } = this.context
    return `${spec.host}${env.incarnation === 0 ? '' : `#${env.incarnation}`}${this.made === 1 ? '' : `/${this.made}`}`
  }

  /** Makes sure that there is a producer that may begin a transaction; false when it was told to give up. */
  *ready(isOver: () => boolean): Task<boolean> {
    const { env, spec, recorder } = this.context
    if (spec.kind !== 'app') return false
    while (this.current === undefined) {
      const producer = new Producer(env, { ...DEFAULT_PRODUCER_CONFIG, clientId: spec.host, ...spec.config, ...spec.producer })
      this.made++
      const invoked = recorder.invoke('init-transactions', { transactionalId: spec.producer.transactionalId ?? null, producer: this.name })
      let outcome = yield* producer.initTransactions()
      while (!outcome.ok && outcome.remedy === 'retry' && !isOver()) {
        yield* env.sleep(RETRY_MS * US_PER_MS).wait()
        outcome = yield* producer.initTransactions()
      }
      if (outcome.ok) {
        invoked.ok(null)
        this.current = producer
        return true
      }
      invoked.info(outcome.error)
      yield* producer.close(0)
      if (isOver()) return false
      yield* env.sleep(RESTART_MS * US_PER_MS).wait()
    }
    return true
  }

  /** The producer is fenced or broken. */
  *discard(): Task<void> {
    yield* this.close()
    yield* this.context.env.sleep(RESTART_MS * US_PER_MS).wait()
  }

  *close(): Task<void> {
    const producer = this.current
    this.current = undefined
    if (producer !== undefined) yield* producer.close(0)
  }
}

/** Runs one transaction; how it ended for the history. */
export function* transact({ env, recorder, stop, topics }: ClientContext, instance: TransactionalInstance, { sends, end, openUs, late = 0 }: Transaction, payload: PayloadOf): Task<'ok' | 'fail' | 'info'> {
  const { producer } = instance
  const invoked = recorder.invoke('txn', sends.map(({ topic, partition, value }): Json => ['send', `${topic}-${partition}`, value]), { producer: instance.name, ends: end, ...rowsOf(sends, topics) })
  const begun = producer.beginTransaction()
  if (!begun.ok) return yield* giveUp(instance, invoked, begun, false)
  const send = ({ topic, partition, key, value, headers }: Transacted): Future<SendResult> => {
    const record = encodeRecord({ id: value, key, size: 0 }, payload)
    return producer.send({ topic, partition, key: record.key, value: record.value, headers: [...record.headers, ...headers] })
  }
  const early = Math.max(0, sends.length - late)
  const sent = sends.slice(0, early).map(send)
  if (openUs > 0) {
    yield* producer.flush()
    yield* sleepUnless(env, stop, openUs)
  }
  sent.push(...sends.slice(early).map(send))
  if (end === 'abort') return yield* giveUp(instance, invoked, { ok: false, error: 'aborted', remedy: 'abort', definite: true }, false)
  let outcome = yield* producer.commitTransaction()
  while (!outcome.ok && outcome.remedy === 'retry' && !stop.isSettled) {
    yield* env.sleep(RETRY_MS * US_PER_MS).wait()
    outcome = yield* producer.commitTransaction()
  }
  if (!outcome.ok) return yield* giveUp(instance, invoked, outcome, !outcome.definite)
  invoked.ok(sends.map(({ topic, partition, value }, index): Json => {
    const result = sent[index]!.isSettled ? sent[index]!.result() : undefined
    return ['send', `${topic}-${partition}`, [result?.ok === true ? result.offset : null, value]]
  }))
  return 'ok'
}

/** What a checker of compacted topics must know: the keys of the sends, in their order; null: of another topic. */
function rowsOf(sends: readonly Transacted[], topics: readonly TopicSpec[]): { readonly [key: string]: Json } {
  const keys = sends.map(({ topic, key }) => (isCompacted(topic, topics) ? key : null))
  return keys.every(key => key === null) ? {} : { recordKeys: keys }
}

/** Sleeps, but not beyond the moment when `stop` settles. */
function* sleepUnless(env: Env, stop: Future<void>, us: Micros): Task<void> {
  const over = new Future<void>()
  const timer = env.timer(us, () => over.complete())
  stop.onSettled(() => over.complete())
  yield* over.wait()
  timer.cancel()
}

/** The transaction is not to be, or nobody knows. Leaves the instance ready for the next, or without a producer. */
function* giveUp(instance: TransactionalInstance, invoked: OpenOperation, outcome: Extract<TransactionOutcome, { ok: false }>, mayBeCommitted: boolean): Task<'fail' | 'info'> {
  const end = mayBeCommitted ? 'info' : 'fail'
  if (mayBeCommitted) invoked.info(outcome.error)
  else invoked.fail(outcome.error)
  const isOver = outcome.remedy !== 'abort' || !(yield* instance.producer.abortTransaction()).ok
  if (isOver) yield* instance.discard()
  return end
}
