/**
 * Coverage marks: how often the branches that matter were reached. A campaign sums them and prints the counts, because
 * a run in which nothing happened proves nothing.
 */
import { partitionName } from '../base/partition-name.ts'
import { EPOCH_MS, usToMs } from '../base/time.ts'
import type { Observation, ObservationKind, Observer } from '../env/observation.ts'

/** The counts that every campaign prints, whether reached or not. */
export const CORE_MARKS = [
  'election-with-unreplicated-tail',
  'unclean-election',
  'elr-election',
  'follower-truncation',
  'isr-shrink',
  'isr-expand',
  'lossy-crash-bytes-dropped',
  'retry-after-append',
  'producer-epoch-bump',
  'raft-leader-change',
  'broker-fenced',
  'unclean-broker-restart',
  'retention-removed-segments',
  'client-retry',
  'timestamp-minutes-off',
  'retention-at-skewed-clock',
] as const
export type CoreMark = (typeof CORE_MARKS)[number]

export type MarkCounts = { [mark: string]: number }

const MINUTE_MS = 60_000

export class Coverage implements Observer {
  readonly counts: MarkCounts = Object.fromEntries(CORE_MARKS.map(mark => [mark, 0]))
  private readonly highestEnd = new Map<string, number>()
  private readonly registered = new Set<number>()

  wants(kind: ObservationKind): boolean {
    return kind !== 'request-sent' && kind !== 'high-watermark'
  }

  observe(event: Observation, _node: string, _incarnation: number, time: number): void {
    switch (event.kind) {
      case 'mark': return this.hit(event.name)
      case 'log-append': {
        if (!event.asLeader) return
        const key = partitionName(event.topicId, event.partition)
        this.highestEnd.set(key, Math.max(this.highestEnd.get(key) ?? 0, event.batch.lastOffset + 1))
        if (isMinutesOff(event.batch.maxTimestamp, time)) this.hit('timestamp-minutes-off')
        return
      }
      case 'became-leader':
        if ((this.highestEnd.get(partitionName(event.topicId, event.partition)) ?? 0) > event.logEndOffset) this.hit('election-with-unreplicated-tail')
        this.highestEnd.set(partitionName(event.topicId, event.partition), event.logEndOffset)
        return
      case 'leader-elected':
        if (event.reason === 'unclean' || event.reason === 'last-known-leader') this.hit('unclean-election')
        else if (event.reason === 'elr') this.hit('elr-election')
        return
      case 'log-truncate':
        if (event.endOffset < event.previousEnd) this.hit('follower-truncation')
        return
      case 'isr-committed': return
      case 'isr-proposed': return this.hit(event.change === 'expand' ? 'isr-expand' : 'isr-shrink')
      case 'machine-crash-loss':
        if (event.bytesDropped > 0) this.hit('lossy-crash-bytes-dropped')
        return
      case 'duplicate-batch': return this.hit('retry-after-append')
      case 'isr-proposal-forgotten': return this.hit('isr-proposal-forgotten')
      case 'client-epoch-bump': return this.hit('producer-epoch-bump')
      case 'controller-active': return this.hit('raft-leader-change')
      case 'broker-fenced': return this.hit('broker-fenced')
      case 'broker-registered':
        if (event.unclean && this.registered.has(event.brokerId)) this.hit('unclean-broker-restart')
        this.registered.add(event.brokerId)
        return
      case 'log-start':
        if (event.removed.length === 0) return
        this.hit('retention-removed-segments')
        if (event.reason === 'retention-time' && isMinutesOff(event.wallClock, time)) this.hit('retention-at-skewed-clock')
        return
      case 'client-retry': return this.hit('client-retry')
      case 'client-rebalance': return this.hit(`partitions-${event.change}`)
      case 'client-committed': return this.hit('offsets-committed')
      case 'client-transaction': return this.hit(`transaction-${event.phase}`)
      default:
    }
  }

  private hit(mark: string): void {
    this.counts[mark] = (this.counts[mark] ?? 0) + 1
  }
}

/** Is a wall clock time (ms) off the true time (us of virtual time) by a minute or more? */
function isMinutesOff(wallClockMs: number, time: number): boolean {
  return Math.abs(wallClockMs - EPOCH_MS - usToMs(time)) >= MINUTE_MS
}

export function addCounts(into: MarkCounts, from: MarkCounts): void {
  for (const [mark, count] of Object.entries(from)) into[mark] = (into[mark] ?? 0) + count
}

/** One sentence for every mark that stayed below its floor. */
export function missedFloors(marks: MarkCounts, floors: MarkCounts): string[] {
  return Object.entries(floors).flatMap(([mark, floor]) =>
    ((marks[mark] ?? 0) < floor ? [`coverage floor missed: ${mark} was reached ${marks[mark] ?? 0} times, at least ${floor} are required`] : []))
}
