/**
 * Records of the metadata log: `frame version, record type, record version` as unsigned varints, then the message
 * (org.apache.kafka.server.common.serialization.AbstractApiMessageSerde).
 */
import { compiledMessage, type Draft, messageTable, newestVersion } from './codec.ts'
import type { MetadataRecord } from './generated/metadata-record.ts'
import { MESSAGE_TABLES } from './generated/tables.ts'
import { DecodeError, Reader, uvarintSize, Writer } from './wire.ts'

export type { MetadataRecord } from './generated/metadata-record.ts'
export type MetadataRecordType = MetadataRecord['type']
export type MetadataRecordData<T extends MetadataRecordType> = Extract<MetadataRecord, { type: T }>['data']

const FRAME_VERSION = 1
const typeByKey = new Map<number, string>(MESSAGE_TABLES.filter(table => table.kind === 'metadata').map(table => [table.apiKey, table.name]))

/** A record of the newest version; absent fields take their defaults. */
export function metadataRecord<T extends MetadataRecordType>(type: T, draft: Draft<MetadataRecordData<T>>): MetadataRecord {
  const version = newestVersion(type)
  return { type, version, data: compiledMessage(type, version).transfer(draft as object) } as unknown as MetadataRecord
}

export function encodeMetadataRecord(record: MetadataRecord): Uint8Array {
  const message = compiledMessage(record.type, record.version)
  const body = message.transfer(record.data)
  const key = messageTable(record.type).apiKey
  const writer = new Writer(1 + uvarintSize(key) + uvarintSize(record.version) + message.tally.size)
  writer.uvarint(FRAME_VERSION)
  writer.uvarint(key)
  writer.uvarint(record.version)
  message.encode(writer, body)
  return writer.bytes
}

/** @throws DecodeError */
export function decodeMetadataRecord(bytes: Uint8Array): MetadataRecord {
  const reader = new Reader(bytes)
  const frame = reader.uvarint()
  if (frame !== FRAME_VERSION) throw new DecodeError(`metadata frame version ${frame}`)
  const key = reader.uvarint()
  const type = typeByKey.get(key)
  if (type === undefined) throw new DecodeError(`metadata record type ${key}`)
  const version = reader.uvarint()
  if (version > messageTable(type).versions[1]!) throw new DecodeError(`${type} version ${version}`)
  const data = compiledMessage(type, version).decode(reader)
  if (reader.left !== 0) throw new DecodeError(`${reader.left} bytes left over after ${type}`)
  return { type, version, data } as MetadataRecord
}
