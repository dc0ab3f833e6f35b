/**
 * Changes of metadata beside the records: topics that nobody writes to come and go, and a topic that is written to changes
 * how it rolls its segments. The final description of the cluster tells whether what was acknowledged is there.
 */
import fc, { type Arbitrary } from 'fast-check'
import type { Task } from '../src/base/task.ts'
import { US_PER_MS } from '../src/base/time.ts'
import type { Admin } from '../src/client/admin.ts'
import type { OperationDraft, TopicSpec, WorkloadShape } from '../src/config/workload.ts'
import type { DrainContext } from './contract.ts'

const ALTERATIONS = [['segment.bytes', '400'], ['segment.bytes', '900'], ['segment.ms', '700'], ['segment.ms', '600000'], ['index.interval.bytes', '100']] as const

/** One to five changes by one admin. */
export function metadataOperations(shape: WorkloadShape, client: string, written: readonly TopicSpec[]): Arbitrary<OperationDraft[]> {
  const at = fc.integer({ min: 0, max: shape.chaosUs })
  const spare = fc.constantFrom('spare-1', 'spare-2')
  const create = fc.record({ at, name: spare, partitions: fc.integer({ min: 1, max: 3 }) }).map(({ at: when, name, partitions }): OperationDraft =>
    ({ at: when, client, f: 'create-topic', spec: { name, partitions, replicationFactor: shape.replicationFactor, configs: {} } }))
  const remove = fc.record({ at, name: spare }).map(({ at: when, name }): OperationDraft => ({ at: when, client, f: 'delete-topic', topic: name }))
  const alter = fc.record({ at, topic: fc.oneof(spare, fc.constantFrom(...written.map(({ name }) => name))), change: fc.constantFrom(...ALTERATIONS) })
    .map(({ at: when, topic, change: [name, value] }): OperationDraft => ({ at: when, client, f: 'alter-config', topic, name, value }))
  return fc.array(fc.oneof({ weight: 3, arbitrary: create }, { weight: 1, arbitrary: remove }, { weight: 3, arbitrary: alter }), { minLength: 1, maxLength: 5 })
}

/** Two descriptions this far apart agree when every broker has caught up. */
const APART_MS = 250

/**
 * Describes topics and their configurations when the plan has changed any. A broker that has not caught up would answer
 * from an older image, so it asks until it gets the same answer three times in a row.
 */
export function* describeAtLast({ env, recorder, operations }: DrainContext, admin: Admin): Task<void> {
  if (!operations.some(({ f }) => f === 'create-topic' || f === 'delete-topic' || f === 'alter-config' || f === 'create-partitions')) return
  for (let last = '', same = 0; ;) {
    const topics = yield* describeOnce(admin)
    const text = JSON.stringify(topics)
    same = text === last && topics !== undefined ? same + 1 : 0
    last = text
    if (topics !== undefined && same === 2) {
      recorder.invoke('describe-topics', null, { drain: true }).ok(Object.fromEntries(topics.map(({ name, partitions }) => [name, partitions])))
      for (const { name, configs } of topics) recorder.invoke('describe-configs', name, { drain: true }).ok([name, configs])
      return
    }
    yield* env.sleep(APART_MS * US_PER_MS).wait()
  }
}

interface Described {
  readonly name: string
  readonly partitions: number
  readonly configs: { readonly [name: string]: string | null }
}

function* describeOnce(admin: Admin): Task<readonly Described[] | undefined> {
  const cluster = yield* admin.describeCluster()
  if (!cluster.ok) return undefined
  const topics = [...cluster.value.topics].sort((a, b) => (a.name < b.name ? -1 : 1))
  if (topics.length === 0) return []
  const configs = yield* admin.describeConfigs(topics.map(({ name }) => name))
  const described: Described[] = []
  for (const [index, { name, partitions }] of topics.entries()) {
    const answer = configs[index]
    if (answer?.ok !== true) return undefined
    described.push({ name, partitions: partitions.length, configs: Object.fromEntries(answer.value) })
  }
  return described
}
