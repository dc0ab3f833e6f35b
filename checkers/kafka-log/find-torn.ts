/**
 * Transactions that are not whole: torn-transaction (of one, some records are there in the end and others are not) and
 * precommitted-read (a transaction polled what it had itself sent, before anybody could know that it would commit).
 */
import type { CheckContext } from '../contract.ts'
import type { FindingCollector } from '../finding-collector.ts'
import type { GuaranteeId } from '../guarantees.ts'
import { show } from '../show.ts'
import { logStartOf } from './find-loss.ts'
import type { Scan } from './scan.ts'
import { ACKNOWLEDGED, FAILED, type SendRecord } from './send-table.ts'
import type { Story } from './story.ts'

export function findTorn(scan: Scan, story: Story, context: CheckContext, found: FindingCollector): void {
  findPrecommitted(scan, story, context, found)
  if (!context.drained || !scan.drained || context.guarantees.config.cleanup === 'compact') return
  const { sends } = scan
  // With acks below all a part of a transaction may be lost like any record.
  const requires: GuaranteeId[] = ['integrity', 'no-loss']
  for (let first = 0, end = 0; first < sends.count; first = end) {
    end = scan.endOfSends(sends.transactions[first]!)
    if (end - first < 2 || sends.outcomes[first] === FAILED) continue
    let there = 0
    let missing = 0
    for (let send = first; send < end; send++) {
      if (!mustBeThere(scan, context, send)) continue
      if (sends.drainAt[send] === -1) missing++
      else there++
    }
    if (there === 0 || missing === 0) continue
    const [from, to] = [first, end]
    found.add('torn-transaction', () => {
      const judged = Array.from({ length: to - from }, (_, i) => from + i).filter(send => mustBeThere(scan, context, send)).map(send => sends.record(send))
      return torn(scan, story, judged.filter(({ drainAt }) => drainAt !== -1), judged.filter(({ drainAt }) => drainAt === -1))
    }, requires, sends.outcomes[first] === ACKNOWLEDGED ? 1 : 0)
  }
}

/** Is it certain that retention has not removed it? */
function mustBeThere(scan: Scan, context: CheckContext, send: number): boolean {
  const { sends, names } = scan
  const key = sends.keys[send] === -1 ? sends.targets[send]! : sends.keys[send]!
  if (!scan.judges(key)) return false
  const offset = sends.outcomes[send] === ACKNOWLEDGED ? sends.offsets[send]! : sends.seenOffsets[send]!
  const start = logStartOf(context, names.text(key))
  return offset === -1 ? start === 0 : offset >= start
}

function torn(scan: Scan, story: Story, there: readonly SendRecord[], missing: readonly SendRecord[]) {
  const [one, other] = [there[0]!, missing[0]!]
  const last = scan.partitions.get(other.key ?? other.target)?.drainHighestAt ?? -1
  return {
    title: `Of one transaction record ${show(one.value)} is in ${one.key}, and record ${show(other.value)} is not in ${other.key ?? other.target}.`,
    evidence: { there: there.slice(0, 100).map(({ value }) => value), missing: missing.slice(0, 100).map(({ value }) => value), acknowledged: one.outcome === 'ok', producer: one.producer },
    steps: story.ordered(
      ...story.sending(one), ...story.sending(other), ...story.faultsBetween(one.invoked, one.drainAt, 2),
      story.read(one.drainAt, one.key!, one.drainOffset, one.value),
      story.step(last === -1 ? scan.timeline.length - 1 : last, `The drain reads ${other.key ?? other.target} to its end and does not find record ${show(other.value)}.`),
    ),
    contradiction: `A transaction is in the log as a whole or not at all, and record ${show(one.value)} is there; however, record ${show(other.value)} of the same transaction is not.`,
    key: other.key ?? other.target,
  }
}

function findPrecommitted(scan: Scan, story: Story, context: CheckContext, found: FindingCollector): void {
  const requires = context.guarantees.config.isolation === 'read_committed' ? undefined : 'never'
  for (const { transaction, send: number } of scan.transactions.own) {
    const send = scan.sends.record(number)
    const at = scan.transactions.completed.at(transaction)
    found.add('precommitted-read', () => ({
      title: `A transaction polled record ${show(send.value)} from ${send.key}, which it had itself sent.`,
      evidence: { value: send.value, offsets: [send.seenOffset], producer: send.producer },
      steps: story.ordered(story.sent(send), story.step(at, `In the same transaction ${story.who(at)} polls record ${show(send.value)} from ${send.key}.`)),
      contradiction: `A read_committed consumer gets nothing of a transaction before that has committed; however, record ${show(send.value)} was polled within the transaction that sent it.`,
      key: send.key ?? send.target,
    }), requires)
  }
}
