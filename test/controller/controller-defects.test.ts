/** Each defect of the controller: wrong with it, right without, by the same events. */
import { describe, expect, it } from 'vitest'
import type { DefectId } from '../../src/config/defects.ts'
import { errorName } from '../../src/protocol/errors.ts'
import { ControllerHarness } from './controller-harness.ts'

const MIN_ISR_2 = { 'min.insync.replicas': '2' }

function active(brokers: number, defects: readonly DefectId[]): ControllerHarness {
  return ControllerHarness.active(brokers, {}, defects)
}

describe.each([
  { defects: [] as const, elr: [], next: -1 },
  { defects: ['KIP-966'] as const, elr: [2], next: 2 },
])('KIP-966: an unclean restart, defects $defects', ({ defects, elr, next }) => {
  it('decides who may be elected when the last of the ISR dies', () => {
    const harness = active(3, defects)
    harness.topicOn([1, 2, 3], MIN_ISR_2)
    harness.proposeIsr([1, 2])
    harness.expireAllBut(1, 3)
    harness.register(2, { previousBrokerEpoch: -1 })
    expect(harness.partition()).toMatchObject({ isr: [1], elr })
    harness.heartbeat(2)
    harness.expireAllBut(2, 3)
    expect(harness.partition().leader).toBe(next)
  })
})

describe.each([
  { defects: [] as const, answer: 'INELIGIBLE_REPLICA', isr: [1, 3] },
  { defects: ['KIP-841'] as const, answer: 'NONE', isr: [1, 2, 3] },
])('KIP-841: a broker that shuts down, defects $defects', ({ defects, answer, isr }) => {
  it('is proposed for the ISR that it has just left', () => {
    const harness = active(3, defects)
    harness.topicOn([2, 1, 3])
    expect(harness.heartbeat(2, { wantShutDown: true }).shouldShutDown).toBe(false)
    expect(harness.partition()).toMatchObject({ leader: 1, isr: [1, 3] })
    expect(errorName(harness.proposeIsr([1, 2, 3]).errorCode)).toBe(answer)
    expect([...harness.partition().isr].sort()).toEqual(isr)
  })
})

describe.each([
  { defects: [] as const, elr: [], next: -1 },
  { defects: ['KAFKA-16540'] as const, elr: [2], next: 2 },
])('KAFKA-16540: min.insync.replicas falls to 1, defects $defects', ({ defects, elr, next }) => {
  it('and the ELR that froze the high watermark loses its reason', () => {
    const harness = active(2, defects)
    harness.topicOn([1, 2], MIN_ISR_2)
    harness.proposeIsr([1])
    harness.setConfig('t', 'min.insync.replicas', '1')
    expect(harness.partition()).toMatchObject({ isr: [1], elr })
    harness.expireAllBut(2)
    expect(harness.partition().leader).toBe(next)
  })
})

describe.each([
  { mends: [] as const, elr: [], next: -1, told: 1 },
  { mends: ['elr-cleared-without-leader'] as const, elr: [1], next: 1, told: 0 },
])('a partition without leader while min.insync.replicas changes (elr-cleared-without-leader), mends $mends', ({ mends, elr, next, told }) => {
  it('can be led by nobody when its last leader comes back, or by that one', () => {
    const harness = ControllerHarness.active(2, {}, [], mends)
    harness.topicOn([1, 2], { 'min.insync.replicas': '1' })
    harness.proposeIsr([1])
    harness.expireAllBut(2)
    expect(harness.partition()).toMatchObject({ leader: -1, isr: [], elr: [1], lastKnownElr: [1] })
    harness.setConfig('t', 'min.insync.replicas', '2')
    expect(harness.partition()).toMatchObject({ leader: -1, isr: [], elr })
    expect(harness.observed('elr-cleared-without-leader')).toHaveLength(told)
    harness.register(1, { previousBrokerEpoch: harness.epochOf(1) })
    harness.heartbeat(1)
    expect(harness.partition().leader).toBe(next)
  })
})

describe.each([
  { defects: [] as const, leader: -1 },
  { defects: ['KAFKA-19522'] as const, leader: 1 },
])('KAFKA-19522: ISR and ELR are empty, the last leader is fenced, defects $defects', ({ defects, leader }) => {
  it('and another broker comes back', () => {
    const harness = active(3, defects)
    harness.topicOn([1, 2, 3], MIN_ISR_2)
    harness.proposeIsr([1, 2])
    harness.expireAllBut(1, 3)
    harness.register(2, { previousBrokerEpoch: -1 })
    harness.expireAllBut(3)
    // Both come back with nothing, so nobody is eligible; 1, who led last, stays fenced.
    harness.register(1, { previousBrokerEpoch: -1 })
    expect(harness.image.brokers.get(1)?.fenced).toBe(true)
    harness.heartbeat(2)
    expect(harness.partition()).toMatchObject({ leader })
  })
})

describe.each([
  { defects: [] as const, outcome: 'STALE_BROKER_EPOCH', inControlledShutdown: false },
  { defects: ['KIP-380'] as const, outcome: 'answered', inControlledShutdown: true },
])('KIP-380: the last wish of a former life arrives late, defects $defects', ({ defects, outcome, inControlledShutdown }) => {
  it('and the present one is asked to go, or not', () => {
    const harness = active(2, defects)
    harness.topicOn([2, 1])
    const formerEpoch = harness.epochOf(2)
    harness.expireAllBut(1)
    harness.register(2, { previousBrokerEpoch: formerEpoch })
    harness.heartbeat(2)
    harness.proposeIsr([1, 2])
    harness.createTopic({ name: 'led-by-2', assignments: [{ partitionIndex: 0, brokerIds: [2, 1] }] })
    expect(lateWish(harness, formerEpoch)).toBe(outcome)
    expect(harness.image.brokers.get(2)?.inControlledShutdown).toBe(inControlledShutdown)
  })
})

function lateWish(harness: ControllerHarness, brokerEpoch: number): string {
  try {
    harness.heartbeat(2, { brokerEpoch, wantShutDown: true })
    return 'answered'
  } catch (error) {
    return (error as Error).message
  }
}
