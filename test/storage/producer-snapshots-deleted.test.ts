/**
 * KAFKA-5829: who writes a producer snapshot and deletes the older ones has nothing to go back to when the log is cut below
 * it, and a producer whose batches retention has removed is forgotten: its repeat is appended again.
 */
import { describe, expect, it } from 'vitest'
import type { DefectId } from '../../src/config/defects.ts'
import { FakeEnv } from './fake-env.ts'
import { batch, openLog, sequenced } from './log-fixture.ts'

const PRODUCER = 7
const OPTIONS = { config: { segmentBytes: 150, retentionBytes: 350 } }

/** Two batches of a producer, then others' until retention has removed those; a snapshot at each roll. */
function expired(defects: readonly DefectId[]): { env: FakeEnv; log: ReturnType<typeof openLog> } {
  const env = new FakeEnv(undefined, { defects: new Set(defects) })
  const log = openLog(env, OPTIONS)
  log.appendAsLeader(sequenced(PRODUCER, 0), 0, 'client')
  log.appendAsLeader(sequenced(PRODUCER, 1), 0, 'client')
  for (let i = 0; i < 7; i++) log.appendAsLeader(batch([`other ${i}`]), 0, 'client')
  log.updateHighWatermark(6)
  expect(log.deleteOldSegments()).toBeGreaterThan(0)
  expect([log.logStartOffset, log.segments.map(({ baseOffset }) => baseOffset)]).toEqual([4, [4, 6, 8]])
  env.settle()
  return { env, log }
}

/** Appended again or recognised? */
function repeated(log: ReturnType<typeof openLog>): 'appended again' | 'recognised' {
  return log.appendAsLeader(sequenced(PRODUCER, 1), 1, 'client').duplicate ? 'recognised' : 'appended again'
}

describe.each([['a truncation', ({ log }: ReturnType<typeof expired>) => {
  log.truncateTo(7, 'diverging-epoch')
  return log
}], ['an unclean start', ({ env }: ReturnType<typeof expired>) => openLog(new FakeEnv(env.disk, { defects: env.defects, clock: env.clock }), { ...OPTIONS, recoveryPoint: 6, logStartOffset: 4 })]] as const)('after %s', (_, after) => {
  it('a producer is known from the snapshot before it', () => {
    expect(repeated(after(expired([])))).toBe('recognised')
  })

  it('it is forgotten with KAFKA-5829', () => {
    expect(repeated(after(expired(['KAFKA-5829'])))).toBe('appended again')
  })
})
