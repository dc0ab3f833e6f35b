/**
 * The fetchers of a broker, one a leader broker (Kafka: ReplicaFetcherManager with num.replica.fetchers=1).
 */
import type { Task } from '../base/task.ts'
import type { ServerConfig } from '../config/cluster.ts'
import type { Env } from '../env/env.ts'
import { LeaderEndpoint } from './leader-endpoint.ts'
import type { Partition } from './partition.ts'
import { ReplicaFetcher } from './replica-fetcher.ts'

export interface LeaderNode {
  readonly brokerId: number
  readonly host: string
  readonly port: number
}

export interface ReplicaFetchersOptions {
  readonly brokerId: number
  readonly brokerEpoch: () => number
  readonly server: ServerConfig
  readonly onHighWatermarks: (keys: readonly string[]) => void
}

export class ReplicaFetchers {
  private readonly env: Env
  private readonly o: ReplicaFetchersOptions
  private readonly byLeader = new Map<number, ReplicaFetcher>()
  private isShutDown = false

  constructor(env: Env, o: ReplicaFetchersOptions) {
    this.env = env
    this.o = o
  }

  /** Stops fetching these partitions, whoever leads them. */
  *remove(keys: readonly string[]): Task<void> {
    if (keys.length === 0) return
    for (const fetcher of this.byLeader.values()) yield* fetcher.remove(keys)
  }

  *add(leader: LeaderNode, partitions: readonly Partition[]): Task<void> {
    if (this.isShutDown) return
    let fetcher = this.byLeader.get(leader.brokerId)
    if (fetcher === undefined) this.byLeader.set(leader.brokerId, fetcher = this.start(leader))
    yield* fetcher.add(partitions)
  }

  /** See ReplicaFetcher#keepFetching. */
  keepFetching(partition: Partition): void {
    for (const fetcher of this.byLeader.values()) fetcher.keepFetching(partition)
  }

  shutdownIdle(): void {
    for (const [leaderId, fetcher] of this.byLeader) {
      if (fetcher.partitionCount > 0) continue
      fetcher.shutdown()
      this.byLeader.delete(leaderId)
    }
  }

  shutdown(): void {
    this.isShutDown = true
    for (const fetcher of this.byLeader.values()) fetcher.shutdown()
    this.byLeader.clear()
  }

  private start(leader: LeaderNode): ReplicaFetcher {
    const { brokerId, brokerEpoch, server, onHighWatermarks } = this.o
    const endpoint = new LeaderEndpoint(this.env, {
      brokerId,
      brokerEpoch,
      leaderId: leader.brokerId,
      host: leader.host,
      port: leader.port,
      socketTimeoutMs: server.replicaSocketTimeoutMs,
      connectionSetupTimeoutMs: server.socketConnectionSetupTimeoutMs,
      fetchWaitMaxMs: server.replicaFetchWaitMaxMs,
      fetchMinBytes: server.replicaFetchMinBytes,
      fetchMaxBytes: server.replicaFetchMaxBytes,
    })
    return new ReplicaFetcher(this.env, { leader: endpoint, backoffMs: server.replicaFetchBackoffMs, onHighWatermarks })
  }
}
