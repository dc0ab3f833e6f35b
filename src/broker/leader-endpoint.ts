/**
 * The leader as a replica fetcher sees it (Kafka: RemoteLeaderEndPoint): one blocking connection to one broker.
 */
import type { Task } from '../base/task.ts'
import { partitionName } from '../base/partition-name.ts'
import type { Millis } from '../base/time.ts'
import type { Defects } from '../config/defects.ts'
import type { Env } from '../env/env.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import type { Draft } from '../protocol/codec.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { FetchRequest, FetchResponse, ListOffsetsResponse } from '../protocol/generated/types.ts'
import { FetchSessionHandler } from '../rpc/fetch-session-handler.ts'
import type { FetchTarget } from '../rpc/fetch-session-handler.ts'
import { RpcClient } from '../rpc/rpc-client.ts'
import type { FetchState } from './fetch-state.ts'
import { reachesRung } from './truncation-ladder.ts'

/** Backing off is the fetcher's business (replica.fetch.backoff.ms), not the connection's. */
const RECONNECT_BACKOFF_MS = 0
/** replica.fetch.response.max.bytes */
const RESPONSE_MAX_BYTES = 10_485_760
/** Nothing is told about any partition. */
const NOTHING: Pick<FetchResponse, 'responses'> = { responses: [] }

export interface LeaderEndpointOptions {
  readonly brokerId: number
  readonly brokerEpoch: () => number
  readonly leaderId: number
  readonly host: string
  readonly port: number
  readonly socketTimeoutMs: Millis
  readonly connectionSetupTimeoutMs: Millis
  readonly fetchWaitMaxMs: Millis
  readonly fetchMinBytes: number
  readonly fetchMaxBytes: number
}

export type ListedOffset = { readonly ok: true; readonly offset: number } | { readonly ok: false; readonly errorCode: number }

export class LeaderEndpoint {
  readonly leaderId: number
  private readonly defects: Defects
  private readonly o: LeaderEndpointOptions
  private readonly client: RpcClient
  private readonly session = new FetchSessionHandler()

  constructor(env: Env, o: LeaderEndpointOptions) {
    this.defects = env.defects
    this.o = o
    this.leaderId = o.leaderId
    this.client = new RpcClient(env, {
      clientId: `broker-${o.brokerId}-fetcher-0`,
      requestTimeoutMs: o.socketTimeoutMs,
      connectionSetupTimeoutMs: o.connectionSetupTimeoutMs,
      maxInFlight: 1,
      reconnectBackoffMs: RECONNECT_BACKOFF_MS,
      reconnectBackoffMaxMs: RECONNECT_BACKOFF_MS,
    })
  }

  /**
   * Fetches for these partitions; undefined when the connection failed. A partition without news is not told, and nothing is
   * when the leader does not know the session: the next request begins another.
   */
  *fetch(states: readonly FetchState[]): Task<Pick<FetchResponse, 'responses'> | undefined> {
    const request: Draft<FetchRequest> = {
      replicaState: fetchingReplica(this.defects, this.o),
      maxWaitMs: this.o.fetchWaitMaxMs,
      minBytes: this.o.fetchMinBytes,
      maxBytes: RESPONSE_MAX_BYTES,
      isolationLevel: 0,
      ...this.session.request(states.map(state => fetchTarget(this.defects, state)), this.o.fetchMaxBytes),
    }
    const result = yield* this.client.send(this.o.host, this.o.port, ApiKey.Fetch, request).wait()
    if (!result.ok) {
      this.session.fail()
      return undefined
    }
    const response = result.body as FetchResponse
    const told: string[] = []
    for (const { topicId, partitions } of response.responses) for (const { partitionIndex } of partitions) told.push(partitionName(topicId, partitionIndex))
    if (this.session.accept(response, told)) return response
    return response.errorCode === ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR ? undefined : NOTHING
  }

  /** The leader's end (timestamp -1) or start (-2) offset, as one replica asks another. */
  *listOffset(state: FetchState, timestamp: number): Task<ListedOffset> {
    const { topic, partition } = state.partition
    const result = yield* this.client.send(this.o.host, this.o.port, ApiKey.ListOffsets, {
      replicaId: this.o.brokerId,
      isolationLevel: 0,
      topics: [{ name: topic, partitions: [{ partitionIndex: partition, currentLeaderEpoch: namedEpoch(this.defects, state.leaderEpoch), timestamp }] }],
    }).wait()
    if (!result.ok) return { ok: false, errorCode: ErrorCode.NETWORK_EXCEPTION }
    const answer = (result.body as ListOffsetsResponse).topics[0]?.partitions[0]
    if (answer === undefined) return { ok: false, errorCode: ErrorCode.UNKNOWN_SERVER_ERROR }
    return answer.errorCode === ErrorCode.NONE ? { ok: true, offset: answer.offset } : { ok: false, errorCode: answer.errorCode }
  }

  /** Fails what is in flight. */
  close(): void {
    this.client.close()
  }
}

/**
 * Who fetches, down to the incarnation: what a leader concludes from the fetch holds for no later one (KIP-903). Before,
 * nothing tied the proof of being caught up to the life of the process.
 */
export function fetchingReplica(defects: Defects, own: Pick<LeaderEndpointOptions, 'brokerId' | 'brokerEpoch'>): FetchRequest['replicaState'] {
  return { replicaId: own.brokerId, replicaEpoch: defects.has('KIP-903') ? -1 : own.brokerEpoch() }
}

/** The leader epoch that a request names: -1, none, before KIP-320. */
function namedEpoch(defects: Defects, leaderEpoch: number): number {
  return reachesRung(defects, 'fenced') ? leaderEpoch : -1
}

export function fetchTarget(defects: Defects, { partition, leaderEpoch, fetchOffset, lastFetchedEpoch }: FetchState): FetchTarget {
  return {
    key: partition.key, topic: partition.topic, topicId: partition.topicId, partition: partition.partition, fetchOffset,
    currentLeaderEpoch: namedEpoch(defects, leaderEpoch), lastFetchedEpoch: lastFetchedEpoch ?? -1, logStartOffset: partition.log.logStartOffset,
  }
}
