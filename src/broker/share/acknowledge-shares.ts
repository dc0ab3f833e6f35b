/** Hands acknowledgements to the share-partitions that they are for; each has an error of its own. */
import { partitionName } from '../../base/partition-name.ts'
import { Future } from '../../base/task.ts'
import { ApiError } from '../../protocol/api-error.ts'
import type { BrokerContext } from '../broker-context.ts'
import type { AcknowledgementBatch } from './acknowledgements.ts'

export interface PartitionToAcknowledge {
  readonly topicId: string
  readonly partition: number
  readonly batches: readonly AcknowledgementBatch[]
}

interface Topics {
  readonly topics: readonly { readonly topicId: string; readonly partitions: readonly { readonly partitionIndex: number; readonly acknowledgementBatches: readonly AcknowledgementBatch[] }[] }[]
}

/** Partitions with something to acknowledge. */
export function acknowledgedIn({ topics }: Topics): PartitionToAcknowledge[] {
  return topics.flatMap(({ topicId, partitions }) => partitions.filter(({ acknowledgementBatches }) => acknowledgementBatches.length > 0)
    .map(({ partitionIndex, acknowledgementBatches }) => ({ topicId, partition: partitionIndex, batches: acknowledgementBatches })))
}

/** Error codes by partition name. */
export function acknowledgeShares({ sharePartitions }: Pick<BrokerContext, 'sharePartitions'>, groupId: string, memberId: string, partitions: readonly PartitionToAcknowledge[]): Map<string, Future<number>> {
  const answers = new Map<string, Future<number>>()
  for (const { topicId, partition, batches } of partitions) {
    let answer: Future<number>
    try {
      answer = sharePartitions.find(groupId, topicId, partition).acknowledge(memberId, batches)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      answer = Future.completed(error.code)
    }
    answers.set(partitionName(topicId, partition), answer)
  }
  return answers
}
