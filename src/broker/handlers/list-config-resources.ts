/**
 * ListConfigResources (KIP-1142): what DescribeConfigs may be asked about. Version 0 knew client metrics only, of which there
 * are none here, nor are there groups.
 */
import { BROKER_RESOURCE, TOPIC_RESOURCE } from '../../controller/metadata-image.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ListConfigResourcesRequest } from '../../protocol/generated/types.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import type { BrokerContext } from '../broker-context.ts'

const BROKER_LOGGER = 8
const CLIENT_METRICS = 16
const GROUP = 32
const ALL_TYPES: readonly number[] = [TOPIC_RESOURCE, BROKER_RESOURCE, BROKER_LOGGER, CLIENT_METRICS, GROUP]

export function handleListConfigResources(context: BrokerContext, request: RpcRequest): void {
  const { resourceTypes } = request.body as ListConfigResourcesRequest
  const types = request.apiVersion === 0 ? [CLIENT_METRICS] : resourceTypes.length === 0 ? ALL_TYPES : resourceTypes
  if (types.some(type => !ALL_TYPES.includes(type))) {
    request.respond({ errorCode: ErrorCode.UNSUPPORTED_VERSION, configResources: [] })
    return
  }
  const configResources = [...new Set(types)].flatMap(resourceType => {
    if (resourceType === TOPIC_RESOURCE) return [...context.image.topicIds.keys()].map(resourceName => ({ resourceName, resourceType }))
    if (resourceType === BROKER_RESOURCE || resourceType === BROKER_LOGGER) return [...context.image.brokers.keys()].map(id => ({ resourceName: String(id), resourceType }))
    return []
  })
  request.respond({ errorCode: ErrorCode.NONE, configResources })
}
