/**
 * The records of the metadata log that this cluster writes, as whole objects (Kafka: metadata/src/main/resources).
 */
import type { PartitionChangeFields, PartitionFields } from './partition-image.ts'

interface EndPoint {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly securityProtocol: number
}

export type MetadataRecord =
  | { readonly type: 'RegisterBrokerRecord'; readonly brokerId: number; readonly incarnationId: string; readonly brokerEpoch: number; readonly endPoints: readonly EndPoint[]; readonly rack: string | null; readonly fenced: boolean; readonly inControlledShutdown: boolean; readonly logDirs: readonly string[] }
  | { readonly type: 'UnregisterBrokerRecord'; readonly brokerId: number; readonly brokerEpoch: number }
  | { readonly type: 'TopicRecord'; readonly name: string; readonly topicId: string }
  | ({ readonly type: 'PartitionRecord'; readonly partitionId: number; readonly topicId: string } & PartitionFields)
  | { readonly type: 'ConfigRecord'; readonly resourceType: number; readonly resourceName: string; readonly name: string; readonly value: string | null }
  | ({ readonly type: 'PartitionChangeRecord'; readonly partitionId: number; readonly topicId: string } & PartitionChangeFields)
  | { readonly type: 'FenceBrokerRecord'; readonly id: number; readonly epoch: number }
  | { readonly type: 'UnfenceBrokerRecord'; readonly id: number; readonly epoch: number }
  | { readonly type: 'RemoveTopicRecord'; readonly topicId: string }
  | { readonly type: 'FeatureLevelRecord'; readonly name: string; readonly featureLevel: number }
  | { readonly type: 'ProducerIdsRecord'; readonly brokerId: number; readonly brokerEpoch: number; readonly nextProducerId: number }
  | { readonly type: 'BrokerRegistrationChangeRecord'; readonly brokerId: number; readonly brokerEpoch: number; readonly fenced: number; readonly inControlledShutdown: number; readonly logDirs: readonly string[] }
  | { readonly type: 'NoOpRecord' }
  | { readonly type: 'ClearElrRecord'; readonly topicName: string }
