import { expect, it } from 'vitest'
import { InvariantError } from '../../src/base/assert.ts'
import { ALL_API_KEYS, ApiKey, apiDescription } from '../../src/protocol/api-keys.ts'
import { compiledMessage, decodeMessage, encodeMessage, messageTable } from '../../src/protocol/codec.ts'
import { bytesFrameCodec, objectFrameCodec } from '../../src/protocol/frame-codec.ts'
import { MESSAGE_TABLES } from '../../src/protocol/generated/tables.ts'
import { type FieldTable, type MessageTable, within } from '../../src/protocol/schema.ts'

/** Every field of this version holds something else than its default; arrays hold two elements. */
function filled(table: MessageTable, version: number): Record<string, unknown> {
  let count = 0
  const valueOf = (field: FieldTable): unknown => {
    if (field.type.startsWith('[]')) return [0, 1].map(() => valueOf({ ...field, type: field.type.slice(2) }))
    count++
    switch (field.type) {
      case 'bool': return field.default !== true
      case 'string': return `é€😀${count}`
      case 'uuid': return 'BAAAAAAAAAAAAAAAAAAAAQ'
      case 'bytes': case 'records': return Uint8Array.of(1, 2, 3, 4, count & 0xff)
      case 'int64': return 2 ** 40 + count
      case 'float64': return count + 0.5
      default: return table.structs[field.type] === undefined ? 1 + count % 100 : structOf(table.structs[field.type]!)
    }
  }
  const structOf = (fields: readonly FieldTable[]): Record<string, unknown> =>
    Object.fromEntries(fields.filter(field => within(field.versions, version)).map(field => [field.name, valueOf(field)]))
  return structOf(table.fields)
}

/** Runs `visit` with each leaf changed in turn, and with each array one element shorter. */
function withEachChange(value: unknown, visit: (path: string) => void, path = ''): void {
  if (typeof value !== 'object' || value === null) return
  const node = value as Record<string, unknown>
  for (const key of Object.keys(node)) {
    const at = `${path}.${key}`
    const old = node[key]
    if (typeof old === 'object' && old !== null && !(old instanceof Uint8Array)) {
      withEachChange(old, visit, at)
      if (!Array.isArray(old)) continue
      node[key] = old.slice(1)
    } else if (old instanceof Uint8Array) {
      old[old.length - 1]! ^= 1
      visit(`${at}[last]`)
      old[old.length - 1]! ^= 1
      node[key] = old.subarray(1)
    } else {
      if (typeof old === 'number' && old > 2 ** 32) {
        node[key] = old + 2 ** 32
        visit(`${at} (high half)`)
      }
      node[key] = typeof old === 'boolean' ? !old
        : typeof old === 'string' ? `${old.slice(0, -1)}${old.endsWith('g') ? 'w' : 'g'}`
        : Number.isInteger(old) ? (old as number) + 1 : (old as number) / 2
    }
    visit(at)
    node[key] = old
  }
}

it('hashes every field of every message', () => {
  let changes = 0
  for (const table of MESSAGE_TABLES) {
    const version = table.versions[1]!
    const draft = filled(table, version)
    const message = compiledMessage(table.name, version)
    message.transfer(draft)
    const { hash } = message.tally
    withEachChange(draft, path => {
      changes++
      message.transfer(draft)
      expect(message.tally.hash === hash, `${table.name}${path} is not hashed`).toBe(false)
    })
    message.transfer(draft)
    expect(message.tally.hash).toBe(hash)
  }
  expect(changes).toBeGreaterThan(1_000)
})

it('gives one body, size and hash through objects and through bytes, for every request and response', () => {
  for (const apiKey of ALL_API_KEYS) {
    const api = apiDescription(apiKey)
    for (let apiVersion = api.min; apiVersion <= api.max; apiVersion++) {
      for (const isResponse of [false, true]) {
        const name = isResponse ? api.response : api.request
        for (const body of [{}, filled(messageTable(name), apiVersion)]) {
          const frame = { apiKey, apiVersion, isResponse, correlationId: 9, clientId: isResponse ? null : 'client-1', body }
          const object = { ...objectFrameCodec.transfer(frame) }
          expect({ ...bytesFrameCodec.transfer(frame) }, `${name} ${apiVersion}`).toEqual(object)
        }
      }
    }
  }
})

it('resets fields that the version does not have', () => {
  const { transfer } = compiledMessage('FetchRequest', 4)
  expect(transfer({ rackId: 'r1', maxBytes: 7 })).toMatchObject({ rackId: '', maxBytes: 7 })
})

it('hashes the header', () => {
  const frame = { apiKey: ApiKey.Fetch, apiVersion: 17, isResponse: false, correlationId: 1, clientId: 'a', body: {} }
  const hashes = [frame, { ...frame, clientId: 'b' }, { ...frame, clientId: null }, { ...frame, correlationId: 2 }, { ...frame, apiVersion: 16 }]
    .map(each => objectFrameCodec.transfer(each).hash)
  expect(new Set(hashes).size).toBe(hashes.length)
})

it('measures a frame as worked out by hand', () => {
  // Length 4, header v2 10 + 'kt' 2 + tags 1, body as in codec.test.ts 6; the response header of ApiVersions is never flexible.
  const request = { apiKey: ApiKey.ApiVersions, apiVersion: 3, isResponse: false, correlationId: 1, clientId: 'kt', body: { clientSoftwareName: 'kt', clientSoftwareVersion: '1' } }
  expect(objectFrameCodec.transfer(request).size).toBe(23)
  // Length 4, header v0 4; error 2, no keys 1, throttle time 4, no tags 1.
  expect(objectFrameCodec.transfer({ ...request, isResponse: true, clientId: null, body: {} }).size).toBe(16)
})

it('copies bytes even of a Buffer, whose slice shares memory', () => {
  const records = Buffer.from([1, 2, 3])
  const body = compiledMessage('ProduceRequest', 9).transfer({ topicData: [{ partitionData: [{ records }] }] }) as { topicData: { partitionData: { records: Uint8Array }[] }[] }
  records[0] = 9
  expect([...body.topicData[0]!.partitionData[0]!.records]).toEqual([1, 2, 3])
})

it.each<[string, object]>([
  ['an int32 of 2^31', { maxWaitMs: 2 ** 31 }],
  ['a fraction', { maxWaitMs: 1.5 }],
  ['text for a number', { maxWaitMs: '5' }],
  ['an int8 of 128', { isolationLevel: 128 }],
  ['an unsafe int64', { replicaState: { replicaEpoch: 2 ** 60 } }],
  ['a lone surrogate', { rackId: 'a\ud800' }],
  ['a string of more than 32767 bytes', { rackId: 'é'.repeat(16_384) }],
  ['null for an array', { topics: null }],
  ['null for a struct', { topics: [null] }],
  ['a uuid that is none', { topics: [{ topicId: 'x' }] }],
])('refuses %s, which would arrive changed', (_, body) => {
  const frame = { apiKey: ApiKey.Fetch, apiVersion: 17, isResponse: false, correlationId: 1, clientId: 'a', body }
  expect(() => objectFrameCodec.transfer(frame)).toThrow(InvariantError)
  expect(() => bytesFrameCodec.transfer(frame)).toThrow(InvariantError)
})

it('keeps a leading byte order mark', () => {
  const text = '\ufeffa'
  const bytes = encodeMessage('ApiVersionsRequest', 3, { clientSoftwareName: text })
  expect(decodeMessage('ApiVersionsRequest', 3, bytes)).toMatchObject({ clientSoftwareName: text })
})
