/**
 * Sees the mechanisms of markers-before-replication and verified-before-replication in a trace: a coordinator takes over and
 * finds a decision above its high watermark, whose markers it has written, or an open transaction, for whose partitions it
 * vouches; then another one takes over whose log does not have that.
 */
import type { ObservationOf } from '../src/env/observation.ts'

export interface LostDecision {
  readonly mend: 'markers-before-replication' | 'verified-before-replication'
  /** Partitions, and the empty key for what concerns none. */
  readonly keys: readonly string[]
  readonly text: string
}

export class LostDecisions {
  /** What was read by whoever took over and not replicated then, by transactional id. */
  private readonly unreplicated = new Map<string, ObservationOf<'transaction-state'>>()

  follow(event: ObservationOf<'transaction-state'>): LostDecision | undefined {
    const { transactionalId, coordinatorEpoch, offset } = event
    const decision = this.unreplicated.get(transactionalId)
    if (decision !== undefined && coordinatorEpoch < decision.coordinatorEpoch) return undefined
    const isLost = decision !== undefined && coordinatorEpoch > decision.coordinatorEpoch && (offset < decision.offset || (offset === decision.offset && event.state !== decision.state))
    if (!event.isReplicated && (event.state.startsWith('Prepare') || event.state === 'Ongoing')) this.unreplicated.set(transactionalId, event)
    // What follows it in the log of its coordinator says that it is replicated, too.
    else if (event.isReplicated || isLost) this.unreplicated.delete(transactionalId)
    if (!isLost) return undefined
    if (decision.state === 'Ongoing') {
      return { mend: 'verified-before-replication', keys: [...decision.partitions, ''], text: `coordinates ${transactionalId} and does not know of its transaction on ${decision.partitions.join(', ')}, for which the coordinator before had vouched without waiting until it was replicated,` }
    }
    return {
      mend: 'markers-before-replication',
      keys: [...decision.partitions, ''],
      text: `coordinates ${transactionalId} and does not know of its ${decision.state}, whose markers the coordinator before had written without waiting until it was replicated,`,
    }
  }
}
