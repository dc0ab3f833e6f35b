/**
 * Sees the mechanism of KAFKA-17754 in a trace: under transaction.version 1 a decision, or a marker, meets a transaction that
 * it was not meant for. A coordinator is asked to decide more than once between the beginning of a client's transaction and
 * its end, or decides otherwise than the client then says; what it decides by itself, for a time-out or a newer instance, has
 * an epoch of its own and cannot be meant for another transaction. A leader's open transaction is ended by a marker that its coordinator has not just
 * decided.
 */
import type { Observation, ObservationOf } from '../src/env/observation.ts'

interface Decision {
  readonly commit: boolean
  readonly partitions: readonly string[]
}

export interface MisplacedDecision {
  /** Partitions, and the empty key for what concerns none. */
  readonly keys: readonly string[]
  readonly text: string
}

type Followed = Extract<Observation, { readonly kind: 'client-transaction' | 'transaction-decided' | 'transaction-state' | 'marker-written' }>

export class TransactionDecisions {
  /** Since the client's transaction began, by transactional id. */
  private readonly decided = new Map<string, Decision[]>()
  /** Ids of which the coordinator decides by itself just now. */
  private readonly unasked = new Set<string>()
  /** By producer id. */
  private readonly states = new Map<number, ObservationOf<'transaction-state'>>()

  follow(event: Followed): MisplacedDecision | undefined {
    switch (event.kind) {
      case 'client-transaction': return this.client(event)
      case 'transaction-decided':
        if (event.isAsked) this.unasked.delete(event.transactionalId)
        else this.unasked.add(event.transactionalId)
        return undefined
      case 'transaction-state': return this.coordinator(event)
      case 'marker-written': return this.marker(event)
    }
  }

  private client({ transactionalId, phase }: ObservationOf<'client-transaction'>): MisplacedDecision | undefined {
    if (phase === 'begin' || phase === 'initialized') {
      this.decided.delete(transactionalId)
      return undefined
    }
    const decisions = this.decided.get(transactionalId) ?? []
    const isMisplaced = decisions.length > 1 || (decisions.length === 1 && decisions[0]!.commit !== (phase === 'commit'))
    if (!isMisplaced) return undefined
    const keys = new Set(decisions.flatMap(({ partitions }) => partitions))
    return { keys: [...keys, ''], text: `is told ${phase} of a transaction of ${transactionalId} that was decided as ${decisions.map(({ commit }) => (commit ? 'commit' : 'abort')).join(', ')}` }
  }

  private coordinator(event: ObservationOf<'transaction-state'>): undefined {
    const before = this.states.get(event.producerId)
    this.states.set(event.producerId, event)
    // What the next coordinator reads is no other decision.
    if (!event.state.startsWith('Prepare') || event.clientVersion >= 2 || before?.state === event.state) return undefined
    if (this.unasked.delete(event.transactionalId)) return undefined
    const decisions = this.decided.get(event.transactionalId)
    const decision = { commit: event.state === 'PrepareCommit', partitions: event.partitions }
    if (decisions === undefined) this.decided.set(event.transactionalId, [decision])
    else decisions.push(decision)
    return undefined
  }

  private marker({ producerId, commit, firstOffset, transactionVersion, topic, partition }: ObservationOf<'marker-written'>): MisplacedDecision | undefined {
    if (firstOffset < 0 || transactionVersion >= 2) return undefined
    const state = this.states.get(producerId)
    if (state?.state === (commit ? 'PrepareCommit' : 'PrepareAbort')) return undefined
    return { keys: [`${topic}-${partition}`, ''], text: `ends an open transaction of producer ${producerId} by a marker that was meant for another one` }
  }
}
