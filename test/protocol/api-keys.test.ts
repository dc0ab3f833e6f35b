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
