/** DescribeClientQuotas, of what this broker knows (Kafka: ClientQuotasImage#describe, KIP-546). */
import { ApiError } from '../../protocol/api-error.ts'
import { CLIENT_ID, IP, USER } from '../../controller/client-quota-image.ts'
import type { ClientQuota } from '../../controller/client-quota-image.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { DescribeClientQuotasRequest, DescribeClientQuotasRequestComponentData } from '../../protocol/generated/types.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import type { BrokerContext } from '../broker-context.ts'

const EXACT = 0
const DEFAULT = 1
const SPECIFIED = 2

export function handleDescribeClientQuotas(context: BrokerContext, request: RpcRequest): void {
  const { components, strict } = request.body as DescribeClientQuotasRequest
  try {
    check(components)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    request.respond({ errorCode: error.code, errorMessage: error.message, entries: null })
    return
  }
  const entries = [...context.image.quotas.values()].filter(quota => isAsked(quota, components, strict)).map(({ entity, values }) => ({
    entity, values: Array.from(values, ([key, value]) => ({ key, value })),
  }))
  request.respond({ errorCode: ErrorCode.NONE, errorMessage: null, entries })
}

function check(components: readonly DescribeClientQuotasRequestComponentData[]): void {
  const types = components.map(({ entityType }) => entityType)
  const refuse = (message: string, code: number = ErrorCode.INVALID_REQUEST): never => {
    throw new ApiError(code, message)
  }
  for (const { entityType, matchType, match } of components) {
    if (entityType === '') refuse('Invalid empty entity type.')
    if (types.filter(type => type === entityType).length > 1) refuse(`Entity type ${entityType} cannot appear more than once in the filter.`)
    if (![USER, CLIENT_ID, IP].includes(entityType)) refuse(`Unsupported entity type ${entityType}`, ErrorCode.UNSUPPORTED_VERSION)
    if (![EXACT, DEFAULT, SPECIFIED].includes(matchType)) refuse(`Unknown match type ${matchType}`)
    if ((matchType === EXACT) === (match === null)) refuse('A match string belongs to exact matches, and only to them.')
  }
  if (types.includes(IP) && types.length > 1) refuse('IP filter component should not be used with user or clientId filter component.')
}

function isAsked({ entity }: ClientQuota, components: readonly DescribeClientQuotasRequestComponentData[], strict: boolean): boolean {
  if (strict && entity.length !== components.length) return false
  return components.every(({ entityType, matchType, match }) => {
    const part = entity.find(one => one.entityType === entityType)
    return part !== undefined && (matchType === SPECIFIED || part.entityName === match)
  })
}
