import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MESSAGE_TABLES } from '../../src/protocol/generated/tables.ts'
import { decodeMetadataRecord, encodeMetadataRecord, metadataRecord, type MetadataRecordType } from '../../src/protocol/metadata-records.ts'
import { ZERO_UUID } from '../../src/protocol/uuid.ts'
import { DecodeError } from '../../src/protocol/wire.ts'

it('frames a record as worked out by hand: frame version 1, type, version, message', () => {
  // TopicRecord is type 2; compact string 't', 16 bytes of id, no tags.
  const bytes = encodeMetadataRecord(metadataRecord('TopicRecord', { name: 't' }))
  expect([...bytes]).toEqual([1, 2, 0, 2, 0x74, ...new Array<number>(16).fill(0), 0])
  expect(decodeMetadataRecord(bytes)).toEqual({ type: 'TopicRecord', version: 0, data: { name: 't', topicId: ZERO_UUID } })
})

it('gives back every type at its newest version', () => {
  const types = MESSAGE_TABLES.filter(table => table.kind === 'metadata').map(table => table.name as MetadataRecordType)
  expect(types.length).toBe(26)
  for (const type of types) {
    const record = metadataRecord(type, {})
    expect(decodeMetadataRecord(encodeMetadataRecord(record))).toEqual(record)
  }
})

it('answers arbitrary bytes with a record or a DecodeError', () => {
  const bytes = fc.tuple(fc.nat(30), fc.nat(4), fc.uint8Array({ maxLength: 40 })).map(([type, version, rest]) => Uint8Array.of(1, type, version, ...rest))
  fc.assert(fc.property(bytes, input => {
    try {
      decodeMetadataRecord(input)
    } catch (error) {
      expect(error).toBeInstanceOf(DecodeError)
    }
  }), { seed: 3, numRuns: 2000 })
  expect(() => decodeMetadataRecord(Uint8Array.of(2, 2, 0))).toThrow('frame version 2')
})
