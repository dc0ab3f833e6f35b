/**
 * The share coordinator of a broker (ShareCoordinatorService): keeps where each share-partition is, for the leaders of the
 * topics' partitions, which write every change to it before they tell anybody of it. Each request becomes operations of the
 * state partitions that hold what it names.
 *
 * Unlike Kafka, which deletes what snapshots have made redundant (share.coordinator.state.topic.prune.interval.ms), the log of
 * states is never cut.
 */
import { partitionForId } from '../../base/java-hash.ts'
import { Future } from '../../base/task.ts'
import type { ServerConfig } from '../../config/cluster.ts'
import { shareSettings } from '../../config/share.ts'
import type { MetadataDelta, MetadataImage } from '../../controller/metadata-image.ts'
import type { Env } from '../../env/env.ts'
import { ApiError } from '../../protocol/api-error.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ElectedCoordinator } from '../elected-coordinator.ts'
import { SHARE_GROUP_TOPIC } from '../internal-topics.ts'
import { CoordinatorRuntime } from '../runtime/coordinator-runtime.ts'
import type { Shard } from '../runtime/shard.ts'
import type { StateLogs } from '../state-logs.ts'
import { deleteState, initializeState, readState, summarize, writeState } from './share-operations.ts'
import type { Decided, ReadState, ShareContext, StateToWrite } from './share-operations.ts'
import { sharePartitionKey } from './share-partition-key.ts'
import type { SharePartitionId } from './share-partition-key.ts'
import { ShareState } from './share-state.ts'

export class ShareCoordinator implements ElectedCoordinator {
  readonly topic = SHARE_GROUP_TOPIC
  readonly runtime: CoordinatorRuntime<ShareState>
  private readonly image: MetadataImage
  private readonly partitions: number
  private readonly updatesPerSnapshot: number

  constructor(env: Env, o: { readonly server: ServerConfig; readonly image: MetadataImage; readonly logs: StateLogs }) {
    const settings = shareSettings(o.server)
    this.image = o.image
    this.partitions = settings.shareCoordinatorStateTopicNumPartitions
    this.updatesPerSnapshot = settings.shareCoordinatorSnapshotUpdateRecordsPerSnapshot
    this.runtime = new CoordinatorRuntime(env, {
      topic: SHARE_GROUP_TOPIC, partitions: this.partitions, logs: o.logs, writeTimeoutMs: settings.shareCoordinatorWriteTimeoutMs, loadMs: o.server.coordinatorLoadMs,
      createState: () => new ShareState(),
      onCommitted: ({ partition, coordinatorEpoch }, { digest }, offset) => env.observe({ kind: 'coordinator-state', topic: SHARE_GROUP_TOPIC, partition, coordinatorEpoch, offset, digest }),
    })
  }

  onElection(partition: number, leaderEpoch: number): void {
    this.runtime.onElection(partition, leaderEpoch)
  }

  onResignation(partition: number, leaderEpoch: number | undefined): void {
    this.runtime.onResignation(partition, leaderEpoch)
  }

  onMetadata(image: MetadataImage, delta: MetadataDelta): void {
    this.runtime.onMetadata(image, delta)
  }

  initialize(id: SharePartitionId, stateEpoch: number, startOffset: number): Future<undefined> {
    return this.write(id, 'share-initialize', context => initializeState(context, id, stateEpoch, startOffset))
  }

  /** What has been appended so far, told when it is committed: a new leader must not miss what its predecessor wrote. */
  readAndFence(id: SharePartitionId, leaderEpoch: number): Future<ReadState> {
    return this.write(id, 'share-read', context => readState(context, id, leaderEpoch))
  }

  writeState(id: SharePartitionId, state: StateToWrite): Future<undefined> {
    return this.write(id, 'share-write', context => writeState(context, id, state))
  }

  deleteState(id: SharePartitionId): Future<undefined> {
    return this.write(id, 'share-delete', context => deleteState(context, id))
  }

  /** @throws ApiError */
  summary(id: SharePartitionId): ReturnType<typeof summarize> {
    return this.runtime.read(this.partitionFor(id), shard => summarize(shard.committed(), id))
  }

  private partitionFor(id: SharePartitionId): number {
    return partitionForId(sharePartitionKey(id), this.partitions)
  }

  private write<T>(id: SharePartitionId, name: string, decide: (context: ShareContext) => Decided<T>): Future<T> {
    if (this.image.topics.get(id.topicId)?.partitions.has(id.partition) !== true && name !== 'share-delete') {
      const refused = new Future<T>()
      refused.fail(new ApiError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION))
      return refused
    }
    return this.runtime.write(this.partitionFor(id), name, shard => decide(this.context(shard)))
  }

  private context(shard: Shard<ShareState>): ShareContext {
    return { state: shard.state, nowMs: shard.env.wallClock(), updatesPerSnapshot: this.updatesPerSnapshot }
  }
}
