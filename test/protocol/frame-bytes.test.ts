import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ApiKey } from '../../src/protocol/api-keys.ts'
import { decodeRequest, decodeResponse, encodeFrame } from '../../src/protocol/frame-bytes.ts'
import { DecodeError } from '../../src/protocol/wire.ts'

const request = { apiKey: ApiKey.ApiVersions, apiVersion: 3, isResponse: false, correlationId: 7, clientId: 'kt', body: { clientSoftwareName: 'kt', clientSoftwareVersion: '1' } }
const bytes = encodeFrame(request)

/** The same frame with one byte changed, or with another length. */
function changed(at: number, value: number): Uint8Array {
  const copy = bytes.slice()
  copy[at] = value
  return copy
}

it('lays out a request as worked out by hand: length, key, version, correlation id, client id, tags, message', () => {
  expect([...bytes]).toEqual([0, 0, 0, 19, 0, 18, 0, 3, 0, 0, 0, 7, 0, 2, 0x6b, 0x74, 0, 3, 0x6b, 0x74, 2, 0x31, 0])
  expect(decodeRequest(bytes)).toEqual(request)
})

it('gives a response to ApiVersions a header without tags in every version (KIP-511)', () => {
  const response = { ...request, isResponse: true, clientId: null, body: {} }
  expect([...encodeFrame(response)]).toEqual([0, 0, 0, 12, 0, 0, 0, 7, 0, 0, 1, 0, 0, 0, 0, 0])
  const other = { apiKey: ApiKey.Heartbeat, apiVersion: 4, isResponse: true, correlationId: 7, clientId: null, body: {} }
  expect([...encodeFrame(other)]).toEqual([0, 0, 0, 12, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0])
  expect(decodeResponse(encodeFrame(other), ApiKey.Heartbeat, 4)).toMatchObject({ correlationId: 7, body: { throttleTimeMs: 0, errorCode: 0 } })
})

it.each<[string, Uint8Array]>([
  ['a frame of another length', changed(3, 18)],
  ['an API that Kafka does not know', changed(5, 99)],
  ['one that Kafka 4.0 removed', changed(5, 4)],
  ['a version that it does not know', changed(7, 9)],
  ['less than a header', Uint8Array.of(0, 0, 0, 2, 0, 18)],
  ['nothing', new Uint8Array(0)],
])('refuses %s', (_, input) => {
  expect(() => decodeRequest(input)).toThrow(DecodeError)
})

it('refuses bytes behind the message', () => {
  const longer = new Uint8Array(bytes.length + 1)
  longer.set(bytes)
  longer[3] = 20
  expect(() => decodeRequest(longer)).toThrow('1 bytes left over')
})

it('answers arbitrary bytes behind any header with a frame or a DecodeError', () => {
  const input = fc.tuple(fc.nat(95), fc.nat(14), fc.uint8Array({ maxLength: 60 })).map(([key, version, rest]) => Uint8Array.of(0, 0, 0, rest.length + 10, 0, key, 0, version, 0, 0, 0, 1, 0xff, 0xff, ...rest))
  let read = 0
  fc.assert(fc.property(input, frame => {
    try {
      decodeRequest(frame)
      read++
    } catch (error) {
      expect(error).toBeInstanceOf(DecodeError)
    }
  }), { seed: 4, numRuns: 2_000 })
  expect(read).toBeGreaterThan(0)
})
