/**
 * API keys and the version ranges that a 4.3.1 broker serves: the ranges of the request tables, without an unstable
 * newest version (ApiKeys).
 */
import { MESSAGE_TABLES } from './generated/tables.ts'

export const ApiKey = {
  Produce: 0, Fetch: 1, ListOffsets: 2, Metadata: 3, OffsetCommit: 8, OffsetFetch: 9, FindCoordinator: 10, JoinGroup: 11,
  Heartbeat: 12, LeaveGroup: 13, SyncGroup: 14, DescribeGroups: 15, ListGroups: 16, SaslHandshake: 17, ApiVersions: 18,
  CreateTopics: 19, DeleteTopics: 20, DeleteRecords: 21, InitProducerId: 22, OffsetForLeaderEpoch: 23, AddPartitionsToTxn: 24,
  AddOffsetsToTxn: 25, EndTxn: 26, WriteTxnMarkers: 27, TxnOffsetCommit: 28, DescribeAcls: 29, CreateAcls: 30, DeleteAcls: 31,
  DescribeConfigs: 32, AlterConfigs: 33, AlterReplicaLogDirs: 34, DescribeLogDirs: 35, SaslAuthenticate: 36, CreatePartitions: 37,
  CreateDelegationToken: 38, RenewDelegationToken: 39, ExpireDelegationToken: 40, DescribeDelegationToken: 41,
  DeleteGroups: 42, ElectLeaders: 43, IncrementalAlterConfigs: 44, AlterPartitionReassignments: 45, ListPartitionReassignments: 46,
  OffsetDelete: 47, DescribeClientQuotas: 48, AlterClientQuotas: 49, DescribeUserScramCredentials: 50,
  AlterUserScramCredentials: 51, Vote: 52, BeginQuorumEpoch: 53, EndQuorumEpoch: 54, DescribeQuorum: 55, AlterPartition: 56, UpdateFeatures: 57,
  Envelope: 58, FetchSnapshot: 59, DescribeCluster: 60, DescribeProducers: 61, BrokerRegistration: 62, BrokerHeartbeat: 63,
  UnregisterBroker: 64, DescribeTransactions: 65, ListTransactions: 66, AllocateProducerIds: 67, ConsumerGroupHeartbeat: 68,
  ConsumerGroupDescribe: 69, ControllerRegistration: 70, GetTelemetrySubscriptions: 71, PushTelemetry: 72,
  AssignReplicasToDirs: 73, ListConfigResources: 74, DescribeTopicPartitions: 75, ShareGroupHeartbeat: 76, ShareGroupDescribe: 77,
  ShareFetch: 78, ShareAcknowledge: 79, AddRaftVoter: 80, RemoveRaftVoter: 81, UpdateRaftVoter: 82, InitializeShareGroupState: 83,
  ReadShareGroupState: 84, WriteShareGroupState: 85, DeleteShareGroupState: 86, ReadShareGroupStateSummary: 87,
  StreamsGroupHeartbeat: 88, StreamsGroupDescribe: 89, DescribeShareGroupOffsets: 90, AlterShareGroupOffsets: 91,
  DeleteShareGroupOffsets: 92,
} as const
export type ApiKey = (typeof ApiKey)[keyof typeof ApiKey]

export interface ApiDescription {
  readonly key: number
  readonly name: string
  readonly request: string
  readonly response: string
  readonly min: number
  readonly max: number
}

const byKey: (ApiDescription | undefined)[] = []
for (const table of MESSAGE_TABLES) {
  if (table.kind !== 'request') continue
  const name = table.name.slice(0, -'Request'.length)
  byKey[table.apiKey] = {
    key: table.apiKey, name, request: table.name, response: `${name}Response`,
    min: table.versions[0]!, max: table.unstable ? table.versions[1]! - 1 : table.versions[1]!,
  }
}

/** @throws RangeError for a key that Kafka 4.3.1 does not know */
export function apiDescription(key: number): ApiDescription {
  const found = byKey[key]
  if (found === undefined) throw new RangeError(`no API with key ${key}`)
  return found
}

export function isApiKey(key: number): boolean {
  return byKey[key] !== undefined
}

export function apiName(key: number): string {
  return byKey[key]?.name ?? `Api${key}`
}

export function apiVersions(key: number): { readonly min: number; readonly max: number } {
  return apiDescription(key)
}

/** What a broker's ApiVersions response says: Produce from 0, though 0 to 2 are refused, for old clients (KAFKA-18659). */
export function advertisedVersions(key: number): { readonly min: number; readonly max: number } {
  const { min, max } = apiDescription(key)
  return { min: key === ApiKey.Produce ? 0 : min, max }
}

export const ALL_API_KEYS: readonly number[] = byKey.flatMap((api, key) => (api === undefined ? [] : [key]))
