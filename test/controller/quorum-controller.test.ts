import { describe, expect, it } from 'vitest'
import type { Operation } from '../../src/controller/quorum-controller.ts'
import { metadataRecord } from '../../src/protocol/metadata-records.ts'
import { ControllerHarness } from './controller-harness.ts'

const noOp: Operation<string> = () => ({ records: [metadataRecord('NoOpRecord', {})], response: 'written' })
const read: Operation<string> = () => ({ records: [], response: 'read' })

describe('activation', () => {
  it('the first leader of an empty log writes one bootstrap batch, later ones nothing', () => {
    const harness = new ControllerHarness()
    expect(() => harness.call(noOp)).toThrow('NOT_CONTROLLER')
    harness.raft.elect(101, 1)
    expect(harness.raft.batches).toHaveLength(1)
    expect(Object.fromEntries(harness.image.features)).toEqual({
      'metadata.version': 30, 'transaction.version': 2, 'group.version': 1, 'eligible.leader.replicas.version': 1,
    })
    harness.raft.elect(102, 2)
    harness.raft.elect(101, 3)
    expect(harness.raft.batches).toHaveLength(1)
    expect(harness.observed('controller-active').map(event => event.epoch)).toEqual([1, 3])
    expect(harness.observed('controller-inactive').map(event => event.epoch)).toEqual([1])
  })

  it('stands by as soon as an append shows that raft has lost leadership', () => {
    const harness = new ControllerHarness()
    harness.raft.elect(101, 1)
    harness.raft.leaderAndEpoch = { leaderId: -1, epoch: 2 }
    expect(harness.call(read)).toBe('read')
    expect(() => harness.call(noOp)).toThrow('NOT_CONTROLLER')
    expect(() => harness.call(read)).toThrow('NOT_CONTROLLER')
    expect(harness.raft.batches).toHaveLength(1)
  })

  it('gives every unfenced broker a full session', () => {
    const harness = ControllerHarness.active(1)
    harness.advanceMs(9_000)
    harness.raft.elect(102, 2)
    harness.advanceMs(30_000)
    expect(harness.image.brokers.get(1)!.fenced).toBe(false)
    harness.raft.elect(101, 3)
    harness.advanceMs(9_000)
    expect(harness.image.brokers.get(1)!.fenced).toBe(false)
    harness.advanceMs(2_000)
    expect(harness.image.brokers.get(1)!.fenced).toBe(true)
  })

  it('tells every partition anew, for what the last controller left uncommitted is void', () => {
    const harness = ControllerHarness.active(2)
    harness.topicOn([1, 2])
    const before = harness.observed('partition-registered').length
    harness.raft.elect(101, 2)
    expect(harness.observed('partition-registered').slice(before)).toMatchObject([{ topic: 't', partition: 0, isr: [1, 2] }])
  })
})

describe('waiting for the high watermark', () => {
  it('answers in order, once committed; reads wait for what they may have seen', () => {
    const harness = ControllerHarness.active(0)
    const early = harness.start(read)
    expect(early.result()).toBe('read')
    harness.raft.holdCommits = true
    const write = harness.start(noOp)
    const late = harness.start(read)
    expect([write.isSettled, late.isSettled]).toEqual([false, false])
    harness.raft.commit()
    expect([write.result(), late.result()]).toEqual(['written', 'read'])
  })

  it('decides on uncommitted state', () => {
    const harness = ControllerHarness.active(1)
    harness.raft.holdCommits = true
    const first = harness.start(state => ({ records: [metadataRecord('ProducerIdsRecord', { nextProducerId: 10 })], response: state.image.nextProducerId }))
    const second = harness.start(state => ({ records: [], response: state.image.nextProducerId }))
    harness.raft.commit()
    expect([first.result(), second.result()]).toEqual([0, 10])
  })

  it('losing leadership fails what is pending and forgets what was not committed', () => {
    const harness = ControllerHarness.active(2)
    harness.topicOn([1, 2])
    harness.raft.holdCommits = true
    const pending = harness.start(state => {
      const topicId = state.image.topicIds.get('t')!
      return { records: [metadataRecord('RemoveTopicRecord', { topicId })], response: 'deleted' }
    })
    const dependent = harness.start(state => ({ records: [], response: state.image.topicIds.has('t') }))
    harness.raft.elect(102, 2)
    for (const future of [pending, dependent]) expect(() => future.result()).toThrow('NOT_CONTROLLER')
    harness.raft.truncate()
    harness.raft.holdCommits = false
    harness.raft.elect(101, 3)
    expect(harness.call(state => ({ records: [], response: state.image.topicIds.has('t') }))).toBe(true)
    expect(harness.partition().isr).toEqual([1, 2])
  })

  it('a refusal is told at once and writes nothing', () => {
    const harness = ControllerHarness.active(1)
    harness.raft.holdCommits = true
    const pending = harness.start(noOp)
    expect(() => harness.heartbeat(1, { brokerEpoch: 99 })).toThrow('STALE_BROKER_EPOCH')
    expect(pending.isSettled).toBe(false)
  })
})

it('standby controllers follow the log', () => {
  const leader = ControllerHarness.active(2)
  leader.topicOn([1, 2])
  const standby = new ControllerHarness()
  standby.raft.elect(102, 1)
  for (const batch of leader.raft.batches) {
    standby.raft.batches.push(batch)
    standby.raft.nextWriteOffset = batch.lastOffset + 1
    standby.raft.commit()
  }
  expect(standby.partition()).toEqual(leader.partition())
  standby.raft.elect(101, 2)
  standby.heartbeat(1, { wantShutDown: true })
  expect(standby.partition().leader).toBe(2)
})

it('writes NoOpRecords while active, at their interval', () => {
  const harness = new ControllerHarness({ metadataMaxIdleIntervalMs: 500 })
  harness.raft.elect(101, 1)
  harness.advanceMs(1_600)
  const noOps = () => harness.raft.batches.filter(batch => batch.records[0]!.type === 'NoOpRecord').length
  expect(noOps()).toBe(3)
  harness.raft.elect(102, 2)
  harness.advanceMs(2_000)
  expect(noOps()).toBe(3)
})
