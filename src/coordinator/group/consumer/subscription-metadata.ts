/**
 * What a group's assignment depends on in the cluster's metadata: id, partition count and racks of each subscribed topic,
 * condensed to a hash that is kept with the group epoch (KIP-1101). Another hash: another group epoch.
 *
 * Unlike Kafka's, the hash is two CRCs; equal topics have equal hashes, which is all that anybody asks of it.
 */
import { crc32c } from '../../../base/crc32c.ts'
import type { MetadataImage, TopicImage } from '../../../controller/metadata-image.ts'

const encoder = new TextEncoder()

/** 0 when none of the topics exists. */
export function metadataHash(image: MetadataImage, topics: ReadonlySet<string>): number {
  const known: string[] = []
  for (const name of [...topics].sort()) {
    const topic = image.topicByName(name)
    if (topic !== undefined) known.push(`${topic.id} ${name} ${[...topic.partitions].map(([index, { replicas }]) => `${index}:${racksOf(image, replicas)}`).join(' ')}`)
  }
  if (known.length === 0) return 0
  const text = known.join('\n')
  // 52 bits: a safe integer.
  return crc32c(encoder.encode(text)) * 0x100000 + (crc32c(encoder.encode(`${text}\n`)) & 0xfffff)
}

function racksOf(image: MetadataImage, replicas: readonly number[]): string {
  return replicas.map(id => image.brokers.get(id)?.rack ?? '').sort().join(',')
}

/** What an assignor asks about topics. */
export function subscribedTopicImages(image: MetadataImage, topics: Iterable<string>): TopicImage[] {
  const found: TopicImage[] = []
  for (const name of topics) {
    const topic = image.topicByName(name)
    if (topic !== undefined) found.push(topic)
  }
  return found.sort((a, b) => (a.id < b.id ? -1 : 1))
}
