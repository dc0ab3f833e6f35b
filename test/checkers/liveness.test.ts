/**
 * Recovery after healing: what is owed when the bound has passed, what is excused (machines that stay down, partitions that
 * nobody can lead), and that nothing is said of a cluster that has not had its time.
 */
import { describe, expect, it } from 'vitest'
import { guaranteesFor, type GuaranteeConfig } from '../../checkers/guarantees.ts'
import { checkLiveness, type LivenessInput, type LivePartition } from '../../checkers/liveness/liveness.ts'
import { STRICT } from './history-fixture.ts'

const HEALTHY: LivePartition = { topic: 'orders', partition: 0, leader: 'broker-1', isr: ['broker-1', 'broker-2', 'broker-3'], replicas: ['broker-1', 'broker-2', 'broker-3'] }
const INPUT: LivenessInput = { healedAt: 10_000_000, endedAt: 40_000_000, boundUs: 30_000_000, partitions: [HEALTHY], clientsUnfinished: [], drained: true }

function check(o: Partial<LivenessInput>, config: Partial<GuaranteeConfig> = {}) {
  return checkLiveness({ ...INPUT, ...o }, guaranteesFor({ ...STRICT, ...config }))
}
const partition = (o: Partial<LivePartition>): Partial<LivenessInput> => ({ partitions: [{ ...HEALTHY, ...o }] })

const MISSING: readonly (readonly [string, Partial<LivenessInput>, string])[] = [
  ['a partition without a leader', partition({ leader: null }), 'orders-0 has no leader.'],
  ['a replica that is not back in the ISR', partition({ isr: ['broker-1', 'broker-2'] }), 'broker-3 is not back in the ISR of orders-0.'],
  ['several replicas that are not back', partition({ isr: ['broker-1'] }), 'broker-2, broker-3 is not back in the ISR of orders-0.'],
  ['a client that still waits', { clientsUnfinished: ['client-1'] }, 'client-1 still waits for an answer.'],
  ['a drain that did not reach the end', { drained: false }, 'The final drain did not reach the end of every partition.'],
]

describe('no-progress', () => {
  it.each(MISSING)('is seen: %s', (_, input, title) => {
    const result = check(input)
    expect(result).toMatchObject({ checker: 'liveness', verdict: 'invalid', counts: { 'no-progress': 1 }, bad: { 'no-progress': 1 } })
    expect(result.reason).toBeUndefined()
    const [finding] = result.findings
    expect(finding).toMatchObject({ anomaly: 'no-progress', title, status: 'bad', guarantee: 'liveness', evidence: { healedAt: 10_000_000, endedAt: 40_000_000, boundUs: 30_000_000 } })
    expect(finding!.steps.map(({ time }) => time)).toEqual([10_000_000, 40_000_000])
    expect(finding!.contradiction).toContain('at most 30 s')
    expect(finding!.contradiction).toContain(`30 s later: ${title}`)
  })

  it.each(MISSING)('is unknown while there is time: %s', (_, input, title) => {
    const result = check({ ...input, endedAt: INPUT.endedAt - 1 })
    expect(result).toMatchObject({ verdict: 'unknown', findings: [], counts: {} })
    expect(result.reason).toBe(`${title} Only 30 s of 30 s have passed since the faults stopped.`)
  })

  it.each(MISSING)('is allowed where no progress is owed: %s', (_, input) => {
    for (const config of [{ heals: false }, { lossyCrashes: 2 }, { voters: 1, lossyVoterCrashes: 1 }]) {
      expect(check(input, config)).toMatchObject({ verdict: 'valid', counts: { 'no-progress': 1 }, bad: { 'no-progress': 0 } })
    }
  })

  it('counts each, and names the partition', () => {
    const result = check({ partitions: [{ ...HEALTHY, leader: null }, { ...HEALTHY, partition: 1 }, { ...HEALTHY, partition: 2, isr: [] }], clientsUnfinished: ['client-1', 'client-2'], drained: false })
    expect(result.counts).toEqual({ 'no-progress': 5 })
    expect(result.findings.map(({ key }) => key)).toEqual(['orders-0', 'orders-2', undefined, undefined, undefined])
  })

  it('gives the first reason when several are missing too early', () => {
    const result = check({ ...partition({ leader: null }), drained: false, endedAt: 11_500_000 })
    expect(result.reason).toBe('orders-0 has no leader. Only 1.5 s of 30 s have passed since the faults stopped.')
  })

  it('is judged by the bound, not by the end', () => {
    expect(check({ ...partition({ leader: null }), boundUs: 30_000_001 }).verdict).toBe('unknown')
    expect(check({ ...partition({ leader: null }), boundUs: 30_000_000 }).verdict).toBe('invalid')
  })
})

describe('near misses', () => {
  const missing = partition({ isr: ['broker-1', 'broker-2'] })
  it.each([
    ['everything is back', {}],
    ['everything is back before its time', { endedAt: 11_000_000 }],
    ['the replica\'s machine does not run', partition({ isr: ['broker-1', 'broker-2'], replicas: ['broker-1', 'broker-2'] })],
    ['nobody can be elected', partition({ leader: null, isr: ['broker-3'], replicas: ['broker-1', 'broker-2'], electable: [] })],
    ['nobody runs', partition({ leader: null, isr: [], replicas: [] })],
    ['the ISR holds more than what runs', partition({ replicas: ['broker-1'] })],
    ['there are no partitions', { partitions: [] }],
  ] as const)('%s', (_, input) => {
    expect(check(missing).verdict).toBe('invalid')
    expect(check(input)).toMatchObject({ verdict: 'valid', findings: [], counts: {} })
  })

  it('one electable replica suffices for a leader to be owed', () => {
    expect(check(partition({ leader: null, electable: ['broker-2'] })).verdict).toBe('invalid')
  })
})
