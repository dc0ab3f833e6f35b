/**
 * Order: of polls, of acknowledged offsets, of records in the log, of answers about the end of a partition.
 */
import type { Process } from '../../src/history/operation.ts'
import type { CheckContext, ExplanationStep } from '../contract.ts'
import type { FindingCollector } from '../finding-collector.ts'
import type { GuaranteeId } from '../guarantees.ts'
import { show } from '../show.ts'
import type { Move } from './poll-order.ts'
import type { Scan } from './scan.ts'
import { ACKNOWLEDGED, type SendRecord, type SendTable } from './send-table.ts'
import type { Story } from './story.ts'

export function findPollOrder(scan: Scan, story: Story, context: CheckContext, found: FindingCollector): void {
  const { polls } = scan
  for (let number = 0; number < polls.count; number++) {
    if (!polls.isBackwards(number) || !isJudged(scan, number)) continue
    const move = polls.of(number)
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
  const requires: readonly GuaranteeId[] | undefined = scan.transactions.sendsInTransactions ? ['monotonic-poll', 'read-stays'] : undefined
  for (let number = 0; number < polls.count; number++) {
    if (polls.isBackwards(number) || !isJudged(scan, number)) continue
    const partition = scan.partitionOf(polls.key(number))
    const skipped = partition?.firstReadBetween(polls.low(number), polls.high(number))
    if (partition === undefined || skipped === undefined) continue
    const gap = polls.of(number)
    found.add(gap.internal ? 'int-poll-skip' : 'poll-skip', () => {
      const slot = partition.first(partition.find(skipped))
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

function isJudged(scan: Scan, move: number): boolean {
  const key = scan.polls.key(move)
  return key >= 0 && scan.judges(key)
}

function pollSteps(story: Story, move: Move) {
  if (move.internal) return [story.step(move.at, `${story.who(move.at)} polls and gets offset ${move.from} of ${move.key}, then offset ${move.to}, in one operation.`)]
  return [
    story.step(move.fromAt, `${story.who(move.fromAt)} polls and gets ${move.key} up to offset ${move.from}.`),
    ...story.faultsBetween(move.fromAt, move.at, 2),
    story.step(move.at, `${story.who(move.at)} polls and gets offset ${move.to} next.`),
  ]
}

/** The running maxima of one producer on one partition, in order of sending: sends, or -1. */
interface Lane {
  acknowledged: number
  stored: number
  storedUnknown: number
}

export function findSendOrder(scan: Scan, story: Story, context: CheckContext, found: FindingCollector): void {
  const { sends } = scan
  const position = positionsOf(scan, context)
  const lanes = new Lanes()
  for (let send = 0; send < sends.count; send++) {
    const key = sends.keys[send]!
    if (key === -1 || !scan.judges(key)) continue
    const lane = lanes.of(key, sends.producers[send]!)
    const isAcknowledged = sends.outcomes[send] === ACKNOWLEDGED
    if (isAcknowledged) {
      const earlier = lane.acknowledged
      if (earlier !== -1 && sends.offsets[send]! < sends.offsets[earlier]!) {
        const name = sends.invoked[send] === sends.invoked[earlier] ? 'int-nonmonotonic-send' : 'nonmonotonic-send'
        found.add(name, () => nonmonotonic(story, sends.record(earlier), sends.record(send)))
      }
      if (earlier === -1 || sends.offsets[send]! > sends.offsets[earlier]!) lane.acknowledged = send
    }
    const stored = position(send)
    if (stored < 0) continue
    const earlier = lane.stored
    const unknown = lane.storedUnknown
    if (earlier !== -1 && stored < position(earlier)) found.add('reorder', () => reorder(story, sends.record(earlier), position(earlier), sends.record(send), stored), undefined, 1)
    else if (unknown !== -1 && stored < position(unknown)) found.add('reorder', () => reorder(story, sends.record(unknown), position(unknown), sends.record(send), stored), 'never')
    if (isAcknowledged) {
      if (earlier === -1 || stored > position(earlier)) lane.stored = send
    } else if (unknown === -1 || stored > position(unknown)) lane.storedUnknown = send
  }
  findForeign(scan, story, found)
}

/**
 * After a drain the drained log is the order: offsets of one and the same log. Before, whatever readers saw. Where the
 * drain found it is unknown when it was acknowledged below the log start: retention may have removed that first copy and
 * left one that a late retry wrote.
 */
function positionsOf(scan: Scan, context: CheckContext): (send: number) => number {
  const { sends, names } = scan
  if (!context.drained || !scan.drained) return send => (sends.elsewhere.size === 0 ? sends.seenOffsets[send]! : lowest(sends, send))
  const starts = Float64Array.from({ length: names.count }, (_, name) => context.logStart[names.text(name)] ?? 0)
  return send => (sends.outcomes[send] === ACKNOWLEDGED && sends.offsets[send]! < starts[sends.keys[send]!]! ? -1 : sends.drainOffsets[send]!)
}

function lowest(sends: SendTable, send: number): number {
  let offset = sends.seenOffsets[send]!
  for (const one of sends.elsewhere.get(send) ?? []) if (one.offset < offset) offset = one.offset
  return offset
}

/** By partition and producer. Sends of one operation have the same producer, so the last one is nearly always near. */
class Lanes {
  private readonly byProducer = new Map<string | number, Map<number, Lane>>()
  private lastProducer: string | number | undefined = undefined
  private last: Map<number, Lane> | undefined = undefined

  of(key: number, producer: string | number): Lane {
    let lanes = producer === this.lastProducer ? this.last : this.byProducer.get(producer)
    if (lanes === undefined) {
      lanes = new Map()
      this.byProducer.set(producer, lanes)
    }
    this.lastProducer = producer
    this.last = lanes
    let lane = lanes.get(key)
    if (lane === undefined) {
      lane = { acknowledged: -1, stored: -1, storedUnknown: -1 }
      lanes.set(key, lane)
    }
    return lane
  }
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

/** Between two sends of one operation to one partition. */
function findForeign(scan: Scan, story: Story, found: FindingCollector): void {
  const { sends } = scan
  /** By name of the partition the send before. */
  const last = new Int32Array(scan.names.count).fill(-1)
  for (let send = 0; send < sends.count; send++) {
    const key = sends.keys[send]!
    if (sends.outcomes[send] !== ACKNOWLEDGED || key === -1 || !scan.judges(key)) continue
    const before = last[key]!
    last[key] = send
    if (before === -1 || sends.transactions[before] !== sends.transactions[send]) continue
    const [low, high] = [sends.offsets[before]!, sends.offsets[send]!]
    const foreign = scan.partitionOf(key)?.firstReadBetween(low, high)
    if (foreign === undefined) continue
    found.add('int-send-skip', () => {
      const [one, other] = [sends.record(before), sends.record(send)]
      const name = scan.names.text(key)
      return {
        title: `Between two sends of one operation to ${name} lies somebody else's record.`,
        evidence: { offsets: [low, foreign, high], producer: other.producer },
        steps: story.ordered(...story.sending(one), ...story.sending(other)),
        contradiction: `The sends got offsets ${low} and ${high} of ${name}; offset ${foreign} between them is another record.`,
        key: name,
        offset: foreign,
      }
    })
  }
}

interface End {
  readonly offset: number
  readonly at: number
}

/** A client that asks for the end and later asks again must not get less. Concurrent questions prove nothing. */
export function findOffsetRegression(scan: Scan, story: Story, found: FindingCollector): void {
  const known = new Map<string, End>()
  const open = new Map<Process, { readonly lane: string; readonly floor: End | undefined }>()
  for (const { at, operation } of scan.timeline.others) {
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
