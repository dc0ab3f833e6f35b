/**
 * Finalized features (KIP-584, KIP-1022): what a new cluster is born with, what servers say they support, and what a
 * broker must support to register (ClusterControlManager#processRegistrationFeature, ActivationRecordsGenerator).
 *
 * Unlike Kafka: the bootstrap records are one atomic batch instead of a metadata transaction. kraft.version is raft's own
 * (see VoterHistory) and never changed.
 */
import type { ServerConfig } from '../config/cluster.ts'
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { metadataRecord } from '../protocol/metadata-records.ts'
import type { MetadataRecord } from '../protocol/metadata-records.ts'
import { ELR_FEATURE } from './controller-state.ts'
import { CLUSTER_DEFAULT, MIN_INSYNC_REPLICAS } from './effective-config.ts'
import { BROKER_RESOURCE } from './metadata-image.ts'

export interface FeatureRange {
  readonly name: string
  readonly minSupportedVersion: number
  readonly maxSupportedVersion: number
}

export const METADATA_VERSION_FEATURE = 'metadata.version'
/** Level 2 is KIP-890 ("TV2"): the leader adds partitions to transactions, and each transaction ends with another epoch. */
export const TRANSACTION_VERSION_FEATURE = 'transaction.version'

/** For BrokerRegistration requests and ApiVersions responses. Level 30 of metadata.version is 4.3-IV0. */
export function supportedFeatures(server: ServerConfig): readonly FeatureRange[] {
  return [
    { name: METADATA_VERSION_FEATURE, minSupportedVersion: 7, maxSupportedVersion: server.metadataVersionSupported },
    { name: TRANSACTION_VERSION_FEATURE, minSupportedVersion: 0, maxSupportedVersion: 2 },
    { name: 'group.version', minSupportedVersion: 0, maxSupportedVersion: 1 },
    { name: ELR_FEATURE, minSupportedVersion: 0, maxSupportedVersion: 1 },
  ]
}

/** What the first leader of an empty log writes. With ELR on, min.insync.replicas becomes a cluster-wide config. */
export function bootstrapRecords(server: ServerConfig): MetadataRecord[] {
  const records: MetadataRecord[] = []
  for (const { name, maxSupportedVersion } of supportedFeatures(server)) {
    if (name === ELR_FEATURE && !server.eligibleLeaderReplicasEnable) continue
    records.push(metadataRecord('FeatureLevelRecord', { name, featureLevel: bornWith(server, name) ?? maxSupportedVersion }))
  }
  if (server.eligibleLeaderReplicasEnable) {
    records.push(metadataRecord('ConfigRecord', {
      resourceType: BROKER_RESOURCE,
      resourceName: CLUSTER_DEFAULT,
      name: MIN_INSYNC_REPLICAS,
      value: String(server.minInsyncReplicas),
    }))
  }
  return records
}

/** The level of a feature that is configured; undefined: the newest. */
function bornWith(server: ServerConfig, feature: string): number | undefined {
  if (feature === METADATA_VERSION_FEATURE) return server.metadataVersion
  return feature === TRANSACTION_VERSION_FEATURE ? server.transactionVersion : undefined
}

/** @throws ApiError INVALID_REGISTRATION without metadata.version, UNSUPPORTED_VERSION for a level it cannot do */
export function checkBrokerFeatures(finalized: ReadonlyMap<string, number>, supported: readonly FeatureRange[]): void {
  if (!supported.some(feature => feature.name === METADATA_VERSION_FEATURE)) throw new ApiError(ErrorCode.INVALID_REGISTRATION)
  for (const [name, level] of finalized) {
    const range = supported.find(feature => feature.name === name)
    if (level < (range?.minSupportedVersion ?? 0) || level > (range?.maxSupportedVersion ?? 0)) {
      throw new ApiError(ErrorCode.UNSUPPORTED_VERSION)
    }
  }
}
