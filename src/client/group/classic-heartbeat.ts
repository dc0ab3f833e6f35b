/**
 * The heartbeat thread of a classic member (AbstractCoordinator.HeartbeatThread): keeps the session alive while the
 * application works, looks for the coordinator when it is lost, and leaves the group when the application does not poll for
 * max.poll.interval.ms, so that others can go on with its partitions.
 *
 * It sleeps while there is no membership; joining wakes it.
 */
import { msToUs } from '../../base/time.ts'
import type { Task } from '../../base/task.ts'
import { ApiKey } from '../../protocol/api-keys.ts'
import { ErrorCode, errorName } from '../../protocol/errors.ts'
import type { HeartbeatResponse } from '../../protocol/generated/types.ts'
import type { RpcResult } from '../../rpc/rpc-client.ts'
import { AnswerQueue } from '../answer-queue.ts'
import type { BrokerNode } from '../cluster-metadata.ts'
import { Wakeup } from '../wakeup.ts'
import type { ClassicMember } from './classic-member.ts'
import type { Generation } from './generation.ts'
import { HeartbeatTimer } from './heartbeat-timer.ts'

export class ClassicHeartbeat {
  readonly timer: HeartbeatTimer
  private readonly member: ClassicMember
  private readonly wakeup: Wakeup
  private readonly answers: AnswerQueue
  private isEnabled = false
  private isStarted = false
  private isClosed = false

  constructor(member: ClassicMember) {
    const { env, config, rpc } = member.context
    this.member = member
    this.timer = new HeartbeatTimer(env, config)
    this.wakeup = new Wakeup(env)
    this.answers = new AnswerQueue(rpc, this.wakeup)
  }

  /** The member has joined: from now on its session must be kept alive. */
  enable(): void {
    this.isEnabled = true
    this.timer.reset()
    if (!this.isStarted) {
      this.isStarted = true
      this.member.context.env.spawn('consumer-heartbeat', this.run())
    } else this.wakeup.wake()
  }

  /** The application polls. */
  polled(): void {
    this.timer.polled()
  }

  close(): void {
    this.isClosed = true
    this.wakeup.wake()
  }

  private *run(): Task<void> {
    const { member, timer } = this
    const { env, config, coordinator } = member.context
    while (!this.isClosed) {
      this.answers.run()
      if (member.state === 'unjoined' || member.state === 'preparing') this.isEnabled = false
      const now = env.now()
      const { node } = coordinator
      if (!this.isEnabled) yield* this.wakeup.waitUntil(Infinity)
      else if (node === undefined) {
        coordinator.find()
        yield* this.wakeup.waitUntil(now + msToUs(config.retryBackoffMs))
      } else if (now >= timer.sessionEndsAt) {
        env.observe({ kind: 'mark', name: 'consumer-session-without-answer' })
        coordinator.lost(node)
      } else if (now >= timer.pollEndsAt) {
        env.observe({ kind: 'mark', name: 'consumer-left-for-slow-poll' })
        member.sendLeave('consumer poll timeout has expired.')
      } else if (now < timer.dueAt) yield* this.wakeup.waitUntil(Math.min(timer.dueAt, timer.sessionEndsAt, timer.pollEndsAt))
      else {
        this.send(node)
        yield* env.pause('consumer-heartbeat')
      }
    }
  }

  private send(node: BrokerNode): void {
    const { context: { config, coordinator: { groupId } }, generation } = this.member
    const { generationId, memberId } = generation
    this.timer.sent()
    this.answers.ask(node, ApiKey.Heartbeat, { groupId, generationId, memberId, groupInstanceId: config.groupInstanceId }, result => {
      this.answered(node, generation, result)
    })
  }

  private answered(node: BrokerNode, sent: Generation, result: RpcResult): void {
    const { member, timer } = this
    const { coordinator, wakeup } = member.context
    const errorCode = result.ok ? (result.body as HeartbeatResponse).errorCode : ErrorCode.NETWORK_EXCEPTION
    switch (errorCode) {
      case ErrorCode.NONE:
        return timer.answered()
      case ErrorCode.REBALANCE_IN_PROGRESS:
        // The session goes on while the group rebalances.
        timer.answered()
        if (member.state !== 'stable') return
        member.requestRejoin()
        return wakeup.wake()
      case ErrorCode.COORDINATOR_NOT_AVAILABLE:
      case ErrorCode.NOT_COORDINATOR:
      case ErrorCode.NETWORK_EXCEPTION:
        coordinator.lost(node)
        return timer.failed()
      case ErrorCode.ILLEGAL_GENERATION:
      case ErrorCode.UNKNOWN_MEMBER_ID:
      case ErrorCode.FENCED_INSTANCE_ID:
        // An answer about a generation that is over says nothing.
        if (!member.isGeneration(sent)) return timer.answered()
        member.reset(errorCode !== ErrorCode.ILLEGAL_GENERATION)
        if (errorCode === ErrorCode.FENCED_INSTANCE_ID) member.fail(errorName(errorCode))
        else timer.failed()
        return wakeup.wake()
      default:
        return timer.failed()
    }
  }
}
