/**
 * The general workload: many keys over a few topics and partitions, producers with drawn acks, retries, idempotence,
 * batching and partitioner, consumers from either end, offsets asked for and metadata changed in between. Nothing it does may go wrong beyond what its
 * configuration allows.
 */
import fc, { type Arbitrary } from 'fast-check'
import type { ClientSpec, OperationDraft, PlanOperation, TopicSpec, WorkloadDraft, WorkloadShape } from '../src/config/workload.ts'
import { runClient } from './client-script.ts'
import type { Workload } from './contract.ts'
import { drainTopics } from './drain.ts'
import { metadataOperations } from './metadata-operations.ts'
import { partitionOperations } from './partition-operations.ts'
import { plainPayload } from './records.ts'

const percent = (n: number): Arbitrary<boolean> => fc.integer({ min: 0, max: 99 }).map(x => x < n)

function topics(shape: WorkloadShape): Arbitrary<readonly TopicSpec[]> {
  return fc.record({
    count: shape.closeUp ? fc.constant(1) : fc.constantFrom(1, 1, 2),
    partitions: shape.closeUp ? fc.constantFrom(1, 1, 1, 2) : fc.constantFrom(1, 1, 2, 3),
    retention: percent(shape.closeUp ? 4 : 10),
    timestampType: fc.constantFrom('CreateTime', 'CreateTime', 'CreateTime', 'LogAppendTime'),
  }).map(drawn => Array.from({ length: drawn.count }, (_, index) => ({
    name: ['orders', 'payments'][index]!,
    partitions: drawn.partitions,
    replicationFactor: shape.replicationFactor,
    configs: {
      'min.insync.replicas': String(shape.minInsyncReplicas),
      'unclean.leader.election.enable': String(shape.uncleanLeaderElection),
      'message.timestamp.type': drawn.timestampType,
      ...(drawn.retention ? { 'segment.bytes': '400', 'retention.bytes': '1600' } : {}),
    },
  })))
}

interface ProducerDraw {
  readonly acks: 0 | 1 | -1
  readonly idempotence: boolean
  readonly retries: boolean
  readonly maxInFlight: number
  readonly linger: number
  readonly batchSize: number
  readonly partitioner: 'default' | 'round-robin'
}

function producerConfig(shape: WorkloadShape): Arbitrary<ProducerDraw> {
  const { pinned } = shape
  return fc.record({
    acks: pinned.acks === undefined ? fc.constantFrom<(0 | 1 | -1)[]>(-1, -1, -1, ...(shape.closeUp ? [-1, -1, -1] as const : []), 1, 0) : fc.constant(pinned.acks),
    idempotence: pinned.idempotence === undefined ? percent(70) : fc.constant(pinned.idempotence),
    // Idempotence needs retries: who asks for it gets both.
    retries: pinned.retries === undefined ? percent(90).map(drawn => drawn || pinned.idempotence === true) : fc.constant(pinned.retries),
    maxInFlight: pinned.maxInFlight === undefined ? fc.constantFrom(1, 2, 5, 5) : fc.constant(pinned.maxInFlight),
    linger: fc.constantFrom(0, 0, 1, 5),
    batchSize: fc.constantFrom(1, 120, 400, 16_384),
    partitioner: fc.constantFrom('default' as const, 'default' as const, 'default' as const, 'round-robin' as const),
  })
}

function clients(shape: WorkloadShape): Arbitrary<{ producers: ClientSpec[]; consumers: ClientSpec[]; admins: ClientSpec[] }> {
  return fc.record({
    producers: fc.integer({ min: 1, max: shape.closeUp ? 2 : 3 }), consumers: shape.closeUp ? fc.integer({ min: 0, max: 1 }) : fc.integer({ min: 1, max: 2 }), admin: percent(shape.closeUp ? 35 : 50), drawn: producerConfig(shape), rack: fc.constantFrom('a', 'b', 'c'),
  })
    .map(({ producers, consumers, admin, drawn, rack }) => {
      const idempotence = drawn.idempotence && drawn.acks === -1 && drawn.retries
      let next = 1
      const producer = (): ClientSpec => ({
        host: `client-${next++}`,
        kind: 'producer',
        config: {
          ...shape.clientTimeouts,
          acks: drawn.acks,
          enableIdempotence: idempotence,
          retries: drawn.retries ? 2_147_483_647 : 0,
          maxInFlightRequestsPerConnection: drawn.maxInFlight,
          lingerMs: drawn.linger,
          batchSize: drawn.batchSize,
          partitioner: drawn.partitioner,
          maxBlockMs: shape.clientTimeouts.deliveryTimeoutMs,
        },
      })
      const { deliveryTimeoutMs: _, ...timeouts } = shape.clientTimeouts
      const consumer = (): ClientSpec => ({
        host: `client-${next++}`,
        kind: 'consumer',
        config: { ...timeouts, autoOffsetReset: 'earliest', fetchMaxWaitMs: 100, clientRack: shape.server.rackAwareReplicaSelector ? rack : null },
      })
      const administrator = (): ClientSpec => ({
        host: `client-${next++}`, kind: 'admin', config: { ...timeouts, defaultApiTimeoutMs: shape.clientTimeouts.requestTimeoutMs * 2 },
      })
      return {
        producers: Array.from({ length: producers }, producer),
        consumers: Array.from({ length: consumers }, consumer),
        admins: admin ? [administrator()] : [],
      }
    })
}

function operations(shape: WorkloadShape, all: readonly TopicSpec[], cast: { producers: ClientSpec[]; consumers: ClientSpec[]; admins: ClientSpec[] }): Arbitrary<PlanOperation[]> {
  const at = fc.integer({ min: 0, max: shape.chaosUs })
  const topic = fc.constantFrom(...all)
  const send: Arbitrary<OperationDraft> = topic.chain(spec => fc.record({
    at,
    client: fc.constantFrom(...cast.producers.map(({ host }) => host)),
    f: fc.constant('send' as const),
    topic: fc.constant(spec.name),
    partition: fc.oneof({ weight: 2, arbitrary: fc.integer({ min: 0, max: spec.partitions - 1 }) }, { weight: 1, arbitrary: fc.constant(null) }),
    key: fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 0, max: 20 }).map(n => `k${n}`) }, { weight: 1, arbitrary: fc.constant(null) }),
    size: fc.constantFrom(0, 0, 10, 100),
  }))
  const consume = (host: string): Arbitrary<OperationDraft> => topic.chain(spec => fc.record({
    at: fc.integer({ min: 0, max: Math.floor(shape.chaosUs / 2) }),
    client: fc.constant(host),
    f: fc.constant('consume' as const),
    topic: fc.constant(spec.name),
    partitions: fc.subarray(Array.from({ length: spec.partitions }, (_, index) => index), { minLength: 1 }),
    from: fc.constantFrom('earliest' as const, 'earliest' as const, 'latest' as const),
  }))
  const rewind = cast.consumers.map(({ host }): Arbitrary<OperationDraft[]> => percent(30).chain(on => on
    ? topic.chain(spec => fc.record({ at, client: fc.constant(host), f: fc.constant('rewind' as const), topic: fc.constant(spec.name) })).map(one => [one])
    : fc.constant([])))
  const list: Arbitrary<OperationDraft[]> = cast.admins.length === 0 ? fc.constant([]) : fc.array(topic.chain(spec => fc.record({
    at,
    client: fc.constant(cast.admins[0]!.host),
    f: fc.constant('list-offsets' as const),
    topic: fc.constant(spec.name),
    partition: fc.integer({ min: 0, max: spec.partitions - 1 }),
    which: fc.constantFrom('latest' as const, 'latest' as const, 'earliest' as const),
  })), { minLength: shape.closeUp ? 0 : 5, maxLength: shape.closeUp ? 4 : 20, size: 'max' })
  const admin = cast.admins[0]?.host
  const changes: Arbitrary<OperationDraft[]> = admin === undefined ? fc.constant([]) : percent(60).chain(on => (on ? metadataOperations(shape, admin, all) : fc.constant([])))
  const moves: Arbitrary<OperationDraft[]> = admin === undefined ? fc.constant([]) : percent(50).chain(on => (on ? partitionOperations(shape, admin, all) : fc.constant([])))
  const count = shape.operations > 0 ? { minLength: shape.operations, maxLength: shape.operations } : shape.closeUp ? { minLength: 4, maxLength: 30 } : { minLength: 20, maxLength: 150 }
  return fc.tuple(fc.array(send, { ...count, size: 'max' }), fc.tuple(...cast.consumers.map(({ host }) => consume(host))), fc.tuple(...rewind), list, changes, moves)
    .map(([sends, reads, seeks, lists, changed, moved]) => {
      const drafts: OperationDraft[] = [...sends, ...reads, ...seeks.flat(), ...lists, ...changed, ...moved]
      return drafts.sort((a, b) => a.at - b.at).map((draft, id) => ({ ...draft, id }) as PlanOperation)
    })
}

export const produceConsume: Workload = {
  name: 'produce-consume',
  describes: 'producers and consumers over a few topics, with acks, retries, idempotence, batching and partitioner drawn; topics and configurations change beside',
  draw: (shape): Arbitrary<WorkloadDraft> => fc.tuple(topics(shape), clients(shape)).chain(([all, cast]) =>
    operations(shape, all, cast).map(drawn => ({ topics: all, clients: [...cast.producers, ...cast.consumers, ...cast.admins], operations: drawn }))),
  client: context => runClient(context, plainPayload),
  drain: context => drainTopics(context, plainPayload),
  checkers: ['kafka-log'],
}
