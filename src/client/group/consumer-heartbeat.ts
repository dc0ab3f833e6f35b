/**
 * The heartbeats of a KIP-848 member: joining, keeping the session, acknowledging assignments, leaving, all by one request
 * (ConsumerHeartbeatRequestManager, AbstractHeartbeatRequestManager). One in flight at a time; the coordinator says how far
 * apart they are, and a member that has something to say does not wait.
 *
 * Fields that have not changed since the last heartbeat are left out (null); after a failure and when joining all are sent.
 */
import { msToUs } from '../../base/time.ts'
import type { Micros } from '../../base/time.ts'
import type { Task } from '../../base/task.ts'
import { ApiKey } from '../../protocol/api-keys.ts'
import { ErrorCode, errorName, isRetriable } from '../../protocol/errors.ts'
import type { ConsumerGroupHeartbeatResponse } from '../../protocol/generated/types.ts'
import { failureCode } from '../../rpc/failure-code.ts'
import type { RpcResult } from '../../rpc/rpc-client.ts'
import { AnswerQueue } from '../answer-queue.ts'
import { Backoff } from '../backoff.ts'
import type { BrokerNode } from '../cluster-metadata.ts'
import { Wakeup } from '../wakeup.ts'
import type { ConsumerMember } from './consumer-member.ts'

/** What the coordinator knows from the last heartbeat that it answered. */
interface SentFields {
  topics: string | undefined
  regex: string | undefined
  owned: string | undefined
  /** Without it a request is not a full one, which is answered with the assignment, whose last telling may have been lost. */
  timeout: string | undefined
}

export class ConsumerHeartbeat {
  private readonly member: ConsumerMember
  private readonly wakeup: Wakeup
  private readonly answers: AnswerQueue
  private readonly backoff: Backoff
  private isStarted = false
  private isClosed = false
  private isInFlight = false
  private failures = 0
  private nextAt: Micros = 0
  private intervalMs = 0
  private pollEndsAt: Micros = 0
  private sent: SentFields = { topics: undefined, regex: undefined, owned: undefined, timeout: undefined }

  constructor(member: ConsumerMember) {
    const { env, config, rpc } = member.context
    this.member = member
    this.wakeup = new Wakeup(env)
    this.answers = new AnswerQueue(rpc, this.wakeup)
    this.backoff = new Backoff(env, 'heartbeat-backoff', config.retryBackoffMs, config.retryBackoffMaxMs)
  }

  polled(): void {
    const { env, config } = this.member.context
    this.pollEndsAt = env.now() + msToUs(config.maxPollIntervalMs)
  }

  /** There is something to tell the coordinator. */
  wake(): void {
    if (!this.isStarted) {
      this.isStarted = true
      this.member.context.env.spawn('consumer-heartbeat', this.run())
    } else this.wakeup.wake()
  }

  /** Tells the coordinator that the member leaves; done when it has answered, or nobody will. */
  leave(): { isDone: boolean } {
    const { context: { coordinator, wakeup } } = this.member
    const left = { isDone: coordinator.node === undefined }
    if (coordinator.node !== undefined) {
      this.ask(coordinator.node, () => {
        left.isDone = true
        wakeup.wake()
      })
    }
    return left
  }

  close(): void {
    this.isClosed = true
    this.wakeup.wake()
  }

  private *run(): Task<void> {
    const { member } = this
    const { env, config, coordinator, wakeup } = member.context
    while (!this.isClosed) {
      this.answers.run()
      const now = env.now()
      const { node } = coordinator
      if (!member.heartbeats) yield* this.wakeup.waitUntil(Infinity)
      else if (node === undefined) {
        coordinator.find()
        yield* this.wakeup.waitUntil(now + msToUs(config.retryBackoffMs))
      } else if (now >= this.pollEndsAt) {
        env.observe({ kind: 'mark', name: 'consumer-left-for-slow-poll' })
        member.becomeStale()
        this.leave()
        wakeup.wake()
      } else {
        const due = member.hasNews && this.failures === 0 ? 0 : this.nextAt
        if (this.isInFlight || now < due) yield* this.wakeup.waitUntil(this.isInFlight ? this.pollEndsAt : Math.min(due, this.pollEndsAt))
        else {
          this.beat(node)
          yield* env.pause('consumer-heartbeat')
        }
      }
    }
  }

  private beat(node: BrokerNode): void {
    const { member } = this
    const { env } = member.context
    this.isInFlight = true
    this.nextAt = env.now() + msToUs(this.intervalMs)
    const incarnation = member.joins
    this.ask(node, result => {
      this.isInFlight = false
      if (incarnation === member.joins) this.answered(node, result)
    })
    member.heartbeatSent()
  }

  private ask(node: BrokerNode, handle: (result: RpcResult) => void): void {
    const { member } = this
    const { config, coordinator: { groupId } } = member.context
    const all = member.memberEpoch === 0
    if (all) this.sent = { topics: undefined, regex: undefined, owned: undefined, timeout: undefined }
    const wanted = member.wanted
    const topics = [...wanted.topics].sort((a, b) => (a < b ? -1 : 1))
    const regex = wanted.pattern === undefined ? undefined : wanted.pattern.source
    const owned = member.owned
    const timeout = String(config.maxPollIntervalMs)
    const isLeaving = member.memberEpoch < 0
    const changed = (key: keyof SentFields, value: string | undefined): boolean => !isLeaving && this.sent[key] !== value
    const request = {
      groupId,
      memberId: member.memberId,
      memberEpoch: member.memberEpoch,
      instanceId: config.groupInstanceId,
      rackId: all ? config.clientRack : null,
      rebalanceTimeoutMs: changed('timeout', timeout) ? config.maxPollIntervalMs : -1,
      subscribedTopicNames: changed('topics', topics.join()) ? topics : null,
      subscribedTopicRegex: changed('regex', regex) ? (regex ?? '') : null,
      serverAssignor: all ? config.groupRemoteAssignor : null,
      topicPartitions: changed('owned', owned.key) ? owned.topics : null,
    }
    if (!isLeaving) this.sent = { topics: topics.join(), regex, owned: owned.key, timeout }
    this.answers.ask(node, ApiKey.ConsumerGroupHeartbeat, request, handle)
  }

  private answered(node: BrokerNode, result: RpcResult): void {
    const { member } = this
    const { coordinator, env, wakeup } = member.context
    const response = result.ok ? (result.body as ConsumerGroupHeartbeatResponse) : undefined
    if (response?.errorCode === ErrorCode.NONE) {
      this.failures = 0
      this.intervalMs = response.heartbeatIntervalMs
      this.nextAt = Math.max(env.now(), this.nextAt, env.now() + msToUs(this.intervalMs))
      member.answered(response)
      return wakeup.wake()
    }
    const errorCode = result.ok ? (result.body as ConsumerGroupHeartbeatResponse).errorCode : failureCode(result)
    // The coordinator may have seen it or not: everything is told again.
    this.sent = { topics: undefined, regex: undefined, owned: undefined, timeout: undefined }
    this.nextAt = env.now() + this.backoff.delay(this.failures++, 'heartbeat')
    switch (errorCode) {
      case ErrorCode.NOT_COORDINATOR:
      case ErrorCode.COORDINATOR_NOT_AVAILABLE:
      case ErrorCode.NETWORK_EXCEPTION:
        return coordinator.lost(node)
      case ErrorCode.FENCED_MEMBER_EPOCH:
      case ErrorCode.UNKNOWN_MEMBER_ID:
        this.failures = 0
        this.nextAt = 0
        member.becomeFenced()
        return wakeup.wake()
      default:
        if (isRetriable(errorCode) || errorCode === ErrorCode.UNRELEASED_INSTANCE_ID) return
        member.fail(errorName(errorCode))
        return wakeup.wake()
    }
  }
}
