/**
 * Changes to the topics that are written to while they are written to: more partitions, records deleted, replicas moved and
 * moved back, leaders elected, the whole topic created anew. None of them may lose, repeat or reorder anything that it was
 * not asked to.
 */
import fc, { type Arbitrary } from 'fast-check'
import type { Task } from '../src/base/task.ts'
import type { Admin } from '../src/client/admin.ts'
import type { OperationDraft, PlanOperation, TopicSpec, WorkloadShape } from '../src/config/workload.ts'
import type { ClientContext } from './contract.ts'
import { finish } from './finish-operation.ts'

/** One to five of them by one admin. */
export function partitionOperations(shape: WorkloadShape, client: string, written: readonly TopicSpec[]): Arbitrary<OperationDraft[]> {
  const ids = shape.brokers.map(({ nodeId }) => nodeId)
  const where = fc.record({ at: fc.integer({ min: 0, max: shape.chaosUs }), spec: fc.constantFrom(...written), pick: fc.nat(99) })
    .map(({ at, spec, pick }) => ({ at, client, topic: spec.name, partition: pick % spec.partitions }))
  const replicas = fc.shuffledSubarray(ids, { minLength: Math.min(ids.length, shape.replicationFactor), maxLength: Math.min(ids.length, shape.replicationFactor) })
  // Moved and, a little later, perhaps moved again or back: two reassignments of one partition get in each other's way.
  const reassign: Arbitrary<OperationDraft[]> = fc.record({ where, first: replicas, second: fc.option(fc.option(replicas), { nil: undefined }), apart: fc.integer({ min: 1_000, max: 1_500_000 }) })
    .map(({ where: first, first: target, second, apart }): OperationDraft[] => [
      { ...first, f: 'reassign', replicas: target },
      ...(second === undefined ? [] : [{ ...first, at: Math.min(shape.chaosUs, first.at + apart), f: 'reassign' as const, replicas: second }]),
    ])
  const one = (drawn: Arbitrary<OperationDraft>): Arbitrary<OperationDraft[]> => drawn.map(draft => [draft])
  const operation = fc.oneof(
    { weight: 4, arbitrary: reassign },
    { weight: 3, arbitrary: one(where.map((place): OperationDraft => ({ ...place, f: 'elect-leader', election: 'preferred' }))) },
    // An unclean election loses records by design: only where the configuration accepts that.
    ...(shape.uncleanLeaderElection ? [{ weight: 1, arbitrary: one(where.map((place): OperationDraft => ({ ...place, f: 'elect-leader', election: 'unclean' }))) }] : []),
    { weight: 2, arbitrary: one(fc.record({ where, before: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constant(-1)) }).map(({ where: place, before }): OperationDraft => ({ ...place, f: 'delete-records', before }))) },
    { weight: 2, arbitrary: one(fc.record({ where, count: fc.integer({ min: 2, max: 4 }) }).map(({ where: { at, topic }, count }): OperationDraft => ({ at, client, topic, f: 'create-partitions', count }))) },
    { weight: 1, arbitrary: one(where.map(({ at, topic }): OperationDraft => ({ at, client, topic, f: 'recreate-topic' }))) },
  )
  return fc.array(operation, { minLength: 1, maxLength: 4 }).map(all => all.flat())
}

export function* runPartitionOperation(context: ClientContext, admin: Admin, operation: PlanOperation): Task<void> {
  const { recorder } = context
  switch (operation.f) {
    case 'create-partitions': {
      const { topic, count } = operation
      const invoked = recorder.invoke('create-partitions', { topic, partitions: count })
      finish(invoked, (yield* admin.createPartitions([{ topic, totalCount: count }]))[0])
      return
    }
    case 'delete-records': {
      const { topic, partition, before } = operation
      const invoked = recorder.invoke('delete-records', { topic, partition, before })
      finish(invoked, (yield* admin.deleteRecords([{ topic, partition, beforeOffset: before }]))[0])
      return
    }
    case 'reassign': {
      const { topic, partition, replicas } = operation
      const invoked = recorder.invoke('reassign', { topic, partition, replicas })
      finish(invoked, (yield* admin.alterPartitionReassignments([{ topic, partition, replicas }]))[0])
      return
    }
    case 'elect-leader': {
      const { topic, partition, election } = operation
      const invoked = recorder.invoke('elect-leader', { topic, partition, election })
      finish(invoked, (yield* admin.electLeaders(election, [{ topic, partition }]))[0])
      return
    }
    case 'recreate-topic': return yield* recreateTopic(context, admin, operation.topic)
    default:
  }
}

/** Two operations of the history. By id, or a copy of the request that arrives late would delete the new topic. */
function* recreateTopic(context: ClientContext, admin: Admin, topic: string): Task<void> {
  const spec = context.topics.find(({ name }) => name === topic)
  if (spec === undefined) return
  const deleted = context.recorder.invoke('delete-topic', { topic })
  const [described] = yield* admin.describeTopics([topic])
  if (described?.ok === true) finish(deleted, (yield* admin.deleteTopicsById([described.value.topicId]))[0])
  else deleted.fail(described?.error ?? 'no answer')
  const created = context.recorder.invoke('create-topic', { topic, partitions: spec.partitions })
  finish(created, (yield* admin.createTopics([{ name: topic, numPartitions: spec.partitions, replicationFactor: spec.replicationFactor, configs: spec.configs }]))[0])
}
