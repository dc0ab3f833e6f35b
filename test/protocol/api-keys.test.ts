import { expect, it } from 'vitest'
import { advertisedVersions, ALL_API_KEYS, ApiKey, apiDescription, apiName, apiVersions } from '../../src/protocol/api-keys.ts'
import { messageTable } from '../../src/protocol/codec.ts'

it('names exactly the APIs that have tables, each with a request and a response of the same versions', () => {
  expect(Object.values(ApiKey).sort((a, b) => a - b)).toEqual(ALL_API_KEYS)
  for (const [name, key] of Object.entries(ApiKey)) {
    expect(apiName(key)).toBe(name)
    const { request, response } = apiDescription(key)
    expect(messageTable(response).versions, name).toEqual(messageTable(request).versions)
  }
})

it('serves no unstable version, and advertises more of Produce than it serves', () => {
  expect(apiVersions(ApiKey.InitProducerId)).toMatchObject({ min: 0, max: 5 })
  expect(apiVersions(ApiKey.Produce)).toMatchObject({ min: 3, max: 13 })
  expect(advertisedVersions(ApiKey.Produce)).toEqual({ min: 0, max: 13 })
  expect(advertisedVersions(ApiKey.Fetch)).toEqual({ min: 4, max: 18 })
})

/** Kafka 4.3.1's own (ApiKeys), by key. */
const RANGES = `
  0:3-13 1:4-18 2:1-11 3:0-13 8:2-10 9:1-10 10:0-6 11:0-9 12:0-4 13:0-5 14:0-5 15:0-6 16:0-5 17:0-1 18:0-4 19:2-7 20:1-6 21:0-2
  22:0-5 23:2-4 24:0-5 25:0-4 26:0-5 27:1-2 28:0-5 29:1-3 30:1-3 31:1-3 32:1-4 33:0-2 34:1-2 35:1-5 36:0-2 37:0-3 38:1-3 39:1-2
  40:1-2 41:1-3 42:0-2 43:0-2 44:0-1 45:0-1 46:0-0 47:0-0 48:0-1 49:0-1 50:0-0 51:0-0 52:0-2 53:0-1 54:0-1 55:0-2 56:2-3 57:0-2
  58:0-0 59:0-1 60:0-2 61:0-0 62:0-4 63:0-2 64:0-0 65:0-0 66:0-2 67:0-0 68:0-1 69:0-1 70:0-0 71:0-0 72:0-0 73:0-0 74:0-1 75:0-0
  76:1-1 77:1-1 78:1-2 79:1-2 80:0-1 81:0-0 82:0-0 83:0-0 84:0-0 85:0-1 86:0-0 87:0-1 88:0-0 89:0-0 90:0-1 91:0-0 92:0-0`

it('knows every API of 4.3.1 in its versions', () => {
  const known = ALL_API_KEYS.map(key => `${key}:${apiVersions(key).min}-${apiVersions(key).max}`)
  expect(known).toEqual(RANGES.trim().split(/\s+/))
})
