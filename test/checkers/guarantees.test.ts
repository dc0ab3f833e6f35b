/**
 * What each configuration owes: the table of the semantics, one change at a time, and the catalogue's reading of it. A
 * promise too many is a false alarm, one too few a blind checker.
 */
import { describe, expect, it } from 'vitest'
import { GUARANTEES, guarantee, guaranteesFor, lossBudget, type GuaranteeConfig, type GuaranteeId } from '../../checkers/guarantees.ts'
import { STRICT } from './history-fixture.ts'

const ALL = GUARANTEES.map(({ id }) => id).sort()
const owed = (config: Partial<GuaranteeConfig>): string[] => [...guaranteesFor({ ...STRICT, ...config }).owed].sort()
const without = (...ids: readonly GuaranteeId[]): string[] => ALL.filter(id => !(ids as readonly string[]).includes(id))

describe('guarantees', () => {
  it.each<[string, Partial<GuaranteeConfig>, string[]]>([
    ['everything, in the strict configuration', {}, ALL],
    ['acks=1', { acks: 1 }, without('no-loss')],
    ['acks=0', { acks: 0, idempotence: false }, without('no-loss', 'no-duplicate', 'send-order')],
    ['unclean elections', { uncleanLeaderElection: true }, without('no-loss', 'read-stays', 'monotonic-end')],
    ['one lossy crash of two in sync', { lossyCrashes: 1 }, ALL],
    ['two lossy crashes of two in sync', { lossyCrashes: 2 }, without('no-loss', 'read-stays', 'monotonic-end', 'liveness')],
    ['the same, with unclean elections: somebody can always lead', { lossyCrashes: 2, uncleanLeaderElection: true }, without('no-loss', 'read-stays', 'monotonic-end')],
    ['no idempotence', { idempotence: false }, without('no-duplicate', 'send-order')],
    ['no idempotence, no retries', { idempotence: false, retries: false }, without('send-order')],
    ['no idempotence, no retries, one in flight', { idempotence: false, retries: false, maxInFlight: 1 }, ALL],
    ['no idempotence, one in flight: order, since nothing is lost', { idempotence: false, maxInFlight: 1 }, without('no-duplicate')],
    ['no idempotence, one in flight, acks=1: a lost first copy may come again', { idempotence: false, maxInFlight: 1, acks: 1 }, without('no-loss', 'no-duplicate', 'send-order')],
    ['no idempotence, one in flight, acks=1, no retries', { idempotence: false, retries: false, maxInFlight: 1, acks: 1 }, without('no-loss')],
    ['acks=0, one in flight, no retries: nobody says what failed', { idempotence: false, retries: false, maxInFlight: 1, acks: 0 }, without('no-loss', 'send-order')],
    ['one voter that loses unflushed data', { voters: 1, lossyVoterCrashes: 1 }, without('metadata-durable', 'no-loss', 'read-stays', 'monotonic-end', 'liveness')],
    ['one voter that does not', { voters: 1 }, ALL],
    ['three voters, one of which loses unflushed data', { voters: 3, lossyVoterCrashes: 1 }, ALL],
    ['faults that never heal', { heals: false }, without('liveness')],
    ['reads of uncommitted transactions', { isolation: 'read_uncommitted' }, ALL],
  ])('%s', (_, config, expected) => {
    expect(owed(config)).toEqual(expected)
  })

  it('always include integrity and order of polls', () => {
    for (const acks of [0, 1, -1] as const) {
      for (const flag of [true, false]) {
        const set = owed({ acks, uncleanLeaderElection: flag, idempotence: !flag, retries: flag, lossyCrashes: 3, voters: 1, lossyVoterCrashes: 1, heals: flag, cleanup: 'compact' })
        expect(set).toContain('integrity')
        expect(set).toContain('monotonic-poll')
      }
    }
  })

  it('keep the configuration, and can be looked up', () => {
    expect(guaranteesFor(STRICT).config).toBe(STRICT)
    for (const { id, promise, link } of GUARANTEES) {
      expect(guarantee(id as GuaranteeId)).toMatchObject({ id, promise })
      expect(promise).toMatch(/^[A-Z].*\.$/)
      expect(link).toMatch(/^https:\/\//)
    }
    expect(new Set(ALL).size).toBe(ALL.length)
  })
})

describe('the budget of lossy crashes', () => {
  it.each([
    [3, 2, true, 1], [3, 1, true, 0], [3, 3, true, 2], [5, 3, true, 2], [1, 1, true, 0], [2, 3, true, 1], [3, 2, false, 0], [3, 3, false, 0],
  ])('%i replicas, %i in sync, eligible leader replicas %s: %i', (replicationFactor, minInsyncReplicas, eligibleLeaderReplicas, expected) => {
    const config = { ...STRICT, replicationFactor, minInsyncReplicas, eligibleLeaderReplicas }
    expect(lossBudget(config)).toBe(expected)
    expect(owed({ ...config, lossyCrashes: expected })).toContain('no-loss')
    expect(owed({ ...config, lossyCrashes: expected + 1 })).not.toContain('no-loss')
  })
})
