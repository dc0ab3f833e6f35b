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
import type { PartitionReads, Scan, SendRecord } from './scan.ts'

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
  /** Per partition: sends known to be in the log, by offset. */
  private readonly logs = new Map<PartitionReads, readonly SendRecord[]>()
  private sent: Map<number, SendRecord[]> | undefined = undefined

  constructor(scan: Scan) {
    this.scan = scan
    this.transactions = scan.transactions.table
    const logs = new Map<string, SendRecord[]>()
    for (const send of scan.sends) {
      if (placeOf(send) < 0 || this.transactions.status(send.transaction) === FAILED || !scan.isJudged(send.key!)) continue
      const log = logs.get(send.key!)
      if (log === undefined) logs.set(send.key!, [send])
      else log.push(send)
    }
    for (const [key, log] of logs) {
      const partition = scan.partitions.get(key)
      if (partition !== undefined) this.logs.set(partition, log.sort((a, b) => placeOf(a) - placeOf(b)))
    }
  }

  build() {
    const builder = new GraphBuilder(this.transactions.count)
    for (const log of this.logs.values()) for (let i = 1; i < log.length; i++) builder.link(log[i - 1]!.transaction, log[i]!.transaction, WW)
    const { reads, ends, endOffsets } = this.scan.transactions
    for (let i = 0; i < reads.length; i += 2) if (this.transactions.status(reads.at(i)) !== FAILED) builder.link(reads.at(i), reads.at(i + 1), WR)
    for (let i = 0; i < endOffsets.length; i++) {
      // A later poll of the same transaction went on.
      if (this.isOvertaken(i)) continue
      const next = this.after(this.scan.partitionList[ends.at(2 * i + 1)]!, endOffsets[i]!)
      if (next !== undefined) builder.link(ends.at(2 * i), next.transaction, RW)
    }
    this.transactions.linkSessions(builder)
    return builder.build()
  }

  describe(transaction: number): Json {
    const { invoked, completed } = this.scan.transactions
    const at = completed.at(transaction) === -1 ? invoked.at(transaction) : completed.at(transaction)
    const value = this.scan.history[at]!.value
    const text = JSON.stringify(value)
    return text.length <= 2_000 ? value : `${text.slice(0, 2_000)}...`
  }

  explain(first: number, second: number, kind: number, firstName: string, secondName: string): Reason {
    if (kind === WR) {
      for (const send of this.sendsOf(first)) {
        if (!this.polled(second, send)) continue
        return { type: 'wr', key: send.key!, value: send.value, because: `${firstName} sent record ${show(send.value)} to ${send.key}, which ${secondName} polled` }
      }
    }
    for (const send of this.sendsOf(second)) {
      const partition = this.scan.partitions.get(send.key!)
      const log = partition === undefined ? undefined : this.logs.get(partition)
      if (partition === undefined || log === undefined) continue
      const before = log[log.indexOf(send) - 1]
      if (kind === WW && before?.transaction === first) {
        return { type: 'ww', key: send.key!, value: before.value, next: send.value, because: `${firstName} sent record ${show(before.value)} to ${send.key} at offset ${placeOf(before)}, and ${secondName} sent ${show(send.value)} at offset ${placeOf(send)}` }
      }
      const end = kind === RW ? this.endOf(first, partition) : -1
      if (end !== -1 && this.after(partition, end) === send) {
        return { type: 'rw', key: send.key!, value: end, next: placeOf(send), because: `${firstName} polled ${send.key} up to offset ${end}, and ${secondName} sent record ${show(send.value)} at offset ${placeOf(send)}` }
      }
    }
    return { type: edgeName(kind), because: `${firstName} comes before ${secondName}` }
  }

  private after(partition: PartitionReads, offset: number): SendRecord | undefined {
    const log = this.logs.get(partition)
    if (log === undefined) return undefined
    let low = 0
    let high = log.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (placeOf(log[middle]!) <= offset) low = middle + 1
      else high = middle
    }
    return log[low]
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

  private endOf(transaction: number, partition: PartitionReads): number {
    const { ends, endOffsets } = this.scan.transactions
    let highest = -1
    for (let i = 0; i < endOffsets.length; i++) if (ends.at(2 * i) === transaction && this.scan.partitionList[ends.at(2 * i + 1)] === partition && endOffsets[i]! > highest) highest = endOffsets[i]!
    return highest
  }

  private sendsOf(transaction: number): readonly SendRecord[] {
    if (this.sent === undefined) {
      this.sent = new Map()
      for (const send of this.scan.sends) {
        const sends = this.sent.get(send.transaction)
        if (placeOf(send) < 0) continue
        if (sends === undefined) this.sent.set(send.transaction, [send])
        else sends.push(send)
      }
    }
    return this.sent.get(transaction) ?? []
  }

  private polled(transaction: number, { key, value }: SendRecord): boolean {
    const completed = this.scan.transactions.completed.at(transaction)
    const micros = this.scan.history[completed]?.value
    if (!Array.isArray(micros)) return false
    return (micros as readonly Json[]).some(micro => {
      if (!Array.isArray(micro) || micro[0] !== 'poll' || typeof micro[1] !== 'object' || micro[1] === null) return false
      const records = Object.hasOwn(micro[1], key!) ? (micro[1] as { readonly [key: string]: Json })[key!] : undefined
      return Array.isArray(records) && (records as readonly Json[]).some(record => Array.isArray(record) && show(record[1] as Json) === show(value))
    })
  }
}

/** Where it lies for certain: as read, as acknowledged, or as told of a transaction of which something was read. */
function placeOf(send: SendRecord): number {
  if (send.seenOffset !== -1) return send.seenOffset
  return send.outcome === 'ok' ? send.offset : -1
}
