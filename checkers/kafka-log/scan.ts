/**
 * One pass over a history: every send with its fate and where it was read, every partition with what was read at each
 * offset. What the finders of this folder look at. Time is linear in operations and records, memory in distinct records.
 *
 * Reads count whatever became of the reader's operation: polled data must be real. A send is tied to its producer by the
 * recorded field `producer` (a pipelining producer has many operations open, each with a process of its own), otherwise
 * by its process.
 *
 * Polls say whose they are in `isolation`: what only read_uncommitted readers got may belong to a transaction that aborts.
 *
 * A topic that was deleted and created anew is another log. Where clients told topic ids, the incarnation that the drain
 * found is judged, as if it had been there all along; reads of others do not count, nor do their acknowledgements.
 */
import { TrialError } from '../../src/base/trial-error.ts'
import type { History, Json, Operation, Process } from '../../src/history/operation.ts'
import { type Identity, identityOf } from '../identity.ts'
import { finalTopicIds, keysOf, readerOf, rebalancedKeys } from './operation-parts.ts'
import { PollOrder } from './poll-order.ts'
import { TransactionLog } from './transaction-log.ts'
import { topicOf } from './values.ts'

/** `unconfirmed`: sent with acks=0, no answer was asked for. `open`: no completion, or one of unknown fate. */
export type SendOutcome = 'open' | 'ok' | 'fail' | 'unconfirmed'

export interface SeenAt {
  readonly offset: number
  readonly at: number
  readonly drain: boolean
}

/** One send of one value. Places (`invoked`, `at`, ...) are positions in the history; -1: never. */
export class SendRecord {
  readonly value: Json
  /** As invoked: a partition, or only a topic. */
  readonly target: string
  readonly producer: string | number
  readonly invoked: number
  /** The transaction that it belongs to, by number. */
  readonly transaction: number
  /** The partition, as soon as an acknowledgement or a reader tells. */
  key: string | undefined = undefined
  completed = -1
  outcome: SendOutcome = 'open'
  /** As acknowledged. */
  offset = -1
  /** The first reader's evidence, and the lowest offset at which the final drain found it. */
  seenOffset = -1
  seenAt = -1
  /** Read in the ordinary way, and by the ordinary drain: a copy that only one replica still has is lost all the same. */
  isRead = false
  isDrained = false
  /** By a reader that was to see nothing of transactions that are open or aborted. */
  isReadCommitted = false
  drainOffset = -1
  drainAt = -1
  /** Readers' evidence at other offsets than `seenOffset`: duplicates. */
  elsewhere: SeenAt[] | undefined = undefined

  constructor(value: Json, target: string, producer: string | number, invoked: number, transaction: number) {
    this.value = value
    this.target = target
    this.producer = producer
    this.invoked = invoked
    this.transaction = transaction
  }

  forgetReads(): void {
    this.key = undefined
    this.seenOffset = this.seenAt = this.drainOffset = this.drainAt = -1
    this.isRead = this.isDrained = this.isReadCommitted = false
    this.elsewhere = undefined
  }

  belongsTo(key: string): boolean {
    if (this.key !== undefined) return this.key === key
    return this.target === key || this.target === topicOf(key)
  }
}

/** What readers found at one offset. */
export interface Slot {
  readonly value: Json
  readonly at: number
  readonly drain: boolean
  /** Other values found at the same offset. */
  others: { readonly value: Json; readonly at: number; readonly drain: boolean }[] | undefined
  /** Who sent the value, once looked up. */
  send: SendRecord | undefined
  /** Found by somebody else than read_uncommitted readers only. */
  isCommitted: boolean
}

export class PartitionReads {
  readonly key: string
  /** Its place in `Scan.partitionList`. */
  readonly number: number
  readonly slots = new Map<number, Slot>()
  highest = -1
  highestAt = -1
  drainHighestAt = -1
  /** Acknowledged sends, in order of invocation. */
  readonly acknowledged: SendRecord[] = []
  private sorted: Float64Array | undefined = undefined

  constructor(key: string, number: number) {
    this.key = key
    this.number = number
  }

  /** The lowest offset strictly between the two at which somebody read something that every reader should get. Only after the pass. */
  firstReadBetween(low: number, high: number): number | undefined {
    this.sorted ??= Float64Array.from([...this.slots].filter(([, { isCommitted }]) => isCommitted).map(([offset]) => offset)).sort()
    let a = 0
    let b = this.sorted.length
    while (a < b) {
      const middle = (a + b) >>> 1
      if (this.sorted[middle]! <= low) a = middle + 1
      else b = middle
    }
    const found = this.sorted[a]
    return found !== undefined && found < high ? found : undefined
  }
}

export interface StrangeRead {
  readonly key: string
  readonly offset: number
  readonly value: Json
  readonly at: number
}

/** One poll, as far as its records are concerned. */
interface Poll {
  readonly at: number
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
  readonly history: History
  readonly sends: SendRecord[] = []
  readonly partitions = new Map<string, PartitionReads>()
  readonly partitionList: PartitionReads[] = []
  readonly transactions = new TransactionLog()
  readonly polls = new PollOrder()
  /** Values that no send explains: unknown when read, or sent elsewhere. */
  readonly strange: StrangeRead[] = []
  /** Per operation with several sends: those sends. */
  readonly compound: SendRecord[][] = []
  /** A value that was sent twice: the history cannot be judged. */
  repeated: Json | undefined = undefined
  drained = false
  /** Positions of the nemesis's operations. */
  readonly faults: number[] = []
  private readonly byValue = new Map<Identity, SendRecord>()
  private readonly open = new Map<Process, SendRecord[]>()
  private readonly openDeletes = new Map<Process, string>()
  private readonly deletedTopics = new Set<string>()
  /** Topic id in the end, by name. */
  private readonly topicIds: ReadonlyMap<string, string>

  constructor(history: History) {
    this.history = history
    this.topicIds = finalTopicIds(history)
    for (let at = 0; at < history.length; at++) this.take(history[at]!, at)
    this.polls.finish()
    // A deletion without an answer may have happened.
    for (const topic of this.openDeletes.values()) this.deletedTopics.add(topic)
  }

  sendOf(value: Json): SendRecord | undefined {
    return this.byValue.get(identityOf(value))
  }

  /** A topic that may have been deleted, and perhaps created again: unless ids tell them apart its offsets have no single meaning. */
  isJudged(key: string): boolean {
    return !this.mayHaveBeenDeleted(key) || this.topicIds.has(topicOf(key)) || this.topicIds.has(key)
  }

  mayHaveBeenDeleted(key: string): boolean {
    return this.deletedTopics.has(topicOf(key)) || this.deletedTopics.has(key)
  }

  /** `orders@id-0` as `orders-0` if that is the topic id in the end, otherwise undefined: another log, gone. */
  private logOf(key: string): string | undefined {
    const at = key.indexOf('@')
    if (at === -1) return key
    const dash = key.lastIndexOf('-')
    const topic = key.slice(0, at)
    return this.topicIds.get(topic) === key.slice(at + 1, dash) ? topic + key.slice(dash) : undefined
  }

  private take(operation: Operation, at: number): void {
    if (operation.process === 'nemesis') {
      this.faults.push(at)
      return
    }
    switch (operation.f) {
      case 'send':
      case 'poll':
      case 'txn':
        this.takeMicroOperations(operation, at)
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
        break
      }
      default:
    }
  }

  private takeMicroOperations(operation: Operation, at: number): void {
    const micros = Array.isArray(operation.value) ? operation.value as readonly Micro[] : []
    if (operation.type === 'invoke') {
      const sends: SendRecord[] = []
      const transaction = this.transactions.invoke(operation, at, micros.length)
      for (const micro of micros) if (Array.isArray(micro) && micro[0] === 'send') sends.push(this.invokeSend(operation, at, String(micro[1]), micro[2] as Json, transaction))
      if (sends.length > 0) this.open.set(operation.process, sends)
      if (sends.length > 1) this.compound.push(sends)
      return
    }
    const sends = this.open.get(operation.process)
    const transaction = this.transactions.complete(operation, at)
    let next = 0
    const reads: (readonly [string, readonly (readonly [number, Json])[]])[] = []
    for (const micro of micros) {
      if (!Array.isArray(micro)) continue
      if (micro[0] === 'send') {
        const send = sends?.[next++]
        if (send !== undefined) this.completeSend(send, operation, at, String(micro[1]), micro[2] as Json)
      } else if (micro[0] === 'poll' && typeof micro[1] === 'object' && micro[1] !== null) {
        const found = micro[1] as { readonly [key: string]: readonly (readonly [number, Json])[] }
        for (const key of Object.keys(found)) {
          const records = found[key]!
          const log = this.logOf(key)
          if (log !== undefined && Array.isArray(records) && records.length > 0) reads.push([log, records])
        }
      }
    }
    if (sends !== undefined) this.open.delete(operation.process)
    if (operation.f === 'send') return
    const drain = operation['drain'] === true
    if (drain) this.drained = true
    const isUncommitted = operation['isolation'] === 'read_uncommitted'
    for (const [key, records] of reads) this.takeRecords(key, records, { at, drain, transaction, isUncommitted, counts: transaction !== -1 && operation.type === 'ok' && !isUncommitted, isOfReplica: operation['replica'] !== undefined })
    const moved = rebalancedKeys(operation)
    if (moved === undefined) this.polls.poll(readerOf(operation), at, reads)
    else {
      // What was assigned anew meanwhile may go back or forth within the operation, and from it to the next.
      this.polls.poll(readerOf(operation), at, reads.filter(([key]) => !moved.has(key)))
      this.polls.move(readerOf(operation), 'assign', [...moved])
    }
  }

  private invokeSend(operation: Operation, at: number, target: string, value: Json, transaction: number): SendRecord {
    const producer = operation['producer']
    const send = new SendRecord(value, target, typeof producer === 'string' || typeof producer === 'number' ? producer : operation.process, at, transaction)
    const identity = identityOf(value)
    if (this.byValue.has(identity)) this.repeated ??= value
    this.byValue.set(identity, send)
    this.sends.push(send)
    return send
  }

  private completeSend(send: SendRecord, operation: Operation, at: number, where: string, value: Json): void {
    send.completed = at
    const key = this.logOf(where)
    if (operation.type === 'fail') {
      send.outcome = 'fail'
    } else if (operation.type === 'info') {
      if (operation.error === 'acks=0') send.outcome = 'unconfirmed'
    } else if (key !== undefined) {
      const offset = Array.isArray(value) ? (value as readonly Json[])[0] : null
      const acknowledged = typeof offset === 'number' && offset >= 0
      if (acknowledged && send.seenAt !== -1 && send.key !== key) {
        // Readers got it elsewhere before the answer said where it belongs.
        this.strange.push({ key: send.key!, offset: send.seenOffset, value: send.value, at: send.seenAt })
        send.forgetReads()
      }
      if (send.key === undefined) send.key = key
      if (acknowledged) {
        send.outcome = 'ok'
        send.offset = offset
        // Told apart from where it was read before the acknowledgement came: the acknowledgement is what is judged.
        this.partition(key).acknowledged.push(send)
      } else {
        send.outcome = 'unconfirmed'
      }
    }
  }

  private takeRecords(key: string, records: readonly (readonly [number, Json])[], { at, drain, transaction: polling, isUncommitted, counts, isOfReplica }: Poll): void {
    const partition = this.partition(key)
    let end = -1
    for (let i = 0; i < records.length; i++) {
      const record = records[i]!
      if (!Array.isArray(record) || typeof record[0] !== 'number') throw new TrialError('input', `operation ${this.history[at]!.index}: a poll of ${key} returned something else than [offset, value].`, 'Polls return {key: [[offset, value], ...]}.')
      const offset = record[0] as number
      const value = record[1] as Json
      if (offset > end) end = offset
      if (offset > partition.highest) {
        partition.highest = offset
        partition.highestAt = at
      }
      const slot = this.takeSlot(partition, offset, value, at, drain)
      slot.isCommitted ||= !isUncommitted
      // Most records are read again and again where they were: then the slot knows the send.
      const known = slot.value === value ? slot.send : undefined
      const send = known ?? this.byValue.get(identityOf(value))
      if (known === undefined && slot.value === value) slot.send = send
      if (send === undefined || !send.belongsTo(key)) {
        this.strange.push({ key, offset, value, at })
        continue
      }
      if (send.key === undefined) send.key = key
      if (counts) this.transactions.read(send.transaction, polling)
      if (send.transaction === polling) this.transactions.ownRead(polling, send)
      send.isReadCommitted ||= !isUncommitted
      if (!isOfReplica && !isUncommitted) {
        send.isRead = true
        send.isDrained ||= drain
      }
      if (send.seenAt === -1) {
        send.seenOffset = offset
        send.seenAt = at
      } else if (send.seenOffset !== offset) {
        const elsewhere = send.elsewhere ??= []
        if (!elsewhere.some(one => one.offset === offset && (one.drain || !drain))) elsewhere.push({ offset, at, drain })
      }
      if (drain && (send.drainAt === -1 || offset < send.drainOffset)) {
        send.drainOffset = offset
        send.drainAt = at
      }
    }
    if (drain) partition.drainHighestAt = at
    if (counts && end !== -1) this.transactions.end(polling, partition.number, end)
  }

  private takeSlot(partition: PartitionReads, offset: number, value: Json, at: number, drain: boolean): Slot {
    const slot = partition.slots.get(offset)
    if (slot === undefined) {
      const first: Slot = { value, at, drain, others: undefined, send: undefined, isCommitted: false }
      partition.slots.set(offset, first)
      return first
    }
    if (slot.value === value || identityOf(slot.value) === identityOf(value)) return slot
    const others = slot.others ??= []
    if (!others.some(one => identityOf(one.value) === identityOf(value))) others.push({ value, at, drain })
    return slot
  }

  private partition(key: string): PartitionReads {
    let partition = this.partitions.get(key)
    if (partition === undefined) {
      partition = new PartitionReads(key, this.partitionList.length)
      this.partitions.set(key, partition)
      this.partitionList.push(partition)
    }
    return partition
  }
}
