/**
 * Order: of polls, of acknowledged offsets, of records in the log, of answers about the end of a partition.
 */
import type { History, Process } from '../../src/history/operation.ts'
import type { CheckContext, ExplanationStep } from '../contract.ts'
import type { FindingCollector } from '../finding-collector.ts'
import type { GuaranteeId } from '../guarantees.ts'
import { show } from '../show.ts'
import type { Move } from './poll-order.ts'
import type { Scan, SendRecord } from './scan.ts'
import type { Story } from './story.ts'

export function findPollOrder(scan: Scan, story: Story, context: CheckContext, found: FindingCollector): void {
  for (const move of scan.polls.backwards) {
    if (!scan.isJudged(move.key)) continue
    found.add(move.internal ? 'int-nonmonotonic-poll' : 'nonmonotonic-poll', () => ({
      title: `${story.who(move.at)} went back from offset ${move.from} to ${move.to} of ${move.key}.`,
      evidence: { offsets: [move.from, move.to] },
      steps: story.ordered(...pollSteps(story, move)),
      contradiction: `The position was above ${move.from}, because that offset had been returned; however, without seek, reset or assignment offset ${move.to} was returned next.`,
      key: move.key,
      offset: move.to,
    }))
  }
  // What one reader got of a compacted topic another may find gone, and a third may find again, on another replica.
  if (context.guarantees.config.cleanup === 'compact') return
  // An offset of a transaction may hold a marker, which nobody is given; where that may be lost, a record may take its place.
  const requires: readonly GuaranteeId[] | undefined = scan.sends.some(send => story.at(send.invoked).f === 'txn') ? ['monotonic-poll', 'read-stays'] : undefined
  for (const gap of scan.polls.gaps) {
    if (!scan.isJudged(gap.key)) continue
    const partition = scan.partitions.get(gap.key)
    const skipped = partition?.firstReadBetween(gap.from, gap.to)
    if (partition === undefined || skipped === undefined) continue
    found.add(gap.internal ? 'int-poll-skip' : 'poll-skip', () => {
      const slot = partition.slots.get(skipped)!
      return {
        title: `${story.who(gap.at)} skipped offset ${skipped} of ${gap.key}.`,
        evidence: { offsets: [gap.from, skipped, gap.to], value: slot.value },
        steps: story.ordered(...pollSteps(story, gap), story.read(slot.at, gap.key, skipped, slot.value)),
        contradiction: `Offset ${skipped} of ${gap.key} holds record ${show(slot.value)}, because a reader got it; however, ${story.who(gap.at)} went from ${gap.from} to ${gap.to} without it.`,
        key: gap.key,
        offset: skipped,
      }
    }, requires)
  }
}

function pollSteps(story: Story, move: Move) {
  if (move.internal) return [story.step(move.at, `${story.who(move.at)} polls and gets offset ${move.from} of ${move.key}, then offset ${move.to}, in one operation.`)]
  return [
    story.step(move.fromAt, `${story.who(move.fromAt)} polls and gets ${move.key} up to offset ${move.from}.`),
    ...story.faultsBetween(move.fromAt, move.at, 2),
    story.step(move.at, `${story.who(move.at)} polls and gets offset ${move.to} next.`),
  ]
}

/** The running maxima of one producer on one partition, in order of sending. */
interface Lane {
  acknowledged: SendRecord | undefined
  stored: SendRecord | undefined
  storedUnknown: SendRecord | undefined
}

export function findSendOrder(scan: Scan, story: Story, context: CheckContext, found: FindingCollector): void {
  // After a drain the drained log is the order: offsets of one and the same log. Before, whatever readers saw.
  const position = context.drained && scan.drained ? (send: SendRecord) => drainedOffset(send, context) : (send: SendRecord) => lowest(send)
  const lanes = new Map<string, Map<string | number, Lane>>()
  for (const send of scan.sends) {
    const { key } = send
    if (key === undefined || !scan.isJudged(key)) continue
    const lane = laneOf(lanes, key, send.producer)
    if (send.outcome === 'ok') {
      const earlier = lane.acknowledged
      if (earlier !== undefined && send.offset < earlier.offset) {
        const name = send.invoked === earlier.invoked ? 'int-nonmonotonic-send' : 'nonmonotonic-send'
        found.add(name, () => nonmonotonic(story, earlier, send))
      }
      if (earlier === undefined || send.offset > earlier.offset) lane.acknowledged = send
    }
    const stored = position(send)
    if (stored < 0) continue
    const earlier = lane.stored
    const unknown = lane.storedUnknown
    if (earlier !== undefined && stored < position(earlier)) found.add('reorder', () => reorder(story, earlier, position(earlier), send, stored), undefined, 1)
    else if (unknown !== undefined && stored < position(unknown)) found.add('reorder', () => reorder(story, unknown, position(unknown), send, stored), 'never')
    if (send.outcome === 'ok') {
      if (earlier === undefined || stored > position(earlier)) lane.stored = send
    } else if (unknown === undefined || stored > position(unknown)) lane.storedUnknown = send
  }
  for (const sends of scan.compound) findForeign(scan, sends, story, found)
}

/**
 * Where the drain found it. Unknown when it was acknowledged below the log start: retention may have removed that first
 * copy and left one that a late retry wrote.
 */
function drainedOffset(send: SendRecord, { logStart }: CheckContext): number {
  const start = logStart[send.key!] ?? 0
  return send.outcome === 'ok' && send.offset < start ? -1 : send.drainOffset
}

function lowest(send: SendRecord): number {
  let offset = send.seenOffset
  for (const one of send.elsewhere ?? []) if (one.offset < offset) offset = one.offset
  return offset
}

function laneOf(lanes: Map<string, Map<string | number, Lane>>, key: string, producer: string | number): Lane {
  let producers = lanes.get(key)
  if (producers === undefined) {
    producers = new Map()
    lanes.set(key, producers)
  }
  let lane = producers.get(producer)
  if (lane === undefined) {
    lane = { acknowledged: undefined, stored: undefined, storedUnknown: undefined }
    producers.set(producer, lane)
  }
  return lane
}

function nonmonotonic(story: Story, earlier: SendRecord, later: SendRecord) {
  const key = later.key!
  return {
    title: `${story.who(later.invoked)} got offset ${later.offset} of ${key} after offset ${earlier.offset}.`,
    evidence: { values: [earlier.value, later.value], offsets: [earlier.offset, later.offset], producer: later.producer },
    steps: story.ordered(...story.sending(earlier), ...story.sending(later)),
    contradiction: `Record ${show(later.value)} was sent after record ${show(earlier.value)}, so its offset is larger than ${earlier.offset}; however, it was acknowledged at ${later.offset}.`,
    key,
    offset: later.offset,
  }
}

function reorder(story: Story, earlier: SendRecord, at: number, later: SendRecord, laterAt: number) {
  const key = later.key!
  return {
    title: `Record ${show(later.value)} lies before record ${show(earlier.value)} in ${key}, but was sent after it.`,
    evidence: { values: [earlier.value, later.value], offsets: [at, laterAt], producer: later.producer },
    steps: story.ordered(
      ...story.sending(earlier), ...story.sending(later),
      ...reading(story, later, laterAt), ...reading(story, earlier, at),
    ),
    contradiction: `Record ${show(earlier.value)} comes before record ${show(later.value)}, because one producer sent them in that order; however, they lie at offsets ${at} and ${laterAt}.`,
    key,
    offset: laterAt,
  }
}

/** Nothing when nobody has read it there: it was only acknowledged. */
function reading(story: Story, send: SendRecord, offset: number): ExplanationStep[] {
  const at = send.drainAt !== -1 ? send.drainAt : send.seenAt
  return at === -1 ? [] : [story.read(at, send.key!, offset, send.value)]
}

function findForeign(scan: Scan, sends: readonly SendRecord[], story: Story, found: FindingCollector): void {
  const last = new Map<string, SendRecord>()
  for (const send of sends) {
    if (send.outcome !== 'ok' || send.key === undefined || !scan.isJudged(send.key)) continue
    const { key } = send
    const before = last.get(key)
    const foreign = before === undefined ? undefined : scan.partitions.get(key)?.firstReadBetween(before.offset, send.offset)
    if (before !== undefined && foreign !== undefined) {
      found.add('int-send-skip', () => ({
        title: `Between two sends of one operation to ${key} lies somebody else's record.`,
        evidence: { offsets: [before.offset, foreign, send.offset], producer: send.producer },
        steps: story.ordered(...story.sending(before), ...story.sending(send)),
        contradiction: `The sends got offsets ${before.offset} and ${send.offset} of ${key}; offset ${foreign} between them is another record.`,
        key,
        offset: foreign,
      }))
    }
    last.set(key, send)
  }
}

interface End {
  readonly offset: number
  readonly at: number
}

/** A client that asks for the end and later asks again must not get less. Concurrent questions prove nothing. */
export function findOffsetRegression(scan: Scan, history: History, story: Story, found: FindingCollector): void {
  const known = new Map<string, End>()
  const open = new Map<Process, { readonly lane: string; readonly floor: End | undefined }>()
  for (let at = 0; at < history.length; at++) {
    const operation = history[at]!
    if (operation.f !== 'list-offsets' || !Array.isArray(operation.value)) continue
    const [key, which, offset] = operation.value as unknown as readonly [string, string, number?]
    if (which !== 'latest') continue
    if (operation.type === 'invoke') {
      const lane = `${operation.node ?? operation.process} ${key}`
      open.set(operation.process, { lane, floor: known.get(lane) })
      continue
    }
    const asked = open.get(operation.process)
    open.delete(operation.process)
    if (operation.type !== 'ok' || asked === undefined || typeof offset !== 'number') continue
    const { lane, floor } = asked
    const best = known.get(lane)
    if (best === undefined || offset > best.offset) known.set(lane, { offset, at })
    if (floor === undefined || offset >= floor.offset || scan.mayHaveBeenDeleted(key)) continue
    found.add('offset-regression', () => ({
      title: `The end of ${key} went back from ${floor.offset} to ${offset}.`,
      evidence: { offsets: [floor.offset, offset] },
      steps: story.ordered(
        story.step(floor.at, `${story.who(floor.at)} is told that ${key} ends at ${floor.offset}.`),
        ...story.faultsBetween(floor.at, at, 3),
        story.step(at, `${story.who(at)} asks again and is told ${offset}.`),
      ),
      contradiction: `${key} has ${floor.offset} offsets, because its leader said so; however, the same client was later told that it ends at ${offset}.`,
      key,
      offset,
    }))
  }
}
