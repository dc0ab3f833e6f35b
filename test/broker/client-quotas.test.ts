import { describe, expect, test } from 'vitest'
import { Rate } from '../../src/broker/rate.ts'
import { applyQuotaRecord, quotaFor } from '../../src/controller/client-quota-image.ts'
import type { ClientQuota } from '../../src/controller/client-quota-image.ts'

describe('which quota applies', () => {
  const LEVELS: readonly Readonly<Record<string, string | null>>[] = [
    { user: 'u', 'client-id': 'c' }, { user: 'u', 'client-id': null }, { user: 'u' },
    { user: null, 'client-id': 'c' }, { user: null, 'client-id': null }, { user: null }, { 'client-id': 'c' }, { 'client-id': null },
  ]
  const SHARED_BY = ['u,c', 'u,c', 'u,', 'u,c', 'u,c', 'u,', ',c', ',c']

  test('the most particular one, until it is removed; without a client it is shared by all of a user', () => {
    const quotas = new Map<string, ClientQuota>()
    const entityOf = (level: Readonly<Record<string, string | null>>) => Object.entries(level).map(([entityType, entityName]) => ({ entityType, entityName }))
    LEVELS.forEach((level, value) => applyQuotaRecord(quotas, { entity: entityOf(level), key: 'producer_byte_rate', value: value + 1, remove: false }))
    const found: unknown[] = []
    for (const level of LEVELS) {
      const quota = quotaFor(quotas, 'producer_byte_rate', 'u', 'c')!
      found.push([quota.limit, (JSON.parse(quota.sharedBy) as string[]).join(',')])
      applyQuotaRecord(quotas, { entity: entityOf(level), key: 'producer_byte_rate', value: 0, remove: true })
    }
    expect(found).toEqual(SHARED_BY.map((sharedBy, index) => [index + 1, sharedBy]))
    expect(quotas.size).toBe(0)
  })

  test('a quota of another key, user or client does not', () => {
    const quotas = new Map<string, ClientQuota>()
    applyQuotaRecord(quotas, { entity: [{ entityType: 'client-id', entityName: 'd' }], key: 'producer_byte_rate', value: 1, remove: false })
    applyQuotaRecord(quotas, { entity: [{ entityType: 'client-id', entityName: 'c' }], key: 'consumer_byte_rate', value: 1, remove: false })
    expect(quotaFor(quotas, 'producer_byte_rate', 'u', 'c')).toBeUndefined()
  })
})

describe('a rate', () => {
  test('counts a first burst against all windows but the last', () => {
    const rate = new Rate({ samples: 11, windowMs: 1_000 })
    rate.record(10_000, 0)
    expect(rate.measure(0)).toBe(1_000)
    expect(rate.measure(500)).toBeCloseTo(10_000 / 10.5)
  })

  test('forgets what lies before its windows', () => {
    const rate = new Rate({ samples: 3, windowMs: 1_000 })
    rate.record(600, 0)
    rate.record(300, 1_500)
    expect(rate.measure(2_000)).toBe(450)
    expect(rate.measure(3_200)).toBeCloseTo(300 / 2.7)
    expect(rate.measure(4_600)).toBe(0)
  })
})
