/**
 * Known behaviours of Kafka 4.3.1 that break a promise. A finding may be excused only if the trace shows the mechanism on
 * the partition (and, where it has one, the producer id) that the finding concerns, and (what the trial runner does next)
 * replaying the plan with the mend switched on removes the anomaly, or leaves only what is excused there in its turn, by the
 * trace of that run and another mend. Then it is `known`: reported with a link, never counted as valid. A finding about a
 * server and no partition (that it died of its own error) concerns what this server did.
 *
 * The mechanisms are told by nodes as observations; which producer a finding concerns follows from the batches that
 * leaders appended at the offsets in its evidence.
 */
import { partitionName } from '../src/base/partition-name.ts'
import { MENDS, type MendId } from '../src/config/defects.ts'
import type { BatchSummary, Observation, ObservationKind, Observer } from '../src/env/observation.ts'
import type { Json } from '../src/history/operation.ts'
import type { Finding } from './contract.ts'
import { LostDecisions } from './lost-decisions.ts'
import { TransactionDecisions } from './transaction-decisions.ts'

export interface Mechanism {
  readonly mend: MendId
  /** `topic-partition`; empty: it concerns what no partition is named for. */
  readonly key: string
  /** Absent: it concerns every producer of the partition. */
  readonly producerId?: number
  readonly node: string
  readonly time: number
  readonly text: string
}

/** A mend that might remove the anomaly, and why. */
export interface Excuse {
  readonly mend: MendId
  readonly link: string
  readonly mechanisms: readonly Mechanism[]
}

/** Anomalies that each mechanism can bring about. */
const CONSEQUENCES: Readonly<Record<MendId, ReadonlySet<string>>> = {
  'KAFKA-14359': new Set(['reorder', 'nonmonotonic-send', 'int-nonmonotonic-send', 'duplicate']),
  'KAFKA-5494-snapshot': new Set(['duplicate', 'reorder', 'nonmonotonic-send', 'int-nonmonotonic-send']),
  'KAFKA-14034': new Set(['duplicate', 'reorder', 'nonmonotonic-send', 'int-nonmonotonic-send']),
  'producer-state-behind-log-start': new Set(['duplicate', 'reorder', 'nonmonotonic-send', 'int-nonmonotonic-send']),
  'timestamp-below-log-start': new Set(['wrong-offset-for-timestamp']),
  'pending-isr-overwritten': new Set([
    'quorum-superset', 'leader-completeness', 'candidate-completeness', 'log-divergence', 'lost-write', 'unseen', 'vanished-read', 'inconsistent-offsets',
    'offset-regression', 'nonmonotonic-send', 'int-nonmonotonic-send', 'reorder', 'nonmonotonic-poll', 'int-nonmonotonic-poll', 'poll-skip', 'int-poll-skip',
  ]),
  'elr-outlives-replica': new Set([
    'leader-completeness', 'candidate-completeness', 'log-divergence', 'lost-write', 'unseen', 'vanished-read', 'inconsistent-offsets', 'offset-regression',
    'nonmonotonic-send', 'int-nonmonotonic-send', 'reorder', 'nonmonotonic-poll', 'int-nonmonotonic-poll', 'poll-skip', 'int-poll-skip',
  ]),
  'elr-cleared-without-leader': new Set(['no-progress']),
  'epoch-start-behind-gap': new Set([
    'log-divergence', 'no-convergence', 'leader-completeness', 'candidate-completeness', 'producer-state-mismatch', 'inconsistent-offsets', 'lost-latest', 'tombstone-missed', 'vanished-read',
    'duplicate', 'reorder', 'nonmonotonic-send', 'int-nonmonotonic-send', 'aborted-read', 'wrong-compaction',
  ]),
  'deposed-coordinator-answers': new Set(['nonlinearizable', 'commit-regression', 'duplicate-output']),
  'abort-index-hides-next': new Set([
    'aborted-read', 'vanished-read', 'G1a', 'G1b', 'torn-transaction', 'inconsistent-offsets', 'duplicate-output', 'unexpected-output', 'wrong-total', 'wrong-compaction', 'lost-latest', 'duplicate', 'reorder',
  ]),
  'deposed-leader-resets-readers': new Set(['duplicate-output', 'missing-output']),
  'empty-marker-forgets-epoch': new Set([
    'producer-state-mismatch', 'duplicate', 'reorder', 'nonmonotonic-send', 'int-nonmonotonic-send', 'hanging-transaction', 'torn-transaction', 'unknown-transaction', 'aborted-read', 'no-progress',
  ]),
  'deposed-leader-delivers': new Set(['redelivered-record']),
  'lost-deliveries-count': new Set(['undelivered-record']),
  'cleaner-trusts-crc': new Set(['invented-value', 'inconsistent-offsets', 'lost-latest', 'tombstone-missed', 'wrong-compaction', 'broker-assertion']),
  'metadata-log-start-forgotten': new Set(['broker-assertion']),
  'coordinator-reads-stale-watermark': new Set(['nonlinearizable', 'commit-regression', 'duplicate-output']),
  'KAFKA-17754': new Set([
    'undecided-marker', 'unknown-transaction', 'hanging-transaction', 'torn-transaction', 'aborted-read', 'lost-write', 'unseen', 'vanished-read', 'G1a', 'G1b', 'precommitted-read', 'no-progress',
    'wrong-total', 'negative-balance', 'duplicate-output', 'missing-output', 'unexpected-output',
  ]),
  'transaction-timeout-by-wall-clock': new Set(['no-progress']),
  'verified-before-replication': new Set(['hanging-transaction', 'unknown-transaction', 'no-progress']),
  'markers-before-replication': new Set([
    'two-outcomes', 'undecided-marker', 'hanging-transaction', 'torn-transaction', 'lost-write', 'unseen', 'vanished-read', 'G1a', 'G1b', 'precommitted-read', 'no-progress',
    'wrong-total', 'negative-balance', 'duplicate-output', 'missing-output', 'unexpected-output',
  ]),
}

/**
 * A broker that refuses what Kafka takes for new makes the client renumber. That renumbering is then the first mend's own
 * doing, so that the two together would excuse a broker that had lost its producers for any reason.
 */
const PROVOKED: { readonly [first in MendId]?: ReadonlySet<MendId> } = { 'KAFKA-14359': new Set(['KAFKA-14034']) }

/** The mechanisms that were seen, and who wrote what. */
export class Mechanisms {
  readonly list: Mechanism[] = []
  /** `topic-partition producerId` of those whose batch a broker refused although it held it among the last five. */
  readonly wronglyRefused = new Set<string>()
  /** Per partition, three numbers a batch: first offset, last offset, producer id. */
  private readonly writers = new Map<string, number[]>()

  wrote(key: string, firstOffset: number, lastOffset: number, producerId: number): void {
    const batches = this.writers.get(key)
    if (batches === undefined) this.writers.set(key, [firstOffset, lastOffset, producerId])
    else batches.push(firstOffset, lastOffset, producerId)
  }

  /** Producers whose batches leaders appended at these offsets, in any epoch. */
  producersAt(key: string, offsets: readonly number[]): ReadonlySet<number> {
    const producers = new Set<number>()
    const batches = this.writers.get(key) ?? []
    for (let i = 0; i < batches.length; i += 3) {
      for (const offset of offsets) if (batches[i]! <= offset && offset <= batches[i + 1]!) producers.add(batches[i + 2]!)
    }
    return producers
  }
}

/** Batches that a leader remembers of each producer (ProducerStateEntry.NUM_BATCHES_TO_RETAIN). */
const REMEMBERED = 5

/** Subscribes while the trial runs. Cheap: a few steps a batch that is appended. */
export class MechanismRecorder implements Observer {
  readonly seen = new Mechanisms()
  private readonly decisions = new TransactionDecisions()
  private readonly lostDecisions = new LostDecisions()
  /** Latest leader epoch of each partition, as the controller has it. */
  private readonly leaderEpochs = new Map<string, number>()
  /** Per replica (`node key`), per producer: what a faithful broker would remember. */
  private readonly held = new Map<string, Map<number, BatchSummary[]>>()

  /** What is seen most often and shows no mechanism. */
  wants(kind: ObservationKind): boolean {
    return kind !== 'request-sent' && kind !== 'high-watermark'
  }

  observe(event: Observation, node: string, _incarnation: number, time: number): void {
    switch (event.kind) {
      case 'log-append': {
        const { batch } = event
        if (batch.producerId < 0) return
        const key = `${event.topic}-${event.partition}`
        if (event.asLeader) this.seen.wrote(key, batch.baseOffset, batch.lastOffset, batch.producerId)
        remember(this.replica(node, key), batch)
        return
      }
      case 'log-truncate':
        for (const batches of this.replica(node, `${event.topic}-${event.partition}`).values()) {
          if (event.reason === 'full') batches.length = 0
          while (batches.length > 0 && batches[batches.length - 1]!.lastOffset >= event.endOffset) batches.pop()
        }
        return
      case 'log-loaded': {
        const replica = this.replica(node, `${event.topic}-${event.partition}`)
        replica.clear()
        for (const batch of event.batches) if (batch.producerId >= 0) remember(replica, batch)
        return
      }
      case 'sequence-rejected': {
        const key = `${event.topic}-${event.partition}`
        const batches = this.replica(node, key).get(event.producerId)
        const holds = batches?.some(batch => batch.producerEpoch === event.producerEpoch && batch.baseSequence === event.firstSequence) === true
        if (holds) this.seen.wronglyRefused.add(`${key} ${event.producerId}`)
        return
      }
      case 'first-sequence-accepted':
        return this.add('KAFKA-14359', event, node, time, `accepts sequence ${event.firstSequence} as the first of producer ${event.producerId}`)
      case 'dedup-window-shrunk':
        // Told right after the refusal: it is Kafka's own.
        this.seen.wronglyRefused.delete(`${event.topic}-${event.partition} ${event.producerId}`)
        return this.add('KAFKA-5494-snapshot', event, node, time, `remembers only ${event.keptBatches} batch of producer ${event.producerId} after loading a snapshot, and a repeat is older`)
      case 'producer-forgotten':
        return this.add('producer-state-behind-log-start', event, node, time, `forgets producer ${event.producerId}, whose batches lie below its log start`)
      case 'client-renumbered':
        return this.add('KAFKA-14034', event, node, time, `gives a batch of producer ${event.producerId} whose fate is unknown a new number: epoch ${event.fromEpoch} sequence ${event.fromSequence} becomes epoch ${event.toEpoch} sequence ${event.toSequence}`)
      case 'timestamp-hidden':
        return this.add('timestamp-below-log-start', event, node, time, `finds timestamp ${event.timestamp} only below its log start in the first segment that has it, and looks no further`)
      case 'isr-proposal-forgotten':
        return this.add('pending-isr-overwritten', event, node, time, `forgets that it has asked for the ISR [${event.proposed.join(' ')}] when metadata that it knows already arrives`)
      case 'elr-cleared-without-leader':
        // What does not get on then is not told by partition.
        for (const key of [partitionName(event.topic, event.partition), '']) this.tell('elr-cleared-without-leader', key, node, time, 'forgets who may lead a partition without leader and ISR, as min.insync.replicas has changed,')
        return
      case 'elr-kept-removed-replica':
        return this.add('elr-outlives-replica', event, node, time, `keeps [${event.brokers.join(' ')}], which are no replicas any more, among the eligible leaders`)
      case 'abort-entry-hides':
        for (const key of [`${event.topic}-${event.partition}`, '']) this.tell('abort-index-hides-next', key, node, time, `writes an entry of the abort index that hides the transaction of producer ${event.producerId} from offset ${event.firstOffset} on`)
        return
      case 'producer-epoch-skipped':
        return this.add('empty-marker-forgets-epoch', event, node, time, `takes no epoch from the empty marker of producer ${event.producerId}, which is of epoch ${event.producerEpoch},`)
      case 'epoch-behind-gap':
        return this.add('epoch-start-behind-gap', event, node, time, `takes offset ${event.offset} for the start of epoch ${event.leaderEpoch}, which may have begun anywhere from ${event.earliest} on,`)
      case 'cleaner-trusted-crc':
        return this.add('cleaner-trusts-crc', event, node, time, `cleans the batch at offset ${event.baseOffset}, which fails its CRC, as if it were whole,`)
      case 'coordinator-read-stale':
        return this.tell('coordinator-reads-stale-watermark', '', node, time, `answers for partition ${event.partition} of ${event.topic} from below its high watermark, which has not reached offset ${event.loadedOffset} that it loaded,`)
      case 'partition-registered':
        return void this.leaderEpochs.set(`${event.topic}-${event.partition}`, event.leaderEpoch)
      case 'coordinator-read': {
        const epoch = this.leaderEpochs.get(`${event.topic}-${event.partition}`) ?? 0
        if (event.coordinatorEpoch < epoch) this.tell('deposed-coordinator-answers', '', node, time, `answers for partition ${event.partition} of ${event.topic} as its coordinator of epoch ${event.coordinatorEpoch}, whom one of epoch ${epoch} has replaced,`)
        return
      }
      case 'read-beyond-end': {
        const key = `${event.topic}-${event.partition}`
        const epoch = this.leaderEpochs.get(key) ?? 0
        const what = event.offset < 0 ? `epoch ${event.epoch} is unknown` : `offset ${event.offset} is out of range`
        if (event.leaderEpoch < epoch) for (const one of [key, '']) this.tell('deposed-leader-resets-readers', one, node, time, `tells a reader that ${what}, as leader of epoch ${event.leaderEpoch}, whom one of epoch ${epoch} has replaced,`)
        return
      }
      case 'share-records': {
        const epoch = this.leaderEpochs.get(`${event.topic}-${event.partition}`) ?? 0
        if (event.change === 'acquired' && event.leaderEpoch < epoch) this.add('deposed-leader-delivers', event, node, time, `hands out offsets ${event.firstOffset}-${event.lastOffset} as the leader of epoch ${event.leaderEpoch}, whom one of epoch ${epoch} has replaced,`)
        return
      }
      case 'share-record-given-up':
        return this.add('lost-deliveries-count', event, node, time, `archives offset ${event.offset} of share group ${event.groupId} for deliveries that no client has answered`)
      case 'transaction-begins-in-future':
        for (const key of [...event.partitions, '']) this.tell('transaction-timeout-by-wall-clock', key, node, time, `coordinates a transaction of ${event.transactionalId} that began ${event.aheadMs} ms in the future of its clock`)
        return
      case 'client-transaction':
      case 'transaction-decided':
      case 'transaction-state':
      case 'marker-written': {
        const found = this.decisions.follow(event)
        for (const key of found?.keys ?? []) this.tell('KAFKA-17754', key, node, time, found!.text)
        const lost = event.kind === 'transaction-state' ? this.lostDecisions.follow(event) : undefined
        for (const key of lost?.keys ?? []) this.tell(lost!.mend, key, node, time, lost!.text)
        return
      }
      case 'raft-epochs-lost':
        return this.add('metadata-log-start-forgotten', { topic: '__cluster_metadata', partition: 0 }, node, time, `has records from ${event.startOffset} to ${event.endOffset} left, and the epoch of none,`)
      default:
    }
  }

  private replica(node: string, key: string): Map<number, BatchSummary[]> {
    const id = `${node} ${key}`
    let replica = this.held.get(id)
    if (replica === undefined) this.held.set(id, replica = new Map())
    return replica
  }

  private tell(mend: MendId, key: string, node: string, time: number, what: string): void {
    this.seen.list.push({ mend, key, node, time, text: `${node} ${what}${key === '' ? '' : ` on ${key}`}.` })
  }

  private add(mend: MendId, event: { readonly topic: string; readonly partition: number; readonly producerId?: number }, node: string, time: number, what: string): void {
    const key = `${event.topic}-${event.partition}`
    const { producerId } = event
    this.seen.list.push({ mend, key, ...(producerId === undefined ? {} : { producerId }), node, time, text: `${node} ${what} on ${key}.` })
  }
}

function remember(replica: Map<number, BatchSummary[]>, batch: BatchSummary): void {
  if (batch.isControl) return
  const batches = replica.get(batch.producerId)
  if (batches === undefined) replica.set(batch.producerId, [batch])
  else if (batches.push(batch) > REMEMBERED) batches.shift()
}

/**
 * The mends worth a replay, in catalogue order; none for a finding that is not bad. `after`: the mend that this run has, and
 * that did not suffice.
 */
export function excusesFor(finding: Finding, seen: Mechanisms, after?: MendId): readonly Excuse[] {
  if (finding.status !== 'bad') return []
  const concerns = finding.key === undefined ? concernsServer(finding) : concernsPartition(finding, finding.key, seen)
  const excuses: Excuse[] = []
  for (const { id, link } of MENDS) {
    const mend = id as MendId
    if (!CONSEQUENCES[mend].has(finding.anomaly) || (after !== undefined && PROVOKED[after]?.has(mend) === true)) continue
    const mechanisms = seen.list.filter(one => one.mend === mend && concerns(one))
    if (mechanisms.length > 0) excuses.push({ mend, link, mechanisms })
  }
  return excuses
}

function concernsPartition(finding: Finding, key: string, seen: Mechanisms): (mechanism: Mechanism) => boolean {
  // A client that gives up its numbers because a broker refused what it held is not to blame: that broker is.
  const producers = new Set([...seen.producersAt(key, offsetsOf(finding))].filter(id => !seen.wronglyRefused.has(`${key} ${id}`)))
  return one => one.key === key && (one.producerId === undefined || producers.has(one.producerId))
}

/** Of the server that died, at the time when it did: such a mechanism kills at once. Or of no partition in particular. */
function concernsServer({ evidence }: Finding): (mechanism: Mechanism) => boolean {
  const { node, time } = recordOf(evidence)
  return one => one.key === '' || (one.node === node && one.time === time)
}

export function mendsThatCouldExcuse(finding: Finding, seen: Mechanisms): readonly MendId[] {
  return excusesFor(finding, seen).map(({ mend }) => mend)
}

/** Marks a finding after a replay with the mend has shown that the anomaly is gone, but for what `others` explain there. */
export function asKnown(finding: Finding, excuse: Excuse, others: readonly string[] = []): Finding {
  const rest = others.length === 0 ? [] : [{ text: `With that mended, ${others.join(' and ')} still brings it about, and nothing else does.` }]
  const steps = [...finding.steps, ...excuse.mechanisms.slice(0, 2).map(({ text, time }) => ({ text, time })), ...rest]
  return { ...finding, status: 'known', steps, known: { mend: excuse.mend, link: excuse.link } }
}

function offsetsOf(finding: Finding): readonly number[] {
  const listed = recordOf(finding.evidence)['offsets']
  const offsets = Array.isArray(listed) ? (listed as readonly Json[]).filter(one => typeof one === 'number') : []
  return finding.offset === undefined ? offsets : [...offsets, finding.offset]
}

function recordOf(evidence: Json): { readonly [key: string]: Json } {
  return typeof evidence === 'object' && evidence !== null && !Array.isArray(evidence) ? evidence as { readonly [key: string]: Json } : {}
}
