import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { ControllerHarness } from './controller-harness.ts'

/** Past the session of 9 s, before the next look for stale brokers at 10.125 s. */
const SESSION_OVER = 9_002
const MIN_ISR_2 = { 'min.insync.replicas': '2' }

describe('registration', () => {
  it('gives the offset of the batch\'s first record as epoch, though the registration comes later in it', () => {
    const harness = ControllerHarness.active(2)
    harness.topicOn([1, 2])
    harness.advanceMs(SESSION_OVER)
    harness.register(2)
    const batch = harness.raft.batches.at(-1)!
    expect(batch.records.map(record => record.type)).toEqual(['PartitionChangeRecord', 'RegisterBrokerRecord'])
    expect(harness.epochOf(2)).toBe(batch.baseOffset)
    expect(harness.heartbeat(2, { currentMetadataOffset: batch.baseOffset }).isFenced).toBe(true)
    expect(harness.heartbeat(2, { currentMetadataOffset: batch.lastOffset }).isFenced).toBe(false)
  })

  it('refuses another incarnation while a session lives, and lets it in afterwards', () => {
    const harness = ControllerHarness.active(2)
    expect(() => harness.register(1)).toThrow('DUPLICATE_BROKER_REGISTRATION')
    harness.advanceMs(8_999)
    expect(() => harness.register(1)).toThrow('DUPLICATE_BROKER_REGISTRATION')
    harness.advanceMs(2)
    expect(harness.register(1)).toBeGreaterThan(0)
  })

  it('keeps the epoch of an incarnation that registers again', () => {
    const harness = ControllerHarness.active(1)
    const { incarnationId } = harness.image.brokers.get(1)!
    const epoch = harness.epochOf(1)
    expect(harness.register(1, { incarnationId })).toBe(epoch)
    expect(harness.image.brokers.get(1)!.fenced).toBe(false)
  })

  it('refuses what is no broker of this cluster', () => {
    const harness = ControllerHarness.active(1)
    expect(() => harness.register(2, { clusterId: 'other' })).toThrow('INCONSISTENT_CLUSTER_ID')
    expect(() => harness.register(2, { features: [] })).toThrow('INVALID_REGISTRATION')
    expect(() => harness.register(2, { features: [{ name: 'metadata.version', minSupportedVersion: 1, maxSupportedVersion: 29 }] })).toThrow('UNSUPPORTED_VERSION')
    expect(() => harness.register(2, { logDirs: [] })).toThrow('INVALID_REGISTRATION')
    expect(() => harness.register(2, { logDirs: [...harness.image.brokers.get(1)!.logDirs] })).toThrow('INVALID_REGISTRATION')
  })
})

describe('unclean restart (KIP-966, KAFKA-18635)', () => {
  /** ISR {1,2} of replicas 1,2,3 with min ISR 2; then 2 is fenced and stays eligible. */
  function withElr(): ControllerHarness {
    const harness = ControllerHarness.active(3)
    harness.topicOn([1, 2, 3], MIN_ISR_2)
    expect(harness.proposeIsr([1, 2]).errorCode).toBe(0)
    harness.expireAllBut(1, 3)
    expect(harness.partition()).toMatchObject({ isr: [1], elr: [2], leader: 1 })
    return harness
  }

  it('leaves the ELR after an unclean shutdown, and is not elected', () => {
    const harness = withElr()
    harness.register(2, { previousBrokerEpoch: -1 })
    expect(harness.partition()).toMatchObject({ isr: [1], elr: [] })
    expect(harness.observed('broker-registered').at(-1)).toMatchObject({ brokerId: 2, unclean: true })
    harness.heartbeat(2)
    harness.expireAllBut(2, 3)
    expect(harness.partition()).toMatchObject({ isr: [], elr: [1], leader: -1, lastKnownElr: [1] })
  })

  it('stays in the ELR after a clean shutdown, and is elected from it', () => {
    const harness = withElr()
    harness.register(2, { previousBrokerEpoch: harness.epochOf(2) })
    expect(harness.partition()).toMatchObject({ isr: [1], elr: [2] })
    harness.heartbeat(2)
    harness.expireAllBut(2, 3)
    expect(harness.partition()).toMatchObject({ isr: [2], elr: [1], leader: 2, leaderRecoveryState: 'RECOVERED' })
    expect(harness.observed('leader-elected').at(-1)).toMatchObject({ reason: 'elr', leader: 2, previousLeader: 1 })
  })

  it('drops an unclean leader from its ISR at registration; its leader epoch rises only there', () => {
    const harness = ControllerHarness.active(3)
    harness.topicOn([1, 2, 3])
    const { leaderEpoch } = harness.partition()
    harness.advanceMs(SESSION_OVER)
    harness.register(1, { previousBrokerEpoch: -1 })
    expect(harness.partition()).toMatchObject({ leader: 2, isr: [2, 3], elr: [], leaderEpoch: leaderEpoch + 1 })
  })

  it('is not elected back, not even uncleanly, while its registration is handled', () => {
    const harness = ControllerHarness.active(2)
    harness.topicOn([1, 2], { 'unclean.leader.election.enable': 'true' })
    harness.proposeIsr([1])
    harness.advanceMs(SESSION_OVER)
    harness.register(1, { previousBrokerEpoch: -1 })
    expect(harness.partition()).toMatchObject({ leader: 2, isr: [2], elr: [], leaderRecoveryState: 'RECOVERING' })
  })

  it('without ELR an unclean shutdown is like fencing: the last ISR member stays', () => {
    const harness = ControllerHarness.active(2, { eligibleLeaderReplicasEnable: false })
    harness.topicOn([1, 2])
    harness.proposeIsr([1])
    harness.expireAllBut(2)
    expect(harness.partition()).toMatchObject({ leader: -1, isr: [1], elr: [], lastKnownElr: [] })
    harness.register(1, { previousBrokerEpoch: -1 })
    expect(harness.partition()).toMatchObject({ leader: -1, isr: [1] })
    harness.heartbeat(1)
    expect(harness.partition()).toMatchObject({ leader: 1, isr: [1] })
  })
})

describe('fencing', () => {
  it('expired sessions move leaderships and leave ISRs, one broker at a time', () => {
    const harness = ControllerHarness.active(3)
    harness.topicOn([1, 2, 3])
    const before = harness.raft.batches.length
    harness.expireAllBut(3)
    const fences = harness.raft.batches.slice(before).filter(batch => batch.records.some(record => record.type === 'BrokerRegistrationChangeRecord'))
    expect(fences).toHaveLength(2)
    expect(harness.partition()).toMatchObject({ leader: 3, isr: [3] })
    expect(harness.observed('broker-fenced').map(event => event.brokerId)).toEqual([1, 2])
  })

  it('a heartbeat of an older epoch is refused and prolongs nothing (KIP-380)', () => {
    const harness = ControllerHarness.active(1)
    const old = harness.epochOf(1)
    harness.advanceMs(11_000)
    harness.register(1)
    expect(() => harness.heartbeat(1, { brokerEpoch: old })).toThrow('STALE_BROKER_EPOCH')
    harness.heartbeat(1)
    for (let i = 0; i < 12; i++) {
      expect(() => harness.heartbeat(1, { brokerEpoch: old })).toThrow('STALE_BROKER_EPOCH')
      harness.advanceMs(1_000)
    }
    expect(harness.image.brokers.get(1)!.fenced).toBe(true)
  })

  it('unfences only a broker that has read its registration', () => {
    const harness = ControllerHarness.active(0)
    harness.register(1)
    const registrationOffset = harness.raft.nextWriteOffset - 1
    expect(harness.heartbeat(1, { currentMetadataOffset: registrationOffset - 1 })).toMatchObject({ isFenced: true, isCaughtUp: false })
    expect(harness.heartbeat(1, { currentMetadataOffset: registrationOffset, wantFence: true })).toMatchObject({ isFenced: true, isCaughtUp: true })
    expect(harness.heartbeat(1, { currentMetadataOffset: registrationOffset })).toMatchObject({ isFenced: false })
    expect(harness.observed('broker-unfenced')).toHaveLength(1)
  })

  it('an unfenced broker takes a partition without leader, if it may: ELR first, last known leader when nothing is left', () => {
    const harness = ControllerHarness.active(2)
    harness.topicOn([1, 2], MIN_ISR_2)
    harness.expireAllBut()
    expect(harness.partition()).toMatchObject({ leader: -1, isr: [], elr: [1, 2], lastKnownElr: [2] })
    harness.register(2, { previousBrokerEpoch: -1 })
    harness.register(1, { previousBrokerEpoch: -1 })
    harness.heartbeat(1)
    expect(harness.partition()).toMatchObject({ leader: -1, elr: [] })
    harness.heartbeat(2)
    expect(harness.partition()).toMatchObject({ leader: 2, isr: [2], lastKnownElr: [], leaderRecoveryState: 'RECOVERING' })
    expect(harness.observed('leader-elected').at(-1)!.reason).toBe('last-known-leader')
  })
})

describe('controlled shutdown', () => {
  it('moves leaderships, and lets the broker exit once every active broker has read that', () => {
    const harness = ControllerHarness.active(2)
    harness.topicOn([1, 2])
    const first = harness.heartbeat(1, { wantShutDown: true })
    expect(first).toMatchObject({ shouldShutDown: false, isFenced: false })
    expect(harness.partition()).toMatchObject({ leader: 2, isr: [2] })
    expect(harness.image.brokers.get(1)!.inControlledShutdown).toBe(true)
    const moved = harness.raft.nextWriteOffset - 1
    harness.heartbeat(2, { currentMetadataOffset: moved - 1 })
    expect(harness.heartbeat(1, { wantShutDown: true }).shouldShutDown).toBe(false)
    harness.heartbeat(2, { currentMetadataOffset: moved })
    expect(harness.heartbeat(1, { wantShutDown: true })).toMatchObject({ shouldShutDown: true, isFenced: true })
    expect(harness.image.brokers.get(1)!.fenced).toBe(true)
  })

  it('lets a broker that leads nothing go at once', () => {
    const harness = ControllerHarness.active(2)
    harness.topicOn([1, 2])
    expect(harness.heartbeat(2, { wantShutDown: true }).shouldShutDown).toBe(true)
    expect(harness.partition().isr).toEqual([1])
  })

  it('a broker on its way out is not let back into the ISR (KIP-841, KAFKA-13916)', () => {
    const harness = ControllerHarness.active(3)
    harness.topicOn([1, 2, 3])
    harness.createTopic({ name: 'led-by-3', assignments: [{ partitionIndex: 0, brokerIds: [3, 2] }] })
    harness.heartbeat(3, { wantShutDown: true })
    expect(harness.partition().isr).toEqual([1, 2])
    expect(harness.proposeIsr([1, 2, 3]).errorCode).toBe(ErrorCode.INELIGIBLE_REPLICA)
  })
})
