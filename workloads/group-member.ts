/**
 * A member of a consumer group, recorded: what it is assigned and gives up (`assign`, `revoke` with group, generation and
 * member), what it polls and what it commits.
 */
import type { Task } from '../src/base/task.ts'
import { US_PER_MS } from '../src/base/time.ts'
import { partitionName } from '../src/base/partition-name.ts'
import type { ConsumerRecord } from '../src/client/completed-fetch.ts'
import { Consumer } from '../src/client/consumer.ts'
import type { GroupMetadata, OffsetToCommit } from '../src/client/group/group-metadata.ts'
import type { CommitOutcome } from '../src/client/group/offset-commits.ts'
import type { TopicPartition } from '../src/client/topic-partition.ts'
import { type ConsumerConfig, DEFAULT_CONSUMER_CONFIG } from '../src/config/client.ts'
import type { Env } from '../src/env/env.ts'
import type { Json } from '../src/history/operation.ts'
import type { ClientRecorder } from './contract.ts'
import { type PayloadOf, valueOf } from './records.ts'

export interface MemberListener {
  /** After partitions were assigned, before anything of them is polled. */
  onAssigned?(partitions: readonly TopicPartition[]): Task<void>
  /** Before they are given up. Not called for what was lost. */
  onRevoked?(partitions: readonly TopicPartition[]): Task<void>
}

export class GroupMember {
  readonly consumer: Consumer
  /** It has met a batch that fails its CRC, and throws at every poll from now on: an application that skips nothing begins anew. */
  isStuck = false
  private readonly env: Env
  private readonly recorder: ClientRecorder
  private readonly payload: PayloadOf
  private readonly name: string
  private readonly listener: MemberListener

  /** `name`: unique among the members of a trial. */
  constructor(env: Env, recorder: ClientRecorder, o: { readonly name: string; readonly config: Partial<ConsumerConfig>; readonly topics: readonly string[]; readonly payload: PayloadOf; readonly listener?: MemberListener }) {
    this.env = env
    this.recorder = recorder
    this.payload = o.payload
    this.name = o.name
    this.listener = o.listener ?? {}
    this.consumer = new Consumer(env, { ...DEFAULT_CONSUMER_CONFIG, ...o.config })
    const { told, listener } = { told: this, listener: this.listener }
    this.consumer.subscribe(o.topics, {
      *onPartitionsAssigned(partitions): Task<void> {
        told.record('assign', partitions)
        if (listener.onAssigned !== undefined) yield* listener.onAssigned(partitions)
      },
      *onPartitionsRevoked(partitions): Task<void> {
        if (listener.onRevoked !== undefined) yield* listener.onRevoked(partitions)
        told.record('revoke', partitions)
      },
      *onPartitionsLost(partitions): Task<void> {
        told.record('revoke', partitions)
      },
    })
  }

  get membership(): GroupMetadata {
    return this.consumer.groupMetadata()
  }

  /** The next records, in order within each partition. Errors are recorded and mean that there are none. */
  *poll(timeoutMs: number, extra: { readonly [key: string]: Json } = {}): Task<readonly ConsumerRecord[]> {
    const invoked = this.recorder.invoke('poll', [['poll']], { ...extra, consumer: this.name })
    const { records, resets, error } = yield* this.consumer.poll(timeoutMs)
    const found: { [key: string]: [number, Json][] } = {}
    for (const record of records) (found[partitionName(record.topic, record.partition)] ??= []).push([record.offset, valueOf(record, this.payload)])
    if (error === undefined) invoked.ok([['poll', found]])
    else invoked.fail(error)
    if (error === 'CORRUPT_MESSAGE') {
      this.isStuck = true
      yield* this.env.sleep(timeoutMs * US_PER_MS).wait()
    }
    if (resets.length > 0) {
      const keys = Object.fromEntries(resets.map(({ topic, partition, from }) => [partitionName(topic, partition), from]))
      this.recorder.invoke('reset', keys, { consumer: this.name }).ok(Object.fromEntries(resets.map(({ topic, partition, to, reason }) => [partitionName(topic, partition), { to, reason }])))
    }
    return records
  }

  /** Goes to other positions than those that polling led to. */
  seek(offsets: readonly OffsetToCommit[]): void {
    this.recorder.invoke('seek', Object.fromEntries(offsets.map(({ topic, partition, offset }) => [partitionName(topic, partition), offset])), { consumer: this.name }).ok(null)
    for (const { topic, partition, offset } of offsets) this.consumer.seek(topic, partition, offset)
  }

  /** Begins an operation `commit` of the history. */
  recordCommit(offsets: readonly OffsetToCommit[]): ReturnType<ClientRecorder['invoke']> {
    return this.recorder.invoke('commit', { ...this.identity(), offsets: Object.fromEntries(offsets.map(({ topic, partition, offset }) => [partitionName(topic, partition), offset])) })
  }

  private record(f: 'assign' | 'revoke', partitions: readonly TopicPartition[]): void {
    const value = { ...this.identity(), partitions: partitions.map(({ topic, partition }) => partitionName(topic, partition)) }
    this.recorder.invoke(f, value, { consumer: this.name }).ok(value)
  }

  private identity(): { readonly group: string; readonly generation: number; readonly member: string } {
    const { groupId, generationId, groupInstanceId } = this.membership
    // A static member that comes back is the same member, in the same generation (KIP-345).
    return { group: groupId, generation: generationId, member: groupInstanceId ?? this.name }
  }
}

/** Commits positions of the group. */
export function* commitRecorded(member: GroupMember, offsets: readonly OffsetToCommit[]): Task<CommitOutcome> {
  const invoked = member.recordCommit(offsets)
  const outcome = yield* member.consumer.commitSync(offsets)
  if (outcome.ok) invoked.ok(null)
  else if (outcome.definite) invoked.fail(outcome.error)
  else invoked.info(outcome.error)
  return outcome
}
