/**
 * The transactions of a Kafka history and what they sent and polled, gathered while `Scan` passes over it. Operations send,
 * poll and txn are transactions (as in Jepsen's Kafka workload); those that are `ok` committed, those of unknown fate did
 * if anything they sent was read.
 */
import type { Operation } from '../../src/history/operation.ts'
import { IntList } from '../isolation/int-list.ts'
import { TransactionTable } from '../isolation/transaction-table.ts'
import { grown } from './columns.ts'

export class TransactionLog {
  readonly table = new TransactionTable()
  /** Positions in the history of the invocation and the answer (-1: none) of each transaction. */
  readonly invoked = new IntList()
  readonly completed = new IntList()
  /** The first send of each transaction: its sends are neighbours. */
  readonly firstSend = new IntList()
  /** Is there one that does several things? Otherwise there is nothing to be torn, and nothing to go round. */
  compound = false
  /** Is there a send within one that is a transaction by name? */
  sendsInTransactions = false
  /** A send and the transaction that read it, where an `ok` poll returned a record of another transaction. */
  readonly reads = new IntList()
  /** Transaction, number of the partition's name: of what an `ok` transaction polled of it, the first offset and the highest. */
  readonly ends = new IntList()
  readonly beginOffsets: number[] = []
  readonly endOffsets: number[] = []
  /** What transactions polled although they had sent it themselves. */
  readonly own: { readonly transaction: number; readonly send: number }[] = []
  private lastWriter = -1
  private lastReader = -1
  /** 1: it is a transaction by name, neither a send nor a poll by itself. */
  private named = new Uint8Array(1_024)

  invoke(operation: Operation, at: number, micros: number, sends: number): number {
    const transaction = this.table.invoke(operation)
    if (transaction === this.named.length) this.named = grown(this.named)
    this.named[transaction] = operation.f === 'txn' ? 1 : 0
    this.invoked.push(at)
    this.completed.push(-1)
    this.firstSend.push(sends)
    if (micros > 1) this.compound = true
    return transaction
  }

  isTransaction(transaction: number): boolean {
    return this.named[transaction] === 1
  }

  complete(operation: Operation, at: number): number {
    const transaction = this.table.complete(operation)
    if (transaction !== -1) this.completed.set(transaction, at)
    return transaction
  }

  /** Runs of records of one writer count once. */
  read(send: number, writer: number, reader: number): void {
    if (writer === this.lastWriter && reader === this.lastReader) return
    this.lastWriter = writer
    this.lastReader = reader
    this.reads.push(send)
    this.reads.push(reader)
  }

  ownRead(transaction: number, send: number): void {
    if (this.own.at(-1)?.send !== send) this.own.push({ transaction, send })
  }

  /** Later polls of a transaction push further ends of the same partition: the highest counts. */
  end(transaction: number, partition: number, begin: number, end: number): void {
    this.ends.push(transaction)
    this.ends.push(partition)
    this.beginOffsets.push(begin)
    this.endOffsets.push(end)
  }
}
