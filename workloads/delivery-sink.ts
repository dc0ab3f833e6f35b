/**
 * The application just looks at what it is handed and then commits, by itself or by auto-commit: every record must have
 * been handed to somebody, and may have been to several.
 *
 * Record by record it commits as frameworks do that hide the poll from their users: a commit that fails because a rebalance is
 * under way is left to the next record, one that fails for good means that whoever has the partitions now will get the rest.
 * Only so under the classic protocol: in a KIP-848 group a member in good standing fails, too, whose epoch rises meanwhile.
 */
import type { Task } from '../src/base/task.ts'
import type { ConsumerRecord } from '../src/client/completed-fetch.ts'
import type { Json } from '../src/history/operation.ts'
import { commitRecorded, type GroupMember } from './group-member.ts'
import { inputKey, type Instance, positionsAfter, recordOutputs, type Sink, type Step, work } from './pipeline.ts'

const DELIVERED = 'delivered'

/** What was handed out, in order, repeated where it was handed out several times. */
export function deliveredTo(outside: Map<string, unknown>): Json[] {
  const known = outside.get(DELIVERED) as Json[] | undefined
  if (known !== undefined) return known
  const created: Json[] = []
  outside.set(DELIVERED, created)
  return created
}

export function deliverySink(instance: Instance): Sink {
  const { recorder, outside, consumer } = instance
  const delivered = deliveredTo(outside)
  return {
    *process(records: readonly ConsumerRecord[], member: GroupMember): Task<Step> {
      if (instance.commitsEach) {
        for (const record of records) {
          delivered.push(inputKey(record))
          for (const one of recordOutputs(recorder, [record])) one.ok(null)
          yield* work(instance)
          const committed = yield* commitRecorded(member, positionsAfter([record]))
          if (!committed.ok && committed.error === 'COMMIT_FAILED') return 'on'
        }
        return 'on'
      }
      for (const record of records) delivered.push(inputKey(record))
      for (const one of recordOutputs(recorder, records)) one.ok(null)
      yield* work(instance)
      if (consumer.enableAutoCommit !== true) yield* commitRecorded(member, positionsAfter(records))
      return 'on'
    },
  }
}
