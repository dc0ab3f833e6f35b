/**
 * Client quotas as the metadata log holds them (Kafka: ClientQuotasImage), and which of them applies to whom (the default
 * callback of ClientQuotaManager). An entity names a user, a client id, both, or an address; a null name means every one
 * that has no quota of its own.
 */
import type { ClientQuotaRecord } from '../protocol/generated/types.ts'

export const USER = 'user'
export const CLIENT_ID = 'client-id'
export const IP = 'ip'

export interface QuotaEntityPart {
  readonly entityType: string
  readonly entityName: string | null
}

export interface ClientQuota {
  readonly entity: readonly QuotaEntityPart[]
  readonly values: ReadonlyMap<string, number>
}

export type ClientQuotas = ReadonlyMap<string, ClientQuota>

/** The same for the same entity, in whatever order its parts are given. */
export function quotaEntityKey(entity: readonly QuotaEntityPart[]): string {
  return JSON.stringify([...entity].sort((a, b) => (a.entityType < b.entityType ? -1 : 1)).map(({ entityType, entityName }) => [entityType, entityName]))
}

export function applyQuotaRecord(quotas: Map<string, ClientQuota>, { entity, key, value, remove }: ClientQuotaRecord): void {
  const id = quotaEntityKey(entity)
  const values = new Map(quotas.get(id)?.values)
  if (remove) values.delete(key)
  else values.set(key, value)
  if (values.size === 0) quotas.delete(id)
  else quotas.set(id, { entity, values })
}

export interface AppliedQuota {
  readonly limit: number
  /** Who shares it: one rate is kept for each. */
  readonly sharedBy: string
}

/** Most particular first. */
const PRECEDENCE: readonly { readonly user: 'own' | 'default' | undefined; readonly client: 'own' | 'default' | undefined }[] = [
  { user: 'own', client: 'own' }, { user: 'own', client: 'default' }, { user: 'own', client: undefined },
  { user: 'default', client: 'own' }, { user: 'default', client: 'default' }, { user: 'default', client: undefined },
  { user: undefined, client: 'own' }, { user: undefined, client: 'default' },
]

/**
 * The quota of this key for a user's client. One of users without a client is shared by all clients of the user; any other
 * counts for each client apart.
 */
export function quotaFor(quotas: ClientQuotas, key: string, user: string, clientId: string): AppliedQuota | undefined {
  for (const level of PRECEDENCE) {
    const entity: QuotaEntityPart[] = []
    if (level.user !== undefined) entity.push({ entityType: USER, entityName: level.user === 'own' ? user : null })
    if (level.client !== undefined) entity.push({ entityType: CLIENT_ID, entityName: level.client === 'own' ? clientId : null })
    const limit = quotas.get(quotaEntityKey(entity))?.values.get(key)
    if (limit !== undefined) return { limit, sharedBy: JSON.stringify([level.user === undefined ? '' : user, level.client === undefined ? '' : clientId]) }
  }
  return undefined
}
