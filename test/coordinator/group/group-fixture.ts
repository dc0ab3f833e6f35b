/** A group coordinator over logs in memory: requests in, answers out, and a clock. */
import { Future } from '../../../src/base/task.ts'
import { DEFAULT_SERVER_CONFIG } from '../../../src/config/cluster.ts'
import type { ServerConfig } from '../../../src/config/cluster.ts'
import type { DefectId, Defects } from '../../../src/config/defects.ts'
import { MetadataDelta, MetadataImage } from '../../../src/controller/metadata-image.ts'
import { GroupCoordinator } from '../../../src/coordinator/group/group-coordinator.ts'
import { commitOffsets, commitTransactionalOffsets } from '../../../src/coordinator/group/offsets/commit.ts'
import { fetchOffsets } from '../../../src/coordinator/group/offsets/fetch.ts'
import type { GroupState } from '../../../src/coordinator/group/group-state.ts'
import type { SharePersister } from '../../../src/coordinator/share/share-persister.ts'
import { ApiError } from '../../../src/protocol/api-error.ts'
import { projectMessage } from '../../../src/protocol/codec.ts'
import { errorName } from '../../../src/protocol/errors.ts'
import type {
  ConsumerGroupHeartbeatRequest, HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, OffsetCommitRequest, SyncGroupRequest, TxnOffsetCommitRequest,
} from '../../../src/protocol/generated/types.ts'
import { metadataRecord } from '../../../src/protocol/metadata-records.ts'
import { uuidFromDraws } from '../../../src/protocol/uuid.ts'
import type { JoinAnswer } from '../../../src/coordinator/group/classic/messages.ts'
import { FakeEnv } from '../../client/fake-env.ts'
import { MemoryStateLogs } from '../memory-state-logs.ts'

class DefectiveEnv extends FakeEnv {
  override readonly defects: Defects

  constructor(defects: readonly DefectId[]) {
    super()
    this.defects = new Set(defects)
  }
}

export const topicId = (n: number): string => uuidFromDraws(n, n, n, n)

export class Coordinator {
  readonly env: FakeEnv
  readonly logs = new MemoryStateLogs()
  readonly image = new MetadataImage()
  readonly groups: GroupCoordinator
  private topicCount = 0

  constructor(o: { readonly server?: Partial<ServerConfig>; readonly defects?: readonly DefectId[]; readonly persister?: Pick<SharePersister, 'initialize'> } = {}) {
    this.env = new DefectiveEnv(o.defects ?? [])
    const server: ServerConfig = { ...DEFAULT_SERVER_CONFIG, offsetsTopicNumPartitions: 1, groupInitialRebalanceDelayMs: 100, ...o.server }
    this.groups = new GroupCoordinator(this.env, { server, image: this.image, logs: this.logs, ...(o.persister === undefined ? {} : { persister: o.persister }) })
    this.groups.onElection(0, this.logs.log(0).leaderEpoch)
    this.env.run(1)
  }

  /** Another term of the same partition, with what was committed. */
  failOver(): void {
    this.logs.loseLeadership(0)
    this.groups.onResignation(0, undefined)
    this.groups.onElection(0, this.logs.lead(0))
    this.env.run(1)
  }

  get state(): GroupState {
    return this.groups.readScope('', scope => scope.state)
  }

  get committed(): GroupState {
    return this.groups.readScope('', scope => scope.shard.committed())
  }

  /** Creates a topic, or adds partitions to one. Returns its id. */
  topic(name: string, partitions: number): string {
    const known = this.image.topicByName(name)
    const id = known?.id ?? topicId(++this.topicCount)
    const records = known === undefined ? [metadataRecord('TopicRecord', { name, topicId: id })] : []
    for (let partitionId = known?.partitions.size ?? 0; partitionId < partitions; partitionId++) records.push(metadataRecord('PartitionRecord', { topicId: id, partitionId, replicas: [1], isr: [1], leader: 1 }))
    this.publish(records)
    return id
  }

  deleteTopic(name: string): void {
    this.publish([metadataRecord('RemoveTopicRecord', { topicId: this.image.topicIds.get(name)! })])
  }

  private publish(records: ReturnType<typeof metadataRecord>[]): void {
    const delta = MetadataDelta.applying(this.image, records)
    this.image.offset += records.length
    this.groups.onMetadata(this.image, delta)
    this.env.run(1)
  }

  // ---- requests ----

  join(request: Partial<JoinGroupRequest>, apiVersion = 9): Future<JoinAnswer> {
    const full = projectMessage<JoinGroupRequest>('JoinGroupRequest', 9, {
      groupId: 'g', sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 30_000, protocolType: 'consumer', protocols: [{ name: 'range', metadata: Uint8Array.of(0, 0, 0, 0, 0, 0) }], ...request,
    })
    const answer = this.groups.joinGroup({ clientId: 'client', clientHost: 'client-1', apiVersion }, full)
    this.env.run(1)
    return answer
  }

  sync(request: Partial<SyncGroupRequest>) {
    const answer = this.groups.syncGroup(projectMessage<SyncGroupRequest>('SyncGroupRequest', 5, { groupId: 'g', protocolType: 'consumer', protocolName: 'range', ...request }))
    this.env.run(1)
    return answer
  }

  heartbeat(memberId: string, generationId: number, groupInstanceId: string | null = null): string {
    const answer = this.groups.heartbeat(projectMessage<HeartbeatRequest>('HeartbeatRequest', 4, { groupId: 'g', memberId, generationId, groupInstanceId }))
    this.env.run(1)
    const code = outcome(answer)
    return typeof code === 'number' ? errorName(code) : String(code)
  }

  leave(...members: { memberId: string; groupInstanceId?: string | null }[]) {
    const answer = this.groups.leaveGroup(projectMessage<LeaveGroupRequest>('LeaveGroupRequest', 5, { groupId: 'g', members }))
    this.env.run(1)
    return answer
  }

  consumer(request: Partial<ConsumerGroupHeartbeatRequest>) {
    const full = projectMessage<ConsumerGroupHeartbeatRequest>('ConsumerGroupHeartbeatRequest', 1, { groupId: 'g', ...request })
    const answer = this.groups.consumerGroupHeartbeat({ clientId: 'client', clientHost: 'client-1', apiVersion: 1 }, full)
    this.env.run(1)
    return answer
  }

  commit(offset: number, by: Partial<OffsetCommitRequest> = {}, topic = 'orders', apiVersion = 9): string {
    const full = projectMessage<OffsetCommitRequest>('OffsetCommitRequest', 9, { groupId: 'g', generationIdOrMemberEpoch: -1, ...by, topics: [{ name: topic, partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: '' }] }] })
    const answer = this.groups.write(full.groupId, 'commit', scope => commitOffsets(scope, { clientId: 'client', clientHost: 'client-1', apiVersion }, full))
    this.env.run(1)
    return verdict(answer)
  }

  txnCommit(offset: number, producerId: number, by: Partial<TxnOffsetCommitRequest> = {}): string {
    const full = projectMessage<TxnOffsetCommitRequest>('TxnOffsetCommitRequest', 5, { groupId: 'g', generationId: -1, ...by, topics: [{ name: 'orders', partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: '' }] }] })
    const answer = this.groups.write(full.groupId, 'txn-commit', scope => commitTransactionalOffsets(scope, { clientId: 'client', clientHost: 'client-1', apiVersion: 5 }, full), { producer: { producerId, producerEpoch: 0 } })
    this.env.run(1)
    return verdict(answer)
  }

  endTransaction(producerId: number, commit: boolean): void {
    this.groups.completeTransaction(0, producerId, 0, 0, commit, 2)
    this.env.run(1)
  }

  /** The offset, or the name of the error. */
  fetch(o: { groupId?: string; requireStable?: boolean; memberId?: string; memberEpoch?: number; topic?: string } = {}): number | string {
    const group = { groupId: o.groupId ?? 'g', memberId: o.memberId ?? null, memberEpoch: o.memberEpoch ?? -1, topics: [{ name: o.topic ?? 'orders', topicId: topicId(0), partitionIndexes: [0] }] }
    try {
      const answer = this.groups.readScope('g', scope => fetchOffsets(o.requireStable === true ? scope.state : scope.shard.committed(), group, o.requireStable === true))
      const { errorCode, committedOffset } = answer.topics[0]!.partitions[0]!
      return errorCode === 0 ? committedOffset : errorName(errorCode)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return errorName(error.code)
    }
  }

  marks(name: string): number {
    return this.env.observed('mark').filter(mark => mark.name === name).length
  }
}

/** The value, 'waiting', or the name of the error. */
export function outcome<T>(future: Future<T>): T | string {
  if (!future.isSettled) return 'waiting'
  try {
    return future.result()
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return errorName(error.code)
  }
}

function verdict(future: Future<unknown>): string {
  const result = outcome(future)
  return typeof result === 'string' ? result : 'NONE'
}

/** The answer, which must be there. */
export function settled<T>(future: Future<T>): T {
  if (!future.isSettled) throw new Error('still waiting')
  return future.result()
}

/** Joins with the id that the coordinator gives; the answer may wait for others. */
export function joinNew(coordinator: Coordinator, request: Partial<JoinGroupRequest> = {}): { memberId: string; answer: Future<JoinAnswer> } {
  const { memberId } = settled(coordinator.join(request))
  return { memberId, answer: coordinator.join({ ...request, memberId }) }
}

export interface Formed {
  readonly generation: number
  readonly leader: string
  readonly members: string[]
}

/** Members that have joined and synced: a stable group. */
export function form(coordinator: Coordinator, count: number): Formed {
  const joined = Array.from({ length: count }, () => joinNew(coordinator))
  coordinator.env.run(500)
  const answers = joined.map(({ answer }) => settled(answer))
  const leader = answers[0]!.leader!
  const generation = answers[0]!.generationId!
  const members = joined.map(({ memberId }) => memberId)
  const assignments = members.map((memberId, i) => ({ memberId, assignment: Uint8Array.of(i + 1) }))
  for (const memberId of members) coordinator.sync({ memberId, generationId: generation, assignments: memberId === leader ? assignments : [] })
  return { generation, leader, members }
}
