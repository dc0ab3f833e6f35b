/**
 * Invariants 9 and 10: a coordinator's committed state is what replaying its log gives, whoever replays it and however much
 * compaction has left; and a partition of a group belongs to one member at a time.
 *
 * The second is judged by what one coordinator says in one epoch: a KIP-848 member keeps a partition until it has acknowledged
 * that it gave it back; in the classic protocol the leader's assignment names each partition once a generation. That a fenced
 * member goes on for a while is no fault of the coordinator and told by clients (see the `groups` checker).
 */
import { partitionName } from '../../src/base/partition-name.ts'
import type { Observation, ObservationOf } from '../../src/env/observation.ts'
import type { ClusterShadow, Moment } from './cluster-shadow.ts'
import { InvariantMonitor, type MonitorContext } from './invariant-monitor.ts'

interface Replayed {
  readonly digest: number
  readonly node: string
  readonly moment: Moment
}

export class CoordinatorState extends InvariantMonitor {
  /** The first to tell of a state, by `topic-partition offset`. */
  private readonly replayed = new Map<string, Replayed>()
  private readonly transactions = new Map<string, KnownTransaction>()

  constructor(context: MonitorContext, cluster: ClusterShadow) {
    super('coordinator-state', context, cluster)
  }

  observe(event: Observation, node: string, _incarnation: number, time: number): void {
    if (event.kind === 'transaction-state') return this.transaction(event, node, time)
    if (event.kind !== 'coordinator-state') return
    const { topic, partition, offset, digest, coordinatorEpoch } = event
    const name = partitionName(topic, partition)
    const key = `${name} ${offset}`
    const text = `${node}, coordinator of ${name} in epoch ${coordinatorEpoch}, has a committed state with digest ${digest} up to offset ${offset}.`
    const first = this.replayed.get(key)
    if (first === undefined) {
      this.replayed.set(key, { digest, node, moment: { time, text } })
      return
    }
    if (first.digest === digest || !this.isNew(undefined, node, name)) return
    this.report('coordinator-state-mismatch', undefined, node, time, {
      title: `The coordinators ${first.node} and ${node} of ${name} disagree about the state up to offset ${offset}.`,
      evidence: { topic, partition, offset, digest, other: first.digest, coordinatorEpoch },
      before: [first.moment],
      event: text,
      contradiction: `Both have replayed what is committed up to offset ${offset}, which gives one state; however, ${first.node} has one with digest ${first.digest} and ${node} one with ${digest}.`,
      offset,
    })
  }

  /**
   * Transactional ids one by one, since their coordinator applies records as they are acknowledged: a record means the same
   * to whoever reads it, and one that was acknowledged is not forgotten. What a coordinator read above the high watermark
   * when it took over may be.
   */
  private transaction(event: ObservationOf<'transaction-state'>, node: string, time: number): void {
    const { transactionalId, coordinatorEpoch, offset } = event
    const told = `${event.state}, producer ${event.producerId}, epoch ${event.producerEpoch}${event.nextProducerId < 0 ? '' : `, then producer ${event.nextProducerId}`}, partitions [${event.partitions.toSorted().join(' ')}]`
    const text = `${node}, coordinator of epoch ${coordinatorEpoch}, has ${transactionalId} from offset ${offset}: ${told}.`
    const known = this.transactions.get(transactionalId)
    // A predecessor that has yet to learn that it is none.
    if (known !== undefined && known.coordinatorEpoch > coordinatorEpoch) return
    const isKept = known === undefined || offset > known.offset || (offset === known.offset && told === known.told)
    if (event.isReplicated) this.transactions.set(transactionalId, { coordinatorEpoch, offset, told, moment: { time, text } })
    if (isKept || !this.isNew(undefined, node, transactionalId)) return
    this.report('coordinator-state-mismatch', undefined, node, time, {
      title: `${node} has another state of the transactional id ${transactionalId} than the coordinator before.`,
      evidence: { transactionalId, offset, known: known.offset, coordinatorEpoch },
      before: [known.moment],
      event: text,
      contradiction: `Whoever coordinates ${transactionalId} has what its last acknowledged record says, because the log holds it; however, ${node} has ${offset < known.offset ? 'an older one' : 'something else from the same record'}.`,
    })
  }
}

interface KnownTransaction {
  readonly coordinatorEpoch: number
  readonly offset: number
  readonly told: string
  readonly moment: Moment
}

interface Owned {
  readonly memberId: string
  readonly moment: Moment
}

interface Owners {
  coordinatorEpoch: number
  /** Generation of the classic protocol; 0 with KIP-848. */
  generation: number
  readonly byPartition: Map<string, Owned>
}

export class SingleOwner extends InvariantMonitor {
  private readonly groups = new Map<string, Owners>()

  constructor(context: MonitorContext, cluster: ClusterShadow) {
    super('single-owner', context, cluster)
  }

  observe(event: Observation, node: string, _incarnation: number, time: number): void {
    // A generation that is being formed, or a group that is made anew, begins with nothing.
    if (event.kind === 'group-state' && event.to === 'CompletingRebalance') this.groups.delete(event.groupId)
    else if (event.kind === 'member-assigned') this.assigned(event, node, time)
  }

  private assigned(event: ObservationOf<'member-assigned'>, node: string, time: number): void {
    const { groupId, memberId, coordinatorEpoch, protocol, epoch, partitions, releasing } = event
    const generation = protocol === 'classic' ? epoch : 0
    let owners = this.groups.get(groupId)
    // A coordinator that has been replaced and does not know it yet.
    if (owners !== undefined && coordinatorEpoch < owners.coordinatorEpoch) return
    if (owners === undefined || owners.coordinatorEpoch !== coordinatorEpoch || owners.generation !== generation) {
      owners = { coordinatorEpoch, generation, byPartition: new Map() }
      this.groups.set(groupId, owners)
    }
    for (const [partition, owner] of owners.byPartition) if (owner.memberId === memberId) owners.byPartition.delete(partition)
    const text = `${node} gives member ${memberId} of group ${groupId} [${partitions.join(' ')}]${releasing.length > 0 ? `, to give back [${releasing.join(' ')}]` : ''} in epoch ${epoch}.`
    for (const partition of [...partitions, ...releasing]) {
      const owner = owners.byPartition.get(partition)
      if (owner === undefined) owners.byPartition.set(partition, { memberId, moment: { time, text } })
      else if (this.isNew(undefined, node, `${groupId} ${partition}`)) {
        this.report('two-owners', undefined, node, time, {
          title: `${partition} of group ${groupId} has two owners.`,
          evidence: { groupId, partition, members: [owner.memberId, memberId], epoch, protocol, coordinatorEpoch },
          before: [owner.moment],
          event: text,
          contradiction: `${owner.memberId} has ${partition} and has not given it back, so nobody else may have it; however, ${memberId} has it, too.`,
        })
      }
    }
  }
}
