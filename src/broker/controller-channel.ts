/**
 * The way from a broker to the active controller (Kafka: NodeToControllerChannelManager). Requests go one at a time, in
 * order, to whom raft names as leader. A lost connection or NOT_CONTROLLER puts the request back to the front of the
 * queue; after `retryTimeoutMs` in the queue it fails with 'timeout'. The controller may then have executed it or not.
 */
import { Future, Signal } from '../base/task.ts'
import type { Task } from '../base/task.ts'
import { msToUs, usToMs } from '../base/time.ts'
import type { Millis } from '../base/time.ts'
import type { Env } from '../env/env.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { RpcClient } from '../rpc/rpc-client.ts'

/** Nobody leads, or the connection is down: how long until the next look. */
const NO_CONTROLLER_BACKOFF_MS = 100
const RECONNECT_BACKOFF_MS = 50

/** What a channel needs to know of raft. */
export interface ControllerLocator {
  readonly leaderAndEpoch: { readonly leaderId: number }
  endpointOf(nodeId: number): { readonly host: string; readonly port: number } | undefined
}

export type ControllerReply =
  | { readonly ok: true; readonly body: unknown }
  | { readonly ok: false; readonly reason: 'timeout' | 'unsupported-version' }

interface Queued {
  readonly apiKey: number
  readonly body: object
  readonly createdMs: Millis
  readonly reply: Future<ControllerReply>
}

export class ControllerChannel {
  private readonly env: Env
  private readonly locator: ControllerLocator
  private readonly client: RpcClient
  private readonly retryTimeoutMs: Millis
  private readonly queue: Queued[] = []
  private readonly arrivals = new Signal()

  constructor(env: Env, o: { name: string; locator: ControllerLocator; requestTimeoutMs: Millis; connectionSetupTimeoutMs: Millis; retryTimeoutMs: Millis }) {
    this.env = env
    this.locator = o.locator
    this.retryTimeoutMs = o.retryTimeoutMs
    this.client = new RpcClient(env, {
      clientId: `${env.node}-${o.name}`,
      requestTimeoutMs: Math.min(o.requestTimeoutMs, o.retryTimeoutMs),
      connectionSetupTimeoutMs: o.connectionSetupTimeoutMs,
      maxInFlight: 1,
      reconnectBackoffMs: RECONNECT_BACKOFF_MS,
      reconnectBackoffMaxMs: RECONNECT_BACKOFF_MS,
    })
    env.spawn(`controller-channel-${o.name}`, this.run())
  }

  /** Queues a request. The future always completes and never fails. */
  send(apiKey: number, body: object): Future<ControllerReply> {
    const reply = new Future<ControllerReply>()
    this.queue.push({ apiKey, body, createdMs: this.nowMs(), reply })
    this.arrivals.notifyAll()
    return reply
  }

  private *run(): Task<void> {
    for (;;) {
      const next = this.queue[0]
      if (next === undefined) {
        yield* this.arrivals.wait()
      } else if (this.nowMs() - next.createdMs >= this.retryTimeoutMs) {
        this.queue.shift()
        next.reply.complete({ ok: false, reason: 'timeout' })
      } else {
        yield* this.attempt(next)
      }
    }
  }

  /** Sends the first request; it leaves the queue only with an answer. */
  private *attempt(queued: Queued): Task<void> {
    const controller = this.locator.endpointOf(this.locator.leaderAndEpoch.leaderId)
    if (controller === undefined) {
      yield* this.env.sleep(msToUs(NO_CONTROLLER_BACKOFF_MS)).wait()
      return
    }
    const { host, port } = controller
    if (!this.client.canSend(host, port)) {
      yield* this.env.sleep(msToUs(RECONNECT_BACKOFF_MS)).wait()
      return
    }
    const result = yield* this.client.send(host, port, queued.apiKey, queued.body).wait()
    if (!result.ok) {
      if (result.reason !== 'unsupported-version') return
      this.queue.shift()
      queued.reply.complete({ ok: false, reason: 'unsupported-version' })
      return
    }
    if (saysNotController(queued.apiKey, result.body)) {
      this.client.close(host)
      yield* this.env.sleep(msToUs(RECONNECT_BACKOFF_MS)).wait()
      return
    }
    this.queue.shift()
    queued.reply.complete({ ok: true, body: result.body })
  }

  private nowMs(): Millis {
    return usToMs(this.env.now())
  }
}

/** NOT_CONTROLLER anywhere in the response. */
function saysNotController(apiKey: number, body: unknown): boolean {
  const response = body as { errorCode?: number; topics?: readonly { partitions: readonly { errorCode: number }[] }[] }
  if (response.errorCode === ErrorCode.NOT_CONTROLLER) return true
  if (apiKey !== ApiKey.AlterPartition || response.topics === undefined) return false
  return response.topics.some(topic => topic.partitions.some(partition => partition.errorCode === ErrorCode.NOT_CONTROLLER))
}
