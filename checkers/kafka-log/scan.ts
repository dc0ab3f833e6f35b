/**
 * One pass over a history: every send with its fate and where it was read, every partition with what was read at each
 * offset. What the finders of this folder look at. Time is linear in operations and records, memory in distinct records:
 * operations are taken in one after another, and none of them is kept.
 *
 * Reads count whatever became of the reader's operation: polled data must be real. A send is tied to its producer by the
 * recorded field `producer` (a pipelining producer has many operations open, each with a process of its own), otherwise
 * by its process.
 *
 * Polls say whose they are in `isolation`: what only read_uncommitted readers got may belong to a transaction that aborts.
 *
 * A topic that was deleted and created anew is another log. Where clients told topic ids, the incarnation that the drain
 * found is judged, as if it had been there all along; reads of others do not count, nor do their acknowledgements. Which
 * that is, is known in the end: from the first name with an id on, operations wait for it.
 */
import { TrialError } from '../../src/base/trial-error.ts'
import type { History, Json, Operation, Process } from '../../src/history/operation.ts'
import { NameTable } from './name-table.ts'
import { keysOf, readerOf, rebalancedKeys, topicIdsOf } from './operation-parts.ts'
import { PartitionReads } from './partition-reads.ts'
import { PollOrder, type Records } from './poll-order.ts'
import { ACKNOWLEDGED, DRAINED, FAILED, READ, READ_COMMITTED, type SendRecord, SendTable, UNCONFIRMED } from './send-table.ts'
import { type PlacedOperation, Timeline } from './timeline.ts'
import { TransactionLog } from './transaction-log.ts'
import { topicOf } from './values.ts'

const NONE = -1

export interface StrangeRead {
  readonly key: string
  readonly offset: number
  readonly value: Json
  readonly at: number
}

/** One poll, as far as its records are concerned. */
interface Poll {
  readonly at: number
  readonly index: number
  readonly drain: boolean
  readonly transaction: number
  /** Of a read_uncommitted reader: what it gets may be aborted, and then nobody else gets it. */
  readonly isUncommitted: boolean
  /** As part of a transaction that committed. */
  readonly counts: boolean
  readonly isOfReplica: boolean
}

type Micro = readonly [unknown, ...unknown[]]

export class Scan {
  readonly names = new NameTable()
  readonly timeline = new Timeline()
  readonly sends = new SendTable(this.names)
  readonly partitions = new Map<string, PartitionReads>()
  readonly transactions = new TransactionLog()
  readonly polls = new PollOrder(this.names)
  /** Values that no send explains: unknown when read, or sent elsewhere. */
  readonly strange: StrangeRead[] = []
  drained = false
  private readonly byName: (PartitionReads | undefined)[] = []
  private readonly openDeletes = new Map<Process, string>()
  private readonly deletedTopics = new Set<string>()
  /** Topic id in the end, by name. */
  private topicIds: ReadonlyMap<string, string> = new Map()
  private readonly waiting: PlacedOperation[] = []
  private isWaiting = false
  private readonly judged: (boolean | undefined)[] = []
  /** Of the operation at hand: names of the partitions of which it returned records, and the records. */
  private readonly readKeys: number[] = []
  private readonly reads: Records[] = []
  private readCount = 0

  /** All of a history. */
  static of(history: History): Scan {
    const scan = new Scan()
    for (const operation of history) scan.add(operation)
    scan.finish()
    return scan
  }

  add(operation: Operation): void {
    const at = this.timeline.add(operation)
    if (operation.f === 'describe-topic-ids' && operation.type === 'ok') this.topicIds = topicIdsOf(operation.value)
    if (this.isWaiting) this.waiting.push({ at, operation })
    else this.take(operation, at)
  }

  /** Call once, after the last operation. */
  finish(): void {
    if (this.isWaiting) {
      this.isWaiting = false
      this.names.resolve(this.topicIds)
      for (const { at, operation } of this.waiting) this.take(operation, at)
      this.waiting.length = 0
    }
    // A deletion without an answer may have happened.
    for (const topic of this.openDeletes.values()) this.deletedTopics.add(topic)
  }

  sendOf(value: Json): SendRecord | undefined {
    const send = this.sends.find(value)
    return send === NONE ? undefined : this.sends.record(send)
  }

  /** The partition of a name, by number, if anything is known of it. */
  partitionOf(name: number): PartitionReads | undefined {
    return this.byName[name]
  }

  /** Sends of a transaction: from `firstSend` to before this. */
  endOfSends(transaction: number): number {
    const { firstSend } = this.transactions
    return transaction + 1 < firstSend.length ? firstSend.at(transaction + 1) : this.sends.count
  }

  /** A topic that may have been deleted, and perhaps created again: unless ids tell them apart its offsets have no single meaning. */
  isJudged(key: string): boolean {
    return !this.mayHaveBeenDeleted(key) || this.topicIds.has(topicOf(key)) || this.topicIds.has(key)
  }

  /** The same, of a name by number. Only after the pass. */
  judges(name: number): boolean {
    return this.judged[name] ??= this.isJudged(this.names.text(name))
  }

  mayHaveBeenDeleted(key: string): boolean {
    return this.deletedTopics.has(topicOf(key)) || this.deletedTopics.has(key)
  }

  private take(operation: Operation, at: number): void {
    if (operation.process === 'nemesis') {
      this.timeline.faults.push({ at, operation })
      return
    }
    switch (operation.f) {
      case 'send':
      case 'poll':
      case 'txn':
        if (operation.type === 'invoke') this.invoke(operation, at)
        else this.complete(operation, at)
        break
      case 'assign':
      case 'subscribe':
        this.polls.move(readerOf(operation), operation.f, undefined)
        break
      case 'seek':
      case 'reset': {
        const keys = keysOf(operation.value)
        // An answer need not repeat which partitions were meant.
        if (keys !== undefined || operation.type === 'invoke') this.polls.move(readerOf(operation), operation.f, keys)
        break
      }
      case 'delete-topic': {
        const topic = (operation.value as { topic?: Json } | null)?.topic
        if (operation.type === 'invoke' && typeof topic === 'string') this.openDeletes.set(operation.process, topic)
        else if (operation.type === 'fail') this.openDeletes.delete(operation.process)
        else if (operation.type === 'ok') {
          this.deletedTopics.add(this.openDeletes.get(operation.process) ?? '')
          this.openDeletes.delete(operation.process)
        }
        this.timeline.others.push({ at, operation })
        break
      }
      default:
        this.timeline.others.push({ at, operation })
    }
  }

  private invoke(operation: Operation, at: number): void {
    const micros = microsOf(operation)
    const { sends, names } = this
    const transaction = this.transactions.invoke(operation, at, micros.length, sends.count)
    const producer = operation['producer']
    const who = typeof producer === 'string' || typeof producer === 'number' ? producer : operation.process
    for (let i = 0; i < micros.length; i++) {
      const micro = micros[i]!
      if (Array.isArray(micro) && micro[0] === 'send') sends.add(micro[2] as Json, names.number(String(micro[1])), who, at, transaction)
    }
    if (operation.f === 'txn' && sends.count > this.transactions.firstSend.at(transaction)) this.transactions.sendsInTransactions = true
  }

  private complete(operation: Operation, at: number): void {
    const micros = microsOf(operation)
    this.gatherReads(micros)
    if (this.names.hasIds) {
      this.isWaiting = true
      this.waiting.push({ at, operation })
      return
    }
    const transaction = this.transactions.complete(operation, at)
    if (transaction !== NONE) {
      let next = this.transactions.firstSend.at(transaction)
      const end = this.endOfSends(transaction)
      for (let i = 0; i < micros.length && next < end; i++) {
        const micro = micros[i]!
        if (Array.isArray(micro) && micro[0] === 'send') this.completeSend(next++, operation, at, this.names.log(this.names.number(String(micro[1]))), micro[2] as Json)
      }
    }
    if (operation.f === 'send') return
    const drain = operation['drain'] === true
    if (drain) this.drained = true
    const isUncommitted = operation['isolation'] === 'read_uncommitted'
    const { readKeys, reads, readCount } = this
    if (readCount > 0) {
      const poll: Poll = { at, index: operation.index, drain, transaction, isUncommitted, counts: transaction !== NONE && operation.type === 'ok' && !isUncommitted, isOfReplica: operation['replica'] !== undefined }
      for (let i = 0; i < readCount; i++) this.takeRecords(readKeys[i]!, reads[i]!, poll)
    }
    const moved = rebalancedKeys(operation)
    if (moved === undefined) this.polls.poll(readerOf(operation), at, readKeys, reads, readCount)
    else {
      // What was assigned anew meanwhile may go back or forth within the operation, and from it to the next.
      const stayed = Array.from({ length: readCount }, (_, i) => i).filter(i => !moved.has(this.names.text(readKeys[i]!)))
      this.polls.poll(readerOf(operation), at, stayed.map(i => readKeys[i]!), stayed.map(i => reads[i]!), stayed.length)
      this.polls.move(readerOf(operation), 'assign', [...moved])
    }
  }

  /** What the micro-operations returned, in `readKeys` and `reads`. Names are numbered before anything is taken in. */
  private gatherReads(micros: readonly Micro[]): void {
    const { names, readKeys, reads } = this
    this.readCount = 0
    for (let i = 0; i < micros.length; i++) {
      const micro = micros[i]!
      if (!Array.isArray(micro)) continue
      if (micro[0] === 'send') names.number(String(micro[1]))
      else if (micro[0] === 'poll' && typeof micro[1] === 'object' && micro[1] !== null) {
        const found = micro[1] as { readonly [key: string]: Records }
        for (const key of Object.keys(found)) {
          const records = found[key]!
          const log = names.log(names.number(key))
          if (log === NONE || !Array.isArray(records) || records.length === 0) continue
          readKeys[this.readCount] = log
          reads[this.readCount++] = records
        }
      }
    }
  }

  private completeSend(send: number, operation: Operation, at: number, key: number, value: Json): void {
    const { sends } = this
    sends.completed[send] = at
    if (operation.type === 'fail') {
      sends.outcomes[send] = FAILED
    } else if (operation.type === 'info') {
      if (operation.error === 'acks=0') sends.outcomes[send] = UNCONFIRMED
    } else if (key !== NONE) {
      const offset = Array.isArray(value) ? (value as readonly Json[])[0] : null
      const acknowledged = typeof offset === 'number' && offset >= 0
      if (acknowledged && sends.seenAt[send] !== NONE && sends.keys[send] !== key) {
        // Readers got it elsewhere before the answer said where it belongs.
        this.strange.push({ key: this.names.text(sends.keys[send]!), offset: sends.seenOffsets[send]!, value: sends.values[send]!, at: sends.seenAt[send]! })
        sends.forgetReads(send)
      }
      if (sends.keys[send] === NONE) sends.keys[send] = key
      if (acknowledged) {
        sends.outcomes[send] = ACKNOWLEDGED
        sends.offsets[send] = offset
        // Told apart from where it was read before the acknowledgement came: the acknowledgement is what is judged.
        this.partition(key).acknowledged.push(send)
      } else {
        sends.outcomes[send] = UNCONFIRMED
      }
    }
  }

  private takeRecords(key: number, records: Records, { at, index, drain, transaction: polling, isUncommitted, counts, isOfReplica }: Poll): void {
    const partition = this.partition(key)
    const { sends, transactions } = this
    const reads = (isUncommitted ? 0 : READ_COMMITTED) | (isOfReplica || isUncommitted ? 0 : drain ? READ | DRAINED : READ)
    let begin = NONE
    let end = NONE
    for (let i = 0; i < records.length; i++) {
      const record = records[i]!
      if (!Array.isArray(record) || typeof record[0] !== 'number') throw new TrialError('input', `operation ${index}: a poll of ${partition.key} returned something else than [offset, value].`, 'Polls return {key: [[offset, value], ...]}.')
      const offset = record[0] as number
      const value = record[1] as Json
      if (begin === NONE) begin = offset
      if (offset > end) end = offset
      if (offset > partition.highest) {
        partition.highest = offset
        partition.highestAt = at
      }
      const send = partition.read(offset, value, at, drain, isUncommitted)
      if (send === NONE || !sends.belongsTo(send, key)) {
        this.strange.push({ key: partition.key, offset, value, at })
        continue
      }
      if (sends.keys[send] === NONE) sends.keys[send] = key
      const writer = sends.transactions[send]!
      if (counts) transactions.read(send, writer, polling)
      if (writer === polling) transactions.ownRead(polling, send)
      sends.flags[send]! |= reads
      if (sends.seenAt[send] === NONE) {
        sends.seenOffsets[send] = offset
        sends.seenAt[send] = at
      } else if (sends.seenOffsets[send] !== offset) this.takeElsewhere(send, offset, at, drain)
      if (drain && (sends.drainAt[send] === NONE || offset < sends.drainOffsets[send]!)) {
        sends.drainOffsets[send] = offset
        sends.drainAt[send] = at
      }
    }
    if (drain) partition.drainHighestAt = at
    if (counts && end !== NONE) transactions.end(polling, key, begin, end)
  }

  private takeElsewhere(send: number, offset: number, at: number, drain: boolean): void {
    const { elsewhere } = this.sends
    const known = elsewhere.get(send)
    if (known === undefined) elsewhere.set(send, [{ offset, at, drain }])
    else if (!known.some(one => one.offset === offset && (one.drain || !drain))) known.push({ offset, at, drain })
  }

  private partition(name: number): PartitionReads {
    let partition = this.byName[name]
    if (partition === undefined) {
      const key = this.names.text(name)
      partition = new PartitionReads(key, name, this.sends)
      while (this.byName.length <= name) this.byName.push(undefined)
      this.byName[name] = partition
      this.partitions.set(key, partition)
    }
    return partition
  }
}

function microsOf({ value }: Operation): readonly Micro[] {
  return Array.isArray(value) ? value as readonly Micro[] : []
}
