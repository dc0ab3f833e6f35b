/** Keys and values of the coordinators' topics, byte for byte where Kafka's own are known. */
import { describe, expect, test } from 'vitest'
import { javaHash, partitionForId } from '../../src/base/java-hash.ts'
import { coordinatorRecord, decodeCoordinatorRecord, encodeCoordinatorKey, encodeCoordinatorValue } from '../../src/coordinator/coordinator-record.ts'
import { GROUP_TOPIC, TRANSACTION_TOPIC } from '../../src/coordinator/internal-topics.ts'

describe('records of coordinators', () => {
  test('an offset commit is laid out as OffsetCommitKey 1 and OffsetCommitValue', () => {
    const record = coordinatorRecord('OffsetCommit', { group: 'g', topic: 't', partition: 3 }, { offset: 9, leaderEpoch: 2, metadata: '', commitTimestamp: 5 }, 3)
    expect([...encodeCoordinatorKey(record)]).toEqual([0, 1, 0, 1, 0x67, 0, 1, 0x74, 0, 0, 0, 3])
    expect([...encodeCoordinatorValue(record)!]).toEqual([0, 3, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5])
    expect(decodeCoordinatorRecord(GROUP_TOPIC, encodeCoordinatorKey(record), encodeCoordinatorValue(record))).toEqual(record)
  })

  test('the same number is another type in another topic; unknown types are passed over', () => {
    const record = coordinatorRecord('TransactionLog', { transactionalId: 'x' }, { producerId: 4, producerEpoch: 1 })
    const key = encodeCoordinatorKey(record)
    expect(decodeCoordinatorRecord(TRANSACTION_TOPIC, key, encodeCoordinatorValue(record))).toEqual(record)
    expect(decodeCoordinatorRecord(TRANSACTION_TOPIC, key, null)).toEqual({ ...record, value: null, version: -1 })
    expect(decodeCoordinatorRecord(GROUP_TOPIC, Uint8Array.of(0x7f, 0), null)).toBeUndefined()
    expect(() => decodeCoordinatorRecord(TRANSACTION_TOPIC, key, Uint8Array.of(0, 99))).toThrow('version 99')
  })

  test('ids are spread as String.hashCode spreads them', () => {
    expect([javaHash(''), javaHash('a'), javaHash('analytics'), javaHash('polygenelubricants')]).toEqual([0, 97, -1693017210, -2147483648])
    expect(partitionForId('analytics', 50)).toBe(10)
    expect(partitionForId('polygenelubricants', 50)).toBe(0)
  })
})
