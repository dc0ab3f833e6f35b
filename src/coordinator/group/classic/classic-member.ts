/**
 * A member of a classic group while its coordinator lives (Kafka: ClassicGroupMember). Of it only what a GroupMetadata
 * record holds survives a failover: who, from where, its timeouts, subscription and assignment.
 *
 * A member waits for at most one JoinGroup and one SyncGroup answer.
 */
import type { Future } from '../../../base/task.ts'
import type { JoinAnswer, JoinProtocol, SyncAnswer } from './messages.ts'

export const EMPTY_ASSIGNMENT: Uint8Array = new Uint8Array(0)

export interface ClassicMemberInit {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly sessionTimeoutMs: number
  readonly protocolType: string
  readonly protocols: readonly JoinProtocol[]
  readonly assignment?: Uint8Array
}

export class ClassicMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly protocolType: string
  rebalanceTimeoutMs: number
  sessionTimeoutMs: number
  /** In order of preference. */
  protocols: readonly JoinProtocol[]
  assignment: Uint8Array
  awaitingJoin: Future<JoinAnswer> | undefined = undefined
  awaitingSync: Future<SyncAnswer> | undefined = undefined
  /** It has not been through a rebalance; until then its JoinGroup may time out while it is parked. */
  isNew = false

  constructor(init: ClassicMemberInit) {
    this.memberId = init.memberId
    this.groupInstanceId = init.groupInstanceId
    this.clientId = init.clientId
    this.clientHost = init.clientHost
    this.rebalanceTimeoutMs = init.rebalanceTimeoutMs
    this.sessionTimeoutMs = init.sessionTimeoutMs
    this.protocolType = init.protocolType
    this.protocols = init.protocols
    this.assignment = init.assignment ?? EMPTY_ASSIGNMENT
  }

  get isStatic(): boolean {
    return this.groupInstanceId !== null
  }

  /** A parked request stands for heartbeats, except that of a member that nobody knows yet. */
  get hasSatisfiedHeartbeat(): boolean {
    return !this.isNew && (this.awaitingJoin !== undefined || this.awaitingSync !== undefined)
  }

  /** The same protocols with the same metadata, in the same order. */
  matches(protocols: readonly JoinProtocol[]): boolean {
    return protocols.length === this.protocols.length && protocols.every((protocol, i) => {
      const own = this.protocols[i]!
      return own.name === protocol.name && sameBytes(own.metadata, protocol.metadata)
    })
  }

  metadata(protocol: string | null): Uint8Array {
    return this.protocols.find(({ name }) => name === protocol)?.metadata ?? EMPTY_ASSIGNMENT
  }

  /** The one that it prefers among those that all support. */
  vote(candidates: ReadonlySet<string>): string | undefined {
    return this.protocols.find(({ name }) => candidates.has(name))?.name
  }
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
