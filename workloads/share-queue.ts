/**
 * A share group (KIP-932) as a queue: producers feed a topic, two to four workers come, go, pause and crash while they work on
 * what they are handed. Some jobs are poison: who gets one releases it, until it is archived; some are rejected.
 *
 * After everything has healed a last worker takes what is left: until every record has been handed to somebody and nothing comes
 * for longer than a lock lasts, or until it has waited for longer than all that may be in the way.
 */
import fc, { type Arbitrary } from 'fast-check'
import type { Task } from '../src/base/task.ts'
import { US_PER_MS } from '../src/base/time.ts'
import { ShareConsumer } from '../src/client/share/share-consumer.ts'
import type { Acknowledgement, ShareRecord } from '../src/client/share/share-record.ts'
import { DEFAULT_SHARE_CONSUMER_CONFIG } from '../src/config/client.ts'
import type { ShareConsumerConfig } from '../src/config/client.ts'
import { shareSettings } from '../src/config/share.ts'
import type { ClientSpec, OperationDraft, PlanOperation, WorkloadDraft, WorkloadShape } from '../src/config/workload.ts'
import type { Env } from '../src/env/env.ts'
import type { Json } from '../src/history/operation.ts'
import { runClient } from './client-script.ts'
import type { ClientContext, ClientRecorder, DrainContext, DrainResult, Workload } from './contract.ts'
import { drainTopics } from './drain.ts'
import { plainPayload, valueOf } from './records.ts'
import { RecordedAcknowledgements } from './recorded-acknowledgements.ts'
import { BATCH_SIZE, scaledMs } from './transactions.ts'

const TOPIC = 'jobs'
const GROUP = 'workers'
const MOST_WORKERS = 4
const POLL_MS = 60
const CLOSE_MS = 500
/** One job in so many. */
const POISON = 9
const REJECTED = 13
/** How long nothing comes before it is over, in locks and besides: when all is delivered, and when something is not. */
const DONE = { locks: 1, ms: 300 }
const GIVEN_UP = { locks: 3, ms: 3_000 }
const DELIVERED = 'delivered'

function draw(shape: WorkloadShape): Arbitrary<WorkloadDraft> {
  const { deliveryTimeoutMs, ...config } = shape.clientTimeouts
  const { groupShareRecordLockDurationMs: lockMs, groupShareDeliveryCountLimit: limit, groupShareSessionTimeoutMs: sessionMs } = shareSettings(shape.server)
  return fc.record({
    partitions: fc.constantFrom(1, 1, 2), workers: fc.integer({ min: 2, max: shape.closeUp ? 2 : MOST_WORKERS }), feeders: fc.constantFrom(1, 2), workMs: fc.constantFrom(0, 5, 60, 700),
    lingerMs: fc.constantFrom(0, 20), batchSize: fc.constantFrom(BATCH_SIZE, 16_384),
    share: fc.record({
      shareAcknowledgementMode: fc.constantFrom('explicit' as const, 'explicit' as const, 'implicit' as const), shareAcquireMode: fc.constantFrom('batch_optimized' as const, 'record_limit' as const),
      maxPollRecords: fc.constantFrom(1, 3, 500),
    }),
    starts: fc.array(fc.integer({ min: 0, max: Math.floor(shape.chaosUs / 2) }), { minLength: MOST_WORKERS, maxLength: MOST_WORKERS }),
    stays: fc.array(fc.option(fc.integer({ min: 300_000, max: shape.chaosUs }), { nil: null, freq: 2 }), { minLength: MOST_WORKERS, maxLength: MOST_WORKERS }),
  }).chain(({ partitions, workers, feeders, workMs, lingerMs, batchSize, share, starts, stays }) => {
    const host = (index: number): string => `client-${index + 1}`
    const apps = Array.from({ length: workers }, (_, index): ClientSpec => ({ host: host(index), kind: 'share', deliveryLimit: limit, lockMs, isReadCommitted: shareSettings(shape.server).shareIsolationLevel === 'read_committed', config: { ...config, ...share, groupId: GROUP, fetchMaxWaitMs: 100 } }))
    const producers = Array.from({ length: feeders }, (_, index): ClientSpec => ({
      host: host(workers + index), kind: 'producer', config: { ...shape.clientTimeouts, acks: shape.pinned.acks ?? -1, enableIdempotence: shape.pinned.idempotence ?? true, maxBlockMs: deliveryTimeoutMs, batchSize, lingerMs },
    }))
    const runs = apps.map(({ host: client }, index): OperationDraft => ({
      at: index === 0 ? 0 : starts[index]!, client, f: 'run', script: 'share', ...(workMs === 0 ? {} : { workUs: scaledMs(shape, workMs) * US_PER_MS }), ...(index === 0 || stays[index] === null ? {} : { forUs: stays[index]! }),
    }))
    // Several at a time, so that batches hold more than one record.
    const burst: Arbitrary<OperationDraft[]> = fc.record({
      at: fc.integer({ min: 0, max: shape.chaosUs }), client: fc.constantFrom(...producers.map(one => one.host)), partition: fc.integer({ min: 0, max: partitions - 1 }), size: fc.constantFrom(1, 2, 4, 6),
    }).map(({ at, client, partition, size }) => Array.from({ length: size }, (): OperationDraft => ({ at, client, f: 'send', topic: TOPIC, partition, key: null, size: 0 })))
    const count = shape.operations > 0 ? { minLength: shape.operations, maxLength: shape.operations } : shape.closeUp ? { minLength: 3, maxLength: 10 } : { minLength: 6, maxLength: 30 }
    return fc.array(burst, { ...count, size: 'max' }).map((bursts): WorkloadDraft => ({
      topics: [{
        name: TOPIC, partitions, replicationFactor: shape.replicationFactor,
        configs: {
          'min.insync.replicas': String(shape.minInsyncReplicas), 'unclean.leader.election.enable': String(shape.uncleanLeaderElection),
          // Nothing may expire before it is worked on.
          'retention.ms': '604800000', 'retention.bytes': '-1',
        },
      }],
      clients: [...apps, ...producers],
      operations: [...runs, ...bursts.flat().slice(0, shape.operations > 0 ? shape.operations : undefined)].sort((a, b) => a.at - b.at).map((draft, id) => ({ ...draft, id }) as PlanOperation),
      settleMs: (limit + 2 * GIVEN_UP.locks) * lockMs + 2 * sessionMs + 2 * GIVEN_UP.ms,
    }))
  })
}

interface Worker {
  readonly env: Env
  readonly recorder: ClientRecorder
  readonly name: string
  readonly config: Partial<ShareConsumerConfig> & { readonly groupId: string }
  readonly limit: number
  readonly workUs: number
  /** `partition@offset` of all that anybody was handed. */
  readonly delivered: Set<string>
}

/** Works until told to stop; `isDone` hears how many records the last poll brought. */
function* work({ env, recorder, name, config, limit, workUs, delivered }: Worker, isDone: (polled: number) => boolean): Task<void> {
  const acknowledged = new RecordedAcknowledgements(recorder, { group: config.groupId, member: name, limit })
  const consumer = new ShareConsumer(env, { ...DEFAULT_SHARE_CONSUMER_CONFIG, ...config, clientId: name }, outcome => acknowledged.settle(outcome))
  consumer.subscribe([TOPIC])
  for (let polled = 0; !isDone(polled);) {
    const invoked = recorder.invoke('acquire', { group: config.groupId, member: name })
    const { records, unreadable, error } = yield* consumer.poll(POLL_MS)
    polled = records.length
    if (error !== undefined) invoked.fail(error)
    else {
      for (const { topic, partition, offset } of records) delivered.add(`${topic}-${partition}@${offset}`)
      for (const { topic, partition, firstOffset, lastOffset } of unreadable) for (let offset = firstOffset; offset <= lastOffset; offset++) delivered.add(`${topic}-${partition}@${offset}`)
      invoked.ok({
        group: config.groupId, member: name, limit, records: byPartition(records.map(record => [record, [record.offset, valueOf(record, plainPayload), record.deliveryCount, consumer.pollCount - record.askedInPoll]])),
        unreadable: byPartition(unreadable.flatMap(range => Array.from({ length: range.lastOffset - range.firstOffset + 1 }, (_, n) => [range, range.firstOffset + n] as const))),
      })
    }
    if (records.length === 0) continue
    if (workUs > 0) yield* env.sleep(workUs).wait()
    const decided = records.map(record => [record, config.shareAcknowledgementMode === 'implicit' ? 'accept' : fateOf(record)] as const)
    acknowledged.begin(decided)
    if (config.shareAcknowledgementMode !== 'implicit') for (const [record, type] of decided) consumer.acknowledge(record, type)
  }
  yield* consumer.shutDown(CLOSE_MS)
  acknowledged.abandon()
}

function fateOf(record: ShareRecord): Acknowledgement {
  const id = valueOf(record, plainPayload)
  if (typeof id !== 'number') return 'accept'
  if (id % POISON === 0) return 'release'
  return id % REJECTED === 0 ? 'reject' : 'accept'
}

function byPartition(records: readonly (readonly [of: { readonly topic: string; readonly partition: number }, told: Json])[]): { [partition: string]: Json[] } {
  const map: { [partition: string]: Json[] } = {}
  for (const [{ topic, partition }, told] of records) (map[`${topic}-${partition}`] ??= []).push(told)
  return map
}

function deliveredTo(outside: Map<string, unknown>): Set<string> {
  const known = outside.get(DELIVERED) as Set<string> | undefined
  if (known !== undefined) return known
  const created = new Set<string>()
  outside.set(DELIVERED, created)
  return created
}

function* runWorker({ env, spec, recorder, operations, stop, outside }: ClientContext): Task<void> {
  const run = operations.find(({ f }) => f === 'run')
  if (spec.kind !== 'share' || run?.f !== 'run') return
  if (run.at > 0) yield* env.sleep(run.at).wait()
  const end = run.forUs === undefined ? Number.POSITIVE_INFINITY : env.now() + run.forUs
  const name = env.incarnation === 0 ? spec.host : `${spec.host}#${env.incarnation}`
  yield* work({ env, recorder, name, config: spec.config, limit: spec.deliveryLimit, workUs: run.workUs ?? 0, delivered: deliveredTo(outside) }, () => stop.isSettled || env.now() >= end)
}

function* drain(context: DrainContext): Task<DrainResult> {
  const { env, recorder, clients, bootstrapServers, outside } = context
  const spec = clients.find(one => one.kind === 'share')
  const isolation = spec?.kind === 'share' && spec.isReadCommitted ? 'read_committed' : 'read_uncommitted'
  const records: (readonly [{ readonly topic: string; readonly partition: number }, Json])[] = []
  const missing = new Set<string>()
  const delivered = deliveredTo(outside)
  const result = yield* drainTopics(context, plainPayload, isolation, record => {
    records.push([record, [record.offset, valueOf(record, plainPayload)]])
    missing.add(`${record.topic}-${record.partition}@${record.offset}`)
  })
  if (spec?.kind === 'share') {
    const quietUs = ({ locks, ms }: typeof DONE): number => (locks * spec.lockMs + ms) * US_PER_MS
    let lastAt = env.now()
    yield* work({ env, recorder, name: 'last', config: { ...spec.config, bootstrapServers }, limit: spec.deliveryLimit, workUs: 0, delivered }, polled => {
      if (polled > 0) lastAt = env.now()
      for (const key of missing) if (delivered.has(key)) missing.delete(key)
      return env.now() - lastAt >= quietUs(missing.size === 0 ? DONE : GIVEN_UP)
    })
  }
  recorder.invoke('in-log', { group: GROUP }).ok({ group: GROUP, records: byPartition(records) })
  return result
}

export const shareQueue: Workload = {
  name: 'share-queue',
  describes: 'workers of a share group that come, go, pause and crash: every job is handed to somebody, to one at a time, and never again when it is done',
  draw,
  client: context => (context.spec.kind === 'share' ? runWorker(context) : runClient(context, plainPayload)),
  drain,
  checkers: ['kafka-log', 'share-group'],
  requires: ['no-loss', 'read-stays'],
}
