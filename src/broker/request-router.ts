/**
 * Which handler serves which API on the broker's port (Kafka: KafkaApis#handle). Handlers that wait for nothing run at
 * once; the others are tasks of their own, as Kafka's request handler threads.
 */
import { ApiKey } from '../protocol/api-keys.ts'
import type { RpcRequest } from '../rpc/rpc-server.ts'
import type { BrokerContext } from './broker-context.ts'
import { handleAddOffsetsToTxn, handleAddPartitionsToTxn } from './handlers/add-partitions-to-txn.ts'
import { handleApiVersions } from './handlers/api-versions.ts'
import { handleDeleteRecords } from './handlers/delete-records.ts'
import { handleDescribeClientQuotas } from './handlers/describe-client-quotas.ts'
import { handleDescribeConfigs } from './handlers/describe-configs.ts'
import { handleDescribeLogDirs } from './handlers/describe-log-dirs.ts'
import { handleDescribeProducers } from './handlers/describe-producers.ts'
import { handleDescribeTopicPartitions } from './handlers/describe-topic-partitions.ts'
import { handleDescribeTransactions, handleListTransactions } from './handlers/describe-transactions.ts'
import { handleEndTxn } from './handlers/end-txn.ts'
import { handleFetch } from './handlers/fetch.ts'
import { handleFindCoordinator } from './handlers/find-coordinator.ts'
import { handleForwarded } from './handlers/forwarded.ts'
import { handleConsumerGroupHeartbeat, handleHeartbeat, handleJoinGroup, handleLeaveGroup, handleShareGroupHeartbeat, handleSyncGroup } from './handlers/group-membership.ts'
import { handleOffsetCommit, handleOffsetDelete, handleOffsetFetch, handleTxnOffsetCommit } from './handlers/group-offsets.ts'
import { handleConsumerGroupDescribe, handleDeleteGroups, handleDescribeGroups, handleListGroups, handleShareGroupDescribe } from './handlers/groups.ts'
import { handleInitProducerId } from './handlers/init-producer-id.ts'
import { handleListConfigResources } from './handlers/list-config-resources.ts'
import { handleListOffsets } from './handlers/list-offsets.ts'
import { handleDescribeCluster, handleMetadata } from './handlers/metadata.ts'
import { handleOffsetForLeaderEpoch } from './handlers/offset-for-leader-epoch.ts'
import { handleProduce } from './handlers/produce.ts'
import { handleShareAcknowledge } from './handlers/share-acknowledge.ts'
import { handleShareFetch } from './handlers/share-fetch.ts'
import { handleDeleteShareGroupState, handleInitializeShareGroupState, handleReadShareGroupState, handleReadShareGroupStateSummary, handleWriteShareGroupState } from './handlers/share-state.ts'
import { handleWriteTxnMarkers } from './handlers/write-txn-markers.ts'

const FORWARDED: readonly number[] = [
  ApiKey.CreateTopics, ApiKey.DeleteTopics, ApiKey.CreatePartitions, ApiKey.AlterConfigs, ApiKey.IncrementalAlterConfigs, ApiKey.ElectLeaders,
  ApiKey.AlterPartitionReassignments, ApiKey.ListPartitionReassignments, ApiKey.UnregisterBroker, ApiKey.DescribeQuorum, ApiKey.AlterClientQuotas, ApiKey.UpdateFeatures, ApiKey.AddRaftVoter, ApiKey.RemoveRaftVoter,
]

export const SERVED_APIS: ReadonlySet<number> = new Set([
  ApiKey.Produce, ApiKey.Fetch, ApiKey.ListOffsets, ApiKey.Metadata, ApiKey.FindCoordinator, ApiKey.ApiVersions, ApiKey.InitProducerId,
  ApiKey.OffsetForLeaderEpoch, ApiKey.DeleteRecords, ApiKey.DescribeConfigs, ApiKey.DescribeCluster,
  ApiKey.DescribeTopicPartitions, ApiKey.DescribeLogDirs, ApiKey.WriteTxnMarkers, ApiKey.DescribeProducers,
  ApiKey.AddPartitionsToTxn, ApiKey.AddOffsetsToTxn, ApiKey.EndTxn, ApiKey.DescribeTransactions, ApiKey.ListTransactions, ApiKey.ListConfigResources, ApiKey.DescribeClientQuotas,
  ApiKey.JoinGroup, ApiKey.SyncGroup, ApiKey.Heartbeat, ApiKey.LeaveGroup, ApiKey.ConsumerGroupHeartbeat, ApiKey.OffsetCommit, ApiKey.OffsetFetch,
  ApiKey.TxnOffsetCommit, ApiKey.OffsetDelete, ApiKey.DescribeGroups, ApiKey.ConsumerGroupDescribe, ApiKey.ListGroups, ApiKey.DeleteGroups,
  ApiKey.ShareGroupHeartbeat, ApiKey.ShareGroupDescribe, ApiKey.ShareFetch, ApiKey.ShareAcknowledge, ApiKey.InitializeShareGroupState,
  ApiKey.ReadShareGroupState, ApiKey.WriteShareGroupState, ApiKey.DeleteShareGroupState, ApiKey.ReadShareGroupStateSummary, ...FORWARDED,
])

export function routeRequest(context: BrokerContext, request: RpcRequest): void {
  switch (request.apiKey) {
    case ApiKey.Produce: return context.env.spawn('produce', handleProduce(context, request))
    case ApiKey.Fetch: return context.env.spawn('fetch', handleFetch(context, request))
    case ApiKey.ListOffsets: return handleListOffsets(context, request)
    case ApiKey.Metadata: return handleMetadata(context, request)
    case ApiKey.OffsetForLeaderEpoch: return handleOffsetForLeaderEpoch(context, request)
    case ApiKey.ApiVersions: return handleApiVersions(context, request, SERVED_APIS)
    case ApiKey.InitProducerId: return handleInitProducerId(context, request)
    case ApiKey.DeleteRecords: return context.env.spawn('delete-records', handleDeleteRecords(context, request))
    case ApiKey.AddPartitionsToTxn: return context.env.spawn('add-partitions-to-txn', handleAddPartitionsToTxn(context, request))
    case ApiKey.AddOffsetsToTxn: return context.env.spawn('add-offsets-to-txn', handleAddOffsetsToTxn(context, request))
    case ApiKey.EndTxn: return context.env.spawn('end-txn', handleEndTxn(context, request))
    case ApiKey.DescribeTransactions: return handleDescribeTransactions(context, request)
    case ApiKey.ListTransactions: return handleListTransactions(context, request)
    case ApiKey.WriteTxnMarkers: return context.env.spawn('write-txn-markers', handleWriteTxnMarkers(context, request))
    case ApiKey.DescribeProducers: return handleDescribeProducers(context, request)
    case ApiKey.DescribeConfigs: return handleDescribeConfigs(context, request)
    case ApiKey.DescribeCluster: return handleDescribeCluster(context, request)
    case ApiKey.DescribeTopicPartitions: return handleDescribeTopicPartitions(context, request)
    case ApiKey.DescribeLogDirs: return handleDescribeLogDirs(context, request)
    case ApiKey.DescribeClientQuotas: return handleDescribeClientQuotas(context, request)
    case ApiKey.ListConfigResources: return handleListConfigResources(context, request)
    case ApiKey.FindCoordinator: return handleFindCoordinator(context, request)
    case ApiKey.JoinGroup: return context.env.spawn('join-group', handleJoinGroup(context, request))
    case ApiKey.SyncGroup: return context.env.spawn('sync-group', handleSyncGroup(context, request))
    case ApiKey.Heartbeat: return context.env.spawn('heartbeat', handleHeartbeat(context, request))
    case ApiKey.LeaveGroup: return context.env.spawn('leave-group', handleLeaveGroup(context, request))
    case ApiKey.ConsumerGroupHeartbeat: return context.env.spawn('consumer-group-heartbeat', handleConsumerGroupHeartbeat(context, request))
    case ApiKey.OffsetCommit: return context.env.spawn('offset-commit', handleOffsetCommit(context, request))
    case ApiKey.OffsetFetch: return context.env.spawn('offset-fetch', handleOffsetFetch(context, request))
    case ApiKey.TxnOffsetCommit: return context.env.spawn('txn-offset-commit', handleTxnOffsetCommit(context, request))
    case ApiKey.OffsetDelete: return context.env.spawn('offset-delete', handleOffsetDelete(context, request))
    case ApiKey.DescribeGroups: return handleDescribeGroups(context, request)
    case ApiKey.ConsumerGroupDescribe: return handleConsumerGroupDescribe(context, request)
    case ApiKey.ListGroups: return handleListGroups(context, request)
    case ApiKey.DeleteGroups: return context.env.spawn('delete-groups', handleDeleteGroups(context, request))
    case ApiKey.ShareGroupHeartbeat: return context.env.spawn('share-group-heartbeat', handleShareGroupHeartbeat(context, request))
    case ApiKey.ShareGroupDescribe: return handleShareGroupDescribe(context, request)
    case ApiKey.ShareFetch: return context.env.spawn('share-fetch', handleShareFetch(context, request))
    case ApiKey.ShareAcknowledge: return context.env.spawn('share-acknowledge', handleShareAcknowledge(context, request))
    case ApiKey.InitializeShareGroupState: return context.env.spawn('share-state', handleInitializeShareGroupState(context, request))
    case ApiKey.ReadShareGroupState: return context.env.spawn('share-state', handleReadShareGroupState(context, request))
    case ApiKey.WriteShareGroupState: return context.env.spawn('share-state', handleWriteShareGroupState(context, request))
    case ApiKey.DeleteShareGroupState: return context.env.spawn('share-state', handleDeleteShareGroupState(context, request))
    case ApiKey.ReadShareGroupStateSummary: return handleReadShareGroupStateSummary(context, request)
    default:
      if (FORWARDED.includes(request.apiKey)) context.env.spawn('forward', handleForwarded(context, request))
      else request.close()
  }
}
