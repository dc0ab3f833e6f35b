/**
 * The application just looks at what it is handed and then commits, by itself or by auto-commit: every record must have
 * been handed to somebody, and may have been to several.
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
      for (const record of records) delivered.push(inputKey(record))
      for (const one of recordOutputs(recorder, records)) one.ok(null)
      yield* work(instance)
      if (consumer.enableAutoCommit !== true) yield* commitRecorded(member, positionsAfter(records))
      return 'on'
    },
  }
}
