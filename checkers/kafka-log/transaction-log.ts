/**
 * The transactions of a Kafka history and what they sent and polled, gathered while `Scan` passes over it. Operations send,
 * poll and txn are transactions (as in Jepsen's Kafka workload); those that are `ok` committed, those of unknown fate did
 * if anything they sent was read.
 */
import type { Operation } from '../../src/history/operation.ts'
import { IntList } from '../isolation/int-list.ts'
import { TransactionTable } from '../isolation/transaction-table.ts'
import type { SendRecord } from './scan.ts'

export class TransactionLog {
  readonly table = new TransactionTable()
  /** Positions in the history of the invocation and the answer (-1: none) of each transaction. */
  readonly invoked = new IntList()
  readonly completed = new IntList()
  /** Is there one that does several things? Otherwise there is nothing to be torn, and nothing to go round. */
  compound = false
  /** Writer and reader, where an `ok` poll returned a record of another transaction. */
  readonly reads = new IntList()
  /** Transaction, number of the partition: the end of what an `ok` transaction polled of it. */
  readonly ends = new IntList()
  readonly endOffsets: number[] = []
  /** What transactions polled although they had sent it themselves. */
  readonly own: { readonly transaction: number; readonly send: SendRecord }[] = []
  private lastWriter = -1
  private lastReader = -1

  invoke(operation: Operation, at: number, micros: number): number {
    const transaction = this.table.invoke(operation)
    this.invoked.push(at)
    this.completed.push(-1)
    if (micros > 1) this.compound = true
    return transaction
  }

  complete(operation: Operation, at: number): number {
    const transaction = this.table.complete(operation)
    if (transaction !== -1) this.completed.set(transaction, at)
    return transaction
  }

  /** Runs of records of one writer count once. */
  read(writer: number, reader: number): void {
    if (writer === this.lastWriter && reader === this.lastReader) return
    this.lastWriter = writer
    this.lastReader = reader
    this.reads.push(writer)
    this.reads.push(reader)
  }

  ownRead(transaction: number, send: SendRecord): void {
    if (this.own.at(-1)?.send !== send) this.own.push({ transaction, send })
  }

  /** Later polls of a transaction push further ends of the same partition: the highest counts. */
  end(transaction: number, partition: number, offset: number): void {
    this.ends.push(transaction)
    this.ends.push(partition)
    this.endOffsets.push(offset)
  }
}
