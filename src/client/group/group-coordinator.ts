/**
 * Where the coordinator of one group is, for everything that a consumer or admin asks of it. Looked for by a task of its
 * own, because both the polling thread and the heartbeat need it (AbstractCoordinator#lookupCoordinator,
 * CoordinatorRequestManager).
 */
import { msToUs } from '../../base/time.ts'
import type { Micros } from '../../base/time.ts'
import type { Task } from '../../base/task.ts'
import type { Env } from '../../env/env.ts'
import { ApiKey } from '../../protocol/api-keys.ts'
import { ErrorCode, errorName, isRetriable } from '../../protocol/errors.ts'
import type { FindCoordinatorResponse } from '../../protocol/generated/types.ts'
import { Backoff } from '../backoff.ts'
import type { BrokerRpc } from '../broker-rpc.ts'
import type { BrokerNode, ClusterMetadata } from '../cluster-metadata.ts'
import { coordinatorsOf, findCoordinatorRequest } from '../coordinator-lookup.ts'
import type { Wakeup } from '../wakeup.ts'

export interface LookupConfig {
  readonly retryBackoffMs: number
  readonly retryBackoffMaxMs: number
}

export class GroupCoordinator {
  readonly groupId: string
  /** undefined: not known, or it has moved. */
  node: BrokerNode | undefined = undefined
  /** A lookup was refused for good; taken by whoever tells the application. */
  fatalError: string | undefined = undefined

  private readonly env: Env
  private readonly rpc: BrokerRpc
  private readonly metadata: ClusterMetadata
  private readonly wakeup: Wakeup
  private readonly config: LookupConfig
  private readonly backoff: Backoff
  private readonly listeners: (() => void)[] = []
  private isLooking = false
  private failures = 0
  private lookAt: Micros = 0

  constructor(env: Env, groupId: string, rpc: BrokerRpc, metadata: ClusterMetadata, wakeup: Wakeup, config: LookupConfig) {
    this.env = env
    this.groupId = groupId
    this.rpc = rpc
    this.metadata = metadata
    this.wakeup = wakeup
    this.config = config
    this.backoff = new Backoff(env, 'coordinator-backoff', config.retryBackoffMs, config.retryBackoffMaxMs)
  }

  onFound(listener: () => void): void {
    this.listeners.push(listener)
  }

  /** Starts to look for it, unless somebody does. Returns when to ask again (Infinity: a wake-up comes). */
  find(): Micros {
    if (this.node !== undefined || this.isLooking) return Infinity
    const now = this.env.now()
    if (now < this.lookAt) return this.lookAt
    const node = this.metadata.leastLoadedNode()
    if (node === undefined) return now + msToUs(this.config.retryBackoffMs)
    this.isLooking = true
    this.env.spawn('find-coordinator', this.look(node))
    return Infinity
  }

  /** What was asked of `node` says that the group is coordinated elsewhere now, or nobody answered. */
  lost(node: BrokerNode | undefined): void {
    if (this.node === node) this.node = undefined
  }

  private *look(asked: BrokerNode): Task<void> {
    const result = yield* this.rpc.send(asked.host, asked.port, ApiKey.FindCoordinator, findCoordinatorRequest('group', [this.groupId])).wait()
    this.isLooking = false
    const found = result.ok ? coordinatorsOf(result.body as FindCoordinatorResponse, [this.groupId])[0] : undefined
    if (found?.errorCode === ErrorCode.NONE) {
      this.failures = 0
      this.node = found.node
      for (const listener of this.listeners) listener()
    } else {
      if (!result.ok) this.metadata.requestUpdate()
      if (found !== undefined && !isRetriable(found.errorCode)) this.fatalError = errorName(found.errorCode)
      this.lookAt = this.env.now() + this.backoff.delay(this.failures++, this.groupId)
    }
    this.wakeup.wake()
  }
}
