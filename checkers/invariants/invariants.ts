/**
 * All white-box monitors behind one observer: it follows the cluster once, then lets every monitor look. Cost is constant,
 * amortised, an observation.
 */
import type { Observation, ObservationKind, Observer } from '../../src/env/observation.ts'
import type { CheckResult } from '../contract.ts'
import { ClusterShadow } from './cluster-shadow.ts'
import { CandidateCompleteness, LeaderCompleteness } from './completeness.ts'
import type { InvariantMonitor, MonitorContext } from './invariant-monitor.ts'
import { QuorumSuperset, TwoLeadersOneEpoch } from './leadership.ts'
import { Compaction } from './compaction.ts'
import { Convergence } from './convergence.ts'
import { CoordinatorState, SingleOwner } from './groups.ts'
import { LogDivergence } from './log-divergence.ts'
import { MetadataRegression } from './metadata-regression.ts'
import { MetadataSnapshots, VoterChanges } from './metadata-snapshots.ts'
import { EpochRegression, HighWatermarkRegression, LogStart } from './monotone.ts'
import { ProducerState } from './producer-state.ts'
import { SingleHolder } from './share-records.ts'
import { TimeIndex } from './time-index.ts'
import { TransactionAgreement } from './transaction-agreement.ts'

interface MonitorKind {
  readonly name: string
  readonly describes: string
  readonly create: (context: MonitorContext, cluster: ClusterShadow) => InvariantMonitor
}

export const MONITORS: readonly MonitorKind[] = [
  { name: 'log-divergence', describes: 'replicas agree on what is committed and on every (offset, epoch)', create: (context, cluster) => new LogDivergence(context, cluster) },
  { name: 'leader-completeness', describes: 'a new leader holds everything committed', create: (context, cluster) => new LeaderCompleteness(context, cluster) },
  { name: 'candidate-completeness', describes: 'every unfenced member of ISR and ELR holds everything committed', create: (context, cluster) => new CandidateCompleteness(context, cluster) },
  { name: 'quorum-superset', describes: 'a leader commits by no fewer replicas than the controller could elect', create: (context, cluster) => new QuorumSuperset(context, cluster) },
  { name: 'two-leaders-one-epoch', describes: 'an epoch has one leader, for partitions and the metadata quorum', create: (context, cluster) => new TwoLeadersOneEpoch(context, cluster) },
  { name: 'metadata-regression', describes: 'committed metadata is never truncated or changed', create: (context, cluster) => new MetadataRegression(context, cluster) },
  { name: 'metadata-snapshots', describes: 'a metadata snapshot is the committed state of the log before it', create: (context, cluster) => new MetadataSnapshots(context, cluster) },
  { name: 'voter-changes', describes: 'voters of the quorum change one at a time', create: (context, cluster) => new VoterChanges(context, cluster) },
  { name: 'epoch-regression', describes: 'epochs and votes never go back', create: (context, cluster) => new EpochRegression(context, cluster) },
  { name: 'hw-regression', describes: 'the high watermark of a leadership only rises', create: (context, cluster) => new HighWatermarkRegression(context, cluster) },
  { name: 'log-start', describes: 'the log start only rises, and retention removes only what it may', create: (context, cluster) => new LogStart(context, cluster) },
  { name: 'time-index', describes: 'offsets by timestamp name the first record that is young enough', create: (context, cluster) => new TimeIndex(context, cluster) },
  { name: 'producer-state', describes: 'what a replica remembers of producers equals a replay of its log', create: (context, cluster) => new ProducerState(context, cluster) },
  { name: 'transaction-agreement', describes: 'coordinators, open transactions and markers never contradict each other', create: (context, cluster) => new TransactionAgreement(context, cluster) },
  { name: 'compaction', describes: 'the log cleaner removes only what it may, and keeps what a replay needs', create: (context, cluster) => new Compaction(context, cluster) },
  { name: 'coordinator-state', describes: 'whoever replays a coordinator\'s log up to an offset has the same state', create: (context, cluster) => new CoordinatorState(context, cluster) },
  { name: 'single-owner', describes: 'a partition of a group belongs to one member at a time', create: (context, cluster) => new SingleOwner(context, cluster) },
  { name: 'single-holder', describes: 'a record of a share group is held by one member at a time, and by nobody when its fate is decided', create: (context, cluster) => new SingleHolder(context, cluster) },
  { name: 'convergence', describes: 'when all has healed, in-sync replicas hold one log', create: (context, cluster) => new Convergence(context, cluster) },
]

export class Invariants implements Observer {
  readonly cluster: ClusterShadow
  private readonly monitors: readonly InvariantMonitor[]

  /** `names`: which monitors; all by default. */
  constructor(context: MonitorContext, names?: readonly string[]) {
    this.cluster = new ClusterShadow(context.servers)
    this.monitors = MONITORS.filter(({ name }) => names === undefined || names.includes(name)).map(({ create }) => create(context, this.cluster))
  }

  /** Requests sent are half of all observations, and no state of any server. */
  wants(kind: ObservationKind): boolean {
    return kind !== 'request-sent'
  }

  observe(event: Observation, node: string, incarnation: number, time: number): void {
    this.cluster.observe(event, node, time)
    for (const monitor of this.monitors) monitor.observe(event, node, incarnation, time)
  }

  /** The trial has settled: everything has healed, the ISRs are full, the drain is done. */
  settled(isUp: (host: string) => boolean, time: number): void {
    for (const monitor of this.monitors) monitor.settled(isUp, time)
  }

  results(): CheckResult[] {
    return this.monitors.map(monitor => monitor.result())
  }
}
