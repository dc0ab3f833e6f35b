/**
 * A member of a share group and its heartbeats (ShareMembershipManager, ShareHeartbeatRequestManager). The broker assigns, and
 * what it assigns is taken over at once: nothing has to be given back, and others may read the same partitions.
 *
 *   joining -> stable          fenced: everything is forgotten, then joining with epoch 0
 *   leaving, fatal: no heartbeats
 *
 * Unlike Kafka, a member is not given up for polling too slowly (max.poll.interval.ms): what it holds is freed by its locks.
 */
import { msToUs } from '../../base/time.ts'
import type { Micros } from '../../base/time.ts'
import type { Task } from '../../base/task.ts'
import type { ShareConsumerConfig } from '../../config/client.ts'
import type { Env } from '../../env/env.ts'
import { ApiKey } from '../../protocol/api-keys.ts'
import { ErrorCode, errorName, isRetriable } from '../../protocol/errors.ts'
import type { ShareGroupHeartbeatResponse } from '../../protocol/generated/types.ts'
import { uuidFromDraws } from '../../protocol/uuid.ts'
import { failureCode } from '../../rpc/failure-code.ts'
import type { RpcResult } from '../../rpc/rpc-client.ts'
import { AnswerQueue } from '../answer-queue.ts'
import { Backoff } from '../backoff.ts'
import type { BrokerRpc } from '../broker-rpc.ts'
import type { BrokerNode, ClusterMetadata } from '../cluster-metadata.ts'
import { GroupCoordinator } from '../group/group-coordinator.ts'
import { Wakeup } from '../wakeup.ts'

type State = 'idle' | 'joining' | 'stable' | 'leaving' | 'fatal'

export interface AssignedTopic {
  readonly topicId: string
  readonly partitions: readonly number[]
}

const LEAVE = -1
/** How many members a process has begun: two that begin at one moment are two. */
const membersOf = new WeakMap<Env, number>()

export class ShareMember {
  readonly memberId: string
  assigned: readonly AssignedTopic[] = []
  private readonly env: Env
  private readonly config: ShareConsumerConfig
  private readonly rpc: BrokerRpc
  private readonly coordinator: GroupCoordinator
  private readonly onChange: () => void
  private readonly onError: (error: string) => void
  private readonly wakeup: Wakeup
  private readonly answers: AnswerQueue
  private readonly backoff: Backoff
  private state: State = 'idle'
  private memberEpoch = 0
  private topics: readonly string[] = []
  /** Topics that the coordinator knows of. */
  private sentTopics: string | undefined = undefined
  private isClosed = false
  private isInFlight = false
  private failures = 0
  private nextAt: Micros = 0

  /** `onChange`: the assignment is another one. */
  constructor(env: Env, config: ShareConsumerConfig, rpc: BrokerRpc, metadata: ClusterMetadata, o: { readonly onChange: () => void; readonly onError: (error: string) => void }) {
    this.env = env
    this.config = config
    this.rpc = rpc
    this.onChange = o.onChange
    this.onError = o.onError
    this.wakeup = new Wakeup(env)
    this.answers = new AnswerQueue(rpc, this.wakeup)
    this.backoff = new Backoff(env, 'heartbeat-backoff', config.retryBackoffMs, config.retryBackoffMaxMs)
    this.coordinator = new GroupCoordinator(env, config.groupId, rpc, metadata, this.wakeup, config)
    const count = membersOf.get(env) ?? 0
    membersOf.set(env, count + 1)
    const draw = (part: number): number => env.draw('share-member-id', `${config.groupId} ${env.incarnation} ${env.now()} ${count}`, part)
    this.memberId = uuidFromDraws(draw(0), draw(1), draw(2), draw(3))
  }

  subscribe(topics: readonly string[]): void {
    this.topics = [...new Set(topics)].sort()
    if (this.state === 'idle') {
      this.state = 'joining'
      this.env.spawn('share-heartbeat', this.run())
    }
    this.nextAt = 0
    this.wakeup.wake()
  }

  /** Tells the coordinator, and waits for its answer until `deadline`. */
  *leave(deadline: Micros): Task<void> {
    const { node } = this.coordinator
    const wasMember = this.state === 'stable'
    this.state = 'leaving'
    this.close()
    if (!wasMember || node === undefined) return
    const answer = this.rpc.send(node.host, node.port, ApiKey.ShareGroupHeartbeat, this.request(LEAVE))
    const answered = new Wakeup(this.env)
    answer.onSettled(() => answered.wake())
    while (!answer.isSettled && this.env.now() < deadline) yield* answered.waitUntil(deadline)
  }

  close(): void {
    this.isClosed = true
    this.wakeup.wake()
  }

  private *run(): Task<void> {
    const { env, config, coordinator, wakeup } = this
    while (!this.isClosed) {
      this.answers.run()
      if (coordinator.fatalError !== undefined && this.state !== 'fatal') this.fail(coordinator.fatalError)
      const now = env.now()
      if (this.state === 'fatal') return
      if (this.isInFlight || now < this.nextAt) {
        yield* wakeup.waitUntil(this.isInFlight ? Infinity : this.nextAt)
        continue
      }
      const { node } = coordinator
      if (node === undefined) {
        coordinator.find()
        yield* wakeup.waitUntil(now + msToUs(config.retryBackoffMs))
        continue
      }
      this.isInFlight = true
      const { memberEpoch } = this
      this.answers.ask(node, ApiKey.ShareGroupHeartbeat, this.request(memberEpoch), result => {
        this.isInFlight = false
        if (!this.isClosed) this.answered(node, result)
      })
    }
  }

  /** Fields that have not changed are left out; after a failure and when joining all are sent. */
  private request(memberEpoch: number): object {
    const topics = this.topics.join()
    const isNew = memberEpoch === 0 || (memberEpoch !== LEAVE && this.sentTopics !== topics)
    this.sentTopics = topics
    return { groupId: this.config.groupId, memberId: this.memberId, memberEpoch, rackId: memberEpoch === 0 ? this.config.clientRack : null, subscribedTopicNames: isNew ? this.topics : null }
  }

  private answered(node: BrokerNode, result: RpcResult): void {
    const { env, coordinator } = this
    const response = result.ok ? (result.body as ShareGroupHeartbeatResponse) : undefined
    if (response?.errorCode === ErrorCode.NONE) {
      this.failures = 0
      this.nextAt = this.topics.join() === this.sentTopics ? env.now() + msToUs(response.heartbeatIntervalMs) : 0
      this.memberEpoch = response.memberEpoch
      this.state = 'stable'
      if (response.assignment !== null) this.assign(response.assignment.topicPartitions)
      return
    }
    const errorCode = result.ok ? (result.body as ShareGroupHeartbeatResponse).errorCode : failureCode(result)
    // The coordinator may have seen it or not: everything is told again.
    this.sentTopics = undefined
    this.nextAt = env.now() + this.backoff.delay(this.failures++, 'heartbeat')
    switch (errorCode) {
      case ErrorCode.NOT_COORDINATOR:
      case ErrorCode.COORDINATOR_NOT_AVAILABLE:
      case ErrorCode.NETWORK_EXCEPTION:
        return coordinator.lost(node)
      case ErrorCode.FENCED_MEMBER_EPOCH:
      case ErrorCode.UNKNOWN_MEMBER_ID:
        env.observe({ kind: 'mark', name: 'share-member-rejoins' })
        this.failures = 0
        this.nextAt = 0
        this.memberEpoch = 0
        this.state = 'joining'
        return this.assign([])
      default:
        if (!isRetriable(errorCode)) this.fail(errorName(errorCode))
    }
  }

  private assign(topics: readonly AssignedTopic[]): void {
    this.assigned = topics
    this.onChange()
  }

  private fail(error: string): void {
    this.state = 'fatal'
    this.assign([])
    this.onError(error)
  }
}
