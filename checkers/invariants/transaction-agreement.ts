/**
 * Invariant 8: the coordinators' states, the partitions' open transactions and the markers never contradict each other.
 *
 * - A leader opens a transaction only if its coordinator lists the partition in one of that producer and epoch, or has
 *   decided that one and will send a marker (`unknown-transaction`).
 * - A marker ends a transaction only if the coordinator has just decided it so (`undecided-marker`).
 * - Under transaction version 2 each epoch of a producer is one transaction, and has one outcome on all partitions
 *   (`two-outcomes`).
 * - When all has healed, every open transaction is listed by its coordinator, and none is decided but not finished
 *   (`hanging-transaction`): it would hold back the last stable offset for ever.
 *
 * A coordinator's state counts from the acknowledgement of its record, or from when the next one has read it.
 */
import { partitionName } from '../../src/base/partition-name.ts'
import { US_PER_SECOND } from '../../src/base/time.ts'
import type { Observation, ObservationOf } from '../../src/env/observation.ts'
import type { ClusterShadow, Moment, PartitionShadow } from './cluster-shadow.ts'
import { InvariantMonitor, type MonitorContext } from './invariant-monitor.ts'

type State = ObservationOf<'transaction-state'>

interface Coordinated extends Moment {
  readonly event: State
}

interface Open extends Moment {
  readonly producerEpoch: number
  readonly firstOffset: number
}

interface Outcome extends Moment {
  readonly commit: boolean
  readonly key: string
}

/** How long markers may take once nothing fails any more: they are tried again every few milliseconds. */
const FINISHED_WITHIN_US = 5 * US_PER_SECOND
const EPOCH_BUMP_VERSION = 2

export class TransactionAgreement extends InvariantMonitor {
  /** By producer id: ids are never given twice. */
  private readonly coordinated = new Map<number, Coordinated>()
  private readonly producerOf = new Map<string, number>()
  /** Per partition and node, per producer. Followers learn theirs when they become leader. */
  private readonly open = new Map<string, Map<number, Open>>()
  private readonly outcomes = new Map<string, Outcome>()
  private lastFaultAt = 0

  constructor(context: MonitorContext, cluster: ClusterShadow) {
    super('transaction-agreement', context, cluster)
  }

  observe(event: Observation, node: string, _incarnation: number, time: number): void {
    switch (event.kind) {
      case 'transaction-state': return this.stateOf(event, node, time)
      case 'transaction-opened': return this.opened(event, node, time)
      case 'marker-written': return this.marked(event, node, time)
      case 'producer-state': return this.remembered(event, node, time)
      case 'log-deleted': return void this.open.delete(this.replica(event, node))
      case 'fault':
        this.lastFaultAt = time
        return
      default:
    }
  }

  private stateOf(event: State, node: string, time: number): void {
    const known = this.coordinated.get(event.producerId)
    // A predecessor that has yet to learn that it is none.
    if (known !== undefined && known.event.transactionalId === event.transactionalId && known.event.coordinatorEpoch > event.coordinatorEpoch) return
    const before = this.producerOf.get(event.transactionalId)
    // Its epochs have run out and its markers are written: the old id has nothing open any more.
    if (before !== undefined && before !== event.producerId) this.coordinated.delete(before)
    this.producerOf.set(event.transactionalId, event.producerId)
    this.coordinated.set(event.producerId, { event, time, text: `${node}, coordinator of epoch ${event.coordinatorEpoch}, has ${tell(event)}.` })
  }

  private opened(event: ObservationOf<'transaction-opened'>, node: string, time: number): void {
    const { producerId, producerEpoch, firstOffset } = event
    const partition = this.cluster.partitionOf(event)
    if (partition === undefined) return
    const text = `${node} opens a transaction of producer ${producerId}, epoch ${producerEpoch}, at ${partition.key} offset ${firstOffset}.`
    this.openAt(event, node).set(producerId, { producerEpoch, firstOffset, time, text })
    const coordinated = this.coordinated.get(producerId)
    // A leader that has hung since its coordinator said yes, and is deposed meanwhile: what it appends is cut.
    if (node !== partition.leader) return
    if (includes(coordinated?.event, partition.key, producerEpoch) || !this.isNew(partition, node, `opened ${producerId} ${producerEpoch}`)) return
    this.report('unknown-transaction', partition, node, time, {
      title: `${node} opened a transaction of producer ${producerId} on ${partition.key} that its coordinator knows nothing of.`,
      evidence: { producerId, producerEpoch, offsets: [firstOffset], coordinator: coordinated === undefined ? null : tell(coordinated.event), guarded: event.guarded },
      before: [coordinated],
      event: text,
      contradiction: `Its coordinator would send a marker to ${partition.key} only for a transaction that includes it, because nobody else ends transactions; however, it has ${coordinated === undefined ? 'nothing of this producer' : tell(coordinated.event)}.`,
      offset: firstOffset,
    })
  }

  private marked(event: ObservationOf<'marker-written'>, node: string, time: number): void {
    const { producerId, producerEpoch, commit, firstOffset, transactionVersion, coordinatorEpoch } = event
    const partition = this.cluster.partitionOf(event)
    if (partition === undefined) return
    this.openAt(event, node).delete(producerId)
    const word = commit ? 'commits' : 'aborts'
    const text = `${node} writes a marker of coordinator epoch ${coordinatorEpoch} that ${word} ${firstOffset < 0 ? 'nothing' : `what producer ${producerId} wrote from offset ${firstOffset} on`} to ${partition.key}.`
    if (transactionVersion >= EPOCH_BUMP_VERSION) this.compareOutcome(event, partition, node, time, text)
    // A deposed leader may still take a marker that was sent to it long ago; its log is cut.
    if (firstOffset < 0 || node !== partition.leader) return
    const coordinated = this.coordinated.get(producerId)
    const decided = commit ? 'PrepareCommit' : 'PrepareAbort'
    if (coordinated !== undefined && coordinated.event.state === decided && coordinated.event.producerEpoch === producerEpoch) return
    if (!this.isNew(partition, node, `marked ${producerId} ${producerEpoch} ${firstOffset}`)) return
    this.report('undecided-marker', partition, node, time, {
      title: `A marker ${word} what producer ${producerId} wrote to ${partition.key} from offset ${firstOffset} on, which nobody has decided.`,
      evidence: { producerId, producerEpoch, commit, offsets: [firstOffset], coordinator: coordinated === undefined ? null : tell(coordinated.event) },
      before: [coordinated],
      event: text,
      contradiction: `A marker ends the transaction that its coordinator has just decided, because it goes out between the decision and its completion; however, the coordinator has ${coordinated === undefined ? 'nothing of this producer' : tell(coordinated.event)}.`,
      offset: firstOffset,
    })
  }

  private compareOutcome(event: ObservationOf<'marker-written'>, partition: PartitionShadow, node: string, time: number, text: string): void {
    const { producerId, producerEpoch, commit } = event
    const id = `${producerId} ${producerEpoch}`
    const known = this.outcomes.get(id)
    if (known === undefined) {
      this.outcomes.set(id, { commit, key: partition.key, time, text })
      return
    }
    if (known.commit === commit || !this.isNew(undefined, '', `outcome ${id}`)) return
    this.report('two-outcomes', partition, node, time, {
      title: `The transaction of producer ${producerId} that ends in epoch ${producerEpoch} was ${known.commit ? 'committed' : 'aborted'} on ${known.key} and ${commit ? 'committed' : 'aborted'} on ${partition.key}.`,
      evidence: { producerId, producerEpoch, partitions: [known.key, partition.key] },
      before: [known, this.coordinated.get(producerId)],
      event: text,
      contradiction: `Epoch ${producerEpoch} of producer ${producerId} ends one transaction, because under version 2 every transaction ends with an epoch of its own; however, it has two outcomes.`,
    })
  }

  /** All that a leader, or a replica after its recovery, knows to be open. */
  private remembered(event: ObservationOf<'producer-state'>, node: string, time: number): void {
    const open = this.openAt(event, node)
    const before = new Map(open)
    open.clear()
    for (const { producerId, producerEpoch, currentTxnFirstOffset: firstOffset } of event.producers) {
      if (firstOffset < 0) continue
      const known = before.get(producerId)
      const isSame = known !== undefined && known.firstOffset === firstOffset
      open.set(producerId, isSame ? known : { producerEpoch, firstOffset, time, text: `${node} finds a transaction of producer ${producerId}, epoch ${producerEpoch}, open from ${event.topic}-${event.partition} offset ${firstOffset} on.` })
    }
  }

  override settled(isUp: (host: string) => boolean, time: number): void {
    for (const partition of this.cluster.partitions.values()) {
      const { leader, topicId } = partition
      if (leader === undefined || !isUp(leader)) continue
      for (const [producerId, open] of this.open.get(`${partitionName(topicId, partition.partition)} ${leader}`) ?? []) this.hanging(partition, leader, producerId, open, time)
    }
    for (const { event, time: since, text } of this.coordinated.values()) {
      if (!event.state.startsWith('Prepare') || time - Math.max(since, this.lastFaultAt) < FINISHED_WITHIN_US) continue
      this.report('hanging-transaction', undefined, '', time, {
        title: `The transaction of ${event.transactionalId} is decided and was never finished.`,
        evidence: { transactionalId: event.transactionalId, producerId: event.producerId, partitions: [...event.partitions] },
        before: [{ text, time: since }],
        event: 'Everything has healed and the cluster has settled.',
        contradiction: `A decided transaction is finished as soon as the leaders of its partitions answer, because its coordinator tries again for ever; however, ${event.transactionalId} still is in ${event.state}.`,
      })
    }
  }

  private hanging(partition: PartitionShadow, leader: string, producerId: number, open: Open, time: number): void {
    const coordinated = this.coordinated.get(producerId)
    if (includes(coordinated?.event, partition.key, open.producerEpoch)) return
    this.report('hanging-transaction', partition, leader, time, {
      title: `A transaction of producer ${producerId} hangs on ${partition.key} from offset ${open.firstOffset} on.`,
      evidence: { producerId, producerEpoch: open.producerEpoch, offsets: [open.firstOffset], coordinator: coordinated === undefined ? null : tell(coordinated.event) },
      before: [open, coordinated],
      event: 'Everything has healed and the cluster has settled.',
      contradiction: `Somebody must end every open transaction, because it holds back the last stable offset; however, the coordinator has ${coordinated === undefined ? 'nothing of this producer' : tell(coordinated.event)}.`,
      offset: open.firstOffset,
    })
  }

  private openAt(event: { readonly topicId: string; readonly partition: number }, node: string): Map<number, Open> {
    const id = this.replica(event, node)
    let open = this.open.get(id)
    if (open === undefined) this.open.set(id, open = new Map())
    return open
  }

  private replica({ topicId, partition }: { readonly topicId: string; readonly partition: number }, node: string): string {
    return `${partitionName(topicId, partition)} ${node}`
  }
}

/** Under way or decided, with this partition, in this epoch: the decision may have raised it once. */
function includes(state: State | undefined, key: string, producerEpoch: number): boolean {
  if (state === undefined || !state.partitions.includes(key)) return false
  if (state.state === 'Ongoing') return state.producerEpoch === producerEpoch
  return state.state.startsWith('Prepare') && (state.producerEpoch === producerEpoch || state.producerEpoch === producerEpoch + 1)
}

function tell({ transactionalId, state, producerId, producerEpoch, partitions }: State): string {
  return `${transactionalId} (producer ${producerId}, epoch ${producerEpoch}) in ${state}${partitions.length === 0 ? '' : ` with ${partitions.join(', ')}`}`
}
