/**
 * Names: every anomaly of the catalogue belongs to a checker that exists and to guarantees that exist, and selections of
 * checkers by name or group take what they say.
 */
import { describe, expect, it } from 'vitest'
import { ANOMALIES, findAnomaly, promiseOf, statusOf } from '../../checkers/anomalies.ts'
import { GUARANTEES, guaranteesFor } from '../../checkers/guarantees.ts'
import { CHECKER_GROUPS, CHECKERS, findChecker, HISTORY_CHECKERS, selectCheckers } from '../../checkers/index.ts'
import { MONITORS } from '../../checkers/invariants/invariants.ts'
import { TrialError } from '../../src/base/trial-error.ts'
import { STRICT } from './history-fixture.ts'

describe('the catalogue', () => {
  it('has one entry an anomaly, each of a checker that exists', () => {
    expect(new Set(ANOMALIES.map(({ id }) => id)).size).toBe(ANOMALIES.length)
    for (const { id, checker } of ANOMALIES) expect(CHECKERS.map(({ name }) => name), id).toContain(checker)
    // Variants of one checker share its entries.
    const variants = new Set(['at-least-once', 'at-most-once', 'committed-offsets'])
    for (const { name } of CHECKERS.filter(one => !variants.has(one.name))) expect(ANOMALIES.some(({ checker }) => checker === name), name).toBe(true)
  })

  it('explains each in a screenful', () => {
    for (const anomaly of ANOMALIES) {
      expect(anomaly.definition, anomaly.id).toMatch(/^[A-Z].*\.$/)
      expect(anomaly.falseAlarm, anomaly.id).toMatch(/\.$/)
      expect(anomaly.title, anomaly.id).not.toMatch(/\.$/)
      expect(anomaly.example.length, anomaly.id).toBeGreaterThan(0)
      expect(anomaly.example.length, anomaly.id).toBeLessThanOrEqual(6)
    }
  })

  it('names guarantees that exist; the first is the promise that is broken', () => {
    const ids = new Set(GUARANTEES.map(({ id }) => id))
    for (const anomaly of ANOMALIES) {
      if (anomaly.forbiddenBy === 'never') expect(promiseOf(anomaly)).toBeUndefined()
      else {
        for (const id of anomaly.forbiddenBy) expect(ids, anomaly.id).toContain(id)
        expect(promiseOf(anomaly)?.id).toBe(anomaly.forbiddenBy[0])
      }
    }
    expect(findAnomaly('lost-write')?.forbiddenBy).toEqual(['no-loss'])
    expect(findAnomaly('lost')).toBeUndefined()
  })

  it('is bad only where every guarantee that forbids it is owed', () => {
    const strict = guaranteesFor(STRICT)
    const unclean = guaranteesFor({ ...STRICT, uncleanLeaderElection: true })
    expect(statusOf('inconsistent-offsets', strict)).toEqual({ status: 'bad', guarantee: 'integrity' })
    expect(statusOf('inconsistent-offsets', unclean)).toEqual({ status: 'allowed', guarantee: 'read-stays' })
    expect(statusOf('inconsistent-offsets', unclean, ['integrity'])).toEqual({ status: 'bad', guarantee: 'integrity' })
    expect(statusOf('inconsistent-offsets', strict, 'never')).toEqual({ status: 'allowed', guarantee: null })
    expect(statusOf('unconfirmed-loss', strict)).toEqual({ status: 'allowed', guarantee: null })
    expect(statusOf('broker-assertion', unclean)).toEqual({ status: 'bad', guarantee: null })
    for (const { id, forbiddenBy } of ANOMALIES) expect(statusOf(id, strict).status, id).toBe(forbiddenBy === 'never' ? 'allowed' : 'bad')
  })
})

describe('selecting checkers', () => {
  it('by name', () => {
    const selected = selectCheckers(['kafka-log', 'hw-regression', 'liveness'])
    expect(selected.history.map(({ name }) => name)).toEqual(['kafka-log'])
    expect(selected.monitors).toEqual(['hw-regression'])
    expect(selected.liveness).toBe(true)
    expect([...selected.names]).toEqual(['kafka-log', 'hw-regression', 'liveness'])
  })

  it('by group', () => {
    const all = selectCheckers(['all'])
    expect([all.history, all.monitors, all.liveness]).toEqual([HISTORY_CHECKERS, MONITORS.map(({ name }) => name), true])
    const blackBox = selectCheckers(['black-box'])
    expect([blackBox.history, blackBox.monitors, blackBox.liveness]).toEqual([HISTORY_CHECKERS, [], true])
    const invariants = selectCheckers(['invariants'])
    expect([invariants.history, invariants.monitors, invariants.liveness]).toEqual([[], MONITORS.map(({ name }) => name), false])
    expect([...invariants.names]).toContain('broker-assertion')
    expect(new Set([...CHECKER_GROUPS['black-box']!, ...CHECKER_GROUPS['invariants']!])).toEqual(new Set(CHECKER_GROUPS['all']))
  })

  it('nothing of nothing, and each once', () => {
    expect(selectCheckers([])).toMatchObject({ history: [], monitors: [], liveness: false })
    expect(selectCheckers(['hw-regression', 'invariants', 'all']).monitors).toEqual(MONITORS.map(({ name }) => name))
  })

  it('refuses names that there are not, with those that there are', () => {
    for (const name of ['nothing', 'constructor', '']) {
      expect(() => selectCheckers([name])).toThrow(TrialError)
      expect(() => findChecker(name)).toThrow(TrialError)
    }
    expect(() => findChecker('hw-regression')).toThrow(/no checker of histories named hw-regression/)
    expect(findChecker('kafka-log')).toBe(HISTORY_CHECKERS[0])
    expect(findChecker('kafka')).toBe(HISTORY_CHECKERS[0])
    try {
      selectCheckers(['nothing'])
    } catch (error) {
      expect((error as TrialError).code).toBe('usage')
      expect((error as TrialError).hint).toContain('kafka-log')
      expect((error as TrialError).hint).toContain('black-box')
    }
  })
})
