/**
 * The leader's view of its ISR (Kafka: PartitionState and its three cases). Pure data.
 *
 *   Committed --propose--> PendingExpand | PendingShrink --success or metadata--> Committed
 *                                                        --controller certainly refused--> last Committed
 *                                                        --fenced, unknown--> stays pending until metadata arrives
 *
 * Between request and reply leader and controller may disagree about the ISR, so everything that commits records uses the
 * *maximal* ISR, the larger of the two possibilities (KIP-497). `isr` is what is known to be committed.
 */
import type { Defects } from '../config/defects.ts'

export interface IsrMember {
  readonly brokerId: number
  /** Epoch of the fetch that proved the member to be caught up; -1 if it has not fetched from this leader (KIP-903). */
  readonly brokerEpoch: number
}

export interface CommittedIsr {
  readonly kind: 'committed'
  readonly isr: readonly number[]
  readonly maximalIsr: readonly number[]
}

export interface PendingIsr {
  readonly kind: 'expand' | 'shrink'
  readonly isr: readonly number[]
  readonly maximalIsr: readonly number[]
  readonly proposed: readonly IsrMember[]
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  readonly lastCommitted: CommittedIsr
}

export type IsrState = CommittedIsr | PendingIsr

export function committedIsr(isr: readonly number[]): CommittedIsr {
  return { kind: 'committed', isr, maximalIsr: isr }
}

/** A proposal on top of a committed ISR. */
export function pendingIsr(
  defects: Defects,
  kind: 'expand' | 'shrink',
  lastCommitted: CommittedIsr,
  proposed: readonly IsrMember[],
  epochs: { readonly leaderEpoch: number; readonly partitionEpoch: number },
): PendingIsr {
  const proposedIds = proposed.map(member => member.brokerId)
  const [larger, smaller] = kind === 'expand' ? [proposedIds, lastCommitted.isr] : [lastCommitted.isr, proposedIds]
  const maximalIsr = defects.has('KIP-497') ? smaller : larger
  return { kind, isr: lastCommitted.isr, maximalIsr, proposed, lastCommitted, leaderEpoch: epochs.leaderEpoch, partitionEpoch: epochs.partitionEpoch }
}
