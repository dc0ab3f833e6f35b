import { describe, expect, test } from 'vitest'
import { fetchingReplica } from '../../src/broker/leader-endpoint.ts'
import { ApiError } from '../../src/protocol/api-error.ts'
import { ErrorCode, errorName } from '../../src/protocol/errors.ts'
import { batch } from '../storage/log-fixture.ts'
import { Fixture, LAG_MS, brokerEpochOf } from './partition-fixture.ts'

function codeOf(run: () => void): string {
  try {
    run()
  } catch (error) {
    if (error instanceof ApiError) return errorName(error.code)
    throw error
  }
  return 'NONE'
}

/** Leader of epoch 5 whose records 0 and 1 are of epoch 4, all that broker 2 has of them below the high watermark 1. */
function newLeaderWithTail(f: Fixture): void {
  f.fill(4, 4)
  f.log.updateHighWatermark(1)
  f.lead({ isr: [1], leaderEpoch: 5 })
}

describe('joining the ISR', () => {
  test.each([
    { name: 'KAFKA-7128: not below the start of the leader epoch', defects: [], offset: 1, joins: false },
    { name: 'KAFKA-7128 switched on', defects: ['KAFKA-7128'] as const, offset: 1, joins: true },
    { name: 'at the start of the leader epoch', defects: [], offset: 2, joins: true },
  ])('$name', ({ defects, offset, joins }) => {
    // A leader that may not commit alone keeps its stale high watermark.
    const f = new Fixture({ defects, minIsr: 2 })
    newLeaderWithTail(f)
    f.fetch(2, offset)
    expect(f.submitted.map(({ change }) => change.isr.map(member => member.brokerId))).toEqual(joins ? [[1, 2]] : [])
  })

  test.each([
    { name: 'a fenced broker', broker: { fenced: true }, fetchEpoch: undefined },
    { name: 'a broker in controlled shutdown', broker: { inControlledShutdown: true }, fetchEpoch: undefined },
    { name: 'KIP-903: a fetch of an incarnation newer than the metadata', broker: {}, fetchEpoch: 99 },
  ])('is refused for $name', ({ broker, fetchEpoch }) => {
    const f = new Fixture()
    f.lead({ isr: [1] })
    f.setBroker(2, broker)
    f.fetch(2, 0, fetchEpoch)
    expect(f.submitted).toEqual([])
  })

  test.each([
    { name: 'KIP-903: the fetch of a former life, that had it all, is refused', defects: [], outcome: 'NOT_LEADER_OR_FOLLOWER', isr: undefined },
    { name: 'KIP-903 switched on: the present life joins the ISR for it', defects: ['KIP-903'] as const, outcome: 'NONE', isr: [1, 2] },
  ])('$name', ({ defects, outcome, isr }) => {
    const f = new Fixture({ defects })
    f.lead({ isr: [1] })
    f.append(3)
    const { replicaEpoch } = fetchingReplica(f.env.defects, { brokerId: 2, brokerEpoch: () => brokerEpochOf(2) })
    f.setBroker(2, { epoch: 50 })
    expect(codeOf(() => f.fetch(2, 3, replicaEpoch))).toBe(outcome)
    expect(f.submitted[0]?.change.isr.map(member => member.brokerId)).toEqual(isr)
  })

  test.each([
    { name: 'KIP-841 switched on: a fenced broker joins', defects: ['KIP-841'] as const, proposals: 1 },
    { name: 'KIP-841: a fenced broker does not', defects: [], proposals: 0 },
  ])('$name', ({ defects, proposals }) => {
    const f = new Fixture({ defects })
    f.lead({ isr: [1] })
    f.setBroker(2, { fenced: true })
    f.fetch(2, 0)
    expect(f.submitted).toHaveLength(proposals)
  })

  test.each([
    { name: 'KAFKA-15221: position and life of a follower are judged on one look at it', defects: [], proposed: undefined },
    { name: 'KAFKA-15221 switched on: it reboots between the two, and its old position counts for the new life', defects: ['KAFKA-15221'] as const, proposed: { brokerId: 2, brokerEpoch: 50 } },
  ])('$name', ({ defects, proposed }) => {
    const f = new Fixture({ defects })
    f.lead({ isr: [1] })
    f.append(3)
    let hasRebooted = false
    f.env.pause = function* (label?: string) {
      if (label !== 'isr-expand' || hasRebooted) return
      hasRebooted = true
      f.setBroker(2, { epoch: 50 })
      f.fetch(2, 0, 50)
    }
    f.fetch(2, 3)
    expect(f.submitted[0]?.change.isr.at(-1)).toEqual(proposed)
    expect(f.partition.remoteReplica(2)!.state.logEndOffset).toBe(0)
  })

  test('KIP-903: the fetch of a dead incarnation changes nothing', () => {
    const f = new Fixture()
    f.lead({ isr: [1] })
    f.setBroker(2, { epoch: 50 })
    expect(codeOf(() => f.fetch(2, 0, 49))).toBe('NOT_LEADER_OR_FOLLOWER')
    expect(f.partition.remoteReplica(2)!.state.brokerEpoch).toBeUndefined()
  })

  test('proposes each member with the broker epoch of its fetch, -1 for one that has not fetched', () => {
    const f = new Fixture()
    f.lead({ isr: [1, 3] })
    f.fetch(2, 0)
    expect(f.submitted[0]!.change).toMatchObject({
      leaderEpoch: 5, partitionEpoch: 7,
      isr: [{ brokerId: 1, brokerEpoch: brokerEpochOf(1) }, { brokerId: 3, brokerEpoch: -1 }, { brokerId: 2, brokerEpoch: brokerEpochOf(2) }],
    })
  })
})

describe('leaving the ISR', () => {
  test('a follower that lags in offset and time is dropped, a silent one at the log end is not', () => {
    const f = new Fixture()
    f.lead()
    f.append()
    f.fetch(3, 1)
    f.env.clock += LAG_MS + 1
    f.shrink()
    expect(f.submitted.map(({ change }) => change.isr.map(member => member.brokerId))).toEqual([[1, 3]])
  })

  test('one change at a time', () => {
    const f = new Fixture()
    f.lead()
    f.append()
    f.env.clock += LAG_MS + 1
    f.shrink()
    f.shrink()
    expect(f.submitted).toHaveLength(1)
  })
})

describe('the high watermark', () => {
  test.each([
    { name: 'waits for whom a pending shrink would drop', defects: [], expected: 0 },
    { name: 'does not with the defect KIP-497', defects: ['KIP-497'] as const, expected: 1 },
  ])('KIP-497: $name', ({ defects, expected }) => {
    const f = new Fixture({ defects })
    f.lead({ isr: [1, 2, 3] })
    f.append()
    f.env.clock += LAG_MS + 1
    f.fetch(2, 1)
    f.shrink()
    f.append()
    f.fetch(2, 1)
    expect(f.submitted).toHaveLength(1)
    expect(f.highWatermark).toBe(expected === 0 ? 0 : 1)
  })

  test.each([
    { name: 'waits for a member that a pending expansion would add', defects: [], expected: 0 },
    { name: 'does not with the defect KIP-497', defects: ['KIP-497'] as const, expected: 1 },
  ])('KIP-497: $name', ({ defects, expected }) => {
    const f = new Fixture({ defects })
    f.lead({ isr: [1, 2] })
    f.fetch(3, 0)
    // Broker 3 is no more caught up: only the proposal can hold the high watermark back.
    f.append()
    f.env.clock += LAG_MS + 1
    f.fetch(2, 1)
    expect(f.highWatermark).toBe(expected)
  })

  test('KIP-966: stands still while the ISR is smaller than min.insync.replicas', () => {
    const f = new Fixture({ minIsr: 2 })
    f.lead({ isr: [1] })
    f.append()
    expect(f.highWatermark).toBe(0)
    f.fetch(2, 1)
    f.reply()
    expect(f.highWatermark).toBe(1)
  })

  test('waits for a caught-up follower that is about to join, so that it need not chase the log end for ever', () => {
    const f = new Fixture()
    f.lead({ isr: [1] })
    f.setBroker(2, { fenced: true })
    f.fetch(2, 0)
    f.setBroker(2, {})
    f.append()
    expect(f.highWatermark).toBe(0)
  })
})

describe('metadata', () => {
  test.each([
    { name: 'KAFKA-13790: a change of the ISR alone keeps epoch start, follower state and fetchers', defects: [], start: 0, caughtUp: 1_000_000, restarts: false },
    { name: 'KAFKA-13790 switched on: it begins anew', defects: ['KAFKA-13790'] as const, start: 2, caughtUp: 0, restarts: true },
  ])('$name', ({ defects, start, caughtUp, restarts }) => {
    const f = new Fixture({ defects })
    f.lead()
    f.append()
    f.fetch(2, 1)
    f.append()
    f.lead({ isr: [1, 3], partitionEpoch: 8 })
    expect(f.partition.leaderEpochStartOffset).toBe(start)
    expect(f.partition.remoteReplica(2)!.state.lastCaughtUpTimeMs).toBe(caughtUp)
    f.partition.makeFollower({ ...f.registration, leader: 2, leaderEpoch: 6, partitionEpoch: 9 })
    expect(f.partition.makeFollower({ ...f.registration, leader: 2, leaderEpoch: 6, partitionEpoch: 10 })).toBe(restarts)
  })

  test('a re-elected leader forgets when followers outside the ISR were last caught up', () => {
    const f = new Fixture()
    f.lead({ isr: [1] })
    f.append()
    f.fetch(2, 1)
    f.lead({ leaderEpoch: 6, partitionEpoch: 8 })
    expect(f.partition.remoteReplica(2)!.state).toMatchObject({ logEndOffset: 1, lastCaughtUpTimeMs: 0, lastFetchTimeMs: 0 })
    expect(f.partition.leaderEpochStartOffset).toBe(1)
  })

  test('an older partition epoch is ignored', () => {
    const f = new Fixture()
    f.lead()
    expect(f.partition.makeFollower({ ...f.registration, leader: 2, leaderEpoch: 6, partitionEpoch: 6 })).toBe(false)
    expect(f.partition.isLeader).toBe(true)
  })

  test.each([
    { defects: [], expected: { epoch: 5, endOffset: 1 } },
    { defects: ['KAFKA-7415'] as const, expected: undefined },
  ])('KAFKA-7415: a leader that never writes knows its epoch ($defects)', ({ defects, expected }) => {
    const f = new Fixture({ defects })
    f.fill(3)
    f.lead()
    expect(f.log.endOffsetForEpoch(5)).toEqual(expected)
  })
})

describe('the answer to an ISR proposal', () => {
  const pending = (): Fixture => {
    const f = new Fixture()
    f.lead({ isr: [1, 2] })
    f.fetch(3, 0)
    return f
  }

  test.each([
    { code: ErrorCode.INELIGIBLE_REPLICA, state: 'committed', sent: 1 },
    { code: ErrorCode.OPERATION_NOT_ATTEMPTED, state: 'committed', sent: 1 },
    { code: ErrorCode.FENCED_LEADER_EPOCH, state: 'expand', sent: 1 },
    { code: ErrorCode.INVALID_UPDATE_VERSION, state: 'expand', sent: 1 },
    { code: ErrorCode.INVALID_REQUEST, state: 'expand', sent: 1 },
    { code: ErrorCode.NEW_LEADER_ELECTED, state: 'expand', sent: 1 },
    { code: ErrorCode.UNKNOWN_SERVER_ERROR, state: 'expand', sent: 2 },
  ])('error $code leaves it $state after $sent requests', ({ code, state, sent }) => {
    const f = pending()
    f.refuse(code)
    expect(f.partition.isrState.kind).toBe(state)
    expect(f.submitted).toHaveLength(sent)
  })

  test('success commits the ISR and its partition epoch', () => {
    const f = pending()
    f.reply()
    expect(f.partition.isrState).toMatchObject({ kind: 'committed', isr: [1, 2, 3] })
    expect(f.partition.partitionEpoch).toBe(8)
  })

  test('of another leader epoch or an older partition epoch is ignored', () => {
    for (const late of [{ leaderEpoch: 6 }, { partitionEpoch: 6 }]) {
      const f = pending()
      f.reply(late)
      expect(f.partition.isrState.kind).toBe('expand')
    }
  })

  test('is ignored once metadata has overtaken it', () => {
    const f = pending()
    f.lead({ isr: [1], partitionEpoch: 9 })
    f.reply()
    expect(f.partition.isrState.isr).toEqual([1])
    expect(f.partition.partitionEpoch).toBe(9)
  })
})

describe('producing', () => {
  test('acks=all below min.insync.replicas is refused before the append, acks=1 is not', () => {
    const f = new Fixture({ minIsr: 2 })
    f.lead({ isr: [1] })
    expect(codeOf(() => f.partition.appendAsLeader(batch(['x']), -1))).toBe('NOT_ENOUGH_REPLICAS')
    expect(f.log.logEndOffset).toBe(0)
    expect(codeOf(() => f.partition.appendAsLeader(batch(['x']), 1))).toBe('NONE')
  })

  test('is acknowledged by the high watermark, with an error if the ISR has become too small', () => {
    const f = new Fixture({ minIsr: 2 })
    f.lead({ isr: [1, 2] })
    f.append()
    expect(f.partition.acknowledgement(1)).toBeUndefined()
    f.fetch(2, 1)
    expect(f.partition.acknowledgement(1)).toBe(ErrorCode.NONE)
    f.lead({ isr: [1], partitionEpoch: 8 })
    expect(f.partition.acknowledgement(1)).toBe(ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND)
    f.partition.makeFollower({ ...f.registration, leader: 2, leaderEpoch: 6, partitionEpoch: 9 })
    expect(f.partition.acknowledgement(1)).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER)
  })
})
