/**
 * The reference admin client (KafkaAdminClient): topics, partitions, offsets, the cluster, and through `groups` and
 * `transactions` what coordinators know. Every call is a task that ends with one result an item, in the order asked.
 */
import type { Task } from '../base/task.ts'
import type { AdminConfig } from '../config/client.ts'
import type { Env } from '../env/env.ts'
import { AdminCaller } from './admin-call.ts'
import type { AdminResult } from './admin-call.ts'
import type { BrokerRpc } from './broker-rpc.ts'
import { ClusterMetadata } from './cluster-metadata.ts'
import {
  alterConfigsCall, describeLogDirsCall, describeQuorumCall, describeTopicPartitionsCall, listConfigResourcesCall, unregisterBrokerCall,
} from './cluster-calls.ts'
import type { ConfigResource, EligibleLeaders, QuorumDescription, StoredPartition, TopicConfigs } from './cluster-calls.ts'
import { connectBrokers } from './connect.ts'
import { GroupAdmin } from './group-admin.ts'
import { createPartitionsCall, deleteRecordsCall, electLeadersCall, listReassignmentsCall, reassignmentCall } from './partition-calls.ts'
import type { ElectionType, NewPartitions, PartitionReference, Reassignment, ReassignmentInProgress, RecordsToDelete } from './partition-calls.ts'
import { alterClientQuotasCall, describeClientQuotasCall } from './quota-calls.ts'
import type { DescribedQuota, QuotaAlteration, QuotaFilter } from './quota-calls.ts'
import {
  createTopicsCall, deleteTopicsByIdCall, deleteTopicsCall, describeClusterCall, describeConfigsCall, describeTopicsCall, incrementalAlterConfigsCall, listOffsetsCall,
} from './topic-calls.ts'
import { TransactionAdmin } from './transaction-admin.ts'
import type { ClusterDescription, CreatedTopic, ListedOffset, NewTopic, OffsetSpec, TopicConfigChange, TopicDescription } from './topic-calls.ts'

const MAX_IN_FLIGHT = 100

export class Admin {
  /** What operators ask about consumer groups. */
  readonly groups: GroupAdmin
  /** What operators ask about transactions. */
  readonly transactions: TransactionAdmin

  private readonly rpc: BrokerRpc
  private readonly metadata: ClusterMetadata
  private readonly caller: AdminCaller

  constructor(env: Env, config: AdminConfig, rpc: BrokerRpc = connectBrokers(env, config, MAX_IN_FLIGHT)) {
    this.rpc = rpc
    this.metadata = new ClusterMetadata(env, this.rpc, config)
    this.caller = new AdminCaller(env, config, this.rpc, this.metadata)
    this.groups = new GroupAdmin(this.rpc, this.metadata, this.caller)
    this.transactions = new TransactionAdmin(config, this.rpc, this.metadata, this.caller)
    this.metadata.start()
  }

  *createTopics(topics: readonly NewTopic[]): Task<AdminResult<CreatedTopic>[]> {
    return yield* this.caller.run(createTopicsCall(this.metadata), topics)
  }

  *deleteTopics(names: readonly string[]): Task<AdminResult[]> {
    return yield* this.caller.run(deleteTopicsCall(this.metadata), names)
  }

  /** More partitions for topics: the records of a key may go elsewhere from then on. */
  *createPartitions(topics: readonly NewPartitions[]): Task<AdminResult[]> {
    return yield* this.caller.run(createPartitionsCall(this.metadata), topics)
  }

  /** Answers the low watermark of each partition, once every live replica has moved its log start. */
  *deleteRecords(records: readonly RecordsToDelete[]): Task<AdminResult<number>[]> {
    for (const { topic } of records) this.metadata.add(topic)
    return yield* this.caller.run(deleteRecordsCall(this.metadata), records)
  }

  *electLeaders(type: ElectionType, partitions: readonly PartitionReference[]): Task<AdminResult[]> {
    return yield* this.caller.run(electLeadersCall(this.metadata, type), partitions)
  }

  /** Starts or, with null replicas, cancels reassignments; they complete by themselves. */
  *alterPartitionReassignments(reassignments: readonly Reassignment[]): Task<AdminResult[]> {
    return yield* this.caller.run(reassignmentCall(this.metadata), reassignments)
  }

  *listPartitionReassignments(): Task<AdminResult<readonly ReassignmentInProgress[]>> {
    return (yield* this.caller.run(listReassignmentsCall(this.metadata), ['reassignments']))[0]!
  }

  /** Deletes topics by id, so that a copy of the request that arrives late cannot hit a newer topic of that name. */
  *deleteTopicsById(topicIds: readonly string[]): Task<AdminResult[]> {
    return yield* this.caller.run(deleteTopicsByIdCall(this.metadata), topicIds)
  }

  /** Effective configuration of each topic; a null value is one that the broker does not tell. */
  *describeConfigs(topics: readonly string[]): Task<AdminResult<ReadonlyMap<string, string | null>>[]> {
    return yield* this.caller.run(describeConfigsCall(this.metadata), topics)
  }

  *incrementalAlterConfigs(changes: readonly TopicConfigChange[]): Task<AdminResult[]> {
    return yield* this.caller.run(incrementalAlterConfigsCall(this.metadata), changes)
  }

  /** Under read_committed `latest` is the last stable offset. */
  *listOffsets(
    specs: readonly OffsetSpec[], isolationLevel: 'read_uncommitted' | 'read_committed' = 'read_uncommitted',
  ): Task<AdminResult<ListedOffset>[]> {
    for (const { topic } of specs) this.metadata.add(topic)
    const call = listOffsetsCall(this.metadata, isolationLevel)
    // one question about a partition a request: the answer does not say which question it answers
    const results: AdminResult<ListedOffset>[] = []
    let rest = specs.map((spec, index) => ({ spec, index }))
    while (rest.length > 0) {
      const seen = new Set<string>()
      const now = rest.filter(({ spec }) => !seen.has(call.nameOf(spec)) && seen.add(call.nameOf(spec)))
      rest = rest.filter(entry => !now.includes(entry))
      const answers = yield* this.caller.run(call, now.map(({ spec }) => spec))
      for (const [i, { index }] of now.entries()) results[index] = answers[i]!
    }
    return results
  }

  *describeTopics(names: readonly string[]): Task<AdminResult<TopicDescription>[]> {
    return yield* this.caller.run(describeTopicsCall(this.metadata), names)
  }

  /** Brokers, controller and all topics, as one broker sees them now. */
  *describeCluster(): Task<AdminResult<ClusterDescription>> {
    return (yield* this.caller.run(describeClusterCall(this.metadata), ['cluster']))[0]!
  }

  *describeQuorum(): Task<AdminResult<QuorumDescription>> {
    return (yield* this.caller.run(describeQuorumCall(this.metadata), ['quorum']))[0]!
  }

  /** With the leaders that are eligible when the ISR is empty (KIP-966). */
  *describeTopicPartitions(topics: readonly string[]): Task<AdminResult<readonly EligibleLeaders[]>[]> {
    return yield* this.caller.run(describeTopicPartitionsCall(this.metadata), topics)
  }

  *describeLogDirs(brokerIds: readonly number[]): Task<AdminResult<readonly StoredPartition[]>[]> {
    return yield* this.caller.run(describeLogDirsCall(this.metadata), brokerIds)
  }

  *listConfigResources(): Task<AdminResult<readonly ConfigResource[]>> {
    return (yield* this.caller.run(listConfigResourcesCall(this.metadata), ['resources']))[0]!
  }

  /** Makes the cluster forget a broker that does not run any more. */
  *unregisterBroker(brokerId: number): Task<AdminResult> {
    return (yield* this.caller.run(unregisterBrokerCall(this.metadata), [brokerId]))[0]!
  }

  /** Replaces all entries of topics. Prefer `incrementalAlterConfigs`. */
  *alterConfigs(topics: readonly TopicConfigs[]): Task<AdminResult[]> {
    return yield* this.caller.run(alterConfigsCall(this.metadata), topics)
  }

  *alterClientQuotas(alterations: readonly QuotaAlteration[]): Task<AdminResult[]> {
    return yield* this.caller.run(alterClientQuotasCall(this.metadata), alterations)
  }

  *describeClientQuotas(filter: QuotaFilter): Task<AdminResult<readonly DescribedQuota[]>> {
    return (yield* this.caller.run(describeClientQuotasCall(this.metadata), [filter]))[0]!
  }

  close(): void {
    this.metadata.close()
    this.rpc.close()
  }
}
