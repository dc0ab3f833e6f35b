/**
 * Sees the mechanism of markers-before-replication in a trace: a coordinator takes over, finds a decision above its high
 * watermark and has its markers written; then another one takes over whose log does not have that decision.
 */
import type { ObservationOf } from '../src/env/observation.ts'

export interface LostDecision {
  /** Partitions, and the empty key for what concerns none. */
  readonly keys: readonly string[]
  readonly text: string
}

export class LostDecisions {
  /** Decisions that were read by whoever took over and not replicated then, by transactional id. */
  private readonly unreplicated = new Map<string, ObservationOf<'transaction-state'>>()

  follow(event: ObservationOf<'transaction-state'>): LostDecision | undefined {
    const { transactionalId, coordinatorEpoch, offset } = event
    const decision = this.unreplicated.get(transactionalId)
    if (decision !== undefined && coordinatorEpoch < decision.coordinatorEpoch) return undefined
    const isLost = decision !== undefined && coordinatorEpoch > decision.coordinatorEpoch && (offset < decision.offset || (offset === decision.offset && event.state !== decision.state))
    if (!event.isReplicated && event.state.startsWith('Prepare')) this.unreplicated.set(transactionalId, event)
    // What follows it in the log of its coordinator says that it is replicated, too.
    else if (event.isReplicated || isLost) this.unreplicated.delete(transactionalId)
    if (!isLost) return undefined
    return {
      keys: [...decision.partitions, ''],
      text: `coordinates ${transactionalId} and does not know of its ${decision.state}, whose markers the coordinator before had written without waiting until it was replicated,`,
    }
  }
}
