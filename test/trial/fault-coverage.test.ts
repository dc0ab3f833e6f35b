/** Faults are counted, and what happens while they last or right after them. */
import { expect, it } from 'vitest'
import type { Observation } from '../../src/env/observation.ts'
import { FaultCoverage } from '../../src/trial/fault-coverage.ts'

const MS = 1_000
const elected = { kind: 'leader-elected', reason: 'isr' } as unknown as Observation
const proposed = (change: string): Observation => ({ kind: 'isr-proposed', change }) as unknown as Observation
const fault = (phase: 'start' | 'stop', id: number, kind: string): Observation => ({ kind: 'fault', phase, id, fault: kind, text: '' })

it('counts events under the faults that last and in their aftermath, and the pair of leader and ISR change', () => {
  const counts: Record<string, number> = {}
  const coverage = new FaultCoverage(counts)
  const tell = (atMs: number, event: Observation): void => coverage.observe(event, '', 0, atMs * MS)
  tell(0, elected)
  expect(counts).toEqual({})
  tell(1_000, fault('start', 0, 'crash'))
  tell(1_100, fault('start', 1, 'break'))
  tell(1_200, elected)
  tell(1_900, proposed('shrink'))
  tell(2_000, fault('stop', 0, 'crash'))
  tell(2_100, elected)
  tell(3_000, proposed('expand'))
  expect(counts).toEqual({
    'fault crash': 1, 'fault break': 1,
    'leader-change under crash': 2, 'leader-change under break': 1,
    'isr-shrink under crash': 1, 'leader-change+isr-change under crash': 1,
  })
})
