/**
 * What should not be there: two values at one offset, one value at two offsets, values that nobody sent, values whose
 * writer was told that they failed.
 *
 * Which promise an instance breaks depends on its evidence. What only an acknowledgement places at an offset is protected
 * by no-loss alone: with acks=1 the offset may be given to another record. What readers saw is protected by read-stays;
 * and what one drain saw is one log, protected whatever was elected before.
 */
import type { CheckContext } from '../contract.ts'
import type { FindingCollector } from '../finding-collector.ts'
import type { GuaranteeId } from '../guarantees.ts'
import { show } from '../show.ts'
import type { PartitionReads } from './partition-reads.ts'
import type { Scan } from './scan.ts'
import { ACKNOWLEDGED, FAILED, READ_COMMITTED, type SendRecord } from './send-table.ts'
import type { Story } from './story.ts'

export function findValues(scan: Scan, story: Story, context: CheckContext, found: FindingCollector): void {
  for (const partition of scan.partitions.values()) {
    if (!scan.isJudged(partition.key)) continue
    findTwoValues(partition, scan, story, found)
    findTwoAcknowledged(partition, scan, story, found)
  }
  const { sends } = scan
  for (let number = 0; number < sends.count; number++) {
    if (sends.seenAt[number] === -1 || !scan.judges(sends.keys[number]!)) continue
    const isElsewhere = sends.outcomes[number] === ACKNOWLEDGED && sends.offsets[number] !== sends.seenOffsets[number]
    if (isElsewhere || sends.elsewhere.has(number)) findDuplicate(sends.record(number), story, found)
    if (sends.outcomes[number] !== FAILED) continue
    // Under read_uncommitted the records of an aborted transaction are there to be read.
    const isOfTransaction = scan.transactions.isTransaction(sends.transactions[number]!)
    const mayBeRead = isOfTransaction && (context.guarantees.config.isolation === 'read_uncommitted' || (sends.flags[number]! & READ_COMMITTED) === 0)
    // Where committed records may be lost, so may abort markers: the end of the producer's next transaction then covers them.
    const requires: readonly GuaranteeId[] | undefined = isOfTransaction ? ['integrity', 'read-stays'] : undefined
    found.add('aborted-read', () => abortedRead(story, sends.record(number)), mayBeRead ? 'never' : requires)
  }
  for (const read of scan.strange) {
    const send = scan.sendOf(read.value)
    const value = show(read.value)
    const why = send === undefined
      ? 'nobody ever sent it'
      : scan.sends.belongsTo(send.number, scan.names.number(read.key)) ? 'it was sent only later' : `it was sent to ${send.key ?? send.target}`
    found.add('invented-value', () => ({
      title: `Record ${value} was read from ${read.key}, but ${why}.`,
      evidence: { value: read.value, offsets: [read.offset], sentTo: send?.key ?? send?.target ?? null },
      steps: story.ordered(...(send === undefined ? [] : story.sending(send)), story.read(read.at, read.key, read.offset, read.value)),
      contradiction: `Every record of ${read.key} was sent to it by somebody; however, a reader got record ${value} at offset ${read.offset}, and ${why}.`,
      key: read.key,
      offset: read.offset,
    }), undefined, send === undefined ? 0 : 1)
  }
}

function findTwoValues(partition: PartitionReads, scan: Scan, story: Story, found: FindingCollector): void {
  const { key } = partition
  for (const number of partition.contested()) {
    const offset = partition.offset(number)
    const slot = partition.first(number)
    for (const other of partition.others(number)) {
      const requires: GuaranteeId[] = slot.drain && other.drain ? ['integrity'] : ['integrity', 'read-stays']
      found.add('inconsistent-offsets', () => {
        const writers = [slot.value, other.value].map(value => scan.sendOf(value)).filter(send => send !== undefined)
        return {
          title: `Offset ${offset} of ${key} holds record ${show(slot.value)} and record ${show(other.value)}.`,
          evidence: { values: [slot.value, other.value], offsets: [offset] },
          steps: story.ordered(...writers.map(send => story.sent(send)), story.read(slot.at, key, offset, slot.value), ...story.faultsBetween(slot.at, other.at, 2), story.read(other.at, key, offset, other.value)),
          contradiction: `Offset ${offset} of ${key} holds record ${show(slot.value)}, because a reader got it there; however, another read of the same offset gave record ${show(other.value)}.`,
          key,
          offset,
        }
      }, requires, 1)
    }
  }
}

/** An acknowledged offset that readers found, or another acknowledgement put, in other hands. */
function findTwoAcknowledged(partition: PartitionReads, scan: Scan, story: Story, found: FindingCollector): void {
  const { key, acknowledged } = partition
  const { sends } = scan
  /** The first to whom an offset was acknowledged: of offsets that were read by slot, of others by offset. */
  const owners = new Int32Array(partition.count).fill(-1)
  const ownersOfUnread = new Map<number, number>()
  for (const number of acknowledged) {
    const offset = sends.offsets[number]!
    const place = partition.find(offset)
    const first = place === -1 ? ownersOfUnread.get(offset) ?? -1 : owners[place]!
    if (first === -1) {
      if (place === -1) ownersOfUnread.set(offset, number)
      else owners[place] = number
    }
    const isOther = place !== -1 && !partition.holds(place, number)
    if (!isOther && first === -1) continue
    const send = sends.record(number)
    if (isOther) {
      const slot = partition.first(place)
      found.add('inconsistent-offsets', () => ({
        title: `Offset ${offset} of ${key} was acknowledged for record ${show(send.value)} and holds record ${show(slot.value)}.`,
        evidence: { values: [send.value, slot.value], offsets: [offset], producer: send.producer },
        steps: story.ordered(...story.sending(send), ...story.faultsBetween(Math.min(send.invoked, slot.at), Math.max(send.completed, slot.at), 2), story.read(slot.at, key, offset, slot.value)),
        contradiction: `Offset ${offset} of ${key} belongs to record ${show(send.value)}, because it was acknowledged there; however, a reader got record ${show(slot.value)} from that offset.`,
        key,
        offset,
      }), ['no-loss'])
    } else {
      const owner = sends.record(first)
      found.add('inconsistent-offsets', () => ({
        title: `Offset ${offset} of ${key} was acknowledged for record ${show(owner.value)} and for record ${show(send.value)}.`,
        evidence: { values: [owner.value, send.value], offsets: [offset], producer: send.producer },
        steps: story.ordered(...story.sending(owner), ...story.faultsBetween(owner.completed, send.completed, 2), ...story.sending(send)),
        contradiction: `Offset ${offset} of ${key} belongs to record ${show(owner.value)}, because it was acknowledged there; however, record ${show(send.value)} was acknowledged at the same offset.`,
        key,
        offset,
      }), ['no-loss'])
    }
  }
}

function findDuplicate(send: SendRecord, story: Story, found: FindingCollector): void {
  const key = send.key!
  const other = send.elsewhere?.find(one => one.drain) ?? send.elsewhere?.[0]
  if (other !== undefined) {
    const oneLog = send.drainAt !== -1 && send.elsewhere!.some(one => one.drain && one.offset !== send.drainOffset)
    found.add('duplicate', () => duplicate(story, send, [
      [send.seenOffset, story.read(send.seenAt, key, send.seenOffset, send.value)],
      ...send.elsewhere!.slice(0, 3).map(one => [one.offset, story.read(one.at, key, one.offset, send.value)] as const),
    ]), oneLog ? ['no-duplicate'] : ['no-duplicate', 'read-stays'], 1)
  } else if (send.outcome === 'ok' && send.offset !== send.seenOffset) {
    found.add('duplicate', () => duplicate(story, send, [
      [send.offset, story.step(send.completed, `It is acknowledged at offset ${send.offset}.`)],
      [send.seenOffset, story.read(send.seenAt, key, send.seenOffset, send.value)],
    ]), ['no-duplicate', 'no-loss'])
  }
}

function duplicate(story: Story, send: SendRecord, places: readonly (readonly [number, ReturnType<Story['step']>])[]) {
  const key = send.key!
  const offsets = [...new Set(places.map(([offset]) => offset))].sort((a, b) => a - b)
  const value = show(send.value)
  return {
    title: `Record ${value} lies at offsets ${offsets.join(' and ')} of ${key}.`,
    evidence: { value: send.value, offsets, producer: send.producer },
    steps: story.ordered(...story.sending(send), ...places.map(([, step]) => step)),
    contradiction: `Record ${value} was sent once; however, it lies at ${offsets.length} offsets of ${key}: ${offsets.join(', ')}.`,
    key,
    offset: offsets[0]!,
  }
}

function abortedRead(story: Story, send: SendRecord) {
  const key = send.key!
  return {
    title: `Record ${show(send.value)} was read from ${key} although its write had failed.`,
    evidence: { value: send.value, offsets: [send.seenOffset], producer: send.producer, error: story.error(send.completed) },
    steps: story.ordered(...story.sending(send), story.read(send.seenAt, key, send.seenOffset, send.value)),
    contradiction: `Record ${show(send.value)} is not in ${key}, because its producer was told so; however, a reader got it at offset ${send.seenOffset}.`,
    key,
    offset: send.seenOffset,
  }
}
