/**
 * What histories of registers show: the smallest that shows each anomaly, near misses, transactions of unknown fate, and what
 * each assumption about the order of versions adds.
 */
import { describe, expect, it } from 'vitest'
import type { VersionOrder } from '../../../checkers/isolation/register-versions.ts'
import { type Part, registers, t, together } from './transaction-fixture.ts'

interface RegisterCase {
  readonly name: string
  readonly parts: readonly Part[]
  readonly counts: { readonly [anomaly: string]: number }
  readonly assume?: readonly VersionOrder[]
}

const SHOWS: { readonly [anomaly: string]: readonly RegisterCase[] } = {
  'G1a': [
    { name: 'of a transaction that failed', parts: [t('fail', 'w x 1'), t('ok', 'r x 1')], counts: { G1a: 1 } },
    { name: 'unknown fate is no failure', parts: [t('info', 'w x 1'), t('ok', 'r x 1')], counts: {} },
    { name: 'nor is no answer', parts: [t('open', 'w x 1'), t('ok', 'r x 1')], counts: {} },
  ],
  'G1b': [
    { name: 'of the first of two writes', parts: [together(t('ok', 'w x 1, w x 2'), t('ok', 'r x 1'))], counts: { G1b: 1 } },
    { name: 'by itself is right', parts: [t('ok', 'w x 1, r x 1, w x 2')], counts: {} },
  ],
  'internal': [
    { name: 'does not see its own write', parts: [t('ok', 'w x 1, r x')], counts: { internal: 1 } },
    { name: 'reads two values', parts: [t('ok', 'w x 1'), together(t('ok', 'w x 2'), t('ok', 'r x 1, r x 2'))], counts: { internal: 1 } },
    { name: 'sees its own write', parts: [t('ok', 'r x, w x 1, r x 1')], counts: {} },
  ],
  'future-read': [
    { name: 'reads what it writes next', parts: [t('ok', 'r x 1, w x 1')], counts: { 'future-read': 1 } },
    { name: 'reads it afterwards', parts: [t('ok', 'w x 1, r x 1')], counts: {} },
  ],
  'lost-update': [
    { name: 'both read nil', parts: [together(t('ok', 'r x, w x 1'), t('ok', 'r x, w x 2'))], counts: { 'lost-update': 1, 'G2-item': 1 } },
    { name: 'both read one value', parts: [t('ok', 'w x 1'), together(t('ok', 'r x 1, w x 2'), t('ok', 'r x 1, w x 3'))], counts: { 'lost-update': 1 } },
    { name: 'one of them failed', parts: [together(t('fail', 'r x, w x 1'), t('ok', 'r x, w x 2'))], counts: {} },
    { name: 'one wrote first', parts: [together(t('ok', 'w x 1, r x 1'), t('ok', 'r x, w x 2'))], counts: {} },
  ],
  'garbage-read': [
    { name: 'a value that nobody wrote, where the register began as nil', parts: [t('ok', 'r x'), t('ok', 'r x 7')], counts: { 'garbage-read': 1 } },
    { name: 'two such values', parts: [t('ok', 'r x 7'), t('ok', 'r x 8')], counts: { 'garbage-read': 2 } },
    { name: 'one such value may be the beginning', parts: [t('ok', 'r x 7'), t('ok', 'w x 1'), t('ok', 'r x 1')], counts: {} },
  ],
  'cyclic-versions': [
    { name: 'writes follow reads, in a circle', parts: [together(t('ok', 'r x 2, w x 1'), t('ok', 'r x 1, w x 2'))], counts: { 'cyclic-versions': 1, 'G1c': 1 }, assume: ['wfr-keys'] },
    { name: 'one process sees a value again', parts: [together(t('ok', 'w x 1'), t('ok', 'w x 2')), t('ok', 'r x 1', 1), t('ok', 'r x 2', 1), t('ok', 'r x 1', 1)], counts: { 'cyclic-versions': 1 }, assume: ['sequential-keys'] },
    { name: 'any process does', parts: [together(t('ok', 'w x 1'), t('ok', 'w x 2')), t('ok', 'r x 1'), t('ok', 'r x 2'), t('ok', 'r x 1')], counts: { 'cyclic-versions': 1 }, assume: ['linearizable-keys'] },
    { name: 'nil comes back', parts: [t('ok', 'w x 1', 1), t('ok', 'r x 1', 1), t('ok', 'r x', 1)], counts: { 'cyclic-versions': 1, 'G-single-process': 1 }, assume: ['sequential-keys'] },
    { name: 'not assumed', parts: [together(t('ok', 'w x 1'), t('ok', 'w x 2')), t('ok', 'r x 1', 1), t('ok', 'r x 2', 1), t('ok', 'r x 1', 1)], counts: {} },
    { name: 'each process saw a line', parts: [together(t('ok', 'w x 1'), t('ok', 'w x 2'), t('ok', 'r x 1', 1)), t('ok', 'r x 2', 1), t('ok', 'r x 2', 2)], counts: {}, assume: ['sequential-keys'] },
  ],
  'cycles': [
    { name: 'G1c: each read what the other wrote', parts: [together(t('ok', 'w x 1, r y 1'), t('ok', 'w y 1, r x 1'))], counts: { G1c: 1 } },
    { name: 'G-single: half of a transaction was missed', parts: [together(t('ok', 'w x 1, w y 1'), t('ok', 'r x 1, r y'))], counts: { 'G-single': 1 } },
    { name: 'G-nonadjacent: a long fork', parts: [together(t('ok', 'w x 1'), t('ok', 'w y 1'), t('ok', 'r x 1, r y'), t('ok', 'r x, r y 1'))], counts: { 'G-nonadjacent': 1 } },
    { name: 'G2-item: write skew', parts: [together(t('ok', 'r x, w y 1'), t('ok', 'r y, w x 1'))], counts: { 'G2-item': 1 } },
    { name: 'G-single-realtime: nil after a write was answered', parts: [t('ok', 'w x 1'), t('ok', 'r x')], counts: { 'G-single-realtime': 1 } },
    { name: 'G-single-process', parts: [t('ok', 'w x 1', 1), t('ok', 'r x', 1)], counts: { 'G-single-process': 1 } },
    { name: 'G0: writes in two orders, which two sequential readers saw', parts: [together(t('ok', 'w x 1, w y 1'), t('ok', 'w x 2, w y 2')), t('ok', 'r x 1', 1), t('ok', 'r x 2', 1), t('ok', 'r y 2', 2), t('ok', 'r y 1', 2)], counts: { 'G0': 1, 'G-single': 1 }, assume: ['sequential-keys'] },
    { name: 'the same without the assumption', parts: [together(t('ok', 'w x 1, w y 1'), t('ok', 'w x 2, w y 2')), t('ok', 'r x 1', 1), t('ok', 'r x 2', 1), t('ok', 'r y 2', 2), t('ok', 'r y 1', 2)], counts: {} },
    { name: 'nothing wrong', parts: [t('ok', 'w x 1, r y'), t('ok', 'r x 1, w y 1'), t('ok', 'r x 1, r y 1')], counts: {}, assume: ['wfr-keys', 'sequential-keys', 'linearizable-keys'] },
    { name: 'of unknown fate and never seen', parts: [together(t('info', 'w x 1, w y 1'), t('ok', 'r x, r y'))], counts: {} },
  ],
}

describe.each(Object.keys(SHOWS))('%s', anomaly => {
  it.each(SHOWS[anomaly]!.map(one => [one.name, one] as const))('%s', (_, { parts, counts, assume = [] }) => {
    const result = registers(parts, { versionOrders: assume })
    expect(result.counts).toEqual(counts)
    expect(result.verdict).toBe(Object.keys(counts).length === 0 ? 'valid' : 'invalid')
    for (const { title, steps, contradiction } of result.findings) {
      expect(title).toMatch(/\.$/)
      expect(steps.length).toBeGreaterThan(0)
      expect(contradiction).toMatch(/however/)
    }
  })
})

it('a cycle is explained with values and where their order comes from', () => {
  const { findings } = registers([t('ok', 'w x 1'), t('ok', 'r x 1, w x 2'), together(t('ok', 'r x 1, w y 1'), t('ok', 'r y 1, r x 2', 7), t('ok', 'r y', 7 + 1))], { versionOrders: ['wfr-keys'] })
  expect(findings.map(({ anomaly }) => anomaly)).toEqual(['G-single-realtime'])
  expect(findings[0]!.steps[0]!.text).toMatch(/T1 read x = 1, and T2 set it to 2, which came later in the version order\.$/)
})
