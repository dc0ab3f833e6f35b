/**
 * Known behaviour abort-index-hides-next: what a follower writes into the abort index when the end of a transaction reaches it
 * together with what came after (UnifiedLog#append), and what readers of committed records are told once it leads.
 */
import { describe, expect, it } from 'vitest'
import { buildEndTxnMarker } from '../../src/protocol/records/control-records.ts'
import { FakeDisk, FakeEnv } from './fake-env.ts'
import { batch, openLog } from './log-fixture.ts'

const data = (producerId: number, baseSequence: number, producerEpoch = 0): Uint8Array => batch(['x'], { producerId, producerEpoch, baseSequence, isTransactional: true })
const abort = (producerId: number, producerEpoch = 0): Uint8Array => buildEndTxnMarker({ commit: false, timestamp: 0, producerId, producerEpoch, coordinatorEpoch: 0 })

/** Producer 7 aborts at offset 1 and goes on at 2; producer 8 begins at 3. */
function leader() {
  const log = openLog(new FakeEnv(new FakeDisk()), { server: { transactionPartitionVerificationEnable: false } })
  log.appendAsLeader(data(7, 0), 1, 'client')
  log.appendAsLeader(abort(7), 1, 'coordinator')
  log.appendAsLeader(data(7, 1), 1, 'client')
  log.appendAsLeader(data(8, 0), 1, 'client')
  return log
}

/** The same on a follower, fetched in so many pieces; then the second transaction of producer 7 is aborted there, in a segment of its own. */
function follower(pieces: 'one' | 'each', mended = false) {
  const env = new FakeEnv(new FakeDisk(), mended ? { mends: new Set(['abort-index-hides-next']) } : {})
  const log = openLog(env, { server: { transactionPartitionVerificationEnable: false } })
  const from = leader()
  while (log.logEndOffset < 4) log.appendAsFollower(from.read(log.logEndOffset, pieces === 'one' ? 10_000 : 1, 4, true), 1)
  log.appendAsLeader(abort(7), 2, 'coordinator')
  log.updateHighWatermark(log.logEndOffset)
  expect(log.lastStableOffset).toBe(3)
  // What a reader at offset 2 may have, up to the last stable offset, and what of it was aborted.
  const aborted = log.abortedTransactions(2, 3).map(({ producerId, firstOffset }) => [producerId, firstOffset])
  return { aborted, told: env.observed('abort-entry-hides') }
}

describe('the abort index of a follower', () => {
  it('hides the next transaction of a producer behind those of others, and says so', () => {
    expect(follower('one')).toMatchObject({ aborted: [], told: [{ producerId: 7, firstOffset: 2 }] })
  })

  it('does not when each batch comes by itself, or mended', () => {
    expect(follower('each')).toEqual({ aborted: [[7, 2]], told: [] })
    expect(follower('one', true).aborted).toEqual([[7, 2]])
  })
})
