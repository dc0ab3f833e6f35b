/**
 * Dependency cycles between transactions of a Kafka log. Offsets give the order of versions outright:
 *
 *   ww  who sent a record, to who sent the next one of the partition
 *   wr  who sent a record, to who polled it
 *   rw  who polled a partition up to an offset, to who sent the next record after it
 *
 * Unlike Jepsen's workload, which leaves rw out. Kafka isolates little: transactions interleave within a partition, so ww
 * edges may go round (G0, and G1c with one of them), and polls may lag, so rw edges prove nothing wrong. All these are
 * counted (and that a poll lags behind real time is no cycle at all). A cycle of wr edges alone, or with the orders that clients saw, is wrong where consumers read committed records
 * only: each transaction would have ended before another that it read from.
 */
import type { Json } from '../../src/history/operation.ts'
import type { CheckContext } from '../contract.ts'
import type { FindingCollector } from '../finding-collector.ts'
import { Budget } from '../isolation/budget.ts'
import { GraphBuilder, RW, WR, WW, edgeName } from '../isolation/dependency-graph.ts'
import { explainCycle, type Reason } from '../isolation/explain-cycle.ts'
import { findCycles } from '../isolation/find-cycles.ts'
import { FAILED } from '../isolation/transaction-table.ts'
import { show } from '../show.ts'
import type { Scan } from './scan.ts'
import type { SendTable } from './send-table.ts'

/** Micro-operations of a transaction that are told. */
const MICROS_TOLD = 64

/** Returns why the search ended early, if it did. */
export function findTransactionCycles(scan: Scan, context: CheckContext, found: FindingCollector): string | undefined {
  const { transactions } = scan
  if (!transactions.compound) return undefined
  const graph = new LogGraph(scan)
  const order = (first: number, second: number): number => transactions.table.order(first, second)
  const { cycles, unfinished } = findCycles(graph.build(), new Budget(context.limits), { ranges: true, readsAlone: true, lagging: true, order })
  for (const cycle of cycles) {
    const wrong = cycle.readsOnly && context.guarantees.config.isolation === 'read_committed'
    found.add(cycle.anomaly, () => explainCycle(cycle, graph), wrong ? ['integrity'] : 'never')
  }
  return unfinished
}

class LogGraph {
  readonly transactions
  private readonly scan: Scan
  /** By name of the partition: sends known to be in the log, by offset. */
  private readonly logs: (Int32Array | undefined)[]

  constructor(scan: Scan) {
    this.scan = scan
    this.transactions = scan.transactions.table
    this.logs = logsOf(scan)
  }

  build() {
    const { sends } = this.scan
    const builder = new GraphBuilder(this.transactions.count)
    for (const log of this.logs) if (log !== undefined) for (let i = 1; i < log.length; i++) builder.link(sends.transactions[log[i - 1]!]!, sends.transactions[log[i]!]!, WW)
    const { reads, ends, endOffsets } = this.scan.transactions
    for (let i = 0; i < reads.length; i += 2) {
      const writer = sends.transactions[reads.at(i)]!
      if (this.transactions.status(writer) !== FAILED) builder.link(writer, reads.at(i + 1), WR)
    }
    for (let i = 0; i < endOffsets.length; i++) {
      // A later poll of the same transaction went on.
      if (this.isOvertaken(i)) continue
      const next = this.after(ends.at(2 * i + 1), endOffsets[i]!)
      if (next !== -1) builder.link(ends.at(2 * i), sends.transactions[next]!, RW)
    }
    this.transactions.linkSessions(builder)
    return builder.build()
  }

  /** What it sent, and what it polled by the ends of each partition's records. */
  describe(transaction: number): Json {
    const { names, sends, transactions: { ends, beginOffsets, endOffsets } } = this.scan
    const micros: Json[] = []
    for (let send = this.firstSend(transaction); send < this.scan.endOfSends(transaction) && micros.length < MICROS_TOLD; send++) {
      const { key, target, offset, outcome, value } = sends.record(send)
      micros.push(['send', key ?? target, outcome === 'ok' ? [offset, value] : value])
    }
    for (let i = this.firstEnd(transaction); i < endOffsets.length && ends.at(2 * i) === transaction && micros.length < MICROS_TOLD; i++) {
      const partition = this.scan.partitionOf(ends.at(2 * i + 1))!
      const told = [...new Set([beginOffsets[i]!, endOffsets[i]!])].map((offset): Json => [offset, partition.value(partition.find(offset))])
      micros.push(['poll', { [names.text(ends.at(2 * i + 1))]: told.length === 2 && endOffsets[i]! > beginOffsets[i]! + 1 ? [told[0]!, '...', told[1]!] : told }])
    }
    return micros
  }

  explain(first: number, second: number, kind: number, firstName: string, secondName: string): Reason {
    const { sends } = this.scan
    if (kind === WR) {
      const { reads } = this.scan.transactions
      for (let i = 0; i < reads.length; i += 2) {
        if (reads.at(i + 1) !== second || sends.transactions[reads.at(i)] !== first) continue
        const { key, value } = sends.record(reads.at(i))
        return { type: 'wr', key: key!, value, because: `${firstName} sent record ${show(value)} to ${key}, which ${secondName} polled` }
      }
    }
    for (let number = this.firstSend(second); number < this.scan.endOfSends(second); number++) {
      const key = sends.keys[number]!
      const log = key === -1 ? undefined : this.logs[key]
      if (log === undefined || sends.place(number) < 0) continue
      const send = sends.record(number)
      const place = log.indexOf(number)
      const before = place > 0 ? sends.record(log[place - 1]!) : undefined
      if (kind === WW && before?.transaction === first) {
        return { type: 'ww', key: send.key!, value: before.value, next: send.value, because: `${firstName} sent record ${show(before.value)} to ${send.key} at offset ${sends.place(before.number)}, and ${secondName} sent ${show(send.value)} at offset ${sends.place(number)}` }
      }
      const end = kind === RW ? this.endOf(first, key) : -1
      if (end !== -1 && this.after(key, end) === number) {
        return { type: 'rw', key: send.key!, value: end, next: sends.place(number), because: `${firstName} polled ${send.key} up to offset ${end}, and ${secondName} sent record ${show(send.value)} at offset ${sends.place(number)}` }
      }
    }
    return { type: edgeName(kind), because: `${firstName} comes before ${secondName}` }
  }

  /** The send that follows an offset in a log, or -1. */
  private after(key: number, offset: number): number {
    const log = this.logs[key]
    if (log === undefined) return -1
    const { sends } = this.scan
    let low = 0
    let high = log.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (sends.place(log[middle]!) <= offset) low = middle + 1
      else high = middle
    }
    return low < log.length ? log[low]! : -1
  }

  /** Does a later entry of the same transaction and partition end higher (or is it the same)? */
  private isOvertaken(entry: number): boolean {
    const { ends, endOffsets } = this.scan.transactions
    for (let later = entry + 1; later < endOffsets.length && ends.at(2 * later) === ends.at(2 * entry); later++) {
      if (ends.at(2 * later + 1) === ends.at(2 * entry + 1) && endOffsets[later]! >= endOffsets[entry]!) return true
    }
    for (let earlier = entry - 1; earlier >= 0 && ends.at(2 * earlier) === ends.at(2 * entry); earlier--) {
      if (ends.at(2 * earlier + 1) === ends.at(2 * entry + 1) && endOffsets[earlier]! > endOffsets[entry]!) return true
    }
    return false
  }

  private endOf(transaction: number, key: number): number {
    const { ends, endOffsets } = this.scan.transactions
    let highest = -1
    for (let i = this.firstEnd(transaction); i < endOffsets.length && ends.at(2 * i) === transaction; i++) if (ends.at(2 * i + 1) === key && endOffsets[i]! > highest) highest = endOffsets[i]!
    return highest
  }

  /** What a transaction polled is told at its answer, all at once: its entries are neighbours. */
  private firstEnd(transaction: number): number {
    const { ends, endOffsets } = this.scan.transactions
    for (let i = 0; i < endOffsets.length; i++) if (ends.at(2 * i) === transaction) return i
    return endOffsets.length
  }

  private firstSend(transaction: number): number {
    return this.scan.transactions.firstSend.at(transaction)
  }
}

function logsOf(scan: Scan): (Int32Array | undefined)[] {
  const { sends, names, transactions: { table } } = scan
  const counts = new Int32Array(names.count)
  const isKnown = (send: number): boolean => sends.place(send) >= 0 && table.status(sends.transactions[send]!) !== FAILED && scan.judges(sends.keys[send]!) && scan.partitionOf(sends.keys[send]!) !== undefined
  for (let send = 0; send < sends.count; send++) if (isKnown(send)) counts[sends.keys[send]!]!++
  const logs = Array.from(counts, count => (count === 0 ? undefined : new Int32Array(count)))
  counts.fill(0)
  for (let send = 0; send < sends.count; send++) if (isKnown(send)) logs[sends.keys[send]!]![counts[sends.keys[send]!]!++] = send
  for (const log of logs) if (log !== undefined) sortByPlace(log, sends)
  return logs
}

/** By insertion, since hardly anything lies far from the order of sending; what moves too much is sorted as usual. Stable. */
function sortByPlace(log: Int32Array, sends: SendTable): void {
  let moves = 32 * log.length
  for (let i = 1; i < log.length; i++) {
    const one = log[i]!
    const place = sends.place(one)
    let at = i
    for (; at > 0 && sends.place(log[at - 1]!) > place; at--) log[at] = log[at - 1]!
    log[at] = one
    if ((moves -= i - at) < 0) {
      log.sort((a, b) => sends.place(a) - sends.place(b) || a - b)
      return
    }
  }
}
