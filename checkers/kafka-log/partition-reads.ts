/**
 * What readers found at the offsets of one partition, as columns: a slot an offset, in the order in which offsets were first
 * read. Memory follows the records, never the largest offset.
 */
import type { Json } from '../../src/history/operation.ts'
import { identityOf } from '../identity.ts'
import { grown } from './columns.ts'
import type { SendTable } from './send-table.ts'

const FIRST_CAPACITY = 64
const NONE = -1
/** Flags of a slot: first found by the drain; found by somebody else than read_uncommitted readers only. */
const DRAIN = 1
const COMMITTED = 2

export interface FoundValue {
  readonly value: Json
  readonly at: number
  readonly drain: boolean
}

export class PartitionReads {
  readonly key: string
  /** Its name, by number. */
  readonly number: number
  highest = NONE
  highestAt = NONE
  drainHighestAt = NONE
  /** Acknowledged sends, in order of invocation. */
  readonly acknowledged: number[] = []
  count = 0
  private readonly sends: SendTable
  private offsets = new Float64Array(FIRST_CAPACITY)
  private firstAt = new Int32Array(FIRST_CAPACITY)
  private flags = new Uint8Array(FIRST_CAPACITY)
  /** The send of the value that was found first, once looked up; -1: nobody is known to have sent it. */
  private writers = new Int32Array(FIRST_CAPACITY)
  /** Values of slots without a send, and other values found at the same offset. */
  private readonly strangers = new Map<number, Json>()
  private readonly otherValues = new Map<number, FoundValue[]>()
  /** Slot plus one of the offset at its place; offsets beyond are in a map. */
  private dense = new Int32Array(FIRST_CAPACITY)
  private readonly sparse = new Map<number, number>()
  private sorted: Float64Array | undefined = undefined

  constructor(key: string, number: number, sends: SendTable) {
    this.key = key
    this.number = number
    this.sends = sends
  }

  /** The slot of an offset, or -1. */
  find(offset: number): number {
    const { dense } = this
    if (offset >= 0 && offset < dense.length) {
      const slot = dense[offset]
      if (slot !== undefined && slot !== 0) return slot - 1
    }
    return this.sparse.size === 0 ? NONE : this.sparse.get(offset) ?? NONE
  }

  /** Takes in that a value was read, and returns its send, or -1. */
  read(offset: number, value: Json, at: number, drain: boolean, isUncommitted: boolean): number {
    const slot = this.find(offset)
    if (slot === NONE) {
      const send = this.sends.find(value)
      this.add(offset, value, send, at, (drain ? DRAIN : 0) | (isUncommitted ? 0 : COMMITTED))
      return send
    }
    if (!isUncommitted) this.flags[slot]! |= COMMITTED
    const writer = this.writers[slot]!
    // Most records are read again and again where they were.
    if (writer !== NONE && this.sends.is(writer, value)) return writer
    const send = this.sends.find(value)
    if (writer === NONE && identityOf(this.strangers.get(slot)!) === identityOf(value)) {
      // It was read before it was sent.
      if (send !== NONE) this.writers[slot] = send
      return send
    }
    const others = this.otherValues.get(slot)
    if (others === undefined) this.otherValues.set(slot, [{ value, at, drain }])
    else if (!others.some(one => identityOf(one.value) === identityOf(value))) others.push({ value, at, drain })
    return send
  }

  offset(slot: number): number {
    return this.offsets[slot]!
  }

  first(slot: number): FoundValue {
    return { value: this.value(slot), at: this.firstAt[slot]!, drain: (this.flags[slot]! & DRAIN) !== 0 }
  }

  value(slot: number): Json {
    const writer = this.writers[slot]!
    return writer === NONE ? this.strangers.get(slot)! : this.sends.values[writer]!
  }

  others(slot: number): readonly FoundValue[] {
    return this.otherValues.get(slot) ?? []
  }

  /** Slots at which several values were found. */
  contested(): number[] {
    return [...this.otherValues.keys()].sort((a, b) => a - b)
  }

  /** Was this what somebody found there? */
  holds(slot: number, send: number): boolean {
    if (this.writers[slot] === send) return true
    const identity = identityOf(this.sends.values[send]!)
    return identityOf(this.value(slot)) === identity || this.others(slot).some(({ value }) => identityOf(value) === identity)
  }

  /** The lowest offset strictly between the two at which somebody read something that every reader should get. Only after the pass. */
  firstReadBetween(low: number, high: number): number | undefined {
    if (high - low < 2) return undefined
    if (high === low + 2) {
      const slot = this.find(low + 1)
      return slot !== NONE && (this.flags[slot]! & COMMITTED) !== 0 ? low + 1 : undefined
    }
    const sorted = this.sorted ??= this.committedOffsets()
    let a = 0
    let b = sorted.length
    while (a < b) {
      const middle = (a + b) >>> 1
      if (sorted[middle]! <= low) a = middle + 1
      else b = middle
    }
    const found = sorted[a]
    return found !== undefined && found < high ? found : undefined
  }

  private committedOffsets(): Float64Array {
    const { count, offsets, flags } = this
    const kept = new Float64Array(count)
    let length = 0
    let rising = true
    for (let slot = 0; slot < count; slot++) {
      if ((flags[slot]! & COMMITTED) === 0) continue
      if (length > 0 && kept[length - 1]! > offsets[slot]!) rising = false
      kept[length++] = offsets[slot]!
    }
    const all = kept.subarray(0, length)
    return rising ? all : all.sort()
  }

  private add(offset: number, value: Json, send: number, at: number, flags: number): void {
    const slot = this.count++
    if (slot === this.offsets.length) this.grow()
    this.offsets[slot] = offset
    this.firstAt[slot] = at
    this.flags[slot] = flags
    this.writers[slot] = send
    if (send === NONE) this.strangers.set(slot, value)
    if (offset >= 0 && offset < 4 * slot + FIRST_CAPACITY && Number.isInteger(offset)) {
      while (offset >= this.dense.length) this.dense = grown(this.dense)
      this.dense[offset] = slot + 1
    } else this.sparse.set(offset, slot)
  }

  private grow(): void {
    this.offsets = grown(this.offsets)
    this.firstAt = grown(this.firstAt)
    this.flags = grown(this.flags)
    this.writers = grown(this.writers)
  }
}
