/**
 * What is missing: lost-write, unseen, unconfirmed-loss, vanished-read. Nothing can be missed below the log start, nor in
 * a compacted topic. Absence is judged after a drain; without one only from a reader that passed over the offset.
 */
import type { CheckContext, ExplanationStep } from '../contract.ts'
import type { FindingCollector } from '../finding-collector.ts'
import { show } from '../show.ts'
import type { PartitionReads } from './partition-reads.ts'
import type { Move } from './poll-order.ts'
import type { Scan } from './scan.ts'
import { DRAINED, READ, type SendRecord, UNCONFIRMED } from './send-table.ts'
import type { Story } from './story.ts'
import { topicOf } from './values.ts'

export function findLoss(scan: Scan, story: Story, context: CheckContext, found: FindingCollector): void {
  if (context.guarantees.config.cleanup === 'compact') return
  const drained = context.drained && scan.drained
  if (drained) findVanished(scan, story, context, found)
  const moved = topicsWithMovedStart(context)
  const { sends } = scan
  for (const partition of scan.partitions.values()) {
    if (!scan.isJudged(partition.key)) continue
    let passed: ReturnType<typeof passedOver> | undefined
    const start = logStartOf(context, partition.key)
    for (const number of partition.acknowledged) {
      if ((sends.flags[number]! & READ) !== 0 || sends.offsets[number]! < start) continue
      const send = sends.record(number)
      if (drained && send.offset > partition.highest) found.add('unseen', () => unseen(story, scan, partition, send))
      else if (drained) found.add('lost-write', () => lostWrite(story, scan, partition, send, partition.highestAt))
      else {
        passed ??= passedOver(scan, partition)
        const at = passed(send.offset)
        if (at !== undefined) found.add('lost-write', () => lostWrite(story, scan, partition, send, at))
      }
    }
  }
  if (!drained) return
  for (let number = 0; number < sends.count; number++) {
    if (sends.outcomes[number] !== UNCONFIRMED || (sends.flags[number]! & READ) !== 0) continue
    const send = sends.record(number)
    const key = send.key ?? send.target
    if (scan.mayHaveBeenDeleted(key) || moved.has(key) || moved.has(topicOf(key))) continue
    found.add('unconfirmed-loss', () => unconfirmed(story, scan, send))
  }
}

export function logStartOf(context: CheckContext, key: string): number {
  const start = Object.hasOwn(context.logStart, key) ? context.logStart[key] : undefined
  return typeof start === 'number' ? start : 0
}

/** Keys, and their topics, where something may have been removed. */
function topicsWithMovedStart(context: CheckContext): Set<string> {
  const moved = new Set<string>()
  for (const key of Object.keys(context.logStart)) if (logStartOf(context, key) > 0) moved.add(key).add(topicOf(key))
  return moved
}

/** Which poll stepped over an offset: readers' gaps as disjoint intervals, found by binary search. */
function passedOver(scan: Scan, partition: PartitionReads): (offset: number) => number | undefined {
  const { polls } = scan
  const gaps: Move[] = []
  for (let move = 0; move < polls.count; move++) if (polls.key(move) === partition.number && !polls.isBackwards(move)) gaps.push(polls.of(move))
  gaps.sort((a, b) => a.from - b.from)
  const merged: { from: number; to: number; at: number }[] = []
  for (const { from, to, at } of gaps) {
    const last = merged[merged.length - 1]
    if (last === undefined || from >= last.to) merged.push({ from, to, at })
    else if (to > last.to) merged.push({ from: last.to - 1, to, at })
  }
  return offset => {
    let low = 0
    let high = merged.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (merged[middle]!.from < offset) low = middle + 1
      else high = middle
    }
    const gap = merged[low - 1]
    return gap !== undefined && offset < gap.to ? gap.at : undefined
  }
}

function findVanished(scan: Scan, story: Story, context: CheckContext, found: FindingCollector): void {
  const { sends } = scan
  for (let number = 0; number < sends.count; number++) {
    if ((sends.flags[number]! & (READ | DRAINED)) !== READ) continue
    const send = sends.record(number)
    const key = send.key!
    if (!scan.isJudged(key) || send.seenOffset < logStartOf(context, key)) continue
    found.add('vanished-read', () => vanished(story, scan, send), undefined, send.outcome === 'ok' ? 1 : 0)
  }
}

function occupant(scan: Scan, key: string, offset: number, not: SendRecord): { readonly value: SendRecord['value']; readonly at: number } | undefined {
  const partition = scan.partitions.get(key)
  const slot = partition?.find(offset) ?? -1
  if (partition === undefined || slot === -1) return undefined
  return [partition.first(slot), ...partition.others(slot)].filter(one => scan.sends.find(one.value) !== not.number).at(-1)
}

function lostWrite(story: Story, scan: Scan, partition: PartitionReads, send: SendRecord, passedAt: number) {
  const { key } = partition
  const value = show(send.value)
  const instead = occupant(scan, key, send.offset, send)
  const steps: ExplanationStep[] = [
    ...story.sending(send),
    ...story.faultsBetween(send.invoked, passedAt, 2),
    ...(instead === undefined ? [] : [story.read(instead.at, key, send.offset, instead.value)]),
    story.step(passedAt, `${story.who(passedAt)} has read ${key} past offset ${send.offset}, to ${partition.highest}, and no reader ever got record ${value}.`),
  ]
  return {
    title: `Acknowledged record ${value} on ${key} disappeared.`,
    evidence: { value: send.value, producer: send.producer, offsets: [send.offset], highestRead: partition.highest, foundInstead: instead?.value ?? null },
    steps: story.ordered(...steps),
    contradiction: `Record ${value} was stored at offset ${send.offset} of ${key}, because that is what its acknowledgement says; however, readers passed that offset and found ${instead === undefined ? 'nothing' : `record ${show(instead.value)}`} there.`,
    key,
    offset: send.offset,
  }
}

function unseen(story: Story, scan: Scan, partition: PartitionReads, send: SendRecord) {
  const { key } = partition
  const value = show(send.value)
  const last = partition.drainHighestAt === -1 ? scan.timeline.length - 1 : partition.drainHighestAt
  const end = partition.highest === -1 ? 'is empty' : `ends at offset ${partition.highest}`
  return {
    title: `Acknowledged record ${value} on ${key} was never seen.`,
    evidence: { value: send.value, producer: send.producer, offsets: [send.offset], highestRead: partition.highest },
    steps: story.ordered(...story.sending(send), ...story.faultsBetween(send.invoked, scan.timeline.length, 3), story.step(last, `The drain reads ${key} to its end: the partition ${end}.`)),
    contradiction: `${key} reaches offset ${send.offset}, because record ${value} was acknowledged there; however, after everything had healed the partition ${end}.`,
    key,
    offset: send.offset,
  }
}

function vanished(story: Story, scan: Scan, send: SendRecord) {
  const key = send.key!
  const value = show(send.value)
  const instead = occupant(scan, key, send.seenOffset, send)
  const last = scan.partitions.get(key)?.drainHighestAt ?? -1
  return {
    title: `Record ${value} was read from ${key} and is gone.`,
    evidence: { value: send.value, producer: send.producer, offsets: [send.seenOffset], acknowledged: send.outcome === 'ok', foundInstead: instead?.value ?? null },
    steps: story.ordered(
      ...story.sending(send),
      story.read(send.seenAt, key, send.seenOffset, send.value),
      ...story.faultsBetween(send.seenAt, scan.timeline.length, 2),
      story.step(last === -1 ? scan.timeline.length - 1 : last, `The drain reads all of ${key} and finds ${instead === undefined ? 'nothing' : `record ${show(instead.value)}`} at offset ${send.seenOffset}, and record ${value} nowhere.`),
    ),
    contradiction: `Record ${value} was committed at offset ${send.seenOffset} of ${key}, because a reader got it; however, the whole partition, read after everything had healed, does not contain it.`,
    key,
    offset: send.seenOffset,
  }
}

function unconfirmed(story: Story, scan: Scan, send: SendRecord) {
  const key = send.key ?? send.target
  const value = show(send.value)
  return {
    title: `Record ${value}, sent to ${key} with acks=0, is not there.`,
    evidence: { value: send.value, producer: send.producer },
    steps: story.ordered(story.sent(send), ...story.faultsBetween(send.invoked, scan.timeline.length, 3)),
    contradiction: `Record ${value} was sent without an error; however, acks=0 asks for no answer, and the drain did not find it.`,
    key,
  }
}
