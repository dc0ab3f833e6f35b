/**
 * What coordinators see of the logs that hold their state: partitions of `__consumer_offsets`, `__transaction_state` and
 * `__share_group_state`, which are ordinary replicated topics (Kafka: PartitionWriter, CoordinatorLoader, and
 * ReplicaManager#appendRecords of the transaction coordinator). The broker implements it over its replicas.
 *
 * A coordinator leads a partition of its topic for one leader epoch, which is its coordinator epoch.
 */
import type { Future } from '../base/task.ts'
import type { AppendProof } from '../storage/verification.ts'

/** One state partition that this broker leads. */
export interface StateLog {
  readonly leaderEpoch: number
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly highWatermark: number
  /** Whole batches from one segment, see Log#read. @throws ApiError OFFSET_OUT_OF_RANGE */
  read(startOffset: number, maxBytes: number, endOffset: number, minOneMessage: boolean): Uint8Array
}

export interface StateAppend {
  readonly firstOffset: number
  readonly lastOffset: number
}

export interface StateLogs {
  /** undefined when another broker leads, or nobody. */
  leading(topic: string, partition: number): StateLog | undefined

  /**
   * Appends a batch as leader. Followers that wait are woken. `acks`: with all (-1, as the transaction coordinator writes) it
   * is refused below min.insync.replicas; with 1 (as CoordinatorPartitionWriter writes for groups) it is not, and the high
   * watermark, which does not rise then, says when it counts.
   * `proof`: for records of a transaction and its markers.
   * @throws ApiError NOT_LEADER_OR_FOLLOWER, NOT_ENOUGH_REPLICAS, UNKNOWN_TOPIC_OR_PARTITION, or what the log refuses
   */
  append(topic: string, partition: number, batch: Uint8Array, proof?: AppendProof, acks?: 1 | -1): StateAppend

  /**
   * Settles when the high watermark has passed `offset` while this broker led in `leaderEpoch` without a break: NONE;
   * NOT_COORDINATOR when leadership has moved before, REQUEST_TIMED_OUT after `timeoutMs`. Never fails.
   */
  awaitHighWatermark(topic: string, partition: number, offset: number, leaderEpoch: number, timeoutMs: number): Future<number>

  /**
   * Settles as an acks=all produce request would (DelayedProduce): NONE, NOT_LEADER_OR_FOLLOWER,
   * NOT_ENOUGH_REPLICAS_AFTER_APPEND, UNKNOWN_TOPIC_OR_PARTITION, REQUEST_TIMED_OUT. Never fails.
   */
  awaitAcknowledgement(topic: string, partition: number, offset: number, timeoutMs: number): Future<number>
}
