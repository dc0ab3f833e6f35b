/**
 * Transactional ids as records of `__transaction_state` (Kafka: TransactionLog). Version 1 of the value, which clusters
 * with transaction.version 1 write, adds what survives only then: the ids before and after, and the client's version.
 */
import { partitionName } from '../../base/partition-name.ts'
import { buildBatch } from '../../protocol/records/record-batch.ts'
import type { TransactionLogValue } from '../../protocol/generated/types.ts'
import { coordinatorRecord, encodeCoordinatorKey, encodeCoordinatorValue } from '../coordinator-record.ts'
import { NO_EPOCH } from './transaction-metadata.ts'
import type { PartitionSet, TopicPartition, TransactionFields } from './transaction-metadata.ts'
import { stateNumber, stateOfNumber } from './transaction-state.ts'

/** A batch of one record. */
export function transactionBatch(transactionalId: string, fields: TransactionFields, o: { readonly now: number; readonly transactionVersion: number; readonly keepsNextProducerId: boolean }): Uint8Array {
  const version = o.transactionVersion >= 1 ? 1 : 0
  const value = {
    producerId: fields.producerId,
    producerEpoch: fields.producerEpoch,
    transactionTimeoutMs: fields.timeoutMs,
    transactionStatus: stateNumber(fields.state),
    transactionPartitions: fields.state === 'Empty' ? null : byTopic(fields.partitions),
    transactionLastUpdateTimestampMs: fields.updatedMs,
    transactionStartTimestampMs: fields.startedMs,
    ...(version === 0 ? {} : {
      previousProducerId: fields.previousProducerId,
      ...(o.keepsNextProducerId ? { nextProducerId: fields.nextProducerId } : {}),
      clientTransactionVersion: fields.clientVersion,
    }),
  }
  const record = coordinatorRecord('TransactionLog', { transactionalId }, value, version)
  return buildBatch({ records: [{ timestamp: o.now, key: encodeCoordinatorKey(record), value: encodeCoordinatorValue(record) }] })
}

/** Tombstones of ids that expire. */
export function tombstoneBatch(transactionalIds: readonly string[], now: number): Uint8Array {
  return buildBatch({
    records: transactionalIds.map(transactionalId => ({ timestamp: now, key: encodeCoordinatorKey(coordinatorRecord('TransactionLog', { transactionalId }, null)), value: null })),
  })
}

export function fieldsOf(value: TransactionLogValue): TransactionFields {
  const state = stateOfNumber(value.transactionStatus)
  if (state === undefined) throw new RangeError(`transaction status ${value.transactionStatus}`)
  const partitions = new Map<string, TopicPartition>()
  for (const { topic, partitionIds } of state === 'Empty' ? [] : value.transactionPartitions ?? []) {
    for (const partition of partitionIds) partitions.set(partitionName(topic, partition), { topic, partition })
  }
  return {
    producerId: value.producerId,
    previousProducerId: value.previousProducerId,
    nextProducerId: value.nextProducerId,
    producerEpoch: value.producerEpoch,
    lastProducerEpoch: NO_EPOCH,
    timeoutMs: value.transactionTimeoutMs,
    state,
    partitions,
    startedMs: value.transactionStartTimestampMs,
    updatedMs: value.transactionLastUpdateTimestampMs,
    clientVersion: value.clientTransactionVersion,
  }
}

function byTopic(partitions: PartitionSet): { topic: string; partitionIds: number[] }[] {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions.values()) {
    const ids = topics.get(topic)
    if (ids === undefined) topics.set(topic, [partition])
    else ids.push(partition)
  }
  return [...topics].map(([topic, partitionIds]) => ({ topic, partitionIds }))
}
