/** What an admin asks about and changes in client quotas (KafkaAdminClient#describeClientQuotas, #alterClientQuotas, KIP-546). */
import { ApiKey } from '../protocol/api-keys.ts'
import type { AlterClientQuotasResponse, DescribeClientQuotasResponse } from '../protocol/generated/types.ts'
import type { AdminCall } from './admin-call.ts'
import type { ClusterMetadata } from './cluster-metadata.ts'

/** Who a quota is for: by `user`, `client-id` or `ip`; null stands for every one without a quota of its own. */
export type QuotaEntity = Readonly<Record<string, string | null>>

export interface QuotaAlteration {
  readonly entity: QuotaEntity
  /** By key (`producer_byte_rate`, ...); null removes. */
  readonly values: Readonly<Record<string, number | null>>
}

/** Entities that have all these parts; `undefined` as a name: with any. `strict`: and no others. */
export interface QuotaFilter {
  readonly parts: Readonly<Record<string, string | null | undefined>>
  readonly strict: boolean
}

export interface DescribedQuota {
  readonly entity: QuotaEntity
  readonly values: ReadonlyMap<string, number>
}

const EXACT = 0
const DEFAULT = 1
const SPECIFIED = 2

const partsOf = (entity: QuotaEntity): { entityType: string; entityName: string | null }[] => Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName }))
const entityOf = (parts: readonly { readonly entityType: string; readonly entityName: string | null }[]): QuotaEntity => Object.fromEntries(parts.map(({ entityType, entityName }) => [entityType, entityName]))
const nameOf = (entity: QuotaEntity): string => JSON.stringify(Object.entries(entity).sort(([a], [b]) => (a < b ? -1 : 1)))

export function alterClientQuotasCall(metadata: ClusterMetadata): AdminCall<QuotaAlteration, null> {
  return {
    apiKey: ApiKey.AlterClientQuotas,
    isChange: true,
    retriesErrors: false,
    nameOf: ({ entity }) => nameOf(entity),
    node: () => metadata.leastLoadedNode(),
    request: items => ({
      validateOnly: false,
      entries: items.map(({ entity, values }) => ({
        entity: partsOf(entity), ops: Object.entries(values).map(([key, value]) => ({ key, value: value ?? 0, remove: value === null })),
      })),
    }),
    *answers({ entries }: AlterClientQuotasResponse) {
      for (const { entity, errorCode } of entries) yield { name: nameOf(entityOf(entity)), errorCode, value: null }
    },
  }
}

export function describeClientQuotasCall(metadata: ClusterMetadata): AdminCall<QuotaFilter, readonly DescribedQuota[]> {
  return {
    apiKey: ApiKey.DescribeClientQuotas,
    isChange: false,
    retriesErrors: true,
    nameOf: () => 'quotas',
    node: () => metadata.leastLoadedNode(),
    request: ([filter]) => ({
      strict: filter!.strict,
      components: Object.entries(filter!.parts).map(([entityType, match]) => ({
        entityType, matchType: match === undefined ? SPECIFIED : match === null ? DEFAULT : EXACT, match: match ?? null,
      })),
    }),
    overallError: ({ errorCode }: DescribeClientQuotasResponse) => errorCode,
    *answers({ entries }: DescribeClientQuotasResponse) {
      yield { name: 'quotas', errorCode: 0, value: (entries ?? []).map(({ entity, values }) => ({ entity: entityOf(entity), values: new Map(values.map(({ key, value }) => [key, value])) })) }
    },
  }
}
