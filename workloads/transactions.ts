/**
 * Transactions over several partitions: applications that commit, abort and hold transactions open past their time-out,
 * two instances of one transactional id that fence each other, readers of both isolation levels beside them, and plain
 * producers in between. Nothing of a transaction may be seen without the rest, nor anything of one that aborted.
 */
import fc, { type Arbitrary } from 'fast-check'
import type { ClientSpec, OperationDraft, PlanOperation, TopicSpec, TransactedSend, WorkloadDraft, WorkloadShape } from '../src/config/workload.ts'
import { runClient } from './client-script.ts'
import type { Workload } from './contract.ts'
import { drainTopics } from './drain.ts'
import { plainPayload } from './records.ts'
import { runTransactions } from './transact.ts'
import { useTransactionalIds } from './use-transactional-ids.ts'

const NAMES = ['orders', 'payments']
/** Of a transaction, before the plan's scale: some shorter than the faults and than what is held open, so that they run out. */
const TIMEOUTS_MS = [500, 1_500, 1_500, 3_000, 6_000] as const
/**
 * How the applications of a plan go about it. `held`: most transactions stay open for a while, often past their time-out, and
 * go on after that with partitions that are not in them yet. `bursts`: hardly a pause between two of an application, so that
 * one begins while the markers of the last are under way.
 */
const STYLES = {
  mixed: { openUs: [0, 0, 0, 0, 20_000, 200_000, 'past-timeout'], late: [0, 0, 1, 2], follows: 40, spread: 40, most: 6_000, aborts: 25 },
  held: { openUs: [20_000, 60_000, 200_000, 'past-timeout', 'past-timeout'], late: [0, 1, 1, 2], follows: 20, spread: 75, most: 1_500, aborts: 40 },
  bursts: { openUs: [0, 0, 0, 0, 0, 0, 0, 20_000], late: [0, 0, 0, 1], follows: 90, spread: 40, most: 6_000, aborts: 40 },
} as const

function topicsOf(shape: WorkloadShape, count: number, partitions: number): TopicSpec[] {
  return NAMES.slice(0, count).map(name => ({
    name, partitions, replicationFactor: shape.replicationFactor,
    configs: { 'min.insync.replicas': String(shape.minInsyncReplicas), 'unclean.leader.election.enable': String(shape.uncleanLeaderElection) },
  }))
}

/**
 * Below the smallest segment that is drawn, also by a rolling restart: a larger batch is refused for ever
 * (RECORD_LIST_TOO_LARGE), and who must write everything in the end would never come to one.
 */
export const BATCH_SIZE = 500

/** Settings of a transactional application; the transaction time-out follows the plan's scale. */
export function transactionalApp(shape: WorkloadShape, host: string, transactionalId: string, timeoutMs: number): ClientSpec {
  const { deliveryTimeoutMs, ...config } = shape.clientTimeouts
  return {
    host, kind: 'app', config,
    producer: { acks: -1, enableIdempotence: true, transactionalId, transactionTimeoutMs: timeoutMs, deliveryTimeoutMs, maxBlockMs: deliveryTimeoutMs, batchSize: BATCH_SIZE },
    consumer: { isolationLevel: 'read_committed' },
  }
}

export function scaledMs(shape: WorkloadShape, ms: number): number {
  return Math.round((ms * shape.clientTimeouts.requestTimeoutMs) / 700)
}

function draw(shape: WorkloadShape): Arbitrary<WorkloadDraft> {
  return fc.record({
    topics: fc.constantFrom(1, 1, 2), partitions: fc.constantFrom(1, 2, 3, 3),
    apps: fc.integer({ min: 1, max: shape.closeUp ? 2 : 3 }), shared: fc.integer({ min: 0, max: 99 }).map(n => n < 40), plain: fc.boolean(), uncommitted: fc.boolean().map(drawn => shape.pinned.uncommittedReader ?? drawn),
    timeoutMs: fc.constantFrom(...TIMEOUTS_MS), style: fc.constantFrom('mixed' as const, 'held' as const, 'bursts' as const),
  }).chain(drawn => {
    const topics = topicsOf(shape, drawn.topics, drawn.partitions)
    const style = STYLES[drawn.style]
    const timeoutMs = scaledMs(shape, Math.min(drawn.timeoutMs, style.most))
    const pastTimeoutUs = Math.min(timeoutMs * 1_500, Math.floor(shape.chaosUs / 2))
    const host = (index: number): string => `client-${index + 1}`
    const apps = Array.from({ length: drawn.apps }, (_, index) => transactionalApp(shape, host(index), drawn.shared ? 'shared' : `app-${index + 1}`, timeoutMs))
    const { deliveryTimeoutMs: _, ...timeouts } = shape.clientTimeouts
    const levels: readonly ('read_committed' | 'read_uncommitted')[] = drawn.uncommitted ? ['read_committed', 'read_uncommitted'] : ['read_committed']
    const consumers = levels.map((isolationLevel, index): ClientSpec => ({ host: host(apps.length + index), kind: 'consumer', config: { ...timeouts, autoOffsetReset: 'earliest', fetchMaxWaitMs: 100, isolationLevel } }))
    const producers = drawn.plain ? [{ host: host(apps.length + consumers.length), kind: 'producer', config: { ...shape.clientTimeouts, acks: shape.pinned.acks ?? -1, enableIdempotence: shape.pinned.idempotence ?? true, maxBlockMs: shape.clientTimeouts.deliveryTimeoutMs } } satisfies ClientSpec] : []
    const places = topics.flatMap(({ name, partitions }) => Array.from({ length: partitions }, (__, partition) => ({ topic: name, partition })))
    const place = fc.constantFrom(...places)
    const key = fc.option(fc.integer({ min: 0, max: 9 }).map(n => `k${n}`), { nil: null })
    const at = fc.integer({ min: 0, max: shape.chaosUs })
    const transaction: Arbitrary<Following> = fc.record({
      at, client: fc.constantFrom(...apps.map(app => app.host)), f: fc.constant('transact' as const),
      // Now and then one without any record: its end is a request of its own kind (KAFKA-18464).
      // Often to each partition once: what comes late then concerns none that is in the transaction already.
      sends: fc.oneof(
        { weight: 10, arbitrary: fc.constant([]) }, { weight: 90 - style.spread, arbitrary: fc.array(fc.tuple(place, key).map(([where, of]): TransactedSend => ({ ...where, key: of })), { minLength: 1, maxLength: 5, size: 'max' }) },
        { weight: style.spread, arbitrary: fc.tuple(fc.shuffledSubarray(places, { minLength: Math.min(2, places.length) }), key).map(([wheres, of]) => wheres.map((where): TransactedSend => ({ ...where, key: of }))) },
      ),
      end: fc.integer({ min: 0, max: 99 }).map(n => (n < style.aborts ? 'abort' as const : 'commit' as const)),
      openUs: fc.constantFrom(...style.openUs).map(us => (us === 'past-timeout' ? pastTimeoutUs : us)),
      late: fc.constantFrom(...style.late), follows: fc.integer({ min: 0, max: 99 }).map(n => n < style.follows),
    }).map(({ late, ...drawn }) => (late === 0 ? drawn : { ...drawn, late }))
    const send: Arbitrary<OperationDraft> = fc.record({ at, client: fc.constant(producers[0]?.host ?? ''), f: fc.constant('send' as const), where: place, key, size: fc.constant(0) })
      .map(({ where, ...rest }) => ({ ...rest, ...where }))
    const count = shape.operations > 0 ? { minLength: shape.operations, maxLength: shape.operations } : shape.closeUp ? { minLength: 3, maxLength: 15 } : { minLength: 10, maxLength: 50 }
    const reads = consumers.flatMap(({ host: client }) => topics.map(({ name, partitions }): OperationDraft => ({ at: 0, client, f: 'consume', topic: name, partitions: Array.from({ length: partitions }, (__, index) => index), from: 'earliest' })))
    return fc.tuple(fc.array(transaction, { ...count, size: 'max' }), producers.length === 0 || shape.operations > 0 ? fc.constant([]) : fc.array(send, { minLength: 0, maxLength: 20, size: 'max' })).map(([transactions, sends]) => ({
      topics,
      clients: [...apps, ...consumers, ...producers],
      operations: [...reads, ...inBursts(transactions), ...sends].sort((a, b) => a.at - b.at).map((draft, id) => ({ ...draft, id }) as PlanOperation),
      // A transaction that was left open must time out before the last stable offset can pass it.
      settleMs: 2 * timeoutMs,
    }))
  })
}

type Following = Extract<OperationDraft, { f: 'transact' }> & { readonly follows: boolean }

/** Many a transaction comes right behind another one of its application, when that one's markers may not be written yet. */
export function inBursts(drafts: readonly Following[]): OperationDraft[] {
  let before: OperationDraft | undefined
  return [...drafts].sort((a, b) => a.at - b.at).map(({ follows, ...draft }) => {
    before = follows && before !== undefined ? { ...draft, at: before.at, client: before.client } : draft
    return before
  })
}

export const transactions: Workload = {
  name: 'transactions',
  describes: 'transactions over several partitions, committed, aborted, timed out and fenced, beside readers of both isolation levels',
  draw,
  client: context => (context.spec.kind === 'app' ? runTransactions(context, plainPayload) : runClient(context, plainPayload)),
  *drain(context) {
    const refused = yield* useTransactionalIds(context, plainPayload)
    return { ...yield* drainTopics(context, plainPayload, 'read_committed'), ...(refused === undefined ? {} : { refused }) }
  },
  checkers: ['kafka-log'],
}
