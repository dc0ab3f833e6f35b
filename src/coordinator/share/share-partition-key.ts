/** What the state of a share-partition is kept under (SharePartitionKey#asCoordinatorKey): also what FindCoordinator is asked for. */

export interface SharePartitionId {
  readonly groupId: string
  readonly topicId: string
  readonly partition: number
}

export function sharePartitionKey({ groupId, topicId, partition }: SharePartitionId): string {
  return `${groupId}:${topicId}:${partition}`
}
