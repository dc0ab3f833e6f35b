/**
 * The topics of a plan as the cluster has them in the end. A broker that has not caught up would answer from an older
 * image, so it asks until it gets the same answer three times in a row.
 */
import type { Task } from '../src/base/task.ts'
import { US_PER_MS } from '../src/base/time.ts'
import type { Admin } from '../src/client/admin.ts'
import type { DrainContext } from './contract.ts'

export interface SettledTopic {
  readonly name: string
  readonly topicId: string
  readonly partitions: number
}

/** Answers this far apart agree when every broker has caught up. */
const APART_MS = 250
const AGREEING = 3

/** Without those of `mayBeGone` that do not exist. */
export function* settledTopics({ env, topics }: DrainContext, admin: Admin, mayBeGone: ReadonlySet<string>): Task<readonly SettledTopic[]> {
  for (let last = '', same = 0; ;) {
    const found: SettledTopic[] = []
    let isWhole = true
    for (const [index, answer] of (yield* admin.describeTopics(topics.map(({ name }) => name))).entries()) {
      if (answer.ok) found.push({ name: answer.value.name, topicId: answer.value.topicId, partitions: answer.value.partitions.length })
      else if (!(answer.error === 'UNKNOWN_TOPIC_OR_PARTITION' && mayBeGone.has(topics[index]!.name))) isWhole = false
    }
    const text = JSON.stringify(found)
    same = isWhole && text === last ? same + 1 : 1
    last = isWhole ? text : ''
    if (isWhole && same === AGREEING) return found
    yield* env.sleep(APART_MS * US_PER_MS).wait()
  }
}
