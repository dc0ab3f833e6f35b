/** `String.hashCode` of Java, over UTF-16 code units, and what Kafka makes a partition of it (Utils#abs). */
export function javaHash(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  return hash
}

/** Which of `count` partitions holds the state of this group or transactional id. */
export function partitionForId(id: string, count: number): number {
  const hash = javaHash(id)
  return (hash === -2147483648 ? 0 : Math.abs(hash)) % count
}
