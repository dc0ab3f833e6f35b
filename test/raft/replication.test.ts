/**
 * Replication of the metadata log: what is committed is on the disks of a majority and stays, what was not is cut off by
 * the next leader, and listeners hear of each committed batch once, in order.
 */
import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { ZERO_UUID } from '../../src/protocol/uuid.ts'
import { LeaderProgress } from '../../src/raft/leader-progress.ts'
import { isMajority } from '../../src/raft/roles.ts'
import { VoterSet } from '../../src/raft/voter-set.ts'
import { Quorum, hostOf } from './quorum.ts'

const NAMES = Array.from({ length: 12 }, (_, index) => `t${index}`)

describe('a voter whose fetch hangs at a dead leader', () => {
  it('fetches from the next one at once, so that it can commit (KafkaRaftClient#pollFollowerAsVoter)', () => {
    for (const rootKey of [1, 2, 3, 4]) {
      const quorum = new Quorum({ rootKey })
      const old = quorum.settled()
      quorum.cut(old)
      const next = quorum.elected(old)
      const led = quorum.seen('raft-role', next).filter(({ event }) => event.role === 'leader').at(-1)!
      const committed = quorum.seen('raft-high-watermark', next).find(({ time, event }) => time >= led.time && event.asLeader)!
      expect(committed.time - led.time).toBeLessThan(50)
    }
  })
})

describe('committed records', () => {
  it('reach every listener once and in order, the observer\'s too', () => {
    const quorum = new Quorum({ observer: true })
    const leader = quorum.settled()
    for (const name of NAMES) {
      quorum.append(leader, name)
      quorum.run(3)
    }
    quorum.settled()
    for (const id of [1, 2, 3, 9]) expect(quorum.node(id).committed).toEqual(NAMES)
  })

  it('come again, from the first, to who starts again', () => {
    const quorum = new Quorum()
    const leader = quorum.settled()
    quorum.append(leader, ...NAMES)
    quorum.settled()
    const [id] = quorum.others(leader) as [number]
    quorum.simulation.machine(hostOf(id)).crashMachine()
    quorum.append(leader, 'later')
    quorum.run(100)
    quorum.start(id)
    quorum.settled()
    expect(quorum.node(id).committed).toEqual([...NAMES, 'later'])
  })

  it('survive a power cut of every voter', () => {
    const quorum = new Quorum()
    quorum.append(quorum.settled(), ...NAMES)
    const leader = quorum.settled()
    const { epoch } = quorum.node(leader).raft.leaderAndEpoch
    for (const id of quorum.up()) quorum.simulation.machine(hostOf(id)).crashMachine()
    for (const id of [1, 2, 3]) quorum.start(id)
    const next = quorum.settled()
    expect(quorum.node(next).raft.leaderAndEpoch.epoch).toBeGreaterThan(epoch)
    for (const id of [1, 2, 3]) expect(quorum.node(id).committed).toEqual(NAMES)
  })
})

describe('the high watermark', () => {
  it('waits for a follower\'s disk, not only for its log', () => {
    const fsyncMs = 40
    const quorum = new Quorum({ fsyncMs })
    const leader = quorum.settled()
    quorum.run(500)
    const offset = quorum.append(leader, 'x')
    const received = quorum.until(() => quorum.others(leader).some(id => quorum.node(id).raft.logEndOffset > offset))
    expect(received).toBeLessThan(10)
    const flushed = quorum.until(() => quorum.node(leader).raft.highWatermark > offset)
    expect(flushed).toBeGreaterThanOrEqual(fsyncMs)
    expect(quorum.node(leader).committed).toEqual(['x'])
  })

  it('does not count what followers lost before they had flushed it', () => {
    const quorum = new Quorum({ fsyncMs: 40 })
    const leader = quorum.settled()
    quorum.run(500)
    const offset = quorum.append(leader, 'x')
    quorum.until(() => quorum.others(leader).every(id => quorum.node(id).raft.logEndOffset > offset))
    for (const id of quorum.others(leader)) quorum.simulation.machine(hostOf(id)).crashMachine()
    quorum.run(200)
    expect(quorum.node(leader).raft.highWatermark).toBe(offset)
    expect(quorum.node(leader).committed).toEqual([])
  })

  it('is told to followers at once, and never goes back', () => {
    const quorum = new Quorum()
    const leader = quorum.settled()
    quorum.run(500)
    const offset = quorum.append(leader, 'x')
    // To the follower, to its disk, its next fetch, the answer that tells of the new high watermark.
    expect(quorum.until(() => quorum.up().every(id => quorum.node(id).raft.highWatermark > offset))).toBeLessThan(8)
    quorum.simulation.machine(hostOf(leader)).crashProcess()
    quorum.append(quorum.elected(leader), 'y')
    quorum.run(500)
    for (const id of quorum.others(leader)) {
      const offsets = quorum.seen('raft-high-watermark', id).map(({ event }) => event.offset)
      expect(offsets.length).toBeGreaterThan(2)
      expect(offsets).toEqual([...offsets].sort((a, b) => a - b))
    }
  })
})

describe('a diverging log', () => {
  /** A leader that is cut off appends two records; the others elect another, which appends one. */
  function diverged(rootKey: number) {
    const quorum = new Quorum({ rootKey })
    const old = quorum.settled()
    quorum.append(old, 'common')
    quorum.settled()
    quorum.cut(old)
    quorum.append(old, 'lost-1')
    quorum.append(old, 'lost-2')
    const leader = quorum.elected(old)
    quorum.append(leader, 'won')
    quorum.run(100)
    return { quorum, old, leader }
  }

  it.each([1, 2, 3])('is cut where the logs part, and takes the leader\'s records (world %d)', rootKey => {
    const { quorum, old, leader } = diverged(rootKey)
    const end = quorum.node(old).raft.logEndOffset
    expect(quorum.seen('raft-truncate')).toEqual([])
    quorum.join(old)
    expect(quorum.settled()).toBe(leader)
    const cuts = quorum.seen('raft-truncate')
    expect(cuts.map(({ id, event }) => [id, event.previousEnd, event.endOffset])).toEqual([[old, end, end - 2]])
    expect(cuts[0]!.event.highWatermark).toBeLessThanOrEqual(end - 2)
    for (const id of quorum.up()) expect(quorum.node(id).committed).toEqual(['common', 'won'])
  })

  it('was never shown to anybody', () => {
    const { quorum, old } = diverged(4)
    expect(quorum.node(old).committed).toEqual(['common'])
    quorum.simulation.machine(hostOf(old)).crashProcess()
    quorum.start(old)
    quorum.run(1_000)
    expect(quorum.node(old).committed.filter(name => name.startsWith('lost'))).toEqual([])
  })

  it('that is recovered from disk is cut as well', () => {
    const { quorum, old, leader } = diverged(5)
    quorum.simulation.machine(hostOf(old)).crashProcess()
    quorum.join(old)
    quorum.start(old)
    expect(quorum.settled()).toBe(leader)
    expect(quorum.node(old).committed).toEqual(['common', 'won'])
    expect(quorum.seen('raft-truncate', old)).toHaveLength(1)
  })
})

describe('an append', () => {
  it('is for the leader of that epoch only', () => {
    const quorum = new Quorum()
    const leader = quorum.settled()
    const { epoch } = quorum.node(leader).raft.leaderAndEpoch
    const refused = expect.objectContaining({ code: ErrorCode.NOT_CONTROLLER })
    expect(() => quorum.append(quorum.others(leader)[0]!, 'x')).toThrow(refused)
    expect(() => quorum.node(leader).raft.append(epoch - 1, [])).toThrow(refused)
    expect(() => quorum.node(leader).raft.append(epoch + 1, [])).toThrow(refused)
    const end = quorum.node(leader).raft.logEndOffset
    expect(quorum.append(leader, 'x', 'y')).toBe(end + 1)
  })
})

describe('what a leader knows of the others', () => {
  const key = (id: number) => ({ id, directoryId: ZERO_UUID })
  const progress = (defects: readonly 'KAFKA-12619'[] = []) => new LeaderProgress({ self: key(1), voters: new VoterSet([1, 2, 3, 4, 5].map(id => ({ ...key(id), host: '' }))), epochStart: 10, now: 0, checkQuorumUs: 900, defects: new Set(defects) })

  it('gives a high watermark of the majority, beyond its own first record', () => {
    const leader = progress()
    expect([leader.updateSelf(20), leader.updateReplica(key(2), 15, 1, 900), leader.updateReplica(key(3), 10, 2, 900)]).toEqual([false, false, false])
    expect(leader.highWatermark).toBeUndefined()
    expect(leader.updateReplica(key(3), 11, 3, 900)).toBe(true)
    expect(leader.highWatermark).toBe(11)
    // Three of five have 15; a replica never takes back what it has flushed.
    expect([leader.updateReplica(key(4), 15, 4, 900), leader.highWatermark]).toEqual([true, 15])
    expect([leader.updateReplica(key(4), 3, 5, 900), leader.highWatermark, leader.voters.get(4)!.endOffset]).toEqual([false, 15, 15])
    const early = progress(['KAFKA-12619'])
    early.updateSelf(20)
    early.updateReplica(key(2), 15, 1, 900)
    expect([early.updateReplica(key(3), 10, 2, 900), early.highWatermark]).toEqual([true, 10])
  })

  it('does not count observers', () => {
    const leader = progress()
    leader.updateSelf(20)
    for (const id of [9, 10, 11, 12]) expect(leader.updateReplica(key(id), 20, 1, 900)).toBe(false)
    expect(leader.highWatermark).toBeUndefined()
    expect([...leader.observers.keys()]).toEqual([9, 10, 11, 12])
  })

  it('puts the check-quorum deadline off when a majority, itself included, has fetched since', () => {
    const leader = progress()
    leader.updateReplica(key(2), 10, 100, 900)
    leader.updateReplica(key(2), 10, 200, 900)
    leader.updateReplica(key(9), 10, 250, 900)
    expect(leader.checkQuorumDeadline).toBe(900)
    leader.updateReplica(key(3), 10, 300, 900)
    expect(leader.checkQuorumDeadline).toBe(1_200)
    leader.updateReplica(key(3), 10, 400, 900)
    expect(leader.checkQuorumDeadline).toBe(1_200)
  })

  it('names as successor first who is furthest', () => {
    const leader = progress()
    leader.updateReplica(key(4), 12, 1, 900)
    leader.updateReplica(key(3), 14, 1, 900)
    expect(leader.successors()).toEqual([3, 4, 2, 5])
  })

  it('calls more than half a majority', () => {
    expect([[1, 1], [1, 2], [2, 3], [2, 4], [3, 4], [3, 5]].map(([count, voters]) => isMajority(count!, voters!))).toEqual([true, false, true, false, true, true])
  })
})
