/**
 * The textbook story. Topic `user_actions` with three partitions on three brokers; clicks keyed by user, so that one
 * user's actions stay in order in one partition; keyless views spread by the partitioner; a broker dies and the leader
 * moves to an ISR member; retention expires old segments by time and by size; a second reader reads the same data again
 * from the start.
 */
import fc, { type Arbitrary } from 'fast-check'
import type { ClientSpec, OperationDraft, PlanOperation, WorkloadDraft, WorkloadShape } from '../src/config/workload.ts'
import { runClient } from './client-script.ts'
import type { Workload } from './contract.ts'
import { drainTopics } from './drain.ts'
import type { PayloadOf } from './records.ts'

const TOPIC = 'user_actions'
const PARTITIONS = [0, 1, 2]
const ACTIONS = ['click', 'view', 'purchase']

const payload: PayloadOf = (id, key) =>
  key === null ? JSON.stringify({ page: id % 7, action: 'view' }) : JSON.stringify({ user_id: Number(key), action: ACTIONS[id % ACTIONS.length] })

function draw(shape: WorkloadShape): Arbitrary<WorkloadDraft> {
  return fc.record({
    clicks: fc.array(fc.record({
      at: fc.integer({ min: 0, max: shape.chaosUs }),
      user: fc.option(fc.integer({ min: 100, max: 130 }), { nil: null, freq: 4 }),
      producer: fc.constantFrom('client-1', 'client-2'),
    }), shape.operations > 0 ? { minLength: shape.operations, maxLength: shape.operations, size: 'max' } : shape.closeUp ? { minLength: 10, maxLength: 40, size: 'max' } : { minLength: 40, maxLength: 160, size: 'max' }),
    retention: fc.constantFrom<Record<string, string>[]>({}, { 'retention.ms': '2000', 'segment.ms': '500' }, { 'retention.bytes': '1500', 'segment.bytes': '500' }),
    rereadAt: fc.integer({ min: Math.floor(shape.chaosUs / 2), max: shape.chaosUs }),
  }).map(({ clicks, retention, rereadAt }) => {
    const { deliveryTimeoutMs: _, ...timeouts } = shape.clientTimeouts
    const producer = (host: string): ClientSpec => ({
      host,
      kind: 'producer',
      config: { ...shape.clientTimeouts, acks: shape.pinned.acks ?? -1, enableIdempotence: shape.pinned.idempotence ?? true, maxBlockMs: shape.clientTimeouts.deliveryTimeoutMs },
    })
    const consumer = (host: string): ClientSpec => ({ host, kind: 'consumer', config: { ...timeouts, autoOffsetReset: 'earliest', fetchMaxWaitMs: 100 } })
    const drafts: OperationDraft[] = clicks.map(({ at, user, producer: client }): OperationDraft => ({ at, client, f: 'send', topic: TOPIC, partition: null, key: user === null ? null : String(user), size: 0 }))
    drafts.push({ at: 0, client: 'client-3', f: 'consume', topic: TOPIC, partitions: PARTITIONS, from: 'earliest' })
    drafts.push({ at: rereadAt, client: 'client-4', f: 'consume', topic: TOPIC, partitions: PARTITIONS, from: 'earliest' })
    drafts.sort((a, b) => a.at - b.at)
    return {
      topics: [{
        name: TOPIC,
        partitions: PARTITIONS.length,
        replicationFactor: Math.min(3, shape.brokers.length),
        configs: { 'min.insync.replicas': String(Math.min(shape.minInsyncReplicas, shape.brokers.length)), 'unclean.leader.election.enable': String(shape.uncleanLeaderElection), ...retention },
      }],
      clients: [producer('client-1'), producer('client-2'), consumer('client-3'), consumer('client-4')],
      operations: drafts.map((draft, id) => ({ ...draft, id }) as PlanOperation),
    }
  })
}

export const userActions: Workload = {
  name: 'user-actions',
  describes: 'the textbook story: keyed clicks on three partitions, a broker dies, retention expires old data, a second reader starts over',
  draw,
  client: context => runClient(context, payload),
  drain: context => drainTopics(context, payload),
  checkers: ['kafka-log'],
}
