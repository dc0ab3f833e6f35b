/**
 * What the records of one partition of `__share_group_state` make (ShareCoordinatorShard#replay): for each share-partition its
 * last snapshot and what updates have changed since. Nothing else changes it.
 *
 *   ShareSnapshot   all of it; the snapshot epoch counts them; without a value: it is deleted
 *   ShareUpdate     start offset, leader epoch and the batches that are other now; belongs to the snapshot of its epoch
 *
 * An update means nothing without the snapshot and the updates before it, so the topic is not compacted.
 */
import { invariant } from '../../base/assert.ts'
import { mixString } from '../../base/random.ts'
import type { CoordinatorRecord, CoordinatorRecordValue } from '../coordinator-record.ts'
import type { RecordPosition } from '../load-state.ts'
import type { CoordinatorState } from '../runtime/shard.ts'
import { sharePartitionKey } from './share-partition-key.ts'
import { combineBatches } from './state-batches.ts'
import type { StateBatch } from './state-batches.ts'

export interface SharePartitionState {
  readonly snapshotEpoch: number
  readonly stateEpoch: number
  readonly leaderEpoch: number
  /** -1: not decided yet. */
  readonly startOffset: number
  /** Offsets at or above it whose delivery is complete (KIP-1226); -1: not known. */
  readonly deliveryCompleteCount: number
  readonly batches: readonly StateBatch[]
  /** Since the snapshot. */
  readonly updates: number
}

export class ShareState implements CoordinatorState {
  readonly partitions = new Map<string, SharePartitionState>()
  private sum = 0

  /** Of all that is in it: equal states have equal digests, however they came about. */
  get digest(): number {
    return this.sum >>> 0
  }

  replay(record: CoordinatorRecord, _at: RecordPosition): void {
    invariant(record.type === 'ShareSnapshot' || record.type === 'ShareUpdate', `${record.type} has no place among the states of share-partitions`)
    const key = sharePartitionKey(record.key)
    const before = this.line(key)
    if (record.value === null) this.partitions.delete(key)
    else if (record.type === 'ShareSnapshot') this.partitions.set(key, fromSnapshot(record.value))
    else this.update(key, record.value)
    this.sum = (this.sum - mixString(0, before) + mixString(0, this.line(key))) | 0
  }

  replayEndTransaction(): void {
    // Nobody writes states in transactions.
  }

  /** As text, in an order that does not depend on how the state came about: for comparing two states. */
  describe(): string[] {
    return [...this.partitions.keys()].map(key => this.line(key)).sort()
  }

  private update(key: string, value: CoordinatorRecordValue<'ShareUpdate'>): void {
    const known = this.partitions.get(key)
    // Of a share-partition that was deleted since.
    if (known === undefined) return
    const startOffset = value.startOffset === -1 ? known.startOffset : value.startOffset
    this.partitions.set(key, {
      ...known, startOffset, leaderEpoch: value.leaderEpoch === -1 ? known.leaderEpoch : Math.max(known.leaderEpoch, value.leaderEpoch),
      deliveryCompleteCount: value.deliveryCompleteCount, batches: combineBatches([...known.batches, ...value.stateBatches], startOffset), updates: known.updates + 1,
    })
  }

  private line(key: string): string {
    const known = this.partitions.get(key)
    if (known === undefined) return ''
    const { stateEpoch, leaderEpoch, startOffset, batches } = known
    return `${key} epochs ${stateEpoch} ${leaderEpoch} start ${startOffset} ${batches.map(batch => `${batch.firstOffset}-${batch.lastOffset}:${batch.deliveryState}x${batch.deliveryCount}`).join(' ')}`
  }
}

function fromSnapshot({ snapshotEpoch, stateEpoch, leaderEpoch, startOffset, deliveryCompleteCount, stateBatches }: CoordinatorRecordValue<'ShareSnapshot'>): SharePartitionState {
  return { snapshotEpoch, stateEpoch, leaderEpoch, startOffset, deliveryCompleteCount, batches: combineBatches(stateBatches, startOffset), updates: 0 }
}
