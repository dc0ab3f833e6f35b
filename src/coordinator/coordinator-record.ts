/**
 * Records of the coordinators' topics: the key is its type as int16, then its fields; the value its version as int16,
 * then its fields; no value is a tombstone (CoordinatorRecordSerde). Each topic numbers its types by itself, so who reads
 * says which topic it is.
 */
import { compiledMessage, messageTable, messageTables, newestVersion, type Draft } from '../protocol/codec.ts'
import type * as types from '../protocol/generated/types.ts'
import { DecodeError, Reader, Writer } from '../protocol/wire.ts'
import { GROUP_TOPIC, SHARE_GROUP_TOPIC, TRANSACTION_TOPIC } from './internal-topics.ts'

/** Key and value of each type that is written. */
interface RecordTypes {
  ConsumerGroupCurrentMemberAssignment: [types.ConsumerGroupCurrentMemberAssignmentKey, types.ConsumerGroupCurrentMemberAssignmentValue]
  ConsumerGroupMemberMetadata: [types.ConsumerGroupMemberMetadataKey, types.ConsumerGroupMemberMetadataValue]
  ConsumerGroupMetadata: [types.ConsumerGroupMetadataKey, types.ConsumerGroupMetadataValue]
  ConsumerGroupRegularExpression: [types.ConsumerGroupRegularExpressionKey, types.ConsumerGroupRegularExpressionValue]
  ConsumerGroupTargetAssignmentMember: [types.ConsumerGroupTargetAssignmentMemberKey, types.ConsumerGroupTargetAssignmentMemberValue]
  ConsumerGroupTargetAssignmentMetadata: [types.ConsumerGroupTargetAssignmentMetadataKey, types.ConsumerGroupTargetAssignmentMetadataValue]
  GroupMetadata: [types.GroupMetadataKey, types.GroupMetadataValue]
  OffsetCommit: [types.OffsetCommitKey, types.OffsetCommitValue]
  ShareGroupCurrentMemberAssignment: [types.ShareGroupCurrentMemberAssignmentKey, types.ShareGroupCurrentMemberAssignmentValue]
  ShareGroupMemberMetadata: [types.ShareGroupMemberMetadataKey, types.ShareGroupMemberMetadataValue]
  ShareGroupMetadata: [types.ShareGroupMetadataKey, types.ShareGroupMetadataValue]
  ShareGroupStatePartitionMetadata: [types.ShareGroupStatePartitionMetadataKey, types.ShareGroupStatePartitionMetadataValue]
  ShareGroupTargetAssignmentMember: [types.ShareGroupTargetAssignmentMemberKey, types.ShareGroupTargetAssignmentMemberValue]
  ShareGroupTargetAssignmentMetadata: [types.ShareGroupTargetAssignmentMetadataKey, types.ShareGroupTargetAssignmentMetadataValue]
  ShareSnapshot: [types.ShareSnapshotKey, types.ShareSnapshotValue]
  ShareUpdate: [types.ShareUpdateKey, types.ShareUpdateValue]
  TransactionLog: [types.TransactionLogKey, types.TransactionLogValue]
}

export type CoordinatorRecordType = keyof RecordTypes
export type CoordinatorRecordKey<T extends CoordinatorRecordType> = RecordTypes[T][0]
export type CoordinatorRecordValue<T extends CoordinatorRecordType> = RecordTypes[T][1]

/** `version` is that of the value; -1 of a tombstone. */
export type CoordinatorRecord = {
  [T in CoordinatorRecordType]: { readonly type: T; readonly key: RecordTypes[T][0]; readonly value: RecordTypes[T][1] | null; readonly version: number }
}[CoordinatorRecordType]

const TOPIC_OF_TYPE: Readonly<Record<string, string>> = { TransactionLog: TRANSACTION_TOPIC, ShareSnapshot: SHARE_GROUP_TOPIC, ShareUpdate: SHARE_GROUP_TOPIC }

const typesByTopic = new Map<string, Map<number, string>>()
for (const table of messageTables()) {
  if (table.kind !== 'coordinator-key') continue
  const type = table.name.slice(0, -'Key'.length)
  const topic = TOPIC_OF_TYPE[type] ?? GROUP_TOPIC
  let numbered = typesByTopic.get(topic)
  if (numbered === undefined) typesByTopic.set(topic, (numbered = new Map()))
  numbered.set(table.apiKey, type)
}

/** A record of the given version of its value, the newest by default; absent fields take their defaults. */
export function coordinatorRecord<T extends CoordinatorRecordType>(
  type: T, key: Draft<CoordinatorRecordKey<T>>, value: Draft<CoordinatorRecordValue<T>> | null, version: number = newestVersion(`${type}Value`),
): Extract<CoordinatorRecord, { type: T }> {
  return {
    type,
    key: compiledMessage(`${type}Key`, 0).transfer(key as object),
    value: value === null ? null : compiledMessage(`${type}Value`, version).transfer(value as object),
    version: value === null ? -1 : version,
  } as unknown as Extract<CoordinatorRecord, { type: T }>
}

export function encodeCoordinatorKey(record: CoordinatorRecord): Uint8Array {
  const name = `${record.type}Key`
  return encodeVersioned(name, 0, messageTable(name).apiKey, record.key)
}

export function encodeCoordinatorValue(record: CoordinatorRecord): Uint8Array | null {
  return record.value === null ? null : encodeVersioned(`${record.type}Value`, record.version, record.version, record.value)
}

/** undefined for a type that is not known, as a coordinator that was downgraded may meet. @throws DecodeError */
export function decodeCoordinatorRecord(topic: string, key: Uint8Array, value: Uint8Array | null): CoordinatorRecord | undefined {
  const keyReader = new Reader(key)
  const type = typesByTopic.get(topic)?.get(keyReader.int16())
  if (type === undefined) return undefined
  const decodedKey = compiledMessage(`${type}Key`, 0).decode(keyReader)
  if (keyReader.left !== 0) throw new DecodeError(`${keyReader.left} bytes left over after ${type}Key`)
  if (value === null) return { type, key: decodedKey, value: null, version: -1 } as unknown as CoordinatorRecord
  const valueReader = new Reader(value)
  const version = valueReader.int16()
  const [oldest, newest] = messageTable(`${type}Value`).versions
  if (version < oldest! || version > newest!) throw new DecodeError(`${type}Value version ${version}`)
  const decodedValue = compiledMessage(`${type}Value`, version).decode(valueReader)
  if (valueReader.left !== 0) throw new DecodeError(`${valueReader.left} bytes left over after ${type}Value`)
  return { type, key: decodedKey, value: decodedValue, version } as unknown as CoordinatorRecord
}

function encodeVersioned(name: string, version: number, tag: number, body: object): Uint8Array {
  const message = compiledMessage(name, version)
  const transferred = message.transfer(body)
  const writer = new Writer(2 + message.tally.size)
  writer.int16(tag)
  message.encode(writer, transferred)
  return writer.bytes
}
