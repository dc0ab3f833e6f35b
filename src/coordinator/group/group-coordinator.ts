/**
 * The group coordinator of a broker (GroupCoordinatorService): each request becomes one operation of the state partition that
 * its group lives in, and an answer that waits for the log. What is decided, and on what, is in the files beside.
 *
 * Futures that this gives fail with ApiError only; JoinGroup and SyncGroup, which wait for other members, never fail.
 */
import { Future } from '../../base/task.ts'
import type { Task } from '../../base/task.ts'
import type { ServerConfig } from '../../config/cluster.ts'
import type { MetadataDelta, MetadataImage } from '../../controller/metadata-image.ts'
import type { Env } from '../../env/env.ts'
import { ApiError } from '../../protocol/api-error.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ConsumerGroupHeartbeatRequest, HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, ShareGroupHeartbeatRequest, SyncGroupRequest } from '../../protocol/generated/types.ts'
import type { ElectedCoordinator } from '../elected-coordinator.ts'
import { GROUP_TOPIC } from '../internal-topics.ts'
import { CoordinatorRuntime } from '../runtime/coordinator-runtime.ts'
import type { Decision, WriteOptions } from '../runtime/coordinator-runtime.ts'
import type { Shard } from '../runtime/shard.ts'
import { NO_PERSISTER } from '../share/share-persister.ts'
import type { SharePersister } from '../share/share-persister.ts'
import type { SharePartitionId } from '../share/share-partition-key.ts'
import type { StateLogs } from '../state-logs.ts'
import type { OffsetTransactions } from '../transaction/offset-transactions.ts'
import type { ClassicDecision } from './classic/classic-decision.ts'
import { joinGroup } from './classic/join.ts'
import { heartbeat, leaveGroup } from './classic/leave.ts'
import type { JoinAnswer, Sender, SyncAnswer } from './classic/messages.ts'
import { syncGroup } from './classic/sync.ts'
import { assignmentOf, topicPartitionsOf } from './consumer/assignment.ts'
import type { Assignment } from './consumer/assignment.ts'
import { consumerGroupHeartbeat } from './consumer/heartbeat.ts'
import type { HeartbeatAnswer } from './consumer/heartbeat.ts'
import { scheduleLoaded } from './consumer/sessions.ts'
import { TopicHashes } from './consumer/subscription-metadata.ts'
import { GroupScope } from './group-shard.ts'
import { GroupState } from './group-state.ts'
import { expire, forgetTopics } from './offsets/remove.ts'
import { scheduleShareSession, shareGroupHeartbeat, sharesInitialized } from './share/heartbeat.ts'
import type { ShareHeartbeatAnswer } from './share/heartbeat.ts'
import { closeClassicGroups, openClassicGroups } from './classic/leadership.ts'

export interface LeftMembers {
  readonly members: readonly { readonly memberId: string; readonly groupInstanceId: string | null; readonly errorCode: number }[]
}

export class GroupCoordinator implements ElectedCoordinator, OffsetTransactions {
  readonly topic = GROUP_TOPIC
  readonly runtime: CoordinatorRuntime<GroupState>
  private readonly env: Env
  private readonly server: ServerConfig
  private readonly image: MetadataImage
  private readonly topicHashes: TopicHashes
  private readonly persister: Pick<SharePersister, 'initialize'>
  private readonly scopes = new Map<number, GroupScope>()

  constructor(env: Env, o: { readonly server: ServerConfig; readonly image: MetadataImage; readonly logs: StateLogs; readonly persister?: Pick<SharePersister, 'initialize'> }) {
    this.env = env
    this.server = o.server
    this.image = o.image
    this.topicHashes = new TopicHashes(o.image)
    this.persister = o.persister ?? NO_PERSISTER
    this.runtime = new CoordinatorRuntime(env, {
      topic: GROUP_TOPIC, partitions: o.server.offsetsTopicNumPartitions, logs: o.logs, writeTimeoutMs: o.server.offsetCommitTimeoutMs, loadMs: o.server.coordinatorLoadMs,
      createState: () => new GroupState(), onLoaded: shard => this.open(shard), onUnloaded: shard => this.close(shard),
      onCommitted: ({ partition, coordinatorEpoch }, { digest }, offset) => env.observe({ kind: 'coordinator-state', topic: GROUP_TOPIC, partition, coordinatorEpoch, offset, digest }),
    })
  }

  // ---- leadership and metadata ----

  onElection(partition: number, leaderEpoch: number): void {
    this.runtime.onElection(partition, leaderEpoch)
  }

  onResignation(partition: number, leaderEpoch: number | undefined): void {
    this.runtime.onResignation(partition, leaderEpoch)
  }

  onMetadata(image: MetadataImage, delta: MetadataDelta): void {
    this.runtime.onMetadata(image, delta)
    const deleted = new Set([...delta.deletedTopics.values()].map(({ name }) => name))
    const changed = new Set(deleted)
    for (const topicId of delta.changedTopics.keys()) changed.add(image.topics.get(topicId)!.name)
    if (changed.size > 0 || delta.changedBrokers.size > 0) this.topicHashes.clear()
    if (changed.size === 0) return
    const hasNew = delta.createdTopics.size > 0
    for (const scope of this.scopes.values()) {
      if (hasNew) scope.newestTopicOffset = image.offset
      requestRefreshes(scope, changed, hasNew || deleted.size > 0)
    }
    if (deleted.size === 0) return
    for (const { partition } of this.runtime.activeShards()) {
      const forgotten = this.runtime.write(partition, 'forget-topics', shard => ({ records: forgetTopics(this.scope(shard), deleted), response: undefined }))
      forgotten.onSettled(() => {
        if (forgotten.isFailed) this.env.observe({ kind: 'mark', name: 'offsets-of-deleted-topic-kept' })
      })
    }
  }

  /** @throws ApiError when no operation can run there now */
  readScope<T>(groupId: string, operation: (scope: GroupScope) => T): T {
    return this.runtime.read(this.runtime.partitionFor(groupId), shard => operation(this.scope(shard)))
  }

  allScopes(): GroupScope[] {
    return this.runtime.activeShards().map(shard => this.scope(shard))
  }

  write<T>(groupId: string, name: string, operation: (scope: GroupScope) => Decision<T>, options?: WriteOptions): Future<T> {
    return this.runtime.write(this.runtime.partitionFor(groupId), name, shard => operation(this.scope(shard)), options)
  }

  // ---- membership ----

  joinGroup(sender: Sender, request: JoinGroupRequest): Future<JoinAnswer> {
    const { groupId, memberId, sessionTimeoutMs } = request
    if (groupId === '') return Future.completed({ errorCode: ErrorCode.INVALID_GROUP_ID, memberId })
    if (sessionTimeoutMs < this.server.groupMinSessionTimeoutMs || sessionTimeoutMs > this.server.groupMaxSessionTimeoutMs) {
      return Future.completed({ errorCode: ErrorCode.INVALID_SESSION_TIMEOUT, memberId })
    }
    const answer = new Future<JoinAnswer>()
    this.decideClassic(groupId, 'classic-group-join', scope => joinGroup(scope, sender, request, answer), errorCode => void answer.complete({ errorCode, memberId: '' }))
    return answer
  }

  syncGroup(request: SyncGroupRequest): Future<SyncAnswer> {
    if (request.groupId === '') return Future.completed({ errorCode: ErrorCode.INVALID_GROUP_ID })
    const answer = new Future<SyncAnswer>()
    this.decideClassic(request.groupId, 'classic-group-sync', scope => syncGroup(scope, request, answer), errorCode => void answer.complete({ errorCode }))
    return answer
  }

  /** The error code. */
  heartbeat(request: HeartbeatRequest): Future<number> {
    if (request.groupId === '') return Future.completed(ErrorCode.INVALID_GROUP_ID)
    return this.write(request.groupId, 'classic-group-heartbeat', scope => {
      try {
        return { records: [], response: heartbeat(scope, request) }
      } catch (error) {
        if (error instanceof ApiError && (error.code === ErrorCode.FENCED_INSTANCE_ID || error.code === ErrorCode.ILLEGAL_GENERATION)) scope.mark('group-member-fenced')
        throw error
      }
    })
  }

  leaveGroup(request: LeaveGroupRequest): Future<LeftMembers> {
    return this.write(request.groupId, 'classic-group-leave', scope => {
      const { records, members } = leaveGroup(scope, request)
      return { records, response: { members } }
    })
  }

  consumerGroupHeartbeat(sender: Sender, request: ConsumerGroupHeartbeatRequest): Future<HeartbeatAnswer> {
    return this.write(request.groupId, 'consumer-group-heartbeat', scope => consumerGroupHeartbeat(scope, sender, request))
  }

  shareGroupHeartbeat(sender: Sender, request: ShareGroupHeartbeatRequest): Future<ShareHeartbeatAnswer> {
    let asking: (() => void) | undefined
    const answer = this.write(request.groupId, 'share-group-heartbeat', scope => {
      const decided = shareGroupHeartbeat(scope, sender, request)
      asking = () => this.initializeShares(scope, request.groupId, decided.toInitialize)
      return decided
    })
    // Not before it is recorded that they are being initialized.
    answer.onSettled(() => {
      if (!answer.isFailed) asking?.()
    })
    return answer
  }

  private initializeShares(scope: GroupScope, groupId: string, partitions: Assignment): void {
    const asked: { readonly id: SharePartitionId; readonly errorCode: Future<number> }[] = []
    for (const { topicId, partitions: indexes } of topicPartitionsOf(partitions)) {
      for (const partition of indexes) {
        const id = { groupId, topicId, partition }
        if (scope.isInitializing(groupId, topicId, partition)) continue
        scope.beginInitializing(id)
        asked.push({ id, errorCode: this.persister.initialize(id, 0, -1) })
      }
    }
    if (asked.length > 0) this.env.spawn('initialize-share-state', this.finishInitializing(scope, groupId, asked))
  }

  private *finishInitializing(scope: GroupScope, groupId: string, asked: readonly { readonly id: SharePartitionId; readonly errorCode: Future<number> }[]): Task<void> {
    const done: { topicId: string; partitions: number[] }[] = []
    for (const { id, errorCode } of asked) if ((yield* errorCode.wait()) === ErrorCode.NONE) done.push({ topicId: id.topicId, partitions: [id.partition] })
    if (done.length > 0 && this.scopes.get(scope.shard.partition) === scope) {
      const written = this.write(groupId, 'share-partitions-initialized', current => ({ records: current === scope ? sharesInitialized(scope, groupId, assignmentOf(done)) : [], response: undefined }))
      yield* awaitSettled(written)
    }
    for (const { id } of asked) scope.endInitializing(id)
  }

  // ---- transactions ----

  /** Writes the marker among its own records, so that offsets count from there on. */
  completeTransaction(partition: number, producerId: number, producerEpoch: number, coordinatorEpoch: number, commit: boolean, transactionVersion: number): Future<number> {
    const completed = this.runtime.completeTransaction(partition, { producerId, producerEpoch, coordinatorEpoch, commit, transactionVersion })
    const errorCode = new Future<number>()
    completed.onSettled(() => errorCode.complete(errorCodeOf(completed)))
    return errorCode
  }

  // ---- inside ----

  private decideClassic(groupId: string, name: string, operation: (scope: GroupScope) => ClassicDecision, refuse: (errorCode: number) => void): void {
    let decision: ClassicDecision | undefined
    const written = this.write(groupId, name, scope => {
      decision = operation(scope)
      return { records: decision.records, response: undefined }
    })
    written.onSettled(() => {
      const errorCode = errorCodeOf(written)
      decision?.onSettled?.(errorCode)
      if (errorCode !== ErrorCode.NONE) refuse(errorCode)
    })
  }

  private scope(shard: Shard<GroupState>): GroupScope {
    const known = this.scopes.get(shard.partition)
    if (known?.shard === shard) return known
    const scope = new GroupScope(shard, this.server, this.image, this.topicHashes)
    this.scopes.set(shard.partition, scope)
    return scope
  }

  private open(shard: Shard<GroupState>): void {
    const scope = this.scope(shard)
    scope.isInherited = shard.lastWrittenOffset >= 0
    openClassicGroups(scope)
    scheduleLoaded(scope)
    for (const group of scope.state.groups.values()) if (group.kind === 'share') for (const memberId of group.members.keys()) scheduleShareSession(scope, group.groupId, memberId)
    const expireNext = (): void => shard.schedule('expire-offsets', this.server.offsetsRetentionCheckIntervalMs, () => {
      expireNext()
      return expire(scope)
    })
    expireNext()
  }

  private close(shard: Shard<GroupState>): void {
    const scope = this.scopes.get(shard.partition)
    if (scope?.shard !== shard) return
    this.scopes.delete(shard.partition)
    closeClassicGroups(scope)
    shard.cancelAll()
  }
}

function* awaitSettled(future: Future<unknown>): Task<void> {
  const settled = new Future<void>()
  future.onSettled(() => settled.complete())
  yield* settled.wait()
}

export function errorCodeOf(future: Future<unknown>): number {
  try {
    future.result()
    return ErrorCode.NONE
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return error.code
  }
}

function requestRefreshes(scope: GroupScope, changed: ReadonlySet<string>, namesChanged: boolean): void {
  for (const group of scope.state.groups.values()) {
    if (group.kind === 'classic') continue
    const topics = group.subscribedTopics()
    const usesRegex = namesChanged && group.kind === 'consumer' && [...group.members.values()].some(({ subscribedTopicRegex }) => subscribedTopicRegex !== '')
    if (usesRegex || [...changed].some(name => topics.has(name))) scope.refreshes.request(group.groupId)
  }
}
