/**
 * The broker's standing with the controller (Kafka: BrokerLifecycleManager):
 *
 *   starting --caught up with the metadata--> recovery --unfenced--> running
 *   running --shutdown asked for--> pending-shutdown --controller agrees--> shutting-down
 *   any --cannot register in time, or shutdown asked for while not running--> shutting-down
 *
 * Registration first, then heartbeats, one communication at a time. `brokerEpoch` is the identity that registration gave to
 * this incarnation; it never changes afterwards.
 */
import { unit } from '../base/random.ts'
import { Future } from '../base/task.ts'
import type { Task } from '../base/task.ts'
import { msToUs } from '../base/time.ts'
import type { Millis } from '../base/time.ts'
import { BROKER_PORT } from '../config/cluster.ts'
import type { ClusterConfig, ServerSpec } from '../config/cluster.ts'
import { supportedFeatures } from '../controller/features.ts'
import type { Env, Timer } from '../env/env.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { BrokerHeartbeatResponse, BrokerRegistrationResponse } from '../protocol/generated/types.ts'
import { uuidFromDraws } from '../protocol/uuid.ts'
import type { ControllerChannel, ControllerReply } from './controller-channel.ts'

/** ExponentialBackoff(100, 2, session timeout, 0.02) */
const FIRST_BACKOFF_MS = 100
const BACKOFF_JITTER = 0.02
/** After the metadata is caught up the broker may be ready at once: look soon. */
const STARTING_HEARTBEAT_MS = 10
const FIRST_SHUTDOWN_HEARTBEAT_MS = 50

export type BrokerState = 'starting' | 'recovery' | 'running' | 'pending-shutdown' | 'shutting-down'

export interface BrokerLifecycleOptions {
  readonly cluster: ClusterConfig
  readonly spec: ServerSpec
  readonly channel: Pick<ControllerChannel, 'send'>
  /** From the clean-shutdown file, or -1: it tells the controller that no acknowledged record was lost (KIP-966). */
  readonly previousBrokerEpoch: number
  /** Offset of the newest metadata applied here. */
  readonly metadataOffset: () => number
}

export class BrokerLifecycle {
  readonly incarnationId: string
  /** The metadata of the registration has reached this broker. */
  readonly caughtUp = new Future<void>()
  readonly unfenced = new Future<void>()
  /** The broker may go: no replica is waiting for it to hand over, or it never ran. */
  readonly mayShutDown = new Future<void>()
  private readonly env: Env
  private readonly o: BrokerLifecycleOptions
  private current: BrokerState = 'starting'
  private epoch = -1
  private isReadyToUnfence = false
  private isCommunicating = false
  private sendsAgainAtOnce = false
  private failedAttempts = 0
  private gotShutdownResponse = false
  private next: Timer | undefined = undefined

  constructor(env: Env, o: BrokerLifecycleOptions) {
    this.env = env
    this.o = o
    this.incarnationId = uuidFromDraws(
      env.draw('incarnation-id', env.incarnation, 0), env.draw('incarnation-id', env.incarnation, 1),
      env.draw('incarnation-id', env.incarnation, 2), env.draw('incarnation-id', env.incarnation, 3),
    )
  }

  get state(): BrokerState {
    return this.current
  }

  /** -1 until registered. */
  get brokerEpoch(): number {
    return this.epoch
  }

  /** Registers, and keeps registering until it succeeds or the time for it is over. */
  start(): void {
    this.env.timer(msToUs(this.o.cluster.server.initialBrokerRegistrationTimeoutMs), () => {
      if (this.epoch === -1) this.beginShutdown()
    })
    this.communicate()
  }

  /** From now on heartbeats ask to be unfenced. */
  setReadyToUnfence(): void {
    this.isReadyToUnfence = true
    this.schedule(0)
  }

  /** Asks the controller to move leaders away; without a running broker there is nothing to move. */
  beginControlledShutdown(): void {
    if (this.current === 'pending-shutdown') return
    if (this.current !== 'running') return this.beginShutdown()
    this.current = 'pending-shutdown'
    this.env.observe({ kind: 'controlled-shutdown', brokerId: this.o.spec.nodeId })
    this.schedule(0)
  }

  private beginShutdown(): void {
    this.current = 'shutting-down'
    this.next?.cancel()
    this.mayShutDown.complete()
  }

  private communicate(): void {
    if (this.current === 'shutting-down') return
    if (this.isCommunicating) {
      this.sendsAgainAtOnce = true
      return
    }
    this.isCommunicating = true
    this.env.spawn('broker-heartbeat', this.epoch === -1 ? this.register() : this.heartbeat())
  }

  private *register(): Task<void> {
    const { cluster, spec, previousBrokerEpoch } = this.o
    const reply = yield* this.o.channel.send(ApiKey.BrokerRegistration, {
      brokerId: spec.nodeId,
      clusterId: cluster.clusterId,
      incarnationId: this.incarnationId,
      listeners: [{ name: 'PLAINTEXT', host: spec.host, port: BROKER_PORT, securityProtocol: 0 }],
      features: supportedFeatures(cluster.server),
      rack: spec.rack,
      logDirs: [this.env.disk.id],
      previousBrokerEpoch,
    }).wait()
    this.isCommunicating = false
    const response = answer<BrokerRegistrationResponse>(reply)
    if (response === undefined) return this.scheduleAfterFailure()
    this.failedAttempts = 0
    this.epoch = response.brokerEpoch
    this.schedule(0)
  }

  private *heartbeat(): Task<void> {
    const reply = yield* this.o.channel.send(ApiKey.BrokerHeartbeat, {
      brokerId: this.o.spec.nodeId,
      brokerEpoch: this.epoch,
      currentMetadataOffset: this.o.metadataOffset(),
      wantFence: !this.isReadyToUnfence,
      wantShutDown: this.current === 'pending-shutdown',
    }).wait()
    this.isCommunicating = false
    const response = answer<BrokerHeartbeatResponse>(reply)
    if (response === undefined) return this.scheduleAfterFailure()
    this.failedAttempts = 0
    this.handleHeartbeat(response)
  }

  private handleHeartbeat(response: BrokerHeartbeatResponse): void {
    const { brokerHeartbeatIntervalMs } = this.o.cluster.server
    switch (this.current) {
      case 'starting':
        if (response.isCaughtUp) {
          this.current = 'recovery'
          this.caughtUp.complete()
        }
        this.schedule(STARTING_HEARTBEAT_MS)
        return
      case 'recovery':
        if (!response.isFenced) {
          this.current = 'running'
          this.unfenced.complete()
        }
        this.schedule(brokerHeartbeatIntervalMs)
        return
      case 'running':
        this.schedule(brokerHeartbeatIntervalMs)
        return
      case 'pending-shutdown':
        if (response.shouldShutDown) return this.beginShutdown()
        this.schedule(this.gotShutdownResponse ? brokerHeartbeatIntervalMs : FIRST_SHUTDOWN_HEARTBEAT_MS)
        this.gotShutdownResponse = true
        return
      case 'shutting-down':
        return
    }
  }

  private scheduleAfterFailure(): void {
    let delayMs = FIRST_BACKOFF_MS
    for (let i = 0; i < this.failedAttempts && delayMs < this.o.cluster.server.brokerSessionTimeoutMs; i++) delayMs *= 2
    delayMs = Math.min(delayMs, this.o.cluster.server.brokerSessionTimeoutMs)
    const jitter = 1 + BACKOFF_JITTER * (2 * unit(this.env.draw('heartbeat-backoff', this.env.incarnation, this.failedAttempts)) - 1)
    this.failedAttempts++
    this.sendsAgainAtOnce = false
    this.schedule(delayMs * jitter)
  }

  /** Replaces what was scheduled before. */
  private schedule(delayMs: Millis): void {
    const soonest = this.sendsAgainAtOnce ? 0 : delayMs
    this.sendsAgainAtOnce = false
    this.next?.cancel()
    this.next = this.env.timer(msToUs(soonest), () => this.communicate())
  }
}

function answer<T extends { readonly errorCode: number }>(reply: ControllerReply): T | undefined {
  if (!reply.ok) return undefined
  const response = reply.body as T
  return response.errorCode === ErrorCode.NONE ? response : undefined
}
