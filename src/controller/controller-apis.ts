/**
 * The APIs that the active controller serves: how each is decided, and how it says no (Kafka: ControllerApis, and
 * AbstractRequest#getErrorResponse of each request).
 */
import type { ServerConfig } from '../config/cluster.ts'
import { ApiKey, apiVersions } from '../protocol/api-keys.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type {
  AllocateProducerIdsRequest, AlterClientQuotasRequest, AlterConfigsRequest, AlterPartitionReassignmentsRequest, AlterPartitionRequest, ApiVersionsResponse, BrokerHeartbeatRequest,
  BrokerRegistrationRequest, CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest, ElectLeadersRequest,
  IncrementalAlterConfigsRequest, ListPartitionReassignmentsRequest, UnregisterBrokerRequest, UpdateFeaturesRequest,
} from '../protocol/generated/types.ts'
import { KRAFT_VERSION_FEATURE } from '../raft/voter-changes.ts'
import { SUPPORTED_KRAFT_VERSIONS } from '../raft/voter-set.ts'
import { alterPartition } from './alter-partition.ts'
import { processHeartbeat, registerBroker, unregisterBroker } from './broker-lifecycle.ts'
import { alterClientQuotas } from './client-quotas.ts'
import { incrementalAlterConfigs, legacyAlterConfigs } from './configs.ts'
import type { ControllerState } from './controller-state.ts'
import type { ControllerContext, Decision } from './decision.ts'
import { supportedFeatures } from './features.ts'
import { electLeaders } from './leader-elections.ts'
import type { MetadataImage } from './metadata-image.ts'
import { createPartitions } from './partition-assignment.ts'
import { allocateProducerIds } from './producer-ids.ts'
import { alterPartitionReassignments, listPartitionReassignments } from './reassignments.ts'
import { createTopics, deleteTopics } from './topics.ts'
import { updateFeatures } from './update-features.ts'

export interface ControllerApi {
  readonly decide: (state: ControllerState, context: ControllerContext, request: object) => Decision<object>
  /** The response when the whole request fails. */
  readonly failure: (request: object, errorCode: number) => object
}

/** Ties the request type of one API to its two functions. */
function api<Request extends object>(
  decide: (state: ControllerState, context: ControllerContext, request: Request) => Decision<object>,
  failure: (request: Request, errorCode: number) => object = (_, errorCode) => ({ errorCode }),
): ControllerApi {
  return { decide, failure } as unknown as ControllerApi
}

export const CONTROLLER_APIS: ReadonlyMap<number, ControllerApi> = new Map<number, ControllerApi>([
  [ApiKey.BrokerRegistration, api<BrokerRegistrationRequest>(registerBroker)],
  [ApiKey.BrokerHeartbeat, api<BrokerHeartbeatRequest>(processHeartbeat)],
  [ApiKey.UnregisterBroker, api<UnregisterBrokerRequest>(unregisterBroker, (_, errorCode) => ({ errorCode, errorMessage: null }))],
  [ApiKey.AlterPartition, api<AlterPartitionRequest>(alterPartition)],
  [ApiKey.AllocateProducerIds, api<AllocateProducerIdsRequest>(allocateProducerIds)],
  [ApiKey.CreateTopics, api<CreateTopicsRequest>(createTopics, ({ topics }, errorCode) => ({
    topics: topics.map(({ name }) => ({ name, errorCode, errorMessage: null })),
  }))],
  [ApiKey.DeleteTopics, api<DeleteTopicsRequest>((state, _, request) => deleteTopics(state, request), ({ topics, topicNames }, errorCode) => ({
    responses: [
      ...topicNames.map(name => ({ name, errorCode })),
      ...topics.map(({ name, topicId }) => ({ name, topicId, errorCode })),
    ],
  }))],
  [ApiKey.CreatePartitions, api<CreatePartitionsRequest>(createPartitions, ({ topics }, errorCode) => ({
    results: topics.map(({ name }) => ({ name, errorCode })),
  }))],
  [ApiKey.IncrementalAlterConfigs, api<IncrementalAlterConfigsRequest>(
    (state, context, request) => incrementalAlterConfigs(state, context, request),
    ({ resources }, errorCode) => ({
      responses: resources.map(({ resourceType, resourceName }) => ({ errorCode, errorMessage: null, resourceType, resourceName })),
    }),
  )],
  [ApiKey.UpdateFeatures, api<UpdateFeaturesRequest>(updateFeatures, (_, errorCode) => ({ errorCode, errorMessage: null, results: [] }))],
  [ApiKey.AlterConfigs, api<AlterConfigsRequest>(
    (state, context, request) => legacyAlterConfigs(state, context, request),
    ({ resources }, errorCode) => ({
      responses: resources.map(({ resourceType, resourceName }) => ({ errorCode, errorMessage: null, resourceType, resourceName })),
    }),
  )],
  [ApiKey.AlterClientQuotas, api<AlterClientQuotasRequest>(
    (state, _, request) => alterClientQuotas(state, request),
    ({ entries }, errorCode) => ({ entries: entries.map(({ entity }) => ({ errorCode, errorMessage: null, entity })) }),
  )],
  [ApiKey.ElectLeaders, api<ElectLeadersRequest>(electLeaders, (_, errorCode) => ({ errorCode, replicaElectionResults: [] }))],
  [ApiKey.AlterPartitionReassignments, api<AlterPartitionReassignmentsRequest>(
    alterPartitionReassignments,
    (_, errorCode) => ({ errorCode, errorMessage: null, responses: [] }),
  )],
  [ApiKey.ListPartitionReassignments, api<ListPartitionReassignmentsRequest>(
    (state, _, request) => listPartitionReassignments(state, request),
    (_, errorCode) => ({ errorCode, errorMessage: null, topics: [] }),
  )],
])

const RAFT_APIS = [ApiKey.Fetch, ApiKey.Vote, ApiKey.BeginQuorumEpoch, ApiKey.EndQuorumEpoch, ApiKey.FetchSnapshot, ApiKey.DescribeQuorum, ApiKey.AddRaftVoter, ApiKey.RemoveRaftVoter, ApiKey.UpdateRaftVoter]
/** Everything that is answered on a controller's port. */
export const CONTROLLER_SERVED_APIS: readonly number[] = [...CONTROLLER_APIS.keys(), ...RAFT_APIS, ApiKey.ApiVersions, ApiKey.Envelope].sort((a, b) => a - b)

/** The response to ApiVersions on a controller's port. */
export function controllerApiVersions(server: ServerConfig, image: MetadataImage, kraftVersion: number): ApiVersionsResponse {
  return {
    errorCode: ErrorCode.NONE,
    apiKeys: CONTROLLER_SERVED_APIS.map(apiKey => {
      const { min, max } = apiVersions(apiKey)
      return { apiKey, minVersion: min, maxVersion: max }
    }),
    throttleTimeMs: 0,
    supportedFeatures: [...supportedFeatures(server), { name: KRAFT_VERSION_FEATURE, ...SUPPORTED_KRAFT_VERSIONS }].map(({ name, minSupportedVersion, maxSupportedVersion }) => ({
      name, minVersion: minSupportedVersion, maxVersion: maxSupportedVersion,
    })),
    finalizedFeaturesEpoch: image.offset,
    finalizedFeatures: Array.from([...image.features, ...(kraftVersion === 0 ? [] : [[KRAFT_VERSION_FEATURE, kraftVersion] as const])], ([name, level]) => ({ name, maxVersionLevel: level, minVersionLevel: level })),
    zkMigrationReady: false,
  }
}

/** Does a response say, anywhere in it, that this is not the active controller? Then its envelope must say so too. */
export function saysNotController(response: object): boolean {
  for (const [name, value] of Object.entries(response)) {
    if (name === 'errorCode' && value === ErrorCode.NOT_CONTROLLER) return true
    if (Array.isArray(value) && value.some(item => typeof item === 'object' && item !== null && saysNotController(item as object))) return true
  }
  return false
}
