/**
 * Committed offsets as registers: clients without membership commit and fetch offsets of a few groups and partitions while
 * coordinators move. Nobody tries again by itself, so every attempt is an operation of the history.
 */
import fc, { type Arbitrary } from 'fast-check'
import type { Task } from '../src/base/task.ts'
import { partitionName } from '../src/base/partition-name.ts'
import { Admin } from '../src/client/admin.ts'
import { DEFAULT_ADMIN_CONFIG } from '../src/config/client.ts'
import type { ClientSpec, OperationDraft, PlanOperation, WorkloadDraft, WorkloadShape } from '../src/config/workload.ts'
import { waitUntil } from './client-script.ts'
import type { ClientContext, Workload } from './contract.ts'
import { drainTopics } from './drain.ts'
import { plainPayload } from './records.ts'

const TOPIC = 'orders'
const GROUPS = ['analytics', 'billing']

function draw(shape: WorkloadShape): Arbitrary<WorkloadDraft> {
  const { deliveryTimeoutMs: _, ...timeouts } = shape.clientTimeouts
  return fc.record({ partitions: fc.constantFrom(1, 2), clients: fc.integer({ min: 2, max: 4 }) }).chain(({ partitions, clients }) => {
    const admins = Array.from({ length: clients }, (__, index): ClientSpec => ({ host: `client-${index + 1}`, kind: 'admin', config: { ...timeouts, retries: 0, defaultApiTimeoutMs: timeouts.requestTimeoutMs * 2 } }))
    const where = { at: fc.integer({ min: 0, max: shape.chaosUs }), client: fc.constantFrom(...admins.map(({ host }) => host)), group: fc.constantFrom(...GROUPS), topic: fc.constant(TOPIC), partition: fc.integer({ min: 0, max: partitions - 1 }) }
    const operation: Arbitrary<OperationDraft> = fc.oneof(
      fc.record({ ...where, f: fc.constant('commit-offset' as const), offset: fc.integer({ min: 0, max: 1_000_000 }) }),
      fc.record({ ...where, f: fc.constant('fetch-offset' as const) }),
    )
    const count = shape.operations > 0 ? { minLength: shape.operations, maxLength: shape.operations } : shape.closeUp ? { minLength: 8, maxLength: 30 } : { minLength: 20, maxLength: 120 }
    return fc.array(operation, { ...count, size: 'max' }).map((drafts): WorkloadDraft => ({
      topics: [{ name: TOPIC, partitions, replicationFactor: shape.replicationFactor, configs: { 'min.insync.replicas': String(shape.minInsyncReplicas), 'unclean.leader.election.enable': String(shape.uncleanLeaderElection) } }],
      clients: admins,
      operations: drafts.sort((a, b) => a.at - b.at).map((draft, id) => ({ ...draft, id }) as PlanOperation),
    }))
  })
}

function* run({ env, spec, recorder, operations, stop }: ClientContext): Task<void> {
  if (spec.kind !== 'admin') return
  const admin = new Admin(env, { ...DEFAULT_ADMIN_CONFIG, clientId: spec.host, ...spec.config })
  const begin = env.now()
  for (const operation of operations) {
    if (operation.f !== 'commit-offset' && operation.f !== 'fetch-offset') continue
    yield* waitUntil(env, begin, operation.at)
    if (stop.isSettled) return
    const { group, topic, partition } = operation
    const key = `${group}/${partitionName(topic, partition)}`
    if (operation.f === 'commit-offset') {
      const invoked = recorder.invoke('commit', [key, operation.offset])
      const [answer] = yield* admin.groups.alterOffsets(group, [{ topic, partition, offset: operation.offset }])
      if (answer?.ok === true) invoked.ok([key, operation.offset])
      // Another coordinator, or none: the request may have been carried out before.
      else invoked.info(answer?.error ?? 'no answer')
    } else {
      const invoked = recorder.invoke('fetch', [key, null])
      const answer = yield* admin.groups.listOffsets(group)
      if (answer.ok) invoked.ok([key, answer.value.get(partitionName(topic, partition))?.offset ?? null])
      else invoked.fail(answer.error)
    }
  }
}

export const offsets: Workload = {
  name: 'offsets',
  describes: 'commits and fetches of group offsets by clients without membership: each offset is a linearizable register',
  draw,
  client: run,
  drain: context => drainTopics(context, plainPayload),
  checkers: ['kafka-log', 'committed-offsets'],
  requires: ['no-loss', 'read-stays'],
}
