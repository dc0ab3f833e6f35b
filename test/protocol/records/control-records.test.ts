import { expect, it } from 'vitest'
import { decodeMessage } from '../../../src/protocol/codec.ts'
import { buildControlBatch, buildEndTxnMarker, buildLeaderChange, ControlType, controlTypeOf, markerCoordinatorEpoch } from '../../../src/protocol/records/control-records.ts'
import { baseSequenceOf, buildBatch, isControlOf, isTransactionalOf, isValidBatch, leaderEpochOf, producerEpochOf, producerIdOf, readRecords } from '../../../src/protocol/records/record-batch.ts'

it('knows the type of every control batch, and that a data batch has none', () => {
  for (const type of Object.values(ControlType)) {
    expect(controlTypeOf(buildControlBatch({ type, value: new Uint8Array(2), timestamp: 1 }), 0)).toBe(type)
  }
  expect(controlTypeOf(buildBatch({ records: [{ timestamp: 1, key: Uint8Array.of(0, 0, 0, 1), value: null }] }), 0)).toBe(undefined)
})

it('writes the marker that ends a transaction as Kafka does: key and value open with a version', () => {
  const batch = buildEndTxnMarker({ commit: true, timestamp: 1, producerId: 7, producerEpoch: 2, coordinatorEpoch: 258 })
  const [record] = readRecords(batch, 0)
  expect([[...record!.key!], [...record!.value!]]).toEqual([[0, 0, 0, 1], [0, 0, 0, 0, 1, 2]])
  expect([isValidBatch(batch, 0), isControlOf(batch, 0), isTransactionalOf(batch, 0)]).toEqual([true, true, true])
  expect([producerIdOf(batch, 0), producerEpochOf(batch, 0), baseSequenceOf(batch, 0), markerCoordinatorEpoch(batch, 0)]).toEqual([7, 2, -1, 258])
  expect(controlTypeOf(buildEndTxnMarker({ commit: false, timestamp: 1, producerId: 7, producerEpoch: 2, coordinatorEpoch: 0 }), 0)).toBe(ControlType.ABORT)
})

it('writes a leader change at version 0, which has no directory ids', () => {
  const batch = buildLeaderChange({ timestamp: 1, baseOffset: 9, leaderEpoch: 4, message: { leaderId: 3, voters: [{ voterId: 1 }, { voterId: 3 }], grantingVoters: [{ voterId: 3 }] } })
  const value = readRecords(batch, 0)[0]!.value!
  expect([...value]).toEqual([0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 1, 0, 0, 0, 0, 3, 0, 2, 0, 0, 0, 3, 0, 0])
  expect(decodeMessage('LeaderChangeMessage', 0, value)).toMatchObject({ leaderId: 3, grantingVoters: [{ voterId: 3 }] })
  expect([leaderEpochOf(batch, 0), isControlOf(batch, 0), isTransactionalOf(batch, 0), controlTypeOf(batch, 0)]).toEqual([4, true, false, ControlType.LEADER_CHANGE])
})
