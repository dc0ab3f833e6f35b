/**
 * Every send with its fate and where it was read, as columns: a history has as many as it has records. A `SendRecord` is a
 * view of one row. Places (`invoked`, `seenAt`, ...) are positions in the history; -1: never.
 */
import type { Json } from '../../src/history/operation.ts'
import { identityOf } from '../identity.ts'
import { ValueIndex } from '../isolation/value-index.ts'
import { grown } from './columns.ts'
import type { NameTable } from './name-table.ts'

/** `unconfirmed`: sent with acks=0, no answer was asked for. `open`: no completion, or one of unknown fate. */
export type SendOutcome = 'open' | 'ok' | 'fail' | 'unconfirmed'

export const OPEN = 0
export const ACKNOWLEDGED = 1
export const FAILED = 2
export const UNCONFIRMED = 3
const OUTCOMES: readonly SendOutcome[] = ['open', 'ok', 'fail', 'unconfirmed']

/** Read in the ordinary way, and by the ordinary drain: a copy that only one replica still has is lost all the same. */
export const READ = 1
export const DRAINED = 2
/** By a reader that was to see nothing of transactions that are open or aborted. */
export const READ_COMMITTED = 4

const FIRST_CAPACITY = 1_024
const NONE = -1

export interface SeenAt {
  readonly offset: number
  readonly at: number
  readonly drain: boolean
}

export class SendTable {
  count = 0
  readonly values: Json[] = []
  readonly producers: (string | number)[] = []
  /** As invoked, by name: a partition, or only a topic. */
  targets = new Int32Array(FIRST_CAPACITY)
  /** The partition by name, as soon as an acknowledgement or a reader tells. */
  keys = new Int32Array(FIRST_CAPACITY)
  invoked = new Int32Array(FIRST_CAPACITY)
  transactions = new Int32Array(FIRST_CAPACITY)
  completed = new Int32Array(FIRST_CAPACITY)
  outcomes = new Uint8Array(FIRST_CAPACITY)
  /** As acknowledged. */
  offsets = new Float64Array(FIRST_CAPACITY)
  /** The first reader's evidence, and the lowest offset at which the final drain found it. */
  seenOffsets = new Float64Array(FIRST_CAPACITY)
  seenAt = new Int32Array(FIRST_CAPACITY)
  drainOffsets = new Float64Array(FIRST_CAPACITY)
  drainAt = new Int32Array(FIRST_CAPACITY)
  flags = new Uint8Array(FIRST_CAPACITY)
  /** Readers' evidence at other offsets than `seenOffset`: duplicates. */
  readonly elsewhere = new Map<number, SeenAt[]>()
  /** A value that was sent twice: the history cannot be judged. */
  repeated: Json | undefined = undefined
  readonly names: NameTable
  private readonly byValue = new ValueIndex()

  constructor(names: NameTable) {
    this.names = names
  }

  /** Returns the number of the new send. */
  add(value: Json, target: number, producer: string | number, invoked: number, transaction: number): number {
    const send = this.count++
    if (send === this.keys.length) this.grow()
    this.values.push(value)
    this.producers.push(producer)
    this.targets[send] = target
    this.keys[send] = this.completed[send] = this.offsets[send] = NONE
    this.seenOffsets[send] = this.seenAt[send] = this.drainOffsets[send] = this.drainAt[send] = NONE
    this.invoked[send] = invoked
    this.transactions[send] = transaction
    if (this.byValue.get(value) === NONE) this.byValue.set(value, send)
    else this.repeated ??= value
    return send
  }

  /** The send of a value, or -1. */
  find(value: Json): number {
    return this.byValue.get(value)
  }

  belongsTo(send: number, key: number): boolean {
    const known = this.keys[send]!
    if (known !== NONE) return known === key
    const target = this.targets[send]!
    return target === key || target === this.names.topic(key)
  }

  forgetReads(send: number): void {
    this.keys[send] = NONE
    this.seenOffsets[send] = this.seenAt[send] = this.drainOffsets[send] = this.drainAt[send] = NONE
    this.flags[send] = 0
    this.elsewhere.delete(send)
  }

  /** Where it lies for certain: as read, as acknowledged, or as told of a transaction of which something was read. */
  place(send: number): number {
    if (this.seenOffsets[send] !== NONE) return this.seenOffsets[send]!
    return this.outcomes[send] === ACKNOWLEDGED ? this.offsets[send]! : NONE
  }

  is(send: number, value: Json): boolean {
    const own = this.values[send]!
    return own === value || identityOf(own) === identityOf(value)
  }

  record(send: number): SendRecord {
    return new SendRecord(this, send)
  }

  private grow(): void {
    for (const column of ['targets', 'keys', 'invoked', 'transactions', 'completed', 'seenAt', 'drainAt'] as const) this[column] = grown(this[column])
    for (const column of ['offsets', 'seenOffsets', 'drainOffsets'] as const) this[column] = grown(this[column])
    for (const column of ['outcomes', 'flags'] as const) this[column] = grown(this[column])
  }
}

/** One send of one value. */
export class SendRecord {
  readonly number: number
  private readonly table: SendTable

  constructor(table: SendTable, number: number) {
    this.table = table
    this.number = number
  }

  get value(): Json { return this.table.values[this.number]! }
  get target(): string { return this.table.names.text(this.table.targets[this.number]!) }
  get producer(): string | number { return this.table.producers[this.number]! }
  get invoked(): number { return this.table.invoked[this.number]! }
  get transaction(): number { return this.table.transactions[this.number]! }
  get completed(): number { return this.table.completed[this.number]! }
  get outcome(): SendOutcome { return OUTCOMES[this.table.outcomes[this.number]!]! }
  get offset(): number { return this.table.offsets[this.number]! }
  get seenOffset(): number { return this.table.seenOffsets[this.number]! }
  get seenAt(): number { return this.table.seenAt[this.number]! }
  get drainOffset(): number { return this.table.drainOffsets[this.number]! }
  get drainAt(): number { return this.table.drainAt[this.number]! }
  get elsewhere(): readonly SeenAt[] | undefined { return this.table.elsewhere.get(this.number) }

  get key(): string | undefined {
    const key = this.table.keys[this.number]!
    return key === NONE ? undefined : this.table.names.text(key)
  }
}
