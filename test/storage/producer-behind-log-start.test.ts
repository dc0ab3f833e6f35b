/**
 * Known behaviour producer-state-behind-log-start: retention removes a producer's batches and keeps its state, but the next
 * reload (ProducerStateManager#truncateAndReload) drops the snapshots at or below the log start, and its state with them.
 */
import { describe, expect, it } from 'vitest'
import type { MendId } from '../../src/config/defects.ts'
import { FakeEnv } from './fake-env.ts'
import { batch, openLog, sequenced } from './log-fixture.ts'

const PRODUCER = 7

/** Two batches of a producer expire; then another's batch is appended and cut off again. */
function truncatedAfterRetention(mends: readonly MendId[]): { env: FakeEnv; producers: () => number[] } {
  const env = new FakeEnv(undefined, { mends: new Set(mends) })
  const log = openLog(env, { config: { retentionMs: 100 } })
  log.appendAsLeader(sequenced(PRODUCER, 0), 0, 'client')
  log.appendAsLeader(sequenced(PRODUCER, 1), 0, 'client')
  log.updateHighWatermark(log.logEndOffset)
  env.clock += 10_000
  expect(log.deleteOldSegments()).toBeGreaterThan(0)
  expect(log.logStartOffset).toBe(2)
  expect(log.producers.describe().map(({ producerId }) => producerId)).toEqual([PRODUCER])
  log.appendAsLeader(batch(['z'], { timestamp: env.clock }), 1, 'client')
  expect(log.truncateTo(2, 'diverging-epoch')).toBe(true)
  return { env, producers: () => log.producers.describe().map(({ producerId }) => producerId) }
}

describe('a truncation to the log start', () => {
  it('forgets a producer whose batches have expired, and says so', () => {
    const { env, producers } = truncatedAfterRetention([])
    expect(producers()).toEqual([])
    expect(env.observations.filter(({ kind }) => kind === 'producer-forgotten')).toMatchObject([{ producerId: PRODUCER, topic: 'orders', partition: 0 }])
  })

  it('keeps it when mended', () => {
    const { env, producers } = truncatedAfterRetention(['producer-state-behind-log-start'])
    expect(producers()).toEqual([PRODUCER])
    expect(env.observations.some(({ kind }) => kind === 'producer-forgotten')).toBe(false)
  })
})
