/**
 * What members of a classic group tell each other through the coordinator, which does not look into it (ConsumerProtocol):
 * a version, then a subscription or an assignment of that version. Version 3 is written, older ones are read.
 */
import { decodeMessage, encodeMessage } from '../../protocol/codec.ts'
import type { ConsumerProtocolAssignment, ConsumerProtocolSubscription } from '../../protocol/generated/types.ts'
import { byTopic } from '../topic-partition.ts'
import type { TopicPartition } from '../topic-partition.ts'

export interface MemberSubscription {
  readonly topics: readonly string[]
  readonly userData: Uint8Array | null
  readonly ownedPartitions: readonly TopicPartition[]
  /** Of the ownership; -1: none. */
  readonly generationId: number
  readonly rackId: string | null
}

const VERSION = 3

export function encodeSubscription({ topics, userData, ownedPartitions, generationId, rackId }: MemberSubscription): Uint8Array {
  const owned = byTopic(ownedPartitions, ({ partition }) => partition).map(([topic, partitions]) => ({ topic, partitions }))
  return versioned('ConsumerProtocolSubscription', { topics, userData, ownedPartitions: owned, generationId, rackId })
}

export function decodeSubscription(bytes: Uint8Array): MemberSubscription {
  const { topics, userData, ownedPartitions, generationId, rackId } = unversioned<ConsumerProtocolSubscription>('ConsumerProtocolSubscription', bytes)
  return { topics, userData, ownedPartitions: flat(ownedPartitions), generationId, rackId }
}

export function encodeAssignment(partitions: readonly TopicPartition[]): Uint8Array {
  const assignedPartitions = byTopic(partitions, ({ partition }) => partition).map(([topic, indexes]) => ({ topic, partitions: indexes }))
  return versioned('ConsumerProtocolAssignment', { assignedPartitions, userData: null })
}

/** No bytes at all: no partitions. */
export function decodeAssignment(bytes: Uint8Array): TopicPartition[] {
  if (bytes.length === 0) return []
  return flat(unversioned<ConsumerProtocolAssignment>('ConsumerProtocolAssignment', bytes).assignedPartitions)
}

function flat(topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[]): TopicPartition[] {
  return topics.flatMap(({ topic, partitions }) => partitions.map(partition => ({ topic, partition })))
}

function versioned(name: string, message: object): Uint8Array {
  const body = encodeMessage(name, VERSION, message)
  const bytes = new Uint8Array(2 + body.length)
  bytes[1] = VERSION
  bytes.set(body, 2)
  return bytes
}

function unversioned<T>(name: string, bytes: Uint8Array): T {
  const version = (bytes[0]! << 8) | bytes[1]!
  return decodeMessage<T>(name, Math.min(version, VERSION), bytes.subarray(2))
}
