/**
 * Transactions that are not whole: torn-transaction (of one, some records are there in the end and others are not) and
 * precommitted-read (a transaction polled what it had itself sent, before anybody could know that it would commit).
 */
import type { CheckContext } from '../contract.ts'
import type { FindingCollector } from '../finding-collector.ts'
import type { GuaranteeId } from '../guarantees.ts'
import { show } from '../show.ts'
import { logStartOf } from './find-loss.ts'
import type { Scan, SendRecord } from './scan.ts'
import type { Story } from './story.ts'

export function findTorn(scan: Scan, story: Story, context: CheckContext, found: FindingCollector): void {
  findPrecommitted(scan, story, context, found)
  if (!context.drained || !scan.drained || context.guarantees.config.cleanup === 'compact') return
  for (const sends of scan.compound) {
    const [first] = sends
    if (first === undefined || first.outcome === 'fail') continue
    const judged = sends.filter(send => mustBeThere(scan, context, send))
    const there = judged.filter(({ drainAt }) => drainAt !== -1)
    const missing = judged.filter(({ drainAt }) => drainAt === -1)
    if (there.length === 0 || missing.length === 0) continue
    // With acks below all a part of a transaction may be lost like any record.
    const requires: GuaranteeId[] = ['integrity', 'no-loss']
    found.add('torn-transaction', () => torn(scan, story, there, missing), requires, first.outcome === 'ok' ? 1 : 0)
  }
}

/** Is it certain that retention has not removed it? */
function mustBeThere(scan: Scan, context: CheckContext, send: SendRecord): boolean {
  const key = send.key ?? send.target
  if (!scan.isJudged(key)) return false
  const offset = send.outcome === 'ok' ? send.offset : send.seenOffset
  return offset === -1 ? logStartOf(context, key) === 0 : offset >= logStartOf(context, key)
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
      story.step(last === -1 ? scan.history.length - 1 : last, `The drain reads ${other.key ?? other.target} to its end and does not find record ${show(other.value)}.`),
    ),
    contradiction: `A transaction is in the log as a whole or not at all, and record ${show(one.value)} is there; however, record ${show(other.value)} of the same transaction is not.`,
    key: other.key ?? other.target,
  }
}

function findPrecommitted(scan: Scan, story: Story, context: CheckContext, found: FindingCollector): void {
  const requires = context.guarantees.config.isolation === 'read_committed' ? undefined : 'never'
  for (const { transaction, send } of scan.transactions.own) {
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
