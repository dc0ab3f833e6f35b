/**
 * A group consumer over brokers in a script: node 3 coordinates group `g`, node 1 leads `orders`, every partition of which
 * holds the records 0, 1, 2, ... below `logEnd`. The consumer is the only member unless the test adds others.
 */
import { Consumer } from '../../../src/client/consumer.ts'
import type { PollResult } from '../../../src/client/consumer.ts'
import { decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription } from '../../../src/client/group/consumer-protocol.ts'
import type { RebalanceListener } from '../../../src/client/group/subscription.ts'
import { nameOf } from '../../../src/client/topic-partition.ts'
import type { TopicPartition } from '../../../src/client/topic-partition.ts'
import { DEFAULT_CONSUMER_CONFIG } from '../../../src/config/client.ts'
import type { DefectId } from '../../../src/config/defects.ts'
import type { ConsumerConfig } from '../../../src/config/client.ts'
import { ApiKey, apiName } from '../../../src/protocol/api-keys.ts'
import { ErrorCode } from '../../../src/protocol/errors.ts'
import { buildBatch } from '../../../src/protocol/records/record-batch.ts'
import { FakeCluster, TOPIC_ID } from '../fake-cluster.ts'
import type { FakeRequest } from '../fake-cluster.ts'
import { FakeEnv } from '../fake-env.ts'

export class GroupBench {
  readonly env: FakeEnv
  readonly cluster: FakeCluster
  readonly consumer: Consumer
  /** Requests of the group, in short. */
  readonly seen: string[] = []
  readonly told: string[] = []
  readonly errors = new Map<number, (number | null)[]>()
  readonly held = new Set<number>()
  readonly waiting: FakeRequest[] = []
  generation = 0
  logEnd = 10
  /** Partition name to what is committed. */
  readonly committed = new Map<string, number>()
  /** Other members, as the leader is told of them: id to owned partitions. */
  readonly others = new Map<string, TopicPartition[]>()
  /** Where this is set, somebody else leads and assigns this. */
  assigned: TopicPartition[] | undefined = undefined
  /** KIP-848: what the broker assigns with the next heartbeats; undefined: nothing new. */
  target: number[] | undefined = undefined
  /** What the consumer assigned as leader last. */
  shares = new Map<string, string[]>()
  listener: RebalanceListener

  constructor(config: Partial<ConsumerConfig> = {}, partitions = 2, defects: readonly DefectId[] = []) {
    this.env = new FakeEnv(undefined, undefined, new Set(defects))
    this.cluster = new FakeCluster(this.env, partitions)
    this.cluster.maxInFlight = 100
    this.cluster.handler = request => this.arrived(request)
    const say = (what: string) => (list: readonly TopicPartition[]): void => void this.told.push(`${what} ${list.map(nameOf).join(' ')}`.trim())
    this.listener = { onPartitionsAssigned: say('assigned'), onPartitionsRevoked: say('revoked'), onPartitionsLost: say('lost') }
    this.consumer = new Consumer(this.env, {
      ...DEFAULT_CONSUMER_CONFIG, clientId: 'c', bootstrapServers: ['broker-1'], autoOffsetReset: 'earliest', groupId: 'g', fetchMaxWaitMs: 50, ...config,
    }, this.cluster)
  }

  /** A consumer that has joined, with nothing in `seen` and `told`. */
  join(): this {
    this.consumer.subscribe(['orders'], this.listener)
    this.polls(4)
    this.seen.length = 0
    this.told.length = 0
    return this
  }

  poll(timeoutMs = 100): PollResult {
    return this.env.await(this.consumer.poll(timeoutMs))
  }

  /** `partition:offset` of what several polls return. */
  polls(count: number, timeoutMs = 100): string[] {
    return Array.from({ length: count }, () => this.poll(timeoutMs).records.map(({ partition, offset }) => `${partition}:${offset}`)).flat()
  }

  fail(apiKey: number, ...errors: (number | null)[]): void {
    this.errors.set(apiKey, errors)
  }

  release(): void {
    this.held.clear()
    for (const request of this.waiting.splice(0)) this.answer(request)
  }

  of(apiKey: number): FakeRequest[] {
    return this.cluster.of(apiKey)
  }

  private arrived(request: FakeRequest): boolean {
    const { apiKey, body } = request
    if (apiKey === ApiKey.Fetch) return this.fetch(request)
    if (apiKey === ApiKey.ListOffsets) {
      request.respond({ topics: body.topics.map(({ name, partitions }: any) => ({ name, partitions: partitions.map(({ partitionIndex, timestamp }: any) => ({ partitionIndex, errorCode: 0, timestamp: -1, offset: timestamp === -2 ? 0 : this.logEnd, leaderEpoch: 0 })) })) })
      return true
    }
    const what = this.describe(request)
    if (what === undefined) return false
    this.seen.push(`${apiName(apiKey)} ${what}`.trim())
    if (this.held.has(apiKey)) this.waiting.push(request)
    else this.answer(request)
    return true
  }

  private describe({ apiKey, body }: FakeRequest): string | undefined {
    switch (apiKey) {
      case ApiKey.FindCoordinator: return body.coordinatorKeys.join()
      case ApiKey.JoinGroup: return `${body.memberId} ${body.protocols.map(({ name }: any) => name).join()} owns ${decodeSubscription(body.protocols[0].metadata).ownedPartitions.map(nameOf).join()}`
      case ApiKey.SyncGroup: return `${body.memberId} ${body.generationId}`
      case ApiKey.Heartbeat: return `${body.memberId} ${body.generationId}`
      case ApiKey.LeaveGroup: return body.members[0].memberId
      case ApiKey.OffsetFetch: return body.groups[0].topics[0].partitionIndexes.join()
      case ApiKey.OffsetCommit: return `${body.memberId} ${body.generationIdOrMemberEpoch} ${body.topics.flatMap(({ partitions }: any) => partitions.map((each: any) => `${each.partitionIndex}:${each.committedOffset}`)).join(' ')}`
      case ApiKey.ConsumerGroupHeartbeat: {
        const owned = body.topicPartitions === null ? '' : ` owns ${body.topicPartitions.flatMap(({ partitions }: any) => partitions).join()}`
        return `${body.memberEpoch}${body.subscribedTopicNames === null ? '' : ` wants ${body.subscribedTopicNames.join()}`}${body.subscribedTopicRegex === null ? '' : ` matching ${body.subscribedTopicRegex}`}${owned}`
      }
      default: return undefined
    }
  }

  private answer(request: FakeRequest): void {
    const { apiKey, body } = request
    const error = this.errors.get(apiKey)?.shift()
    if (error === null) return request.fail('disconnected')
    const errorCode = error ?? ErrorCode.NONE
    if (apiKey === ApiKey.FindCoordinator) return request.respond({ coordinators: [{ key: 'g', nodeId: 3, host: 'broker-3', port: 9092, errorCode }] })
    if (apiKey === ApiKey.JoinGroup) return this.answerJoin(request, errorCode)
    if (apiKey === ApiKey.SyncGroup) {
      if (body.assignments.length > 0) this.shares = new Map(body.assignments.map(({ memberId, assignment }: any) => [memberId, decodeAssignment(assignment).map(nameOf)]))
      const own = this.assigned === undefined ? body.assignments.find(({ memberId }: any) => memberId === body.memberId)?.assignment : encodeAssignment(this.assigned)
      return request.respond({ errorCode, protocolType: 'consumer', protocolName: body.protocolName, assignment: own ?? new Uint8Array(0) })
    }
    if (apiKey === ApiKey.ConsumerGroupHeartbeat) {
      if (this.target !== undefined && errorCode === ErrorCode.NONE && body.memberEpoch >= 0) this.generation++
      const assignment = this.target === undefined ? null : { topicPartitions: [{ topicId: TOPIC_ID, partitions: this.target }] }
      if (body.memberEpoch >= 0) this.target = undefined
      return request.respond({ errorCode, memberId: body.memberId, memberEpoch: body.memberEpoch < 0 ? body.memberEpoch : this.generation, heartbeatIntervalMs: 1_000, assignment: errorCode === ErrorCode.NONE ? assignment : null })
    }
    const topic = { name: '', topicId: TOPIC_ID }
    if (apiKey === ApiKey.OffsetFetch) {
      const partitions = body.groups[0].topics[0].partitionIndexes.map((partitionIndex: number) => (
        { partitionIndex, committedOffset: this.committed.get(`orders-${partitionIndex}`) ?? -1, committedLeaderEpoch: -1, metadata: '', errorCode }
      ))
      return request.respond({ groups: [{ groupId: 'g', errorCode: 0, topics: [{ ...topic, partitions }] }] })
    }
    if (apiKey === ApiKey.OffsetCommit) {
      const { partitions } = body.topics[0]
      if (errorCode === ErrorCode.NONE) for (const { partitionIndex, committedOffset } of partitions) this.committed.set(`orders-${partitionIndex}`, committedOffset)
      return request.respond({ topics: [{ ...topic, partitions: partitions.map(({ partitionIndex }: any) => ({ partitionIndex, errorCode })) }] })
    }
    request.respond({ errorCode, members: [] })
  }

  private answerJoin(request: FakeRequest, errorCode: number): void {
    const { body } = request
    const dynamic = body.groupInstanceId === null
    if (errorCode !== ErrorCode.NONE) return request.respond({ errorCode, memberId: body.memberId, generationId: -1, leader: '', members: [] })
    if (body.memberId === '' && dynamic) return request.respond({ errorCode: ErrorCode.MEMBER_ID_REQUIRED, memberId: 'm-1', generationId: -1, leader: '', members: [] })
    const { name, metadata } = body.protocols[0]
    const memberId = body.memberId === '' ? 'm-1' : body.memberId
    const isLeader = this.assigned === undefined
    const others = [...this.others].map(([id, ownedPartitions]) => ({
      memberId: id, groupInstanceId: null, metadata: encodeSubscription({ topics: ['orders'], userData: null, ownedPartitions, generationId: this.generation, rackId: null }),
    }))
    this.generation++
    request.respond({
      errorCode, generationId: this.generation, protocolType: 'consumer', protocolName: name, leader: isLeader ? memberId : 'm-0', memberId,
      members: isLeader ? [{ memberId, groupInstanceId: body.groupInstanceId, metadata }, ...others] : [],
    })
  }

  private fetch(request: FakeRequest): true {
    const partitions = request.body.topics.flatMap((topic: any) => topic.partitions).map(({ partition, fetchOffset }: any) => {
      const offsets = Array.from({ length: Math.max(0, this.logEnd - fetchOffset) }, (_, index) => fetchOffset + index)
      const records = offsets.length === 0 ? null : buildBatch({ baseOffset: fetchOffset, partitionLeaderEpoch: 0, records: offsets.map(offset => ({ timestamp: 5, key: null, value: new TextEncoder().encode(`${offset}`) })) })
      return { partitionIndex: partition, errorCode: 0, highWatermark: this.logEnd, lastStableOffset: this.logEnd, logStartOffset: 0, abortedTransactions: null, preferredReadReplica: -1, records }
    })
    const full = partitions.some(({ records }: any) => records !== null)
    this.env.timer(full ? 0 : 50_000, () => request.respond({ errorCode: 0, sessionId: 0, responses: [{ topic: '', topicId: TOPIC_ID, partitions }] }))
    return true
  }
}
