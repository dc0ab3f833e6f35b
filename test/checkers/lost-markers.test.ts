/** Hanging transactions that an unclean election leaves behind: which partitions, and that nothing else counts. */
import { describe, expect, it } from 'vitest'
import { guaranteesFor } from '../../checkers/guarantees.ts'
import { checkLiveness } from '../../checkers/liveness/liveness.ts'
import { LostMarkers } from '../../checkers/liveness/lost-markers.ts'
import type { ObservationOf } from '../../src/env/observation.ts'
import { STRICT } from './history-fixture.ts'

const WHERE = { topic: 'orders', topicId: 'id', partition: 1 } as const

/** A transaction with data from 2 on and its marker at 5; then an election of a log that ends at `end`. */
function after(end: number, o: { readonly reason?: ObservationOf<'leader-elected'>['reason']; readonly firstOffset?: number } = {}): readonly string[] {
  const seen = new LostMarkers()
  seen.observe({ kind: 'marker-written', ...WHERE, producerId: 7, producerEpoch: 0, coordinatorEpoch: 1, commit: true, offset: 5, firstOffset: o.firstOffset ?? 2, transactionVersion: 1 })
  seen.observe({ kind: 'leader-elected', ...WHERE, leader: 2, previousLeader: 1, leaderEpoch: 3, reason: o.reason ?? 'unclean' })
  seen.observe({ kind: 'became-leader', ...WHERE, leaderEpoch: 3, partitionEpoch: 9, logEndOffset: end, highWatermark: 0, isr: [2] })
  return seen.partitions
}

describe('a marker is lost', () => {
  it('when the new log ends between the data and it', () => {
    expect([after(3), after(5)]).toEqual([['orders-1'], ['orders-1']])
    expect(after(3, { reason: 'last-known-leader' })).toEqual(['orders-1'])
  })

  it.each([
    ['the log has it', after(6)],
    ['the data is lost as well', after(2)],
    ['it ended nothing', after(3, { firstOffset: -1 })],
    ['the election was a clean one', after(3, { reason: 'isr' })],
  ])('not when %s', (_, partitions) => {
    expect(partitions).toEqual([])
  })
})

it('excuses a drain that waits for it, and nothing else', () => {
  const input = { healedAt: 0, endedAt: 10, boundUs: 10, partitions: [], clientsUnfinished: [], drained: false }
  const judge = (o: object): string => checkLiveness({ ...input, ...o }, guaranteesFor(STRICT)).verdict
  expect(judge({ unread: ['orders-1'], lostMarkers: [] })).toBe('invalid')
  expect(judge({ unread: ['orders-1'], lostMarkers: ['orders-1', 'orders-2'] })).toBe('valid')
  expect(judge({ unread: ['orders-1', 'orders-0'], lostMarkers: ['orders-1'] })).toBe('invalid')
  expect(judge({ unread: [], lostMarkers: ['orders-1'] })).toBe('invalid')
  expect(judge({ unread: ['orders-1'], lostMarkers: ['orders-1'], clientsUnfinished: ['client-1'] })).toBe('invalid')
})

it('a drain tells where it did not reach the end', () => {
  const input = { healedAt: 0, endedAt: 10, boundUs: 10, partitions: [], clientsUnfinished: [], drained: false, unread: ['orders-1'] }
  expect(checkLiveness(input, guaranteesFor(STRICT)).findings[0]).toMatchObject({ title: 'The final drain did not reach the end of orders-1.', evidence: { unread: ['orders-1'] } })
})
