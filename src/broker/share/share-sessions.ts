/**
 * Share sessions (KIP-932; Kafka: ShareSessionCache, ShareSession): which partitions a member reads from this broker. Requests
 * carry only changes, and the epoch tells that none was missed. With its session a member loses what it holds.
 *
 *   epoch 0    opens a session, in place of an older one
 *   epoch -1   closes it
 *   else       the next one: each request adds one
 */
import { ApiError } from '../../protocol/api-error.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import { nextSessionEpoch } from '../fetch-session-cache.ts'

export const OPENING_EPOCH = 0
export const FINAL_EPOCH = -1

export interface SessionPartition {
  readonly topicId: string
  readonly partition: number
}

export interface ShareSession {
  readonly groupId: string
  readonly memberId: string
  readonly connectionId: number
  /** That the next request must carry. */
  epoch: number
  readonly partitions: Map<string, SessionPartition>
}

export class ShareSessions {
  private readonly maxSessions: number
  private readonly sessions = new Map<string, ShareSession>()

  constructor(maxSessions: number) {
    this.maxSessions = maxSessions
  }

  /** @throws ApiError SHARE_SESSION_LIMIT_REACHED */
  open(groupId: string, memberId: string, connectionId: number): ShareSession {
    const key = keyOf(groupId, memberId)
    this.sessions.delete(key)
    if (this.sessions.size >= this.maxSessions) throw new ApiError(ErrorCode.SHARE_SESSION_LIMIT_REACHED)
    const session: ShareSession = { groupId, memberId, connectionId, epoch: nextSessionEpoch(OPENING_EPOCH), partitions: new Map() }
    this.sessions.set(key, session)
    return session
  }

  /** @throws ApiError SHARE_SESSION_NOT_FOUND, INVALID_SHARE_SESSION_EPOCH */
  next(groupId: string, memberId: string, epoch: number): ShareSession {
    const session = this.find(groupId, memberId)
    if (epoch === FINAL_EPOCH) return session
    if (epoch !== session.epoch) throw new ApiError(ErrorCode.INVALID_SHARE_SESSION_EPOCH)
    session.epoch = nextSessionEpoch(epoch)
    return session
  }

  remove({ groupId, memberId }: ShareSession): void {
    this.sessions.delete(keyOf(groupId, memberId))
  }

  /** Those that were opened on this connection. */
  ofConnection(connectionId: number): ShareSession[] {
    return [...this.sessions.values()].filter(session => session.connectionId === connectionId)
  }

  private find(groupId: string, memberId: string): ShareSession {
    const session = this.sessions.get(keyOf(groupId, memberId))
    if (session === undefined) throw new ApiError(ErrorCode.SHARE_SESSION_NOT_FOUND)
    return session
  }
}

function keyOf(groupId: string, memberId: string): string {
  return `${memberId} ${groupId}`
}
