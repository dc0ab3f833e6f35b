import fc, { type Arbitrary } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc32c } from '../../src/base/crc32c.ts'
import { compiledMessage, decodeMessage, DecodeError, encodeMessage } from '../../src/protocol/codec.ts'
import { bytesFrameCodec, objectFrameCodec } from '../../src/protocol/frame-codec.ts'
import { MESSAGE_TABLES } from '../../src/protocol/generated/tables.ts'
import { murmur2 } from '../../src/protocol/murmur2.ts'
import { type FieldTable, type MessageTable, within } from '../../src/protocol/schema.ts'
import { uuidFromBytes, uuidToBytes, ZERO_UUID } from '../../src/protocol/uuid.ts'

const INTEGERS: Record<string, [number, number]> = {
  int8: [-128, 127], int16: [-32768, 32767], uint16: [0, 32767], int32: [-2147483648, 2147483647], uint32: [0, 4294967295],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
}

/** Full messages of one version, with fields of other versions at their defaults. */
function arbitraryMessage(table: MessageTable, version: number): Arbitrary<object> {
  const defaults = compiledMessage(table.name, version).transfer({}) as Record<string, unknown>
  const fieldsOf = (fields: readonly FieldTable[]): Arbitrary<object> =>
    fc.record(Object.fromEntries(fields.filter(field => within(field.versions, version)).map(field => [field.name, valueOf(field)])))
  const valueOf = (field: FieldTable): Arbitrary<unknown> => {
    const nullable = within(field.nullable, version)
    if (field.type.startsWith('[]')) {
      const all = fc.array(valueOf({ ...field, type: field.type.slice(2), nullable: [1, 0] }), { maxLength: 3 })
      return nullable ? fc.option(all) : all
    }
    const range = INTEGERS[field.type]
    const one: Arbitrary<unknown> = range !== undefined ? fc.integer({ min: range[0], max: range[1] })
      : field.type === 'bool' ? fc.boolean()
      : field.type === 'float64' ? fc.double({ noNaN: true })
      : field.type === 'string' ? fc.string({ unit: 'grapheme', maxLength: 12 })
      : field.type === 'uuid' ? fc.uint8Array({ minLength: 16, maxLength: 16 }).map(bytes => uuidFromBytes(bytes))
      : field.type === 'bytes' || field.type === 'records' ? fc.uint8Array({ maxLength: 20 })
      : fieldsOf(table.structs[field.type]!)
    return nullable ? fc.option(one) : one
  }
  return fieldsOf(table.fields).map(fields => compiledMessage(table.name, version).transfer({ ...defaults, ...fields }))
}

describe('message codec', () => {
  it('decodes what it encoded, for every message and version, and measures it exactly', () => {
    let checked = 0
    for (const table of MESSAGE_TABLES) {
      for (let version = table.versions[0]!; version <= table.versions[1]!; version++) {
        fc.assert(fc.property(arbitraryMessage(table, version), message => {
          const bytes = encodeMessage(table.name, version, message)
          expect(decodeMessage(table.name, version, bytes)).toEqual(message)
          checked++
        }), { numRuns: 4, seed: 7 })
      }
    }
    expect(checked).toBeGreaterThan(2_000)
  })

  it('answers mutated and truncated bytes with a DecodeError or a message, nothing else', () => {
    let refused = 0
    for (const table of MESSAGE_TABLES) {
      const { name } = table
      const version = table.versions[1]!
      fc.assert(fc.property(arbitraryMessage(table, version), fc.nat(), fc.integer({ min: 0, max: 255 }), fc.boolean(), (message, where, value, cut) => {
        const bytes = encodeMessage(name, version, message)
        const mutated = cut ? bytes.slice(0, where % (bytes.length + 1)) : bytes.slice()
        if (!cut && mutated.length > 0) mutated[where % mutated.length] = value
        try {
          decodeMessage(name, version, mutated)
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError)
          refused++
        }
      }), { numRuns: name === 'FetchResponse' || name === 'MetadataResponse' ? 200 : 5, seed: 11 })
    }
    expect(refused).toBeGreaterThan(500)
  })

  it('encodes a flexible message as worked out by hand (ApiVersionsRequest v3)', () => {
    const bytes = encodeMessage('ApiVersionsRequest', 3, { clientSoftwareName: 'kt', clientSoftwareVersion: '1' })
    expect([...bytes]).toEqual([3, 0x6b, 0x74, 2, 0x31, 0])
  })

  it('encodes a tagged field with its tag and size (BrokerHeartbeatRequest v1, offlineLogDirs)', () => {
    const uuid = uuidFromBytes(Uint8Array.from({ length: 16 }, (_, i) => i))
    const bytes = encodeMessage('BrokerHeartbeatRequest', 1, { brokerId: 1, brokerEpoch: 2, currentMetadataOffset: 3, wantFence: true, wantShutDown: false, offlineLogDirs: [uuid] })
    expect([...bytes]).toEqual([0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 1, 0, 1, 0, 17, 2, ...Array.from({ length: 16 }, (_, i) => i)])
  })

  it('rejects a count that the input cannot hold', () => {
    expect(() => decodeMessage('MetadataRequest', 1, Uint8Array.of(0x7f, 0xff, 0xff, 0xff))).toThrow(DecodeError)
  })
})

describe('frame codec', () => {
  const frame = (body: object) => ({ apiKey: 1, apiVersion: 17, isResponse: false, correlationId: 5, clientId: 'broker-1', body })
  const body = { maxWaitMs: 500, minBytes: 1, replicaState: { replicaId: 2, replicaEpoch: 7 }, topics: [{ topicId: ZERO_UUID, partitions: [{ partition: 1, fetchOffset: 2 ** 40 }] }] }

  it('gives the same through bytes as through objects', () => {
    const { body: object, size, hash } = { ...objectFrameCodec.transfer(frame(body)) }
    expect({ ...bytesFrameCodec.transfer(frame(body)) }).toEqual({ body: object, size, hash })
  })

  it('takes copies, and hashes every field', () => {
    const before = objectFrameCodec.transfer(frame(body)).hash
    expect(objectFrameCodec.transfer(frame({ ...body, minBytes: 2 })).hash).not.toBe(before)
    expect(objectFrameCodec.transfer(frame({ ...body, replicaState: { replicaId: 2, replicaEpoch: 8 } })).hash).not.toBe(before)
    const records = Uint8Array.of(1, 2, 3)
    const produce = { acks: -1, timeoutMs: 1, topicData: [{ name: 't', partitionData: [{ index: 0, records }] }] }
    const sent = objectFrameCodec.transfer({ ...frame(produce), apiKey: 0, apiVersion: 9 })
    const { hash } = sent
    const inside = (sent.body as typeof produce).topicData[0]!.partitionData[0]!.records
    records[0] = 9
    expect([...inside]).toEqual([1, 2, 3])
    expect(objectFrameCodec.transfer({ ...frame(produce), apiKey: 0, apiVersion: 9 }).hash).not.toBe(hash)
  })
})

describe('known vectors', () => {
  it('crc32c', () => {
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283)
  })

  it('murmur2, as in UtilsTest', () => {
    const cases: [string, number][] = [['21', -973932308], ['foobar', -790332482], ['a-little-bit-long-string', -985981536], ['a-little-bit-longer-string', -1486304829], ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971], ['abc', 479470107]]
    for (const [text, hash] of cases) expect(murmur2(new TextEncoder().encode(text))).toBe(hash)
  })

  it('uuids round-trip', () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), bytes => {
      expect(uuidToBytes(uuidFromBytes(bytes))).toEqual(bytes)
    }), { seed: 3 })
    expect(uuidFromBytes(new Uint8Array(16))).toBe(ZERO_UUID)
  })
})
