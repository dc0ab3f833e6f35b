/**
 * What anomalies rule out: the weakest models by name, as Elle answers, and which models forbid what.
 */
import { describe, expect, it } from 'vitest'
import { CONSISTENCY_MODELS, findModel, forbids, ruledOut } from '../../../checkers/isolation/consistency-models.ts'

describe('anomalies rule out', () => {
  it.each([
    [['G0'], ['read-uncommitted']],
    [['G0-process'], ['strong-session-read-uncommitted']],
    [['G0-realtime'], ['strong-read-uncommitted']],
    [['G1a'], ['read-committed']],
    [['G1b'], ['read-committed']],
    [['G1c'], ['read-committed']],
    [['G1c-process'], ['strong-session-read-committed']],
    [['G1c-realtime'], ['strong-read-committed']],
    [['internal'], ['read-atomic']],
    [['future-read'], ['read-committed']],
    [['dirty-update'], ['read-committed']],
    [['incompatible-order'], ['read-committed']],
    [['duplicate-elements'], ['read-uncommitted']],
    [['lost-update'], ['cursor-stability', 'update-atomic']],
    [['G-single'], ['consistent-view', 'repeatable-read']],
    [['G-single-process'], ['strong-session-snapshot-isolation']],
    [['G-single-realtime'], ['strong-snapshot-isolation']],
    [['G-nonadjacent'], ['repeatable-read', 'snapshot-isolation']],
    [['G2-item'], ['repeatable-read']],
    [['G2-item-process'], ['strong-session-serializable']],
    [['G2-item-realtime'], ['strict-serializable']],
    [['G2-item', 'G1a'], ['read-committed']],
    [[], []],
  ])('%j: %j', (anomalies, not) => {
    expect(ruledOut(anomalies, true).not).toEqual(not)
  })

  it('with ranges, less: a cycle of ranges is no cycle of items', () => {
    expect(ruledOut(['G2'], false).not).toEqual(['serializable'])
    expect(ruledOut(['G-single'], false).not).toEqual(['consistent-view'])
  })

  it('and with them all that is stronger', () => {
    const { not, alsoNot } = ruledOut(['G1a'], true)
    expect([...not, ...alsoNot].sort()).toEqual(CONSISTENCY_MODELS.filter(model => !['read-uncommitted', 'strong-session-read-uncommitted', 'strong-read-uncommitted', 'view-serializable'].includes(model)).sort())
    expect(ruledOut(['G2-item-realtime'], true).alsoNot).toEqual([])
  })
})

describe('a model', () => {
  it('forbids what it must and no more', () => {
    expect(forbids('serializable', 'G2-item', true)).toBe(true)
    expect(forbids('serializable', 'G2-item-realtime', true)).toBe(false)
    expect(forbids('snapshot-isolation', 'G2-item', true)).toBe(false)
    expect(forbids('snapshot-isolation', 'G-nonadjacent', true)).toBe(true)
    expect(forbids('strict-serializable', 'G0-process', true)).toBe(true)
    expect(forbids('read-uncommitted', 'G1c', true)).toBe(false)
    for (const anomaly of ['G0', 'G1a', 'G1b', 'G1c', 'G-single', 'G-nonadjacent', 'G2-item', 'internal', 'lost-update']) expect(forbids('strict-serializable', anomaly, true), anomaly).toBe(true)
  })

  it('has other names', () => {
    expect(findModel('PL-SI')).toBe('snapshot-isolation')
    expect(findModel('strong-serializable')).toBe('strict-serializable')
    for (const name of ['', 'constructor', 'serialisable', '__proto__']) expect(() => findModel(name)).toThrow(/There is no consistency model named/)
  })
})
