/**
 * Known behaviours of Kafka 4.3.1 that break a promise. A finding may be excused only if the trace shows the mechanism on
 * the partition (and, where it has one, the producer id) that the finding concerns, and (what the trial runner does next)
 * replaying the plan with the mend switched on removes the anomaly. Then it is `known`: reported with a link, never
 * counted as valid.
 *
 * The mechanisms are told by nodes as observations; which producer a finding concerns follows from the batches that
 * leaders appended at the offsets in its evidence.
 */
import { MENDS, type MendId } from '../src/config/defects.ts'
import type { Observation, Observer } from '../src/env/observation.ts'
import type { Json } from '../src/history/operation.ts'
import type { Finding } from './contract.ts'

export interface Mechanism {
  readonly mend: MendId
  /** `topic-partition` */
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
  'pending-isr-overwritten': new Set([
    'quorum-superset', 'leader-completeness', 'candidate-completeness', 'log-divergence', 'lost-write', 'unseen', 'vanished-read', 'inconsistent-offsets',
    'offset-regression', 'nonmonotonic-send', 'int-nonmonotonic-send', 'reorder', 'nonmonotonic-poll', 'int-nonmonotonic-poll', 'poll-skip', 'int-poll-skip',
  ]),
}

/** The mechanisms that were seen, and who wrote what. */
export class Mechanisms {
  readonly list: Mechanism[] = []
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

/** Subscribes while the trial runs. Cheap: one entry a batch that a leader appends. */
export class MechanismRecorder implements Observer {
  readonly seen = new Mechanisms()

  observe(event: Observation, node: string, _incarnation: number, time: number): void {
    switch (event.kind) {
      case 'log-append': {
        const { baseOffset, lastOffset, producerId } = event.batch
        if (event.asLeader && producerId >= 0) this.seen.wrote(`${event.topic}-${event.partition}`, baseOffset, lastOffset, producerId)
        return
      }
      case 'first-sequence-accepted':
        return this.add('KAFKA-14359', event, node, time, `accepts sequence ${event.firstSequence} as the first of producer ${event.producerId}`)
      case 'dedup-window-shrunk':
        return this.add('KAFKA-5494-snapshot', event, node, time, `remembers only ${event.keptBatches} batch of producer ${event.producerId} after loading a snapshot, and a repeat is older`)
      case 'client-renumbered':
        return this.add('KAFKA-14034', event, node, time, `gives a batch of producer ${event.producerId} whose fate is unknown a new number: epoch ${event.fromEpoch} sequence ${event.fromSequence} becomes epoch ${event.toEpoch} sequence ${event.toSequence}`)
      case 'isr-proposal-forgotten':
        return this.add('pending-isr-overwritten', event, node, time, `forgets that it has asked for the ISR [${event.proposed.join(' ')}] when metadata that it knows already arrives`)
      default:
    }
  }

  private add(mend: MendId, event: { readonly topic: string; readonly partition: number; readonly producerId?: number }, node: string, time: number, what: string): void {
    const key = `${event.topic}-${event.partition}`
    const { producerId } = event
    this.seen.list.push({ mend, key, ...(producerId === undefined ? {} : { producerId }), node, time, text: `${node} ${what} on ${key}.` })
  }
}

/** The mends worth a replay, in catalogue order; none for a finding that is not bad. */
export function excusesFor(finding: Finding, seen: Mechanisms): readonly Excuse[] {
  const { key } = finding
  if (finding.status !== 'bad' || key === undefined) return []
  const producers = seen.producersAt(key, offsetsOf(finding))
  const excuses: Excuse[] = []
  for (const { id, link } of MENDS) {
    const mend = id as MendId
    if (!CONSEQUENCES[mend].has(finding.anomaly)) continue
    const mechanisms = seen.list.filter(one => one.mend === mend && one.key === key && (one.producerId === undefined || producers.has(one.producerId)))
    if (mechanisms.length > 0) excuses.push({ mend, link, mechanisms })
  }
  return excuses
}

export function mendsThatCouldExcuse(finding: Finding, seen: Mechanisms): readonly MendId[] {
  return excusesFor(finding, seen).map(({ mend }) => mend)
}

/** Marks a finding after a replay with the mend has shown that the anomaly is gone. */
export function asKnown(finding: Finding, excuse: Excuse): Finding {
  const steps = [...finding.steps, ...excuse.mechanisms.slice(0, 2).map(({ text, time }) => ({ text, time }))]
  return { ...finding, status: 'known', steps, known: { mend: excuse.mend, link: excuse.link } }
}

function offsetsOf(finding: Finding): readonly number[] {
  const { evidence } = finding
  const listed = typeof evidence === 'object' && evidence !== null && !Array.isArray(evidence) ? (evidence as { readonly [key: string]: Json })['offsets'] : undefined
  const offsets = Array.isArray(listed) ? (listed as readonly Json[]).filter(one => typeof one === 'number') : []
  return finding.offset === undefined ? offsets : [...offsets, finding.offset]
}
