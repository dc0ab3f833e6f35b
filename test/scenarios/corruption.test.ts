/**
 * What is damaged on a disk, as Kafka has it. A flip under the CRC's cover is noticed by whoever reads it next, consumer or
 * follower, never served as data, and never repaired by the broker: it goes with the disk. What the CRC does not cover, and
 * a valid batch in the wrong place, is served.
 */
import { describe, expect, it } from 'vitest'
import type { Fault, FaultAction, Target } from '../../src/nemesis/fault.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { readPlanFile } from '../../src/trial/plan-file.ts'
import { runPlan } from '../../src/trial/run-plan.ts'
import type { TrialResult } from '../../src/trial/trial-result.ts'
import { produceConsume } from '../../workloads/produce-consume.ts'

const MS = 1_000
const CONSUMER = 'corrupt-batch-refused-by-consumer'
const FOLLOWER = 'corrupt-batch-refused-by-follower'

/** Controllers of their own (a voter keeps its disk), no other faults, nothing left to chance. */
const QUIET: Plan = { ...readPlanFile('test/corpus/corruption-outside-crc.trial.json').plan, faults: [], beyondBudget: false }
const topic = QUIET.topics[0]!.name
const LEADER: Target = { role: 'leader', topic, partition: 0, pick: 0 }

function run(faults: readonly (readonly [number, FaultAction])[], o: Partial<Plan> = {}): TrialResult {
  const plan = { ...QUIET, ...o, faults: faults.map(([at, action], id): Fault => ({ id, when: { at: at * MS }, action })) }
  const result = runPlan(plan, produceConsume, {})
  expect(result.skippedFaults).toEqual([])
  return result
}

const flip = (covered: boolean, pick: number, duration = 4_000): FaultAction => ({ kind: 'bit-flip', target: LEADER, covered, pick, durationUs: duration * MS })
const misdirect = (pick: number): FaultAction => ({ kind: 'misdirected-write', target: LEADER, pick, durationUs: 4_000 * MS })
const held = (pick: number): FaultAction => ({ kind: 'clog', from: { role: 'isr-follower', topic, partition: 0, pick }, to: LEADER, durationUs: 500 * MS })

describe('a bit that flips under the cover of the CRC', () => {
  it.each([0, 2, 4, 8, 10])('stops the consumer until the disk is replaced, and no wrong record is read (pick %i)', pick => {
    const result = run([[1_500, flip(true, pick)]])
    expect(result.marks[CONSUMER]).toBeGreaterThan(5)
    expect([result.verdict, result.drained]).toEqual(['valid', true])
  })

  it('stops the follower, which asks again and again', () => {
    const result = run([[800, held(0)], [800, held(1)], [1_200, flip(true, 5, 2_000)]])
    expect(result.marks[FOLLOWER]).toBeGreaterThan(5)
    expect([result.verdict, result.drained]).toEqual(['valid', true])
  })

  it('is not noticed by a consumer that does not look, which then reads what was never written', () => {
    const clients = QUIET.clients.map(client => (client.kind === 'consumer' ? { ...client, config: { ...client.config, checkCrcs: false } } : client))
    const results = [0, 2, 4, 8, 10].map(pick => run([[1_500, flip(true, pick)]], { clients }))
    expect(results.map(({ marks }) => marks[CONSUMER] ?? 0)).toEqual([0, 0, 0, 0, 0])
    expect(results.filter(({ verdict }) => verdict === 'invalid').length).toBeGreaterThan(0)
  })
})

describe('beyond the cover of the CRC', () => {
  it('a changed offset or length hides records that were acknowledged', () => {
    expect(run([[1_500, flip(false, 2)]], { beyondBudget: true }).verdict).toBe('invalid')
  })

  it('a batch in the wrong place is served at its own offsets', () => {
    const verdicts = [0, 2, 6, 8].map(pick => run([[1_500, misdirect(pick)]], { beyondBudget: true }).verdict)
    expect(verdicts).toEqual(['invalid', 'invalid', 'invalid', 'invalid'])
  })

  it('is more than any configuration survives, so that it does not happen by default', () => {
    const plan = { ...QUIET, faults: [flip(false, 2), misdirect(0)].map((action, id): Fault => ({ id, when: { at: 1_500 * MS }, action })) }
    expect(runPlan(plan, produceConsume, {}).skippedFaults.map(({ why }) => why)).toEqual(['beyond the survivability budget', 'beyond the survivability budget'])
  })
})

describe('a log file that cannot be read', () => {
  it('costs the broker its process until the disk is replaced', () => {
    const result = run([[1_500, { kind: 'bad-sector', target: LEADER, pick: 0, durationUs: 1_000 * MS }]])
    expect([result.verdict, result.drained]).toEqual(['valid', true])
    expect(result.marks['broker-fenced']).toBeGreaterThan(0)
  })
})

describe('a disk', () => {
  it.each(['disk-full', 'fsync-error'] as const)('with %s costs the broker its process, and it comes back', kind => {
    const result = run([[1_500, { kind, target: LEADER, durationUs: 2_000 * MS }]])
    expect([result.verdict, result.drained]).toEqual(['valid', true])
    expect(result.marks['unclean-broker-restart']).toBe(1)
  })
})
