/**
 * Frames that kafkajs, @platformatic/kafka and librdkafka really sent (`scripts/record-golden-frames.mjs`), and the answers
 * that they took: a codec that reads what itself wrongly writes would pass all tests but these.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { COMPRESSION_TYPES } from '../../src/base/compression-type.ts'
import { apiDescription, ApiKey } from '../../src/protocol/api-keys.ts'
import { decodeMessage, encodeMessage } from '../../src/protocol/codec.ts'
import { decodeRequest, decodeResponse, encodeFrame } from '../../src/protocol/frame-bytes.ts'
import type { FetchResponse, JoinGroupRequest, ProduceRequest } from '../../src/protocol/generated/types.ts'
import { baseSequenceOf, batchPositions, buildBatch, compressionOf, isValidBatch, producerEpochOf, producerIdOf, readRecords, rebuildBatch } from '../../src/protocol/records/record-batch.ts'

interface Golden {
  readonly client: string
  readonly version: string
  readonly frames: readonly { readonly api: keyof typeof ApiKey; readonly version: number; readonly request: string; readonly response: string }[]
}

const FOLDER = new URL('./golden/', import.meta.url)
const recorded = readdirSync(FOLDER).sort().map(name => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as Golden)
const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'))
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const producedIn = (request: string): Uint8Array => (decodeRequest(bytesOf(request)).body as ProduceRequest).topicData[0]!.partitionData[0]!.records!
const text = (bytes: Uint8Array | null): string => new TextDecoder().decode(bytes ?? new Uint8Array(0))

it('there are recordings of three clients, with the APIs that every client needs', () => {
  expect(recorded.map(({ client }) => client)).toEqual(['kafkajs', 'librdkafka', '@platformatic/kafka'])
  for (const { client, frames } of recorded) {
    const apis = new Set(frames.map(({ api }) => api))
    for (const api of ['ApiVersions', 'Metadata', 'Produce', 'Fetch', 'InitProducerId', 'ListOffsets', 'FindCoordinator', 'JoinGroup', 'SyncGroup', 'OffsetFetch', 'OffsetCommit'] as const) {
      expect(apis.has(api), `${client} ${api}`).toBe(true)
    }
  }
})

describe.each(recorded)('$client $version', ({ client, frames }) => {
  const ofApi = (api: keyof typeof ApiKey) => frames.filter(frame => frame.api === api)

  it('what it sent is read, and written again byte for byte', () => {
    for (const { api, version, request } of frames) {
      const frame = decodeRequest(bytesOf(request))
      expect(frame).toMatchObject({ apiKey: ApiKey[api], apiVersion: version, isResponse: false })
      expect(frame.clientId, `${api} ${version}`).toMatch(/^golden-/)
      expect(hex(encodeFrame(frame)), `${api} ${version}`).toBe(hex(bytesOf(request)))
    }
  })

  it('what it took as an answer is still what we would answer', () => {
    for (const { api, version, response } of frames) {
      const frame = decodeResponse(bytesOf(response), ApiKey[api], version)
      expect(hex(encodeFrame(frame)), `${apiDescription(ApiKey[api]).response} ${version}`).toBe(hex(bytesOf(response)))
    }
  })

  it('its batches have right CRCs and records; built anew without compression they are the same bytes', () => {
    const values: string[] = []
    let plain = 0
    for (const { request } of ofApi('Produce')) {
      const records = producedIn(request)
      expect(batchPositions(records)).toEqual([0])
      expect(isValidBatch(records, 0)).toBe(true)
      const read = readRecords(records, 0)
      values.push(...read.map(record => text(record.value)))
      if (compressionOf(records, 0) !== 0) continue
      plain++
      // The leader epoch lies outside the CRC; librdkafka sends 0 there, Java and the others -1.
      const partitionLeaderEpoch = new DataView(records.buffer).getInt32(12)
      const built = buildBatch({ partitionLeaderEpoch, producerId: producerIdOf(records, 0), producerEpoch: producerEpochOf(records, 0), baseSequence: baseSequenceOf(records, 0), records: read })
      expect(hex(built)).toBe(hex(records))
      expect(read[0]!.headers.map(header => `${header.key}=${text(header.value)}`), client).toEqual(['trace=abc'])
    }
    expect(plain).toBeGreaterThan(0)
    expect(values.length).toBeGreaterThanOrEqual(3)
    expect(values.every(value => value.startsWith('value-'))).toBe(true)
  })

  it('its compressed batches are read, and it read the same when we had stored them', () => {
    const codecs = new Set<string>()
    for (const { request } of ofApi('Produce')) {
      const records = producedIn(request)
      const codec = COMPRESSION_TYPES[compressionOf(records, 0)]!
      codecs.add(codec)
      const again = rebuildBatch(records, 0, readRecords(records, 0), codec)
      expect(readRecords(again, 0)).toEqual(readRecords(records, 0))
    }
    expect([...codecs].sort()).toEqual(client === 'librdkafka' ? [...COMPRESSION_TYPES].sort() : ['gzip', 'none'])
    const fetched = ofApi('Fetch').flatMap(({ version, response }) => (decodeResponse(bytesOf(response), ApiKey.Fetch, version).body as FetchResponse).responses
      .flatMap(topic => topic.partitions.flatMap(({ records }) => (records === null ? [] : batchPositions(records).flatMap(at => readRecords(records, at))))))
    expect(fetched.length).toBeGreaterThanOrEqual(3)
  })

  // @platformatic/kafka leaves the user data out, which no schema of Kafka's allows and no broker reads.
  it.skipIf(client === '@platformatic/kafka')('its subscription in a JoinGroup is the consumer protocol\'s', () => {
    for (const { request } of ofApi('JoinGroup')) {
      const { protocols } = decodeRequest(bytesOf(request)).body as JoinGroupRequest
      const { metadata } = protocols[0]!
      const version = (metadata[0]! << 8) | metadata[1]!
      const subscription = decodeMessage<{ topics: string[] }>('ConsumerProtocolSubscription', version, metadata.subarray(2))
      expect(subscription.topics).toEqual(['golden'])
      expect(hex(encodeMessage('ConsumerProtocolSubscription', version, subscription))).toBe(hex(metadata.subarray(2)))
    }
  })
})
