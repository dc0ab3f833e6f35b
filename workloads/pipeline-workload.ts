/**
 * Workloads around a consume-transform-produce application: producers feed the input, two to four instances come and go,
 * pause and crash, and a last one finishes after everything has healed. Judged by what became of each input.
 */
import fc, { type Arbitrary } from 'fast-check'
import type { Task } from '../src/base/task.ts'
import { US_PER_MS } from '../src/base/time.ts'
import type { ConsumerConfig } from '../src/config/client.ts'
import type { ClientSpec, OperationDraft, PlanOperation, TopicSpec, WorkloadDraft, WorkloadShape } from '../src/config/workload.ts'
import type { Json } from '../src/history/operation.ts'
import { runClient } from './client-script.ts'
import type { ClientContext, DrainContext, DrainResult, Workload } from './contract.ts'
import { copySink, inputOf } from './copy-sink.ts'
import { databaseOf, databaseSink, type Ordering, outputsOf } from './database-sink.ts'
import { deliveredTo, deliverySink } from './delivery-sink.ts'
import { drainTopics } from './drain.ts'
import { idempotentCopySink } from './idempotent-copy-sink.ts'
import { inputKey, type Instance, runInstance, type Sink, untilProcessed } from './pipeline.ts'
import { plainPayload } from './records.ts'
import { BATCH_SIZE, scaledMs } from './transactions.ts'

const OUTPUT = 'invoices'

type Semantics = 'exactly-once' | 'at-least-once' | 'at-most-once'

interface Kind {
  readonly name: string
  readonly describes: string
  readonly semantics: Semantics
  readonly input: string
  readonly group: string
  /** Topics beside the input. */
  readonly outputs: readonly string[]
  /** Its instances write transactions. */
  readonly isTransactional: boolean
  /** Half of the plans commit by themselves, every auto.commit.interval.ms, what earlier polls handed out. */
  readonly mayAutoCommit: boolean
  /** A third of the plans commit record by record. */
  readonly mayCommitEach: boolean
  /** Partitions of the input to draw from, and most instances. */
  readonly partitions: readonly number[]
  readonly mostInstances: number
  readonly makeSink: (instance: Instance, outputPartitions: number) => Sink
  /** Inputs of all committed outputs; `read`: those found in the topics. */
  readonly outputsAtLast: (context: DrainContext, read: readonly Json[]) => readonly Json[]
}

/** Time-outs as far from one another as Kafka's defaults are, in milliseconds before the plan's scale. */
const TRANSACTION_TIMEOUT_MS = 1_200
const SESSION_TIMEOUT_MS = 900
const HEARTBEAT_MS = 120
const MAX_POLL_MS = 1_500

export function groupSettings(shape: WorkloadShape): { readonly timeouts: Partial<ConsumerConfig>; readonly drawn: Arbitrary<Partial<ConsumerConfig>> } {
  const scaled = (ms: number): number => scaledMs(shape, ms)
  return {
    timeouts: { sessionTimeoutMs: scaled(SESSION_TIMEOUT_MS), heartbeatIntervalMs: scaled(HEARTBEAT_MS), maxPollIntervalMs: scaled(MAX_POLL_MS), autoCommitIntervalMs: scaled(300), defaultApiTimeoutMs: scaled(3_000), autoOffsetReset: 'earliest', fetchMaxWaitMs: 100 },
    drawn: fc.record({
      groupProtocol: fc.constantFrom('classic' as const, 'consumer' as const),
      partitionAssignmentStrategy: fc.constantFrom(['range'] as const, ['roundrobin'] as const, ['sticky'] as const, ['cooperative-sticky'] as const),
      maxPollRecords: fc.constantFrom(1, 3, 500),
    }),
  }
}

function topic(shape: WorkloadShape, name: string, partitions: number): TopicSpec {
  return {
    name, partitions, replicationFactor: shape.replicationFactor,
    configs: {
      'min.insync.replicas': String(shape.minInsyncReplicas), 'unclean.leader.election.enable': String(shape.uncleanLeaderElection),
      // Nothing may expire before it is processed.
      'retention.ms': '604800000', 'retention.bytes': '-1',
    },
  }
}

function drawPipeline(kind: Kind, shape: WorkloadShape): Arbitrary<WorkloadDraft> {
  const { timeouts, drawn } = groupSettings(shape)
  const { deliveryTimeoutMs, ...config } = shape.clientTimeouts
  const scaled = (ms: number): number => scaledMs(shape, ms)
  return fc.record({
    partitions: fc.constantFrom(...kind.partitions), outputPartitions: fc.constantFrom(1, 2), instances: fc.integer({ min: 2, max: shape.closeUp ? 2 : kind.mostInstances }),
    workMs: fc.constantFrom(0, 0, 5, 60), transactionTimeoutMs: fc.constantFrom(TRANSACTION_TIMEOUT_MS, 4 * TRANSACTION_TIMEOUT_MS),
    autoCommit: kind.mayAutoCommit ? fc.boolean() : fc.constant(false), commitsEach: kind.mayCommitEach ? fc.integer({ min: 0, max: 2 }).map(n => n === 0) : fc.constant(false), feeders: fc.constantFrom(1, 2),
    group: drawn, isStatic: fc.integer({ min: 0, max: 99 }).map(n => n < 25), starts: fc.array(fc.integer({ min: 0, max: Math.floor(shape.chaosUs / 2) }), { minLength: kind.mostInstances, maxLength: kind.mostInstances }),
    stays: fc.array(fc.option(fc.integer({ min: 300_000, max: shape.chaosUs }), { nil: null, freq: 2 }), { minLength: kind.mostInstances, maxLength: kind.mostInstances }),
  }).chain(({ partitions, outputPartitions, instances, feeders, group, isStatic, starts, stays, autoCommit, commitsEach, workMs, transactionTimeoutMs }) => {
    const host = (index: number): string => `client-${index + 1}`
    const apps = Array.from({ length: instances }, (_, index): ClientSpec => ({
      host: host(index), kind: 'app', config,
      producer: kind.outputs.length === 0 ? {} : {
        acks: -1, enableIdempotence: true, deliveryTimeoutMs, maxBlockMs: deliveryTimeoutMs, batchSize: BATCH_SIZE,
        ...(kind.isTransactional ? { transactionalId: `${kind.group}-${index + 1}`, transactionTimeoutMs: scaled(transactionTimeoutMs) } : {}),
      },
      ...(shape.pinned.withoutGroupMetadata === true && kind.isTransactional ? { withoutGroupMetadata: true } : {}),
      consumer: {
        ...timeouts, ...group,
        // A KIP-848 group takes no offsets from who names no member of it, while it has any.
        ...(shape.pinned.withoutGroupMetadata === true ? { groupProtocol: 'classic' as const } : {}),
        groupId: kind.group, enableAutoCommit: autoCommit, isolationLevel: 'read_committed', ...(isStatic ? { groupInstanceId: host(index) } : {}),
      },
    }))
    const producers = Array.from({ length: feeders }, (_, index): ClientSpec => ({
      host: host(instances + index), kind: 'producer', config: { ...shape.clientTimeouts, acks: shape.pinned.acks ?? -1, enableIdempotence: shape.pinned.idempotence ?? true, maxBlockMs: deliveryTimeoutMs, batchSize: BATCH_SIZE },
    }))
    const runs = apps.map(({ host: client }, index): OperationDraft => ({ at: index === 0 ? 0 : starts[index]!, client, f: 'run', script: 'pipeline', ...(workMs === 0 ? {} : { workUs: scaled(workMs) * US_PER_MS }), ...(commitsEach && !autoCommit && group.groupProtocol === 'classic' ? { commitsEach } : {}), ...(index === 0 || stays[index] === null ? {} : { forUs: stays[index]! }) }))
    const send: Arbitrary<OperationDraft> = fc.record({
      at: fc.integer({ min: 0, max: shape.chaosUs }), client: fc.constantFrom(...producers.map(one => one.host)), f: fc.constant('send' as const), topic: fc.constant(kind.input),
      partition: fc.integer({ min: 0, max: partitions - 1 }), key: fc.option(fc.integer({ min: 0, max: 9 }).map(n => `k${n}`), { nil: null }), size: fc.constant(0),
    })
    const count = shape.operations > 0 ? { minLength: shape.operations, maxLength: shape.operations } : shape.closeUp ? { minLength: 4, maxLength: 25 } : { minLength: 15, maxLength: 80 }
    return fc.array(send, { ...count, size: 'max' }).map((sends): WorkloadDraft => ({
      topics: [topic(shape, kind.input, partitions), ...kind.outputs.map(name => topic(shape, name, outputPartitions))],
      clients: [...apps, ...producers],
      operations: [...runs, ...sends].sort((a, b) => a.at - b.at).map((draft, id) => ({ ...draft, id }) as PlanOperation),
      settleMs: scaled(2 * SESSION_TIMEOUT_MS + 2 * MAX_POLL_MS + 2 * transactionTimeoutMs + TRANSACTION_TIMEOUT_MS),
    }))
  })
}

function* runApp(kind: Kind, context: ClientContext): Task<void> {
  const { env, spec, recorder, stop, outside, topics } = context
  const run = context.operations.find(({ f }) => f === 'run')
  if (spec.kind !== 'app' || run?.f !== 'run') return
  if (run.at > 0) yield* env.sleep(run.at).wait()
  const end = run.forUs === undefined ? Number.POSITIVE_INFINITY : env.now() + run.forUs
  const name = env.incarnation === 0 ? spec.host : `${spec.host}#${env.incarnation}`
  const instance: Instance = { env, recorder, name, outside, sendsGroupMetadata: spec.withoutGroupMetadata !== true, input: kind.input, payload: plainPayload, workUs: run.workUs ?? 0, commitsEach: run.commitsEach === true, producer: { clientId: name, ...spec.config, ...spec.producer }, consumer: { clientId: name, ...spec.config, ...spec.consumer } }
  const partitions = topics.find(one => one.name === OUTPUT)?.partitions ?? 1
  // oxlint-disable-next-line require-yield
  yield* runInstance(instance, of => kind.makeSink(of, partitions), function* () {
    return stop.isSettled || env.now() >= end
  })
}

function* drain(kind: Kind, context: DrainContext): Task<DrainResult> {
  const { env, recorder, topics, clients, bootstrapServers, outside } = context
  const app = clients.find(one => one.kind === 'app')
  const input = topics.find(({ name }) => name === kind.input)
  if (app?.kind === 'app' && input !== undefined) {
    const timeouts = { ...app.config, bootstrapServers }
    const { groupInstanceId: _, ...consumer } = app.consumer
    const last: Instance = {
      env, recorder, name: 'last', outside, sendsGroupMetadata: app.withoutGroupMetadata !== true, input: kind.input, payload: plainPayload, workUs: 0, commitsEach: false,
      producer: { clientId: 'last', ...timeouts, ...app.producer, ...(kind.isTransactional ? { transactionalId: `${kind.group}-last` } : {}) }, consumer: { clientId: 'last', ...timeouts, ...consumer },
    }
    const partitions = Array.from({ length: input.partitions }, (__, partition) => ({ topic: kind.input, partition }))
    yield* runInstance(last, of => kind.makeSink(of, topics.find(({ name }) => name === OUTPUT)?.partitions ?? 1), untilProcessed(env, partitions, bootstrapServers, timeouts))
  }
  const inputs = new Set<string>()
  const outputs: Json[] = []
  const result = yield* drainTopics(context, plainPayload, 'read_committed', record => {
    const from = inputOf(record)
    if (record.topic === kind.input) inputs.add(JSON.stringify(inputKey(record)))
    else if (from !== undefined) outputs.push(from)
  })
  for (const key of inputs) recorder.invoke('input', JSON.parse(key) as Json).ok(JSON.parse(key) as Json)
  recorder.invoke('read-outputs', null).ok(kind.outputsAtLast(context, outputs).slice())
  return result
}

function pipelineWorkload(kind: Kind): Workload {
  return {
    name: kind.name,
    describes: kind.describes,
    draw: shape => drawPipeline(kind, shape),
    client: context => (context.spec.kind === 'app' ? runApp(kind, context) : runClient(context, plainPayload)),
    drain: context => drain(kind, context),
    checkers: ['kafka-log', 'groups', kind.semantics],
    requires: ['no-loss', 'read-stays'],
  }
}

export const copyExactlyOnce = pipelineWorkload({
  name: 'copy-exactly-once',
  describes: 'consume, transform, produce in transactions, with instances that come, go, pause and crash: each input has one committed output',
  semantics: 'exactly-once', input: 'orders', group: 'billing', outputs: [OUTPUT], isTransactional: true, mayAutoCommit: false, mayCommitEach: false, partitions: [1, 2, 3], mostInstances: 4,
  makeSink: (instance, partitions) => copySink(instance, { topic: OUTPUT, partitions }),
  outputsAtLast: (_, read) => read,
})

export const copyIdempotent = pipelineWorkload({
  name: 'copy-idempotent',
  describes: 'consume, transform, produce with an idempotent producer but no transactions: duplicates across producer sessions, never loss',
  semantics: 'at-least-once', input: 'orders', group: 'billing', outputs: [OUTPUT], isTransactional: false, mayAutoCommit: false, mayCommitEach: false, partitions: [1, 2, 3], mostInstances: 4,
  makeSink: (instance, partitions) => idempotentCopySink(instance, { topic: OUTPUT, partitions }),
  outputsAtLast: (_, read) => read,
})

function outbox(name: string, ordering: Ordering, semantics: Semantics, describes: string): Workload {
  return pipelineWorkload({
    name, describes, semantics, input: 'orders', group: 'billing', outputs: [], isTransactional: false, mayAutoCommit: false, mayCommitEach: false, partitions: [1, 2, 3], mostInstances: 4,
    makeSink: instance => databaseSink(instance, ordering),
    outputsAtLast: ({ outside }) => outputsOf(databaseOf(outside)),
  })
}

export const outboxWorkloads: readonly Workload[] = [
  outbox('outbox', 'in-database', 'exactly-once', 'a pipeline into an SQL database that keeps the position in the same database transaction: exactly once'),
  outbox('outbox-commit-after', 'commit-after', 'at-least-once', 'a pipeline into an SQL database that commits the offset after its transaction: duplicates after a crash, never loss'),
  outbox('outbox-commit-before', 'commit-before', 'at-most-once', 'a pipeline into an SQL database that commits the offset before its transaction: loss after a crash, never duplicates'),
]

export const rebalance = pipelineWorkload({
  name: 'rebalance',
  describes: 'members of group `analytics` come, go, pause and restart while they read `user_actions`: one owner a partition, nothing that no owner was handed',
  semantics: 'at-least-once', input: 'user_actions', group: 'analytics', outputs: [], isTransactional: false, mayAutoCommit: true, mayCommitEach: true, partitions: [3, 3, 4, 6], mostInstances: 6,
  makeSink: deliverySink,
  outputsAtLast: ({ outside }) => deliveredTo(outside),
})
