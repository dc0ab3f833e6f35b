/**
 * Brokers in a script: records every request, answers metadata, producer ids and versions by itself, and leaves the rest to
 * the test. Messages pass through the tables of their newest version, as on the simulated network.
 */
import { Future } from '../../src/base/task.ts'
import type { BrokerRpc } from '../../src/client/broker-rpc.ts'
import { ApiKey, apiDescription } from '../../src/protocol/api-keys.ts'
import { projectMessage } from '../../src/protocol/codec.ts'
import type { RpcResult } from '../../src/rpc/rpc-client.ts'
import type { FakeEnv } from './fake-env.ts'

export const TOPIC_ID = 'b3JkZXJzLW9yZGVycy1vcg'

export interface FakeRequest {
  readonly node: number
  readonly host: string
  readonly apiKey: number
  readonly version: number
  readonly body: any
  readonly at: number
  respond(body: object): void
  /** The connection broke, or the request ran out of time. */
  fail(reason: 'timeout' | 'disconnected', sent?: boolean): void
}

interface Leader {
  leader: number
  epoch: number
}

const LATENCY_US = 1_000

export class FakeCluster implements BrokerRpc {
  readonly requests: FakeRequest[] = []
  /** Leaders of `orders`, by partition. */
  leaders: Leader[]
  brokers = [1, 2, 3]
  topicId = TOPIC_ID
  nextProducerId = 7
  features: BrokerRpc['features'] = { epoch: -1, levels: new Map() }
  maxInFlight = 5
  /** Called when a request arrives; true when it is dealt with (perhaps later). */
  handler: (request: FakeRequest) => boolean | void = () => false
  private readonly env: FakeEnv
  private readonly counts = new Map<string, number>()

  constructor(env: FakeEnv, partitions = 1) {
    this.env = env
    this.leaders = Array.from({ length: partitions }, () => ({ leader: 1, epoch: 0 }))
  }

  send(host: string, _port: number, apiKey: number, body: object, options?: { readonly version?: number }): Future<RpcResult> {
    const future = new Future<RpcResult>()
    const version = options?.version ?? apiDescription(apiKey).max
    this.counts.set(host, this.inFlight(host) + 1)
    future.onSettled(() => this.counts.set(host, this.inFlight(host) - 1))
    const request: FakeRequest = {
      node: Number(host.split('-')[1]),
      host,
      apiKey,
      version,
      body: projectMessage(apiDescription(apiKey).request, version, body),
      at: this.env.now(),
      respond: answer => {
        const full = projectMessage<object>(apiDescription(apiKey).response, version, answer)
        this.env.timer(LATENCY_US, () => future.complete({ ok: true, body: full, version }))
      },
      fail: (reason, sent = true) => {
        future.complete({ ok: false, reason, sent })
      },
    }
    this.env.timer(LATENCY_US, () => {
      this.requests.push(request)
      if (this.handler(request) === true) return
      if (apiKey === ApiKey.Produce && (request.body as { acks: number }).acks === 0) return request.respond({})
      if (apiKey === ApiKey.Metadata) request.respond(this.metadata())
      if (apiKey === ApiKey.InitProducerId) request.respond({ producerId: this.nextProducerId++, producerEpoch: 0 })
    })
    return future
  }

  canSend(host: string): boolean {
    return this.inFlight(host) < this.maxInFlight
  }

  isReady(): boolean {
    return true
  }

  inFlight(host: string): number {
    return this.counts.get(host) ?? 0
  }

  backoffLeft(): number {
    return 0
  }

  close(): void {}

  of(apiKey: number): FakeRequest[] {
    return this.requests.filter(request => request.apiKey === apiKey)
  }

  metadata(): object {
    return {
      brokers: this.brokers.map(nodeId => ({ nodeId, host: `broker-${nodeId}`, port: 9092, rack: null })),
      clusterId: 'test',
      controllerId: 1,
      topics: [{
        name: 'orders',
        topicId: this.topicId,
        partitions: this.leaders.map(({ leader, epoch }, partitionIndex) => ({
          partitionIndex, leaderId: leader, leaderEpoch: epoch, replicaNodes: this.brokers, isrNodes: this.brokers, offlineReplicas: [],
        })),
      }],
    }
  }
}
