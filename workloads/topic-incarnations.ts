/**
 * Topics that are deleted and created anew under the same name. What clients say of such a topic is recorded under a name
 * that tells the incarnations apart, `orders@<topic id>-0`; the drain says which of them is there in the end, and checkers
 * judge that one, for the others are gone with all that they held.
 */
import { partitionName } from '../src/base/partition-name.ts'
import type { PlanOperation } from '../src/config/workload.ts'

export function recreatedTopics(operations: readonly PlanOperation[]): ReadonlySet<string> {
  return new Set(operations.flatMap(operation => (operation.f === 'recreate-topic' ? [operation.topic] : [])))
}

/** `topic-partition` in histories. */
export function logName(recreated: ReadonlySet<string>, { topic, topicId, partition }: { readonly topic: string; readonly topicId: string; readonly partition: number }): string {
  return partitionName(recreated.has(topic) ? `${topic}@${topicId}` : topic, partition)
}
