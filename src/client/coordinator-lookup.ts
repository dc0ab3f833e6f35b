/**
 * FindCoordinator: who coordinates a group or a transactional id (KIP-699 batches the keys of one type). Requests and
 * answers only; when to ask again is the caller's.
 *
 * Brokers before version 4 take one key and answer without lists; both forms are filled in and the negotiated version
 * decides which is sent.
 */
import type { Draft } from '../protocol/codec.ts'
import type { FindCoordinatorRequest, FindCoordinatorResponse } from '../protocol/generated/types.ts'
import type { BrokerNode } from './cluster-metadata.ts'

export type CoordinatorType = 'group' | 'transaction'

export interface CoordinatorKey {
  readonly type: CoordinatorType
  readonly key: string
}

export interface FoundCoordinator {
  readonly key: string
  readonly errorCode: number
  /** Of no meaning after an error. */
  readonly node: BrokerNode
}

const KEY_TYPES: Readonly<Record<CoordinatorType, number>> = { group: 0, transaction: 1 }

export function findCoordinatorRequest(type: CoordinatorType, keys: readonly string[]): Draft<FindCoordinatorRequest> {
  return { keyType: KEY_TYPES[type], key: keys[0] ?? '', coordinatorKeys: keys }
}

/** One for each key that was asked for, as the broker answered. */
export function coordinatorsOf(response: FindCoordinatorResponse, keys: readonly string[]): FoundCoordinator[] {
  if (response.coordinators.length === 0) {
    const { errorCode, nodeId, host, port } = response
    return keys.slice(0, 1).map(key => ({ key, errorCode, node: { id: nodeId, host, port, rack: null } }))
  }
  return response.coordinators.map(({ key, errorCode, nodeId, host, port }) => ({ key, errorCode, node: { id: nodeId, host, port, rack: null } }))
}
