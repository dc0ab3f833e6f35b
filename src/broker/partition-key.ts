/** The string by which maps and purgatories know a partition. A re-created topic has another id, so another key. */
export function partitionKey(topicId: string, partition: number): string {
  return `${topicId}-${partition}`
}
