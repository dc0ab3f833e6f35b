/** Looking partitions up while the metadata image is ahead of the replicas: the next topic of a name is not the one here. */
import { describe, expect, it } from 'vitest'
import { Replicas } from '../../src/broker/replicas.ts'
import { MetadataDelta } from '../../src/controller/metadata-image.ts'
import { ApiError } from '../../src/protocol/api-error.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { metadataRecord } from '../../src/protocol/metadata-records.ts'
import type { MetadataRecord } from '../../src/protocol/metadata-records.ts'
import { ZERO_UUID } from '../../src/protocol/uuid.ts'
import { TOPIC_ID } from '../storage/log-fixture.ts'
import { Fixture } from './partition-fixture.ts'

const NEXT_ID = 'bmV4dC1uZXh0LW5leHQtbg'

function created(topicId: string): MetadataRecord[] {
  return [
    metadataRecord('TopicRecord', { name: 'orders', topicId }),
    metadataRecord('PartitionRecord', { topicId, partitionId: 0, replicas: [1], isr: [1], leader: 1, leaderEpoch: 0, partitionEpoch: 0, directories: [ZERO_UUID] }),
  ]
}

function codeOf(find: () => unknown): number {
  try {
    find()
    return ErrorCode.NONE
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return error.code
  }
}

describe('a name that another topic is about to take over', () => {
  const fixture = new Fixture()
  const none = { add: function* () {}, remove: function* () {}, keepFetching: () => {}, shutdownIdle: () => {} }
  const replicas = new Replicas(fixture.host, { getOrCreate: () => fixture.log, delete: () => {}, logs: () => [] }, none)
  fixture.env.run(replicas.apply(MetadataDelta.applying(fixture.image, created(TOPIC_ID))))

  it('is the old one to those who know only the name, and inconsistent with the new id', () => {
    expect(codeOf(() => replicas.require(TOPIC_ID, 0))).toBe(ErrorCode.NONE)
    const delta = MetadataDelta.applying(fixture.image, [metadataRecord('RemoveTopicRecord', { topicId: TOPIC_ID }), ...created(NEXT_ID)])
    expect(replicas.requireNamed('orders', 0).topicId).toBe(TOPIC_ID)
    expect(codeOf(() => replicas.require(NEXT_ID, 0))).toBe(ErrorCode.INCONSISTENT_TOPIC_ID)
    expect(codeOf(() => replicas.require(NEXT_ID, 0, ErrorCode.UNKNOWN_TOPIC_ID))).toBe(ErrorCode.UNKNOWN_TOPIC_ID)
    fixture.env.run(replicas.apply(delta))
    expect(replicas.requireNamed('orders', 0).topicId).toBe(NEXT_ID)
    expect(codeOf(() => replicas.require(NEXT_ID, 0))).toBe(ErrorCode.NONE)
    expect(codeOf(() => replicas.require(TOPIC_ID, 0))).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  })
})
