import { describe, expect, test } from 'vitest'
import { epochAfterAppend, initialFetchState } from '../../src/broker/fetch-state.ts'
import { fetchTarget } from '../../src/broker/leader-endpoint.ts'
import { divergence, readPartition } from '../../src/broker/partition-reads.ts'
import { truncationRung } from '../../src/broker/truncation-ladder.ts'
import { ApiError } from '../../src/protocol/api-error.ts'
import type { DefectId } from '../../src/config/defects.ts'
import { errorName } from '../../src/protocol/errors.ts'
import { Fixture } from './partition-fixture.ts'

/**
 * A follower of epochs 3 and 4, committed up to 1 of 3, begins to follow in epoch 5; then the answers of a leader that has
 * never heard of epoch 4, and of one that is in an older reign.
 */
const LADDER: readonly { defects: readonly DefectId[]; rung: string; starts: [number, number | undefined]; diverges: boolean; goesOnWith: number | undefined; named: number; zombie: string }[] = [
  { defects: ['KIP-101'], rung: 'high-watermark', starts: [1, undefined], diverges: false, goesOnWith: undefined, named: -1, zombie: 'served' },
  { defects: ['KIP-279'], rung: 'end-offset', starts: [3, 4], diverges: false, goesOnWith: 4, named: -1, zombie: 'served' },
  { defects: ['KIP-320'], rung: 'epoch-once', starts: [3, 4], diverges: true, goesOnWith: undefined, named: -1, zombie: 'served' },
  { defects: ['KIP-320-first-try'], rung: 'every-fetch', starts: [3, 4], diverges: true, goesOnWith: 4, named: -1, zombie: 'served' },
  { defects: [], rung: 'fenced', starts: [3, 4], diverges: true, goesOnWith: 4, named: 5, zombie: 'UNKNOWN_LEADER_EPOCH' },
]

describe.each(LADDER)('rung $rung', ({ defects, rung, starts, diverges, goesOnWith, named, zombie }) => {
  const follower = new Fixture({ defects })
  follower.fill(3, 3, 4)
  follower.log.updateHighWatermark(1)
  follower.partition.makeFollower({ ...follower.registration, leader: 2 })
  const state = initialFetchState(follower.env.defects, follower.partition)

  test('is reached by its defect', () => {
    expect(truncationRung(follower.env.defects)).toBe(rung)
  })

  test('where a follower begins, and with which epoch it goes on once it has records', () => {
    expect([state.fetchOffset, state.lastFetchedEpoch]).toEqual(starts)
    expect(epochAfterAppend(follower.env.defects, follower.log)).toBe(goesOnWith)
  })

  test('whether a leader without that epoch, whose log is as long, sees that the logs diverge', () => {
    const leader = new Fixture({ defects })
    leader.fill(3, 3, 3)
    leader.lead()
    expect(divergence(leader.env.defects, leader.log, 4, 3, 'log-end') !== undefined).toBe(diverges)
  })

  test('whether one in an older reign serves the fetch', () => {
    const target = fetchTarget(follower.env.defects, state)
    expect(target.currentLeaderEpoch).toBe(named)
    const deposed = new Fixture({ defects })
    deposed.fill(3, 3, 3)
    deposed.lead({ leaderEpoch: 3 })
    const fetch = { partition: 0, currentLeaderEpoch: target.currentLeaderEpoch, fetchOffset: 2, lastFetchedEpoch: -1, logStartOffset: 0, partitionMaxBytes: 1000, replicaDirectoryId: '', highWatermark: -1 }
    expect(outcome(() => readPartition(deposed.env.defects, deposed.partition, fetch, { isolation: 'log-end', requireLeader: true, maxBytes: 1000, minOneMessage: true }))).toBe(zombie)
  })
})

function outcome(read: () => unknown): string {
  try {
    read()
    return 'served'
  } catch (error) {
    if (error instanceof ApiError) return errorName(error.code)
    throw error
  }
}
