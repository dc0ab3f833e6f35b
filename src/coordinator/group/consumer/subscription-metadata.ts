/**
 * What a group's assignment depends on in the cluster's metadata: id, partition count and racks of each subscribed topic,
 * condensed to a hash that is kept with the group epoch (KIP-1101). Another hash: another group epoch.
 *
 * Unlike Kafka's, the hash is two CRCs; equal topics have equal hashes, which is all that anybody asks of it.
 */
import { crc32c } from '../../../base/crc32c.ts'
import type { MetadataImage, TopicImage } from '../../../controller/metadata-image.ts'

const encoder = new TextEncoder()

/** Hashes of single topics, until metadata changes (Kafka: topicHashCache). */
export class TopicHashes {
  private readonly image: MetadataImage
  private readonly known = new Map<string, string>()

  constructor(image: MetadataImage) {
    this.image = image
  }

  /** Topics or racks may be others now. */
  clear(): void {
    this.known.clear()
  }

  /** Of a group's topics together; 0 when none of them exists. */
  of(topics: ReadonlySet<string>): number {
    const lines: string[] = []
    for (const name of [...topics].sort()) {
      const topic = this.image.topicByName(name)
      if (topic !== undefined) lines.push(this.line(topic))
    }
    return lines.length === 0 ? 0 : hashOf(lines.join('\n'))
  }

  private line(topic: TopicImage): string {
    const known = this.known.get(topic.id)
    if (known !== undefined) return known
    const line = `${topic.id} ${hashOf(`${topic.name} ${[...topic.partitions].map(([index, { replicas }]) => `${index}:${racksOf(this.image, replicas)}`).join(' ')}`)}`
    this.known.set(topic.id, line)
    return line
  }
}

/** 52 bits: a safe integer. */
function hashOf(text: string): number {
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
