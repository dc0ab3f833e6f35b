/**
 * Every API of Kafka: who answers it here, and the test that exercises it. Who answers is read off the routers themselves; a
 * test asks a running cluster each of them, and looks each test file up.
 */
import { CONTROLLER_SERVED_APIS } from '../controller/controller-apis.ts'
import { SERVED_APIS } from '../broker/request-router.ts'
import { ALL_API_KEYS, ApiKey, apiName, apiVersions } from '../protocol/api-keys.ts'

export interface ApiEntry {
  readonly key: number
  readonly name: string
  readonly versions: string
  readonly servedBy: readonly ('broker' | 'controller')[]
  /** Path of the test file; undefined for what nobody serves. */
  readonly test: string | undefined
}

const CLUSTER = 'test/broker/cluster.test.ts'
const PARTITIONS = 'test/scenarios/partition-apis.test.ts'
const DESCRIBE = 'test/scenarios/describe-apis.test.ts'
const GROUPS = 'test/broker/groups.test.ts'
const TRANSACTIONS = 'test/scenarios/transactions.test.ts'
const TRANSACTION_ADMIN = 'test/scenarios/transaction-admin.test.ts'
const QUOTAS = 'test/scenarios/client-quotas.test.ts'
const SHARES = 'test/broker/share/share-apis.test.ts'
const CATALOGUE = 'test/trial/api-catalogue.test.ts'

/** By API key: the test file, and a text in it by which the API is asked. */
export const API_TESTS: ReadonlyMap<number, readonly [file: string, asks: string]> = new Map([
  [ApiKey.Produce, [CLUSTER, 'client.produce(']],
  [ApiKey.Fetch, [CLUSTER, 'ApiKey.Fetch']],
  [ApiKey.ListOffsets, [CLUSTER, 'client.readAll(']],
  [ApiKey.Metadata, [CLUSTER, 'client.leaderOf(']],
  [ApiKey.OffsetCommit, [GROUPS, 'ApiKey.OffsetCommit']],
  [ApiKey.OffsetFetch, [GROUPS, 'ApiKey.OffsetFetch']],
  [ApiKey.FindCoordinator, [DESCRIBE, 'ApiKey.FindCoordinator']],
  [ApiKey.JoinGroup, [GROUPS, 'ApiKey.JoinGroup']],
  [ApiKey.Heartbeat, [GROUPS, 'ApiKey.Heartbeat']],
  [ApiKey.LeaveGroup, [GROUPS, 'ApiKey.LeaveGroup']],
  [ApiKey.SyncGroup, [GROUPS, 'ApiKey.SyncGroup']],
  [ApiKey.DescribeGroups, [GROUPS, 'ApiKey.DescribeGroups']],
  [ApiKey.ListGroups, [GROUPS, 'ApiKey.ListGroups']],
  [ApiKey.ApiVersions, [CATALOGUE, 'ApiKey.ApiVersions']],
  [ApiKey.CreateTopics, [CLUSTER, 'client(setUp)']],
  [ApiKey.DeleteTopics, ['test/scenarios/topic-recreation.test.ts', 'admin.deleteTopics(']],
  [ApiKey.DeleteRecords, [PARTITIONS, 'admin.deleteRecords(']],
  [ApiKey.InitProducerId, [CLUSTER, 'client.producerId(']],
  [ApiKey.OffsetForLeaderEpoch, ['test/client/consumer.test.ts', 'ApiKey.OffsetForLeaderEpoch']],
  [ApiKey.TxnOffsetCommit, [GROUPS, 'ApiKey.TxnOffsetCommit']],
  [ApiKey.AddPartitionsToTxn, [TRANSACTIONS, '.write(']],
  [ApiKey.AddOffsetsToTxn, [TRANSACTION_ADMIN, '.addOffsets(']],
  [ApiKey.EndTxn, [TRANSACTIONS, '.end(']],
  [ApiKey.WriteTxnMarkers, [TRANSACTION_ADMIN, '.writeMarker(']],
  [ApiKey.DescribeProducers, [TRANSACTION_ADMIN, '.openSince(']],
  [ApiKey.DescribeTransactions, [TRANSACTIONS, '.state(']],
  [ApiKey.ListTransactions, [TRANSACTION_ADMIN, '.listed(']],
  [ApiKey.DescribeConfigs, [DESCRIBE, 'admin.describeConfigs(']],
  [ApiKey.AlterConfigs, [DESCRIBE, 'admin.alterConfigs(']],
  [ApiKey.DescribeLogDirs, [DESCRIBE, 'admin.describeLogDirs(']],
  [ApiKey.CreatePartitions, [PARTITIONS, 'admin.createPartitions(']],
  [ApiKey.DeleteGroups, [GROUPS, 'ApiKey.DeleteGroups']],
  [ApiKey.ElectLeaders, [PARTITIONS, 'admin.electLeaders(']],
  [ApiKey.IncrementalAlterConfigs, [DESCRIBE, 'admin.incrementalAlterConfigs(']],
  [ApiKey.AlterPartitionReassignments, [PARTITIONS, 'admin.alterPartitionReassignments(']],
  [ApiKey.ListPartitionReassignments, [PARTITIONS, 'admin.listPartitionReassignments(']],
  [ApiKey.OffsetDelete, [GROUPS, 'ApiKey.OffsetDelete']],
  [ApiKey.DescribeClientQuotas, [QUOTAS, 'admin.describeClientQuotas(']],
  [ApiKey.AlterClientQuotas, [QUOTAS, 'admin.alterClientQuotas(']],
  [ApiKey.Vote, ['test/raft/election.test.ts', 'ApiKey.Vote']],
  [ApiKey.BeginQuorumEpoch, [CATALOGUE, 'ApiKey.BeginQuorumEpoch']],
  [ApiKey.EndQuorumEpoch, [CATALOGUE, 'ApiKey.EndQuorumEpoch']],
  [ApiKey.DescribeQuorum, [DESCRIBE, 'admin.describeQuorum(']],
  [ApiKey.AlterPartition, ['test/controller/alter-partition.test.ts', 'alterPartition']],
  [ApiKey.Envelope, ['test/controller/envelope.test.ts', 'encodeEnvelope(']],
  [ApiKey.FetchSnapshot, ['test/raft/snapshots.test.ts', 'ApiKey.FetchSnapshot']],
  [ApiKey.UpdateFeatures, ['test/controller/update-features.test.ts', 'updateFeatures(']],
  [ApiKey.AddRaftVoter, ['test/raft/voters.test.ts', ".change(leader, 'add'"]],
  [ApiKey.RemoveRaftVoter, ['test/raft/voters.test.ts', ".change(leader, 'remove'"]],
  [ApiKey.UpdateRaftVoter, ['test/raft/voters.test.ts', 'UpdateRaftVoter']],
  [ApiKey.DescribeCluster, [DESCRIBE, 'ApiKey.DescribeCluster']],
  [ApiKey.BrokerRegistration, ['test/controller/broker-lifecycle.test.ts', 'register(']],
  [ApiKey.BrokerHeartbeat, ['test/controller/broker-lifecycle.test.ts', 'heartbeat(']],
  [ApiKey.UnregisterBroker, [DESCRIBE, 'admin.unregisterBroker(']],
  [ApiKey.AllocateProducerIds, ['test/controller/topics.test.ts', 'allocateProducerIds(']],
  [ApiKey.ConsumerGroupHeartbeat, [GROUPS, 'ApiKey.ConsumerGroupHeartbeat']],
  [ApiKey.ConsumerGroupDescribe, [GROUPS, 'ApiKey.ConsumerGroupDescribe']],
  [ApiKey.ListConfigResources, [DESCRIBE, 'admin.listConfigResources(']],
  [ApiKey.DescribeTopicPartitions, [DESCRIBE, 'admin.describeTopicPartitions(']],
  [ApiKey.ShareGroupHeartbeat, [SHARES, 'ApiKey.ShareGroupHeartbeat,']],
  [ApiKey.ShareGroupDescribe, [SHARES, 'ApiKey.ShareGroupDescribe,']],
  [ApiKey.ShareFetch, [SHARES, 'ApiKey.ShareFetch,']],
  [ApiKey.ShareAcknowledge, [SHARES, 'ApiKey.ShareAcknowledge,']],
  [ApiKey.InitializeShareGroupState, [SHARES, 'ApiKey.InitializeShareGroupState,']],
  [ApiKey.ReadShareGroupState, [SHARES, 'ApiKey.ReadShareGroupState,']],
  [ApiKey.WriteShareGroupState, [SHARES, 'ApiKey.WriteShareGroupState,']],
  [ApiKey.DeleteShareGroupState, [SHARES, 'ApiKey.DeleteShareGroupState,']],
  [ApiKey.ReadShareGroupStateSummary, [SHARES, 'ApiKey.ReadShareGroupStateSummary,']],
])

export const API_CATALOGUE: readonly ApiEntry[] = ALL_API_KEYS.map(key => {
  const { min, max } = apiVersions(key)
  const servedBy: ('broker' | 'controller')[] = []
  if (SERVED_APIS.has(key)) servedBy.push('broker')
  if (CONTROLLER_SERVED_APIS.includes(key)) servedBy.push('controller')
  return { key, name: apiName(key), versions: `${min}-${max}`, servedBy, test: servedBy.length === 0 ? undefined : API_TESTS.get(key)?.[0] }
})
