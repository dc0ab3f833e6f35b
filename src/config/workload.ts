/**
 * A workload's part of a plan as data: topics, clients and their operations, and what a generator is told when it draws
 * them. Here, below plans and workloads, because both speak it.
 */
import type { Micros, Millis } from '../base/time.ts'
import type { AdminConfig, CommonClientConfig, ConsumerConfig, ProducerConfig, ShareConsumerConfig } from './client.ts'
import type { ServerConfig, ServerSpec } from './cluster.ts'

export interface TopicSpec {
  readonly name: string
  readonly partitions: number
  readonly replicationFactor: number
  /** Kafka's config names and values. */
  readonly configs: Readonly<Record<string, string>>
}

export type ClientSpec =
  | { readonly host: string; readonly kind: 'producer'; readonly config: Partial<ProducerConfig> }
  | { readonly host: string; readonly kind: 'consumer'; readonly config: Partial<ConsumerConfig> }
  | { readonly host: string; readonly kind: 'admin'; readonly config: Partial<AdminConfig> }
  /** A member of a share group; delivery limit and lock are those of the cluster, for who judges and who waits. */
  | { readonly host: string; readonly kind: 'share'; readonly config: Partial<ShareConsumerConfig> & { readonly groupId: string }; readonly deliveryLimit: number; readonly lockMs: Millis; readonly isReadCommitted: boolean }
  /** An application with several clients in it; `config` is for all of them. */
  | { readonly host: string; readonly kind: 'app'; readonly config: Partial<CommonClientConfig>; readonly producer: Partial<ProducerConfig>; readonly consumer: Partial<ConsumerConfig>; /** Commits offsets in transactions in the name of the group only, as before KIP-447. */ readonly withoutGroupMetadata?: boolean }

export interface TransactedSend {
  readonly topic: string
  readonly partition: number
  readonly key: string | null
}

/** One client operation. `at` counts from the moment when the topics exist. */
export type PlanOperation = { readonly id: number; readonly at: Micros; readonly client: string } & (
  /** `size` is the length of the padding in the payload, in bytes; a tombstone has no payload. */
  | { readonly f: 'send'; readonly topic: string; readonly partition: number | null; readonly key: string | null; readonly size: number; readonly tombstone?: true }
  /** Reads the partitions from `from` until the faults have healed. */
  | { readonly f: 'consume'; readonly topic: string; readonly partitions: readonly number[]; readonly from: 'earliest' | 'latest' }
  /** A second look: seeks every assigned partition back to its beginning. */
  | { readonly f: 'rewind'; readonly topic: string }
  /** Runs the script of that name; again when its process was killed and comes back. `forUs`: it goes after so long; `workUs`: how long its work on one poll takes; `commitsEach`: commits record by record. */
  | { readonly f: 'run'; readonly script: string; readonly forUs?: Micros; readonly workUs?: Micros; readonly commitsEach?: true }
  /** One transaction of several records. */
  | { readonly f: 'transact'; readonly sends: readonly TransactedSend[]; readonly end: 'commit' | 'abort'; /** How long it stays open after its sends. */ readonly openUs: Micros; /** How many of its sends come only then; absent: none. */ readonly late?: number }
  /** Moves money between two accounts, each a key of a topic, in one transaction. */
  | { readonly f: 'transfer'; readonly from: string; readonly to: string; readonly amount: number }
  | { readonly f: 'commit-offset'; readonly group: string; readonly topic: string; readonly partition: number; readonly offset: number }
  | { readonly f: 'fetch-offset'; readonly group: string; readonly topic: string; readonly partition: number }
  | { readonly f: 'list-offsets'; readonly topic: string; readonly partition: number; /** A number: the first record of at least that timestamp. */ readonly which: 'latest' | 'earliest' | number }
  | { readonly f: 'create-topic'; readonly spec: TopicSpec }
  | { readonly f: 'delete-topic'; readonly topic: string }
  | { readonly f: 'alter-config'; readonly topic: string; readonly name: string; readonly value: string }
  /** Deletes a topic of the plan, by its id, and creates it anew: another log under the same name. */
  | { readonly f: 'recreate-topic'; readonly topic: string }
  | { readonly f: 'create-partitions'; readonly topic: string; readonly count: number }
  /** Deletes what lies below an offset; -1: everything that is committed. */
  | { readonly f: 'delete-records'; readonly topic: string; readonly partition: number; readonly before: number }
  /** Moves a partition to other brokers, the preferred leader first; null cancels. */
  | { readonly f: 'reassign'; readonly topic: string; readonly partition: number; readonly replicas: readonly number[] | null }
  | { readonly f: 'elect-leader'; readonly topic: string; readonly partition: number; readonly election: 'preferred' | 'unclean' }
)

/** An operation before it has its id. */
export type OperationDraft = PlanOperation extends infer T ? (T extends PlanOperation ? Omit<T, 'id'> : never) : never

/** Client configuration pinned by a guarantee row; every absent field is drawn. */
export interface PinnedClientConfig {
  readonly acks?: 0 | 1 | -1
  readonly idempotence?: boolean
  readonly retries?: boolean
  readonly maxInFlight?: number
  readonly followerReads?: boolean
  /** Transactional applications commit offsets in the name of the group only, as before KIP-447. */
  readonly withoutGroupMetadata?: boolean
  /** There is a reader with isolation.level=read_uncommitted. */
  readonly uncommittedReader?: boolean
}

/** What a workload is told when it draws its part of a plan. */
export interface WorkloadShape {
  readonly brokers: readonly ServerSpec[]
  readonly replicationFactor: number
  readonly minInsyncReplicas: number
  readonly uncleanLeaderElection: boolean
  /** Length of the phase in which faults happen; operations are drawn inside it. */
  readonly chaosUs: Micros
  /** A close-up: one partition and a handful of operations are enough, so that many such trials can be run. */
  readonly closeUp: boolean
  /** Number of operations asked for; 0: the workload's own choice. */
  readonly operations: number
  readonly pinned: PinnedClientConfig
  readonly server: ServerConfig
  /** Client timeouts that fit the scaled cluster. */
  readonly clientTimeouts: Partial<ProducerConfig> & {
    readonly requestTimeoutMs: number
    readonly deliveryTimeoutMs: number
    readonly bootstrapServers: readonly string[]
  }
}

export interface WorkloadDraft {
  readonly topics: readonly TopicSpec[]
  readonly clients: readonly ClientSpec[]
  readonly operations: readonly PlanOperation[]
  /** Settings of servers that no promise survives when clocks are minutes off; a plan whose clocks fail leaves them out. */
  readonly whereClocksAgree?: Partial<ServerConfig>
  /** What its clients need to settle beyond what the cluster does: sessions and transactions that must time out first. */
  readonly settleMs?: Millis
}
