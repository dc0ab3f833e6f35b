/**
 * Elections of the metadata quorum: one leader an epoch, found again after a loss; pre-votes that keep a lost voter from
 * disturbing the others; one durable vote an epoch, never for a log that is behind; check-quorum.
 */
import { describe, expect, it } from 'vitest'
import { ApiKey } from '../../src/protocol/api-keys.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import type { VoteResponse } from '../../src/protocol/generated/types.ts'
import { CLUSTER_ID, CONFIG, Quorum, hostOf } from './quorum.ts'

/** No epoch has two leaders. */
function expectOneLeaderAnEpoch(quorum: Quorum): void {
  const leaders = new Map<number, number>()
  for (const { id, event } of quorum.seen('raft-role')) {
    if (event.role !== 'leader') continue
    expect(leaders.get(event.epoch) ?? id, `epoch ${event.epoch}`).toBe(id)
    leaders.set(event.epoch, id)
  }
  expect(leaders.size).toBeGreaterThan(0)
}

describe('an election', () => {
  it.each([1, 2, 3, 4, 5])('gives one leader that everybody follows (world %d)', rootKey => {
    const quorum = new Quorum({ rootKey, observer: true })
    const leader = quorum.settled()
    const { epoch } = quorum.node(leader).raft.leaderAndEpoch
    for (const id of quorum.up()) {
      expect(quorum.node(id).raft.leaderAndEpoch).toEqual({ leaderId: leader, epoch })
      expect(quorum.node(id).leaders.at(-1)).toEqual({ leaderId: leader, epoch })
    }
    expect(quorum.seen('raft-role', 9).map(({ event }) => event.role)).not.toContain('prospective')
    expectOneLeaderAnEpoch(quorum)
  })

  it('follows the loss of a leader, after the fetch time-out, in a later epoch', () => {
    const quorum = new Quorum()
    const old = quorum.settled()
    const { epoch } = quorum.node(old).raft.leaderAndEpoch
    quorum.append(old, 'kept')
    quorum.settled()
    quorum.simulation.machine(hostOf(old)).crashMachine()
    const waited = quorum.until(() => quorum.up().some(id => quorum.node(id).raft.leaderAndEpoch.leaderId === id))
    expect(waited).toBeGreaterThan(CONFIG.quorumFetchTimeoutMs - CONFIG.quorumFetchMaxWaitMs - 10)
    const leader = quorum.settled()
    expect(leader).not.toBe(old)
    expect(quorum.node(leader).raft.leaderAndEpoch.epoch).toBeGreaterThan(epoch)
    expect(quorum.node(leader).committed).toEqual(['kept'])
    quorum.start(old)
    expect(quorum.settled()).toBe(leader)
    expect(quorum.node(old).committed).toEqual(['kept'])
    expectOneLeaderAnEpoch(quorum)
  })

  it('after a hand-over is won by the follower that is named first, at once', () => {
    const quorum = new Quorum()
    const old = quorum.settled()
    quorum.node(old).raft.resign(quorum.node(old).raft.leaderAndEpoch.epoch)
    const waited = quorum.until(() => quorum.others(old).some(id => quorum.node(id).raft.leaderAndEpoch.leaderId === id))
    expect(waited).toBeLessThan(30)
    expect(quorum.elected(old)).toBe(quorum.others(old)[0])
  })

  it('is never won by a voter whose log is behind', () => {
    for (const rootKey of [1, 2, 3, 4, 5, 6]) {
      const quorum = new Quorum({ rootKey })
      const old = quorum.settled()
      const [behind, ahead] = quorum.others(old) as [number, number]
      quorum.cut(behind)
      quorum.append(old, 'a', 'b')
      quorum.until(() => quorum.node(ahead).committed.length === 2)
      quorum.simulation.machine(hostOf(old)).crashProcess()
      quorum.join(behind)
      expect(quorum.settled()).toBe(ahead)
      expect(quorum.node(behind).committed).toEqual(['a', 'b'])
    }
  })

  it('of one voter alone needs nobody else', () => {
    const quorum = new Quorum({ voters: [1] })
    expect(quorum.until(() => quorum.node(1).leaders.at(-1)?.leaderId === 1)).toBeLessThan(10)
    quorum.append(1, 'x')
    quorum.run(5)
    expect(quorum.node(1).committed).toEqual(['x'])
  })
})

describe('a pre-vote', () => {
  it('keeps the epoch where it is while a voter is cut off, and lets it return as a follower', () => {
    const quorum = new Quorum()
    const leader = quorum.settled()
    const { epoch } = quorum.node(leader).raft.leaderAndEpoch
    const [lost] = quorum.others(leader) as [number]
    quorum.cut(lost)
    quorum.run(10_000)
    const roles = new Set(quorum.seen('raft-role', lost).filter(({ time }) => time > 2_000).map(({ event }) => event.role))
    expect(roles).toContain('prospective')
    expect(roles).not.toContain('candidate')
    expect(quorum.node(lost).raft.leaderAndEpoch.epoch).toBe(epoch)
    quorum.join(lost)
    expect(quorum.settled()).toBe(leader)
    expect(quorum.node(leader).raft.leaderAndEpoch.epoch).toBe(epoch)
  })

  it('is refused by who hears its leader, and by the leader', () => {
    const quorum = new Quorum()
    const leader = quorum.settled()
    quorum.run(300)
    for (const id of [leader, ...quorum.others(leader)]) expect(vote(quorum, id, { preVote: true }).voteGranted).toBe(false)
    quorum.simulation.machine(hostOf(leader)).crashMachine()
    const [follower] = quorum.others(leader) as [number]
    quorum.until(() => quorum.seen('raft-role', follower).at(-1)!.event.role === 'prospective')
    expect(vote(quorum, follower, { preVote: true })).toMatchObject({ errorCode: ErrorCode.NONE, voteGranted: true })
  })
})

/** Asks `id` for its vote for candidate 3 in the epoch that it is in, unless told otherwise. */
function vote(quorum: Quorum, id: number, o: { epoch?: number; candidate?: number; directory?: string; lastOffset?: number; lastEpoch?: number; preVote?: boolean }) {
  const { raft } = quorum.node(id)
  const { topics } = quorum.ask<VoteResponse>(id, ApiKey.Vote, {
    clusterId: CLUSTER_ID,
    voterId: id,
    topics: [{
      topicName: '__cluster_metadata',
      partitions: [{
        partitionIndex: 0, replicaEpoch: o.epoch ?? raft.leaderAndEpoch.epoch, replicaId: o.candidate ?? 3, replicaDirectoryId: o.directory ?? 'CCCCCCCCCCCCCCCCCCCCCQ',
        lastOffsetEpoch: o.lastEpoch ?? 1_000, lastOffset: o.lastOffset ?? 1_000, preVote: o.preVote ?? false,
      }],
    }],
  })
  return topics[0]!.partitions[0]!
}

describe('a vote', () => {
  it('is given once an epoch, to the same candidate again, and outlives a power cut', () => {
    const quorum = new Quorum()
    const leader = quorum.settled()
    const [id] = quorum.others(leader) as [number]
    quorum.cut(id)
    const epoch = 50
    expect(vote(quorum, id, { epoch, candidate: 2 })).toMatchObject({ errorCode: ErrorCode.NONE, voteGranted: true, leaderEpoch: epoch })
    expect(vote(quorum, id, { epoch, candidate: 3 }).voteGranted).toBe(false)
    quorum.simulation.machine(hostOf(id)).crashMachine()
    quorum.start(id)
    quorum.run(5)
    expect(quorum.node(id).raft.leaderAndEpoch.epoch).toBe(epoch)
    expect(vote(quorum, id, { epoch, candidate: 3 }).voteGranted).toBe(false)
    expect(vote(quorum, id, { epoch, candidate: 2, directory: 'DDDDDDDDDDDDDDDDDDDDDQ' }).voteGranted).toBe(false)
    expect(vote(quorum, id, { epoch, candidate: 2 }).voteGranted).toBe(true)
    expect(vote(quorum, id, { epoch: epoch + 1, candidate: 3 }).voteGranted).toBe(true)
  })

  it('is not given to a log that ends earlier or in an older epoch, nor in an old epoch', () => {
    const quorum = new Quorum()
    const leader = quorum.settled()
    quorum.append(leader, 'a', 'b')
    quorum.settled()
    const [id] = quorum.others(leader) as [number]
    quorum.cut(id)
    const { epoch } = quorum.node(id).raft.leaderAndEpoch
    const end = quorum.node(id).raft.logEndOffset
    expect(vote(quorum, id, { epoch: 60, lastEpoch: epoch, lastOffset: end - 1 }).voteGranted).toBe(false)
    expect(vote(quorum, id, { epoch: 60, lastEpoch: epoch - 1, lastOffset: end + 100 }).voteGranted).toBe(false)
    expect(vote(quorum, id, { epoch: 60, lastEpoch: epoch, lastOffset: end }).voteGranted).toBe(true)
    expect(vote(quorum, id, { epoch: 59, lastEpoch: 59 })).toMatchObject({ errorCode: ErrorCode.FENCED_LEADER_EPOCH, voteGranted: false, leaderEpoch: 60 })
  })
})

describe('check-quorum', () => {
  it('makes a leader that nobody fetches from resign after one and a half fetch time-outs', () => {
    const quorum = new Quorum()
    const leader = quorum.settled()
    const { epoch } = quorum.node(leader).raft.leaderAndEpoch
    quorum.run(200)
    quorum.cut(leader)
    const waited = quorum.until(() => quorum.seen('mark', leader).some(({ event }) => event.name === 'raft-check-quorum-resign'))
    expect(waited).toBeLessThanOrEqual(1.5 * CONFIG.quorumFetchTimeoutMs)
    expect(waited).toBeGreaterThan(1.5 * CONFIG.quorumFetchTimeoutMs - CONFIG.quorumFetchMaxWaitMs - 10)
    quorum.run(5)
    expect(() => quorum.append(leader, 'too late')).toThrow(expect.objectContaining({ code: ErrorCode.NOT_CONTROLLER }))
    expect(quorum.node(leader).leaders.at(-1)).toMatchObject({ leaderId: -1 })
    expect(quorum.node(leader).raft.leaderAndEpoch.epoch).toBe(epoch)
  })

  it('is content with one follower of two', () => {
    const quorum = new Quorum()
    const leader = quorum.settled()
    quorum.cut(quorum.others(leader)[0]!)
    quorum.run(10_000)
    expect(quorum.seen('mark').map(({ event }) => event.name)).not.toContain('raft-check-quorum-resign')
    expect(quorum.node(leader).raft.leaderAndEpoch.leaderId).toBe(leader)
  })
})

describe('a defect', () => {
  it('KAFKA-15489 leaves a leader that nobody fetches from in office, and its observers with it', () => {
    const led = (defects: readonly ['KAFKA-15489'] | readonly []): number => {
      const quorum = new Quorum({ defects, observer: true })
      const leader = quorum.settled()
      quorum.cut(leader)
      quorum.cut(9, quorum.others(leader))
      quorum.run(10_000)
      expect(quorum.elected(leader)).not.toBe(leader)
      return quorum.node(9).raft.leaderAndEpoch.leaderId === leader ? leader : -1
    }
    expect([led([]), led(['KAFKA-15489']) > 0]).toEqual([-1, true])
  })

  it('KAFKA-15345 tells a leader of its reign before it was handed what its predecessors committed', () => {
    const unread = (defects: readonly ['KAFKA-15345'] | readonly []): number => {
      const quorum = new Quorum({ defects })
      const first = quorum.settled()
      quorum.append(first, 'a', 'b')
      // The leader knows that it is committed, and dies before a follower does.
      quorum.until(() => quorum.node(first).committed.includes('b'))
      const handed = new Map<number, number>()
      for (const id of quorum.others(first)) {
        const { leaders, committed } = quorum.node(id)
        expect(committed).toEqual([])
        const push = leaders.push.bind(leaders)
        leaders.push = (...told) => {
          if (told[0]!.leaderId === id) handed.set(id, committed.length)
          return push(...told)
        }
      }
      quorum.cut(first)
      quorum.until(() => handed.size > 0)
      const [[leader, count]] = [...handed] as [[number, number]]
      quorum.run(2_000)
      return quorum.node(leader).committed.length - count
    }
    expect([unread([]), unread(['KAFKA-15345'])]).toEqual([0, 2])
  })

  it('KAFKA-18345 makes two candidates split the votes for ever', () => {
    const leaders = (defects: readonly ['KAFKA-18345'] | readonly []): number[] => [1, 2, 3, 4, 5].map(rootKey => {
      const quorum = new Quorum({ rootKey, defects, voters: [1, 2, 3, 4] })
      // All of the other three must agree on one, and they stand at the same time.
      quorum.cut(4)
      quorum.run(15_000)
      return new Set(quorum.seen('raft-role').filter(({ event }) => event.role === 'leader').map(({ id }) => id)).size
    })
    expect(leaders([]).every(count => count > 0)).toBe(true)
    expect(leaders(['KAFKA-18345']).some(count => count === 0)).toBe(true)
  })
})
