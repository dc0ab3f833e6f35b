/**
 * Observations by hand, for the white-box monitors: brokers 1 to 3, controllers 101 to 103, one partition `orders-0`. Every
 * call is one event and one unit of time. Batches are written `offset:content`, or `first-last:content`: the same text and
 * epoch on two nodes is the same batch.
 */
import { compose } from '../../checkers/compose.ts'
import type { Judgement } from '../../checkers/contract.ts'
import { guaranteesFor, type GuaranteeConfig } from '../../checkers/guarantees.ts'
import { Invariants } from '../../checkers/invariants/invariants.ts'
import type { BatchSummary, Observation, ObservationOf, RaftRole } from '../../src/env/observation.ts'
import { STRICT } from './history-fixture.ts'

export interface Surroundings {
  readonly config?: Partial<GuaranteeConfig>
  /** Unclean leader election is enabled for the topic. */
  readonly unclean?: boolean
  readonly producersExpire?: boolean
  /** Which monitors; absent: all. */
  readonly monitors?: readonly string[]
}

interface Writer {
  readonly producerId: number
  readonly producerEpoch: number
  readonly lastSequence: number
}

const NOBODY: Writer = { producerId: -1, producerEpoch: -1, lastSequence: -1 }
const DAY = 86_400_000

export function hostOf(id: number): string {
  return id > 100 ? `controller-${id}` : `broker-${id}`
}

function parse(text: string): { baseOffset: number; lastOffset: number; crc: number }[] {
  return text.split(' ').filter(one => one !== '').map(one => {
    const [offsets, content] = one.split(':') as [string, string]
    const [first, last = first] = offsets.split('-') as [string, string?]
    let crc = 7
    for (const letter of content) crc = Math.imul(crc, 31) + letter.charCodeAt(0)
    return { baseOffset: Number(first), lastOffset: Number(last), crc }
  })
}

function summaries(text: string, leaderEpoch: number, writer: Writer): BatchSummary[] {
  return parse(text).map(batch => ({
    ...batch, ...writer, leaderEpoch, baseSequence: writer.lastSequence, isControl: false, recordCount: batch.lastOffset - batch.baseOffset + 1, maxTimestamp: 0, sizeInBytes: 100,
  }))
}

export class ClusterTrace {
  readonly invariants: Invariants
  time = 0
  /** Which topic, by id: a topic that was created again is another one. */
  topicId = 'first'
  partition = 0
  private readonly incarnations = new Map<number, number>()

  constructor({ config, unclean = false, producersExpire = false, monitors }: Surroundings = {}) {
    const servers = [1, 2, 3, 101, 102, 103].map(nodeId => ({ nodeId, host: hostOf(nodeId) }))
    this.invariants = new Invariants({ guarantees: guaranteesFor({ ...STRICT, ...config }), uncleanElections: () => unclean, servers, producersExpire }, monitors)
  }

  see(id: number, event: Observation): this {
    this.time++
    this.invariants.observe(event, hostOf(id), this.incarnations.get(id) ?? 0, this.time)
    return this
  }

  judge(): Judgement {
    return compose(this.invariants.results())
  }

  // ---- processes ----
  crash(id: number): this {
    return this.see(id, { kind: 'process-stopped', how: 'machine-crash', reason: '' })
  }

  start(id: number, wiped = false): this {
    this.incarnations.set(id, (this.incarnations.get(id) ?? 0) + 1)
    return this.see(id, { kind: 'process-started', wiped })
  }

  settled(...down: readonly number[]): this {
    this.invariants.settled(host => !down.some(id => hostOf(id) === host), ++this.time)
    return this
  }

  // ---- the active controller ----
  /** Controller 101 is active, brokers 1 to 3 are unfenced, and all of them are in sync. */
  ready(): this {
    return this.active(101, 1).unfence(101, 1).unfence(101, 2).unfence(101, 3).register(101)
  }

  active(id: number, epoch: number): this {
    return this.see(id, { kind: 'controller-active', epoch })
  }

  register(id: number, o: Partial<ObservationOf<'partition-registered'>> = {}): this {
    return this.see(id, {
      kind: 'partition-registered', ...this.where(), leader: 1, leaderEpoch: 1, partitionEpoch: 1, replicas: [1, 2, 3], isr: [1, 2, 3], elr: [], lastKnownElr: [], recovering: false, ...o,
    })
  }

  registerBroker(id: number, brokerId: number, brokerEpoch: number): this {
    return this.see(id, { kind: 'broker-registered', brokerId, brokerEpoch, unclean: false })
  }

  unfence(id: number, brokerId: number, brokerEpoch = 1): this {
    return this.see(id, { kind: 'broker-unfenced', brokerId, brokerEpoch })
  }

  fence(id: number, brokerId: number, brokerEpoch = 1): this {
    return this.see(id, { kind: 'broker-fenced', brokerId, brokerEpoch })
  }

  // ---- replicas ----
  lead(id: number, leaderEpoch: number, partitionEpoch = leaderEpoch): this {
    return this.see(id, { kind: 'became-leader', ...this.where(), leaderEpoch, partitionEpoch, logEndOffset: 0, highWatermark: 0, isr: [1, 2, 3] })
  }

  follow(id: number, leaderEpoch: number): this {
    return this.see(id, { kind: 'became-follower', ...this.where(), leaderEpoch, leader: 1, logEndOffset: 0 })
  }

  isrCommitted(id: number, partitionEpoch: number): this {
    return this.see(id, { kind: 'isr-committed', ...this.where(), leaderEpoch: 1, partitionEpoch, isr: [1, 2, 3], maximalIsr: [1, 2, 3] })
  }

  append(id: number, batches: string, epoch = 1, writer: Writer = NOBODY): this {
    for (const batch of summaries(batches, epoch, writer)) this.see(id, { kind: 'log-append', ...this.where(), asLeader: false, batch })
    return this
  }

  /** The same batches on all three brokers. */
  replicate(batches: string, epoch = 1): this {
    return this.append(1, batches, epoch).append(2, batches, epoch).append(3, batches, epoch)
  }

  truncate(id: number, endOffset: number, reason: ObservationOf<'log-truncate'>['reason'] = 'diverging-epoch'): this {
    return this.see(id, { kind: 'log-truncate', ...this.where(), endOffset, previousEnd: 0, highWatermark: 0, reason })
  }

  /** What a restarted broker found on its disk. */
  load(id: number, batches: string, o: { readonly start?: number; readonly end?: number; readonly epoch?: number; readonly writer?: Writer } = {}): this {
    const found = summaries(batches, o.epoch ?? 1, o.writer ?? NOBODY)
    return this.see(id, {
      kind: 'log-loaded', ...this.where(), cleanShutdown: false, logStartOffset: o.start ?? 0, endOffset: o.end ?? (found.at(-1)?.lastOffset ?? -1) + 1, highWatermark: 0, bytesDropped: 0, batches: found,
    })
  }

  deleteLog(id: number): this {
    return this.see(id, { kind: 'log-deleted', ...this.where() })
  }

  watermark(id: number, offset: number, o: Partial<ObservationOf<'high-watermark'>> = {}): this {
    return this.see(id, { kind: 'high-watermark', ...this.where(), leaderEpoch: 1, offset, previous: 0, asLeader: true, maximalIsr: [1, 2, 3], ...o })
  }

  /** A follower learns of the high watermark. */
  learn(id: number, offset: number): this {
    return this.watermark(id, offset, { asLeader: false, maximalIsr: [] })
  }

  logStart(id: number, offset: number, o: Partial<ObservationOf<'log-start'>> = {}): this {
    return this.see(id, {
      kind: 'log-start', ...this.where(), offset, previous: 0, highWatermark: 100, reason: 'delete-records', removed: [], wallClock: 10 * DAY, retentionMs: 7 * DAY, retentionBytes: -1, sizeBefore: 1_000, ...o,
    })
  }

  /** `[producerId, epoch, lastSequence]` each. */
  remembers(id: number, endOffset: number, ...producers: readonly (readonly [number, number, number])[]): this {
    return this.restores(id, endOffset, false, ...producers)
  }

  /** The same, with or without a snapshot. */
  restores(id: number, endOffset: number, fromSnapshot: boolean, ...producers: readonly (readonly [number, number, number])[]): this {
    return this.see(id, {
      kind: 'producer-state', ...this.where(), endOffset, fromSnapshot,
      producers: producers.map(([producerId, producerEpoch, lastSequence]) => ({ producerId, producerEpoch, lastSequence, currentTxnFirstOffset: -1 })),
    })
  }

  // ---- transactions ----
  /** The coordinator on this broker: `copier`, producer 7, is in a state with these partitions. */
  coordinates(id: number, state: string, partitions: readonly string[], o: Partial<ObservationOf<'transaction-state'>> = {}): this {
    return this.see(id, { kind: 'transaction-state', transactionalId: 'copier', coordinatorEpoch: 1, offset: this.time, isReplicated: true, state, producerId: 7, producerEpoch: 0, nextProducerId: -1, clientVersion: 0, partitions, ...o })
  }

  opens(id: number, firstOffset: number, producerEpoch = 0): this {
    return this.see(id, { kind: 'transaction-opened', ...this.where(), producerId: 7, producerEpoch, firstOffset, guarded: true })
  }

  marks(id: number, commit: boolean, o: Partial<ObservationOf<'marker-written'>> = {}): this {
    return this.see(id, { kind: 'marker-written', ...this.where(), producerId: 7, producerEpoch: 0, coordinatorEpoch: 1, commit, offset: 9, firstOffset: 0, transactionVersion: 0, ...o })
  }

  /** Producer 7 has a transaction open from this offset on (-1: none) in this replica. */
  finds(id: number, currentTxnFirstOffset: number, producerEpoch = 0): this {
    return this.see(id, { kind: 'producer-state', ...this.where(), endOffset: -1, fromSnapshot: false, producers: [{ producerId: 7, producerEpoch, lastSequence: 0, currentTxnFirstOffset }] })
  }

  after(seconds: number): this {
    this.time += seconds * 1_000_000
    return this
  }

  /** Batches of which all records have this timestamp. */
  appendAt(id: number, batches: string, maxTimestamp: number): this {
    for (const batch of summaries(batches, 1, NOBODY)) this.see(id, { kind: 'log-append', ...this.where(), asLeader: true, batch: { ...batch, maxTimestamp } })
    return this
  }

  /** Compaction leaves `batches` of [from, to); `changed`: first offsets of those that are gone or thinner. */
  clean(id: number, from: number, to: number, batches: string, o: Partial<Omit<ObservationOf<'log-cleaned'>, 'changed'>> & { readonly changed?: readonly number[]; readonly epoch?: number } = {}): this {
    const { changed = [], epoch = 1, ...rest } = o
    return this.see(id, {
      kind: 'log-cleaned', ...this.where(), from, to, batches: summaries(batches, epoch, NOBODY), removed: [], stamped: [], altered: [], needless: [], forgotten: [], firstDirty: 0, highWatermark: 100,
      lastStableOffset: 100, activeBase: 100, wallClock: 10 * DAY, deleteRetentionMs: DAY, ...rest, changed: changed.map(baseOffset => ({ baseOffset, leaderEpoch: epoch })),
    })
  }

  askTime(id: number, o: { timestamp: number; offset: number; found: number; logStartOffset: number; fetchable: number }): this {
    return this.see(id, { kind: 'offset-for-timestamp', ...this.where(), ...o })
  }

  // ---- the metadata quorum ----
  role(id: number, role: RaftRole, epoch: number, votedFor = -1, isVoter = true): this {
    return this.see(id, { kind: 'raft-role', role, epoch, leaderId: role === 'leader' ? id : -1, votedFor, isVoter })
  }

  raftAppend(id: number, batches: string, epoch = 1): this {
    for (const batch of parse(batches)) this.see(id, { kind: 'raft-append', ...batch, epoch, asLeader: false })
    return this
  }

  raftTruncate(id: number, endOffset: number): this {
    return this.see(id, { kind: 'raft-truncate', endOffset, previousEnd: 0, highWatermark: 0 })
  }

  raftWatermark(id: number, offset: number, o: Partial<ObservationOf<'raft-high-watermark'>> = {}): this {
    return this.see(id, { kind: 'raft-high-watermark', offset, epoch: 1, asLeader: true, ...o })
  }

  raftRecovered(id: number, batches: string, epoch = 1): this {
    const found = parse(batches).map(batch => ({ ...batch, epoch }))
    return this.see(id, { kind: 'raft-recovered', endOffset: (found.at(-1)?.lastOffset ?? -1) + 1, batches: found })
  }

  private where() {
    return { topicId: this.topicId, topic: 'orders', partition: this.partition }
  }
}

export function of(producerId: number, producerEpoch: number, lastSequence: number): Writer {
  return { producerId, producerEpoch, lastSequence }
}

/** One run of events and all that is to be seen in it. */
export interface TraceCase extends Surroundings {
  readonly name: string
  readonly trace: (t: ClusterTrace) => ClusterTrace
  /** Every anomaly with its count; absent: none. */
  readonly counts?: { readonly [anomaly: string]: number }
  readonly allowed?: readonly string[]
  /** Each must occur in the findings. */
  readonly says?: readonly string[]
}

export type TraceCases = { readonly [anomaly: string]: { readonly shows: readonly TraceCase[]; readonly passes: readonly TraceCase[] } }
