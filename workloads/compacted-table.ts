/**
 * A table in a compacted topic: a few keys, written and deleted again and again, and others hardly ever, by producers that do
 * not know of each other; one reader keeps up, another comes late and starts over. In half of the plans an application writes
 * rows of several keys in transactions, some of them aborted. Keys are names, or numbers as IntegerSerializer writes them,
 * which are as long as the keys of transaction markers. Replicas move to brokers that must copy what compaction has
 * left, and the topic changes how it rolls and is cleaned. Segments of a few batches, so that cleaning happens within seconds.
 */
import fc, { type Arbitrary } from 'fast-check'
import type { ClientSpec, OperationDraft, PlanOperation, TopicSpec, WorkloadDraft, WorkloadShape } from '../src/config/workload.ts'
import { runClient } from './client-script.ts'
import type { Workload } from './contract.ts'
import { drainTopics } from './drain.ts'
import { plainPayload } from './records.ts'
import { runTransactions } from './transact.ts'
import { scaledMs, transactionalApp } from './transactions.ts'

const TOPIC = 'table'
const PRODUCERS = ['client-1', 'client-2']
const EAGER = 'client-3'
const LATE = 'client-4'
const ADMIN = 'client-5'
const APP = 'client-6'
const TRANSACTION_TIMEOUT_MS = 1_500
const ALTERATIONS = [['segment.bytes', '500'], ['segment.ms', '250'], ['min.cleanable.dirty.ratio', '0.01'], ['min.compaction.lag.ms', '150'], ['max.compaction.lag.ms', '400'], ['index.interval.bytes', '100']] as const

function topic(shape: WorkloadShape): Arbitrary<TopicSpec> {
  return fc.record({
    partitions: shape.closeUp ? fc.constant(1) : fc.constantFrom(1, 1, 2),
    policy: fc.constantFrom('compact', 'compact', 'compact', 'compact,delete'),
    segmentBytes: fc.constantFrom(400, 600, 1_000, 2_000),
    segmentMs: fc.constantFrom(300, 800, 600_000),
    ratio: fc.constantFrom('0', '0.1', '0.4'),
    deleteRetentionMs: fc.constantFrom(50, 300, 1_500, 1_500),
    minLagMs: fc.constantFrom(0, 0, 0, 200),
    timestampType: fc.constantFrom('CreateTime', 'CreateTime', 'LogAppendTime'),
  }).map(({ partitions, policy, segmentBytes, segmentMs, ratio, deleteRetentionMs, minLagMs, timestampType }) => ({
    name: TOPIC,
    partitions,
    replicationFactor: shape.replicationFactor,
    configs: {
      'min.insync.replicas': String(shape.minInsyncReplicas),
      'unclean.leader.election.enable': String(shape.uncleanLeaderElection),
      'cleanup.policy': policy,
      // The table is to be kept: retention has something to do only below a log start that somebody moved.
      'retention.ms': '604800000',
      'segment.bytes': String(segmentBytes),
      'segment.ms': String(segmentMs),
      'min.cleanable.dirty.ratio': ratio,
      'delete.retention.ms': String(deleteRetentionMs),
      'min.compaction.lag.ms': String(minLagMs),
      'message.timestamp.type': timestampType,
    },
  }))
}

function clients(shape: WorkloadShape): Arbitrary<readonly ClientSpec[]> {
  const { pinned } = shape
  const { deliveryTimeoutMs: _, ...timeouts } = shape.clientTimeouts
  return fc.record({
    acks: pinned.acks === undefined ? fc.constantFrom<(0 | 1 | -1)[]>(-1, -1, -1, -1, -1, -1, -1, 1) : fc.constant(pinned.acks),
    maxInFlight: pinned.maxInFlight === undefined ? fc.constantFrom(1, 5, 5) : fc.constant(pinned.maxInFlight),
    batchSize: fc.constantFrom(1, 200, 300),
    linger: fc.constantFrom(0, 0, 4),
    maxPollRecords: fc.constantFrom(2, 10, 500),
    hasApp: fc.boolean(),
  }).map(({ acks, maxInFlight, batchSize, linger, maxPollRecords, hasApp }) => {
    const producer = (host: string): ClientSpec => ({
      host,
      kind: 'producer',
      config: {
        ...shape.clientTimeouts, acks, enableIdempotence: acks === -1 && (pinned.idempotence ?? true) && pinned.retries !== false, maxInFlightRequestsPerConnection: maxInFlight, batchSize,
        lingerMs: linger, maxBlockMs: shape.clientTimeouts.deliveryTimeoutMs, ...(pinned.retries === false ? { retries: 0 } : {}),
      },
    })
    const consumer = (host: string, most: number): ClientSpec => ({
      host, kind: 'consumer', config: { ...timeouts, autoOffsetReset: 'earliest', fetchMaxWaitMs: 100, maxPollRecords: most, isolationLevel: 'read_committed', ...(shape.server.rackAwareReplicaSelector ? { clientRack: 'b' } : {}) },
    })
    return [
      ...PRODUCERS.map(producer), consumer(EAGER, 500), consumer(LATE, maxPollRecords),
      { host: ADMIN, kind: 'admin', config: { ...timeouts, defaultApiTimeoutMs: shape.clientTimeouts.requestTimeoutMs * 2 } },
      ...(hasApp ? [transactionalApp(shape, APP, 'table-app', scaledMs(shape, TRANSACTION_TIMEOUT_MS))] : []),
    ]
  })
}

const KEYS = {
  names: (row: number): string => `k${row}`,
  integers: (row: number): string => `\u0000\u0000\u0000${String.fromCharCode(row)}`,
} as const

function operations(shape: WorkloadShape, spec: TopicSpec, hasApp: boolean, keyOf: (row: number) => string): Arbitrary<readonly PlanOperation[]> {
  const at = fc.integer({ min: 0, max: shape.chaosUs })
  const partitions = Array.from({ length: spec.partitions }, (_, index) => index)
  const row = fc.oneof({ weight: 2, arbitrary: fc.integer({ min: 0, max: 6 }) }, { weight: 1, arbitrary: fc.integer({ min: 7, max: 40 }) })
  const write: Arbitrary<OperationDraft> = fc.record({
    at, client: fc.constantFrom(...PRODUCERS), key: row, isTombstone: fc.integer({ min: 0, max: 3 }).map(n => n === 0), size: fc.constantFrom(0, 0, 20),
  }).map(({ key, isTombstone, ...rest }) => ({ ...rest, f: 'send' as const, topic: TOPIC, partition: key % spec.partitions, key: keyOf(key), ...(isTombstone ? { tombstone: true as const } : {}) }))
  const late = fc.record({ from: fc.integer({ min: 0, max: Math.floor(shape.chaosUs / 2) }), again: fc.array(at, { maxLength: 6 }) }).map(({ from, again }): OperationDraft[] => [
    { at: from, client: LATE, f: 'consume', topic: TOPIC, partitions, from: 'earliest' },
    ...again.filter(when => when > from).map((when): OperationDraft => ({ at: when, client: LATE, f: 'rewind', topic: TOPIC })),
  ])
  const replicas = fc.shuffledSubarray(shape.brokers.map(({ nodeId }) => nodeId), { minLength: shape.replicationFactor, maxLength: shape.replicationFactor })
  const change = fc.oneof(
    { weight: 2, arbitrary: fc.record({ at, replicas, partition: fc.constantFrom(...partitions) }).map((drawn): OperationDraft => ({ ...drawn, client: ADMIN, f: 'reassign', topic: TOPIC })) },
    { weight: 2, arbitrary: fc.record({ at, change: fc.constantFrom(...ALTERATIONS) }).map(({ at: when, change: [name, value] }): OperationDraft => ({ at: when, client: ADMIN, f: 'alter-config', topic: TOPIC, name, value })) },
    // For a while the cleaner leaves it alone, and finds what has gathered.
    { weight: 1, arbitrary: fc.tuple(at, fc.constantFrom('delete', 'compact')).map(([when, value]): OperationDraft => ({ at: when, client: ADMIN, f: 'alter-config', topic: TOPIC, name: 'cleanup.policy', value })) },
  )
  const transaction: Arbitrary<OperationDraft> = fc.record({
    at, end: fc.constantFrom('commit' as const, 'commit' as const, 'abort' as const), openUs: fc.constantFrom(0, 0, 20_000, 200_000), rows: fc.array(row, { minLength: 1, maxLength: 4, size: 'max' }),
  }).map(({ rows, ...rest }) => ({ ...rest, client: APP, f: 'transact' as const, sends: rows.map(key => ({ topic: TOPIC, partition: key % spec.partitions, key: keyOf(key) })) }))
  const count = shape.operations > 0 ? { minLength: shape.operations, maxLength: shape.operations } : shape.closeUp ? { minLength: 20, maxLength: 60 } : { minLength: 60, maxLength: 200 }
  const transactions = hasApp && shape.operations === 0 ? fc.array(transaction, { minLength: 2, maxLength: shape.closeUp ? 8 : 25, size: 'max' }) : fc.constant([])
  return fc.tuple(fc.array(write, { ...count, size: 'max' }), late, fc.array(change, { maxLength: 4 }), transactions).map(([writes, reads, changes, transacted]) => {
    const eager: OperationDraft = { at: 0, client: EAGER, f: 'consume', topic: TOPIC, partitions, from: 'earliest' }
    return [...writes, eager, ...reads, ...changes, ...transacted].sort((a, b) => a.at - b.at).map((draft, id) => ({ ...draft, id }) as PlanOperation)
  })
}

export const compactedTable: Workload = {
  name: 'compacted-table',
  describes: 'a table in a compacted topic: keys written and deleted again and again, a reader that keeps up, one that comes late, replicas that move',
  draw: (shape): Arbitrary<WorkloadDraft> => fc.tuple(topic(shape), clients(shape), fc.constantFrom('names' as const, 'names' as const, 'integers' as const)).chain(([spec, cast, keys]) => {
    const hasApp = cast.some(({ kind }) => kind === 'app')
    // A transaction that was left open must time out before the last stable offset can pass it.
    return operations(shape, spec, hasApp, KEYS[keys]).map(drawn => ({ topics: [spec], clients: cast, operations: drawn, ...(hasApp ? { settleMs: 2 * scaledMs(shape, TRANSACTION_TIMEOUT_MS) } : {}) }))
  }),
  client: context => (context.spec.kind === 'app' ? runTransactions(context, plainPayload) : runClient(context, plainPayload)),
  drain: context => drainTopics(context, plainPayload, 'read_committed'),
  checkers: ['kafka-log', 'compacted-table'],
}
