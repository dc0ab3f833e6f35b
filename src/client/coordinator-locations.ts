/**
 * Coordinators of many groups or transactional ids, for an admin (CoordinatorStrategy): one FindCoordinator for all keys of
 * which nobody knows (KIP-699), remembered until somebody says that it is another.
 */
import type { Millis } from '../base/time.ts'
import type { Task } from '../base/task.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import { ErrorCode, isRetriable } from '../protocol/errors.ts'
import type { FindCoordinatorResponse } from '../protocol/generated/types.ts'
import type { AdminCall } from './admin-call.ts'
import type { BrokerRpc } from './broker-rpc.ts'
import type { BrokerNode, ClusterMetadata } from './cluster-metadata.ts'
import { coordinatorsOf, findCoordinatorRequest } from './coordinator-lookup.ts'
import type { CoordinatorType } from './coordinator-lookup.ts'

export class CoordinatorLocations {
  private readonly type: CoordinatorType
  private readonly rpc: BrokerRpc
  private readonly metadata: ClusterMetadata
  private readonly nodes = new Map<string, BrokerNode>()

  constructor(type: CoordinatorType, rpc: BrokerRpc, metadata: ClusterMetadata) {
    this.type = type
    this.rpc = rpc
    this.metadata = metadata
  }

  /** The part of an admin's call that says whom to ask; `nameOf` and `keyOf` name an item and what coordinates it. */
  routing<Item>(nameOf: (item: Item) => string, keyOf: (item: Item) => string): Pick<AdminCall<Item, never>, 'nameOf' | 'node' | 'locate' | 'mislocated'> {
    return {
      nameOf,
      node: item => this.nodes.get(keyOf(item)),
      locate: (items, timeoutMs) => this.locate(items.map(item => ({ name: nameOf(item), key: keyOf(item) })), timeoutMs),
      mislocated: item => void this.nodes.delete(keyOf(item)),
    }
  }

  private *locate(items: readonly { readonly name: string; readonly key: string }[], timeoutMs: Millis): Task<ReadonlyMap<string, number>> {
    const refused = new Map<string, number>()
    const asked = this.metadata.leastLoadedNode()
    if (asked === undefined) return refused
    const keys = [...new Set(items.map(({ key }) => key))]
    const result = yield* this.rpc.send(asked.host, asked.port, ApiKey.FindCoordinator, findCoordinatorRequest(this.type, keys), { timeoutMs }).wait()
    if (!result.ok) {
      this.metadata.requestUpdate()
      return refused
    }
    for (const { key, errorCode, node } of coordinatorsOf(result.body as FindCoordinatorResponse, keys)) {
      if (errorCode === ErrorCode.NONE) this.nodes.set(key, node)
      else if (!isRetriable(errorCode)) for (const { name, key: own } of items) if (own === key) refused.set(name, errorCode)
    }
    return refused
  }
}
