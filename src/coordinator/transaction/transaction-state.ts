/**
 * The states of a transaction and from where each may be reached (Kafka: TransactionState):
 *
 *     state              from
 *     Empty              Empty, CompleteCommit, CompleteAbort           InitProducerId
 *     Ongoing            Ongoing, Empty, CompleteCommit, CompleteAbort  a partition is added
 *     PrepareCommit      Ongoing                                        EndTxn
 *     PrepareAbort       Ongoing, PrepareEpochFence                     EndTxn, time-out, a newer instance
 *                        Empty, CompleteCommit, CompleteAbort           EndTxn of version 2 with nothing written
 *     CompleteCommit     PrepareCommit                                  all markers are written
 *     CompleteAbort      PrepareAbort                                   all markers are written
 *     Dead               Empty, CompleteCommit, CompleteAbort           the id expires
 *     PrepareEpochFence  Ongoing                                        only ever pending: the producer is being fenced
 */
export type TransactionState =
  | 'Empty' | 'Ongoing' | 'PrepareCommit' | 'PrepareAbort' | 'CompleteCommit' | 'CompleteAbort' | 'Dead' | 'PrepareEpochFence'

/** By their number in the log (TransactionStatus). */
const STATES: readonly TransactionState[] = [
  'Empty', 'Ongoing', 'PrepareCommit', 'PrepareAbort', 'CompleteCommit', 'CompleteAbort', 'Dead', 'PrepareEpochFence',
]

const FINISHED: readonly TransactionState[] = ['Empty', 'CompleteCommit', 'CompleteAbort']

const MAY_FOLLOW: Readonly<Record<TransactionState, readonly TransactionState[]>> = {
  Empty: FINISHED,
  Ongoing: ['Ongoing', ...FINISHED],
  PrepareCommit: ['Ongoing'],
  PrepareAbort: ['Ongoing', 'PrepareEpochFence', ...FINISHED],
  CompleteCommit: ['PrepareCommit'],
  CompleteAbort: ['PrepareAbort'],
  Dead: FINISHED,
  PrepareEpochFence: ['Ongoing'],
}

export function mayFollow(next: TransactionState, current: TransactionState): boolean {
  return MAY_FOLLOW[next].includes(current)
}

/** Nothing of the transactional id is under way: it may start a transaction, get another epoch, or expire. */
export function isFinished(state: TransactionState): boolean {
  return FINISHED.includes(state)
}

/** Decided: markers are being written. */
export function isPrepared(state: TransactionState): boolean {
  return state === 'PrepareCommit' || state === 'PrepareAbort'
}

export function stateNumber(state: TransactionState): number {
  return STATES.indexOf(state)
}

/** undefined for a number that no state has. */
export function stateOfNumber(number: number): TransactionState | undefined {
  return STATES[number]
}

export function isTransactionState(name: string): name is TransactionState {
  return (STATES as readonly string[]).includes(name)
}
