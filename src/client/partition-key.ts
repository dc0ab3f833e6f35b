/** The string that stands for a partition in maps and histories: `topic-partition`. */
export function partitionKey(topic: string, partition: number): string {
  return `${topic}-${partition}`
}
