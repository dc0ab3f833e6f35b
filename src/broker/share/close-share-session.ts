/** The end of share sessions: what their members hold goes back (SharePartitionManager#releaseSession, ClientConnectionDisconnectListener). */
import type { Future } from '../../base/task.ts'
import { ApiError } from '../../protocol/api-error.ts'
import type { BrokerContext } from '../broker-context.ts'
import type { ShareSession } from './share-sessions.ts'

type Context = Pick<BrokerContext, 'env' | 'sharePartitions' | 'shareSessions'>

/** The connection has gone, and with it whoever held records by it. */
export function closeShareSession(context: Context, connectionId: number): void {
  for (const session of context.shareSessions.ofConnection(connectionId)) {
    context.env.observe({ kind: 'mark', name: 'share-session-disconnected' })
    context.shareSessions.remove(session)
    releaseShares(context, session)
  }
}

/** Done when it is persisted. */
export function releaseShares({ sharePartitions }: Context, { groupId, memberId, partitions }: ShareSession): Future<number>[] {
  const released: Future<number>[] = []
  for (const { topicId, partition } of partitions.values()) {
    try {
      released.push(sharePartitions.find(groupId, topicId, partition).release(memberId))
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
    }
  }
  return released
}
