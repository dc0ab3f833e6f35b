/**
 * Known behaviour epoch-start-behind-gap: where a leader epoch begins, as told by a replica that got its first batches only
 * after compaction had removed them (UnifiedLog#append assigns epochs by the base offset of a batch).
 */
import { describe, expect, it } from 'vitest'
import { batchPositions, stampOffsets } from '../../../src/protocol/records/record-batch.ts'
import { FakeEnv } from '../fake-env.ts'
import { openLog } from '../log-fixture.ts'
import { CompactedLog, keyed } from './compacted-log.ts'

/** A leader with epoch 1 from offset 2 on, of which compaction has left offset 4; and who copies that. */
function copied(mended: boolean) {
  const leader = new CompactedLog({ config: { segmentBytes: 100 } })
  for (const [index, text] of ['a=1', 'b=1', 'c=1', 'c=2', 'c=3'].entries()) {
    leader.log.appendAsLeader(keyed(text), index < 2 ? 0 : 1, 'client')
    leader.roll()
  }
  leader.log.updateHighWatermark(5)
  leader.clean()
  expect(leader.contents()).toEqual(['0:a=1', '1:b=1', '4:c=3'])
  const env = new FakeEnv(undefined, mended ? { mends: new Set(['epoch-start-behind-gap']) } : {})
  const log = openLog(env)
  for (let offset = 0; offset < 5;) {
    const bytes = leader.log.read(offset, 10_000, 5, true)
    log.appendAsFollower(bytes, 1)
    offset = log.logEndOffset
  }
  return { leader: leader.log, log, env }
}

describe('a copy of a compacted log', () => {
  it('believes that an epoch ends later than it does, and says so', () => {
    const { leader, log, env } = copied(false)
    expect(leader.endOffsetForEpoch(0)).toEqual({ epoch: 0, endOffset: 2 })
    // A replica with offsets 2 and 3 of epoch 0 is not told that they diverge.
    expect(log.endOffsetForEpoch(0)).toEqual({ epoch: 0, endOffset: 4 })
    expect(env.observed('epoch-behind-gap')).toMatchObject([{ leaderEpoch: 1, offset: 4, earliest: 2 }])
  })

  it('has it begin where the gap does, when mended', () => {
    const { log, env } = copied(true)
    expect(log.endOffsetForEpoch(0)).toEqual({ epoch: 0, endOffset: 2 })
    expect([log.epochAt(4), log.latestEpoch, env.observed('epoch-behind-gap').length]).toEqual([1, 1, 1])
  })

  it('has nothing to guess where the gap lies within an epoch', () => {
    const env = new FakeEnv()
    const log = openLog(env)
    for (const [offset, epoch] of [[0, 3], [5, 3], [6, 4]] as const) {
      const bytes = keyed('a=1')
      stampOffsets(bytes, batchPositions(bytes)[0]!, offset, epoch)
      log.appendAsFollower(bytes, 4)
    }
    expect([env.observed('epoch-behind-gap'), log.endOffsetForEpoch(3)?.endOffset]).toEqual([[], 6])
  })
})
