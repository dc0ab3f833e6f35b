/**
 * Idempotence alone: more producers than brokers remember. Each sends a few records in a hurry, then nothing for a while,
 * through retries, delays and failovers; where clocks are right, brokers forget who has been silent for a little longer than
 * anything of theirs can be under way. The promise: nothing twice, nothing out of order, nothing acknowledged is lost.
 *
 * Producer ids expire by the wall clock and the timestamps of clients (ProducerStateManager#isProducerExpired), so with clocks
 * that are minutes off a retry may meet a broker that has forgotten it: there they keep Kafka's day. A configuration that the
 * user has asked for counts, and then promises what it promises.
 */
import fc, { type Arbitrary } from 'fast-check'
import type { ClientSpec, OperationDraft, PlanOperation, WorkloadDraft, WorkloadShape } from '../src/config/workload.ts'
import { runClient } from './client-script.ts'
import type { Workload } from './contract.ts'
import { drainTopics } from './drain.ts'
import { plainPayload } from './records.ts'
import { scaledMs } from './transactions.ts'

const TOPIC = 'payments'
/** In the plan's scale: how long a batch is tried, and how long after that a copy may still come. */
const DELIVERY_MS = 2_100
const UNDER_WAY_MS = 4_700

function draw(shape: WorkloadShape): Arbitrary<WorkloadDraft> {
  const { pinned } = shape
  const deliveryTimeoutMs = scaledMs(shape, DELIVERY_MS)
  return fc.record({
    partitions: fc.constantFrom(1, 1, 2), producers: fc.integer({ min: 3, max: shape.closeUp ? 5 : 9 }),
    maxInFlight: pinned.maxInFlight === undefined ? fc.constantFrom(1, 5, 5, 5) : fc.constant(pinned.maxInFlight),
    batchSize: fc.constantFrom(1, 1, 300), lingerMs: fc.constantFrom(0, 0, 3), segmentBytes: fc.constantFrom('600', '2000', '65536'),
  }).chain(({ partitions, producers, maxInFlight, batchSize, lingerMs, segmentBytes }) => {
    const hosts = Array.from({ length: producers }, (_, index) => `client-${index + 1}`)
    const reader = `client-${producers + 1}`
    const clients: ClientSpec[] = hosts.map(host => ({
      host, kind: 'producer', config: { ...shape.clientTimeouts, deliveryTimeoutMs, maxBlockMs: deliveryTimeoutMs, acks: pinned.acks ?? -1, enableIdempotence: pinned.idempotence ?? true, maxInFlightRequestsPerConnection: maxInFlight, batchSize, lingerMs },
    }))
    const { deliveryTimeoutMs: _, ...timeouts } = shape.clientTimeouts
    clients.push({ host: reader, kind: 'consumer', config: { ...timeouts, autoOffsetReset: 'earliest', fetchMaxWaitMs: 100 } })
    const burst = fc.record({
      client: fc.constantFrom(...hosts), at: fc.integer({ min: 0, max: shape.chaosUs }), partition: fc.integer({ min: 0, max: partitions - 1 }),
      gaps: fc.array(fc.constantFrom(0, 500, 4_000, 20_000), { minLength: 1, maxLength: 7, size: 'max' }),
    }).map(({ client, at, partition, gaps }) => {
      let time = at
      return gaps.map((gap): OperationDraft => ({ at: time += gap, client, f: 'send', topic: TOPIC, partition, key: null, size: 0 }))
    })
    const wanted = shape.operations > 0 ? { minLength: shape.operations, maxLength: shape.operations } : { minLength: producers, maxLength: 3 * producers }
    return fc.array(burst, { ...wanted, size: 'max' }).map((bursts): WorkloadDraft => {
      const sends = shape.operations > 0 ? bursts.flat().slice(0, shape.operations) : bursts.flat()
      const read: OperationDraft = { at: 0, client: reader, f: 'consume', topic: TOPIC, partitions: Array.from({ length: partitions }, (__, index) => index), from: 'earliest' }
      return {
        topics: [{
          name: TOPIC, partitions, replicationFactor: shape.replicationFactor,
          configs: { 'min.insync.replicas': String(shape.minInsyncReplicas), 'unclean.leader.election.enable': String(shape.uncleanLeaderElection), 'segment.bytes': segmentBytes, 'retention.ms': '604800000', 'retention.bytes': '-1' },
        }],
        clients,
        operations: [read, ...sends].sort((a, b) => a.at - b.at).map((draft, id) => ({ ...draft, id }) as PlanOperation),
        whereClocksAgree: { producerIdExpirationMs: deliveryTimeoutMs + scaledMs(shape, UNDER_WAY_MS), producerIdExpirationCheckIntervalMs: scaledMs(shape, 200) },
      }
    })
  })
}

export const idempotent: Workload = {
  name: 'idempotent',
  describes: 'more idempotent producers than brokers remember, in a hurry and then silent, through retries, delays and failovers',
  draw,
  client: context => runClient(context, plainPayload),
  drain: context => drainTopics(context, plainPayload),
  checkers: ['kafka-log'],
}
