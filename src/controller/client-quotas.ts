/**
 * AlterClientQuotas (Kafka: ClientQuotaControlManager, KIP-546). Quotas of all kinds are kept; brokers act on byte rates.
 */
import { ErrorCode } from '../protocol/errors.ts'
import type { AlterClientQuotasRequest, AlterClientQuotasRequestEntryData, AlterClientQuotasResponse } from '../protocol/generated/types.ts'
import { metadataRecord } from '../protocol/metadata-records.ts'
import type { MetadataRecord } from '../protocol/metadata-records.ts'
import { CLIENT_ID, IP, quotaEntityKey, USER } from './client-quota-image.ts'
import type { ConfigError } from './configs.ts'
import type { ControllerState } from './controller-state.ts'
import type { Decision } from './decision.ts'

/** QuotaConfig: whether a value must be whole, and the largest. */
const USER_AND_CLIENT_KEYS: ReadonlyMap<string, { readonly isWhole: boolean; readonly max: number }> = new Map([
  ['producer_byte_rate', { isWhole: true, max: Number.MAX_SAFE_INTEGER }],
  ['consumer_byte_rate', { isWhole: true, max: Number.MAX_SAFE_INTEGER }],
  ['request_percentage', { isWhole: false, max: Number.MAX_VALUE }],
  ['controller_mutation_rate', { isWhole: false, max: Number.MAX_VALUE }],
])
const IP_KEYS: typeof USER_AND_CLIENT_KEYS = new Map([['connection_creation_rate', { isWhole: true, max: 0x7fffffff }]])

const OK: ConfigError = { errorCode: ErrorCode.NONE, errorMessage: null }

export function alterClientQuotas(state: ControllerState, request: AlterClientQuotasRequest): Decision<AlterClientQuotasResponse> {
  const records: MetadataRecord[] = []
  const seen = new Set<string>()
  const entries = request.entries.map(entry => {
    const key = quotaEntityKey(entry.entity)
    const result = seen.has(key) ? invalid('Ignoring duplicate entity') : alterEntity(state, entry, records)
    seen.add(key)
    return { ...result, entity: entry.entity }
  })
  return { records: request.validateOnly ? [] : records, response: { throttleTimeMs: 0, entries } }
}

function alterEntity(state: ControllerState, { entity, ops }: AlterClientQuotasRequestEntryData, records: MetadataRecord[]): ConfigError {
  if (new Set(ops.map(({ key }) => key)).size !== ops.length) return invalid('Duplicate quota key')
  const types = entity.map(({ entityType }) => entityType)
  if (types.length === 0) return invalid('Invalid empty client quota entity')
  if (new Set(types).size !== types.length) return invalid('Invalid client quota entity, duplicate entity entry')
  const unknown = types.find(type => ![USER, CLIENT_ID, IP].includes(type))
  if (unknown !== undefined) return invalid(`Unhandled client quota entity type: ${unknown}`)
  if (entity.some(({ entityName }) => entityName === '')) return invalid('Empty name of a client quota entity')
  const isIp = types.includes(IP)
  if (isIp && types.length > 1) return invalid('Invalid quota entity combination, IP entity should not be combined with User or ClientId')
  const current = state.image.quotas.get(quotaEntityKey(entity))?.values
  const drafted: MetadataRecord[] = []
  for (const { key, value, remove } of ops) {
    if (remove) {
      if (current?.has(key) === true) drafted.push(metadataRecord('ClientQuotaRecord', { entity, key, value: 0, remove: true }))
      continue
    }
    const problem = valueProblem((isIp ? IP_KEYS : USER_AND_CLIENT_KEYS).get(key), key, value)
    if (problem !== undefined) return invalid(problem)
    if (current?.get(key) !== value) drafted.push(metadataRecord('ClientQuotaRecord', { entity, key, value, remove: false }))
  }
  records.push(...drafted)
  return OK
}

function valueProblem(rule: { readonly isWhole: boolean; readonly max: number } | undefined, key: string, value: number): string | undefined {
  if (rule === undefined) return `Invalid configuration key ${key}`
  if (!(value > 0)) return `Quota ${key} must be greater than 0`
  if (value > rule.max) return `Proposed value for ${key} is too large`
  return rule.isWhole && !Number.isInteger(value) ? `${key} cannot be a fractional value.` : undefined
}

function invalid(errorMessage: string): ConfigError {
  return { errorCode: ErrorCode.INVALID_REQUEST, errorMessage }
}
