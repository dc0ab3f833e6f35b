/**
 * Voters that change (KIP-853): one at a time, effective when appended, by id and directory; a removed leader leads on
 * until its removal is committed; a voter with a new disk is another voter.
 */
import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { CONFIG, Quorum, hostOf } from './quorum.ts'

const dynamic = (o: ConstructorParameters<typeof Quorum>[0] = {}): Quorum => new Quorum({ voters: [1, 2, 3, 4], initial: [1, 2, 3], ...o })
/** Ids of the newest voters record that a leader has appended. */
const votersOf = (quorum: Quorum): number[] => quorum.seen('raft-voters').at(-1)!.event.voters.map(voter => Number(voter.split('-')[0]))

describe('a dynamic quorum', () => {
  it('begins with the voters of its bootstrap snapshot; another controller observes', () => {
    const quorum = dynamic({ observer: true })
    const leader = quorum.settled()
    quorum.append(leader, 'x')
    quorum.settled()
    for (const id of quorum.up()) expect(quorum.node(id).committed).toEqual(['x'])
    expect(quorum.seen('raft-role', 4).every(({ event }) => !event.isVoter && event.role !== 'prospective')).toBe(true)
    expect(quorum.node(9).raft.kraftVersion).toBe(1)
  })

  it('takes in a controller that has caught up, which then counts', () => {
    const quorum = dynamic()
    const leader = quorum.settled()
    expect(quorum.change(leader, 'add', 4)).toBe(ErrorCode.NONE)
    expect(votersOf(quorum)).toEqual([1, 2, 3, 4])
    quorum.settled()
    // Three of four are needed now.
    for (const id of quorum.others(leader).filter(other => other !== 4).slice(0, 1)) quorum.simulation.machine(hostOf(id)).crashMachine()
    const offset = quorum.append(leader, 'x')
    quorum.until(() => quorum.node(leader).raft.highWatermark > offset)
    quorum.simulation.machine(hostOf(4)).crashMachine()
    const next = quorum.append(leader, 'y')
    quorum.run(200)
    expect(quorum.node(leader).raft.highWatermark).toBe(next)
  })

  it('refuses who is in, who is not there, who has not caught up, and what is no voter', () => {
    const quorum = dynamic()
    const leader = quorum.settled()
    const [other] = quorum.others(leader) as [number]
    expect(quorum.change(leader, 'add', other)).toBe(ErrorCode.DUPLICATE_VOTER)
    expect(quorum.change(leader, 'remove', 4)).toBe(ErrorCode.VOTER_NOT_FOUND)
    expect(quorum.change(leader, 'remove', other, 'DDDDDDDDDDDDDDDDDDDDDQ')).toBe(ErrorCode.VOTER_NOT_FOUND)
    expect(quorum.change(leader, 'add', 4, 'DDDDDDDDDDDDDDDDDDDDDQ')).toBe(ErrorCode.REQUEST_TIMED_OUT)
    expect(quorum.change(other, 'add', 4)).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    quorum.simulation.machine(hostOf(4)).crashMachine()
    expect(quorum.change(leader, 'add', 4)).toBe(ErrorCode.REQUEST_TIMED_OUT)
    expect(quorum.seen('raft-voters')).toEqual([])
    const fixed = new Quorum()
    expect(fixed.change(fixed.settled(), 'remove', 1)).toBe(ErrorCode.UNSUPPORTED_VERSION)
  })

  it('changes one voter at a time', () => {
    const quorum = dynamic({ voters: [1, 2, 3, 4, 5] })
    const leader = quorum.settled()
    const others = [1, 2, 3].filter(id => id !== leader)
    // The others hear nothing, so nothing commits.
    quorum.cut(leader, others)
    expect(quorum.change(leader, 'remove', others[0]!)).toBe(ErrorCode.REQUEST_TIMED_OUT)
    expect(quorum.change(leader, 'add', 4)).toBe(ErrorCode.REQUEST_TIMED_OUT)
    expect(quorum.seen('raft-voters', leader)).toHaveLength(1)
  })

  it('takes back a change that another leader has not got', () => {
    const quorum = dynamic()
    const old = quorum.settled()
    const [first, second] = [1, 2, 3].filter(id => id !== old) as [number, number]
    quorum.cut(old, [first, second])
    expect(quorum.change(old, 'remove', first)).toBe(ErrorCode.REQUEST_TIMED_OUT)
    expect(votersOf(quorum)).not.toContain(first)
    const leader = quorum.elected(old)
    quorum.append(leader, 'x')
    quorum.join(old, [first, second])
    quorum.until(() => quorum.node(old).committed.includes('x'))
    expect(quorum.seen('raft-truncate', old)).toHaveLength(1)
    // By its own account it may vote with `first` again.
    quorum.simulation.machine(hostOf(leader)).crashMachine()
    expect([old, first, second]).toContain(quorum.elected(leader))
  })
})

describe('a leader that is removed', () => {
  it('leads until that is committed by the others, resigns, and observes', () => {
    const quorum = dynamic()
    const leader = quorum.settled()
    expect(quorum.change(leader, 'remove', leader)).toBe(ErrorCode.NONE)
    quorum.until(() => quorum.seen('raft-role', leader).at(-1)!.event.role === 'resigned')
    const next = quorum.elected(leader)
    expect(votersOf(quorum)).toEqual([1, 2, 3].filter(id => id !== leader))
    quorum.append(next, 'x')
    quorum.until(() => quorum.node(leader).committed.includes('x'))
    quorum.run(3_000)
    expect(quorum.node(leader).raft.leaderAndEpoch.leaderId).toBe(next)
    expect(quorum.seen('raft-role', leader).at(-1)!.event).toMatchObject({ role: 'follower', isVoter: false })
  })
})

describe('a voter whose disk is replaced', () => {
  it('observes, is removed by its old directory and added by its new one', () => {
    const quorum = dynamic({ config: { metadataLogSegmentBytes: 200 } })
    const leader = quorum.settled()
    quorum.append(leader, 'a')
    quorum.settled()
    quorum.snapshot(leader)
    quorum.append(leader, 'b')
    const id = [1, 2, 3].find(other => other !== leader)!
    const machine = quorum.simulation.machine(hostOf(id))
    const before = machine.disk.id
    machine.crashMachine()
    machine.replaceDisk()
    quorum.start(id)
    quorum.until(() => quorum.nodes.get(id)?.committed.includes('b') === true)
    expect(quorum.node(id).loaded).toHaveLength(1)
    expect(quorum.seen('raft-role', id).at(-1)!.event.isVoter).toBe(false)
    expect(quorum.change(leader, 'add', id)).toBe(ErrorCode.DUPLICATE_VOTER)
    expect(quorum.change(leader, 'remove', id, before)).toBe(ErrorCode.NONE)
    // The leader's connection to it is of the time before.
    expect([quorum.change(leader, 'add', id), quorum.change(leader, 'add', id)]).toEqual([ErrorCode.REQUEST_TIMED_OUT, ErrorCode.NONE])
    expect(votersOf(quorum)).toEqual([1, 2, 3])
    quorum.simulation.machine(hostOf(leader)).crashMachine()
    const next = quorum.elected(leader)
    const offset = quorum.append(next, 'c')
    quorum.until(() => quorum.node(next).raft.highWatermark > offset)
  })

  it('gives no vote for its old disk', () => {
    const quorum = dynamic({ voters: [1, 2, 3] })
    const leader = quorum.settled()
    const [id, other] = quorum.others(leader) as [number, number]
    quorum.simulation.machine(hostOf(leader)).crashMachine()
    const machine = quorum.simulation.machine(hostOf(id))
    machine.crashMachine()
    machine.replaceDisk()
    quorum.start(id)
    quorum.run(5_000)
    expect(quorum.seen('raft-role', other).filter(({ event }) => event.role === 'leader')).toEqual([])
  })
})

describe('snapshots', () => {
  it('hold the voters as of their end', () => {
    const quorum = dynamic({ config: { metadataLogSegmentBytes: 200, metadataMaxRetentionBytes: 100, metadataLogCleanIntervalMs: 100 } })
    const leader = quorum.settled()
    quorum.append(leader, 'a')
    quorum.settled()
    quorum.snapshot(leader)
    expect(quorum.change(leader, 'add', 4)).toBe(ErrorCode.NONE)
    quorum.append(leader, 'b')
    quorum.settled()
    for (const id of [1, 2, 3, 4]) quorum.snapshot(id)
    quorum.append(leader, 'c')
    quorum.settled()
    quorum.run(300)
    expect(quorum.seen('raft-log-start').length).toBeGreaterThan(0)
    for (const id of [1, 2, 3, 4]) quorum.simulation.machine(hostOf(id)).crashMachine()
    for (const id of [1, 2, 4]) quorum.start(id)
    const next = quorum.settled()
    expect(quorum.node(next).committed).toEqual(['a', 'b', 'c'])
    expect(quorum.seen('raft-role', 4).at(-1)!.event.isVoter).toBe(true)
  })
})

describe('a voter that is recorded under another address', () => {
  it('tells the leader where it is (UpdateRaftVoter), after some rounds of fetches and not before', () => {
    const quorum = dynamic({ voters: [1, 2, 3], misplaced: 3 })
    quorum.until(() => quorum.seen('raft-voters').length > 0)
    const { id, time, event } = quorum.seen('raft-voters')[0]!
    expect(event.voters.map(voter => voter.split('-')[0])).toEqual(['1', '2', '3'])
    expect(id).not.toBe(3)
    const following = quorum.seen('raft-role', 3).filter(seen => seen.event.role === 'follower' && seen.time < time).at(-1)!
    expect(time - following.time).toBeGreaterThanOrEqual(3 * CONFIG.quorumFetchTimeoutMs)
    quorum.run(10_000)
    expect(quorum.seen('mark').filter(seen => seen.event.name === 'raft-voter-update')).toHaveLength(1)
  })

  it('says nothing when the record is right', () => {
    const quorum = dynamic({ voters: [1, 2, 3] })
    quorum.settled()
    quorum.run(10_000)
    expect(quorum.seen('mark').filter(seen => seen.event.name === 'raft-voter-update')).toEqual([])
  })
})
