/**
 * DescribeConfigs of topics, from this broker's image over the servers' defaults (ConfigHelper). Other resources describe
 * as empty.
 */
import type { TopicConfig } from '../../config/topic.ts'
import { TOPIC_CONFIGS } from '../../config/topic.ts'
import { TOPIC_RESOURCE } from '../../controller/metadata-image.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { DescribeConfigsRequest, DescribeConfigsRequestDescribeConfigsResource } from '../../protocol/generated/types.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import type { BrokerContext } from '../broker-context.ts'

const DYNAMIC_TOPIC_CONFIG = 1
const DEFAULT_CONFIG = 5
const TYPES = { boolean: 1, string: 2, number: 5 } as const

export function handleDescribeConfigs(context: BrokerContext, request: RpcRequest): void {
  const body = request.body as DescribeConfigsRequest
  request.respond({ results: body.resources.map(resource => describe(context, resource)) })
}

function describe(context: BrokerContext, { resourceType, resourceName, configurationKeys }: DescribeConfigsRequestDescribeConfigsResource): object {
  const names = { resourceType, resourceName }
  if (resourceType !== TOPIC_RESOURCE) return { ...names, errorCode: ErrorCode.NONE, configs: [] }
  if (context.image.topicByName(resourceName) === undefined) return { ...names, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, configs: [] }
  const entries = context.image.topicConfig(resourceName)
  const effective: TopicConfig = context.topicConfig(resourceName)
  const configs = []
  for (const [name, { field }] of Object.entries(TOPIC_CONFIGS)) {
    if (configurationKeys !== null && configurationKeys.length > 0 && !configurationKeys.includes(name)) continue
    const value = effective[field]
    const configSource = entries.has(name) ? DYNAMIC_TOPIC_CONFIG : DEFAULT_CONFIG
    configs.push({ name, value: String(value), readOnly: false, configSource, isSensitive: false, configType: TYPES[typeof value as keyof typeof TYPES] })
  }
  return { ...names, errorCode: ErrorCode.NONE, configs }
}
