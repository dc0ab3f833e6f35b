/**
 * A hierarchical timer wheel: a priority queue of entries by integer time, first in first out among equal times.
 *
 * Four levels of 1024 slots cover 2^40 ticks (12.7 days of microseconds). An entry lies at the level of the highest group
 * of ten bits in which its time differs from the cursor, so all entries of a level lie behind the cursor and inside the
 * cursor's slot of the level above: the lowest occupied slot of the lowest occupied level is always next. Entering a slot
 * spreads its list over the levels below before anything can be inserted there directly, so lists stay in insertion order
 * and no sequence number is needed. Insert and remove are O(1); an entry moves down at most three times.
 */
import { invariant } from './assert.ts'

const BITS = 10
const SLOTS = 1 << BITS
const LEVELS = 4
/** The three lower levels together: 2^30, so that their arithmetic stays in small integers. */
const SPAN = 2 ** (3 * BITS)
/** Entries at or beyond this time are kept (and may be removed) but never come. */
export const END_OF_TIME = 2 ** (LEVELS * BITS)
const NEVER = LEVELS * SLOTS
const UNLINKED = -1

/** An entry; extend it with what is to be queued. Fields belong to the wheel. */
export class WheelEntry {
  time = 0
  slot: number = UNLINKED
  previous: WheelEntry | undefined = undefined
  next: WheelEntry | undefined = undefined

  get isQueued(): boolean {
    return this.slot !== UNLINKED
  }
}

export class TimerWheel<T extends WheelEntry> {
  private readonly heads: (WheelEntry | undefined)[] = new Array<WheelEntry | undefined>(NEVER + 1).fill(undefined)
  private readonly tails: (WheelEntry | undefined)[] = new Array<WheelEntry | undefined>(NEVER + 1).fill(undefined)
  /** One bit a slot, 32 words a level; and one bit a word, one summary a level. */
  private readonly words = new Int32Array(LEVELS * 32)
  private readonly summaries = new Int32Array(LEVELS)
  /** The cursor, split at 2^30. No entry lies before it. */
  private high = 0
  private low = 0
  private count = 0

  get length(): number {
    return this.count
  }

  /** `time` is an integer not before the last popped time (nor before an earlier `until`). */
  insert(entry: T, time: number): void {
    invariant(entry.slot === UNLINKED, 'entry is already in the wheel')
    entry.time = time
    this.count++
    this.link(entry)
  }

  /** Takes an entry out; no-op when it is not in the wheel. */
  remove(entry: T): void {
    if (entry.slot === UNLINKED) return
    this.count--
    this.unlink(entry)
  }

  /** Removes and returns the first entry, unless it comes after `until`. */
  pop(until: number): T | undefined {
    const { summaries } = this
    for (;;) {
      if (summaries[0] !== 0) {
        const entry = this.heads[this.lowest(0)]!
        if (entry.time > until) return undefined
        this.unlink(entry)
        this.count--
        this.low = entry.time - this.high * SPAN
        return entry as T
      }
      const level = summaries[1] !== 0 ? 1 : summaries[2] !== 0 ? 2 : summaries[3] !== 0 ? 3 : 0
      if (level === 0) return undefined
      const slot = this.lowest(level)
      const index = slot - level * SLOTS
      if (level === 3) {
        if (index * SPAN > until) return undefined
        this.high = index
        this.low = 0
      } else {
        const shift = level * BITS
        const start = (this.low & ~((SLOTS << shift) - 1)) | (index << shift)
        if (this.high * SPAN + start > until) return undefined
        this.low = start
      }
      this.spread(slot)
    }
  }

  private lowest(level: number): number {
    const summary = this.summaries[level]!
    const word = level * 32 + 31 - Math.clz32(summary & -summary)
    const bits = this.words[word]!
    return word * 32 + 31 - Math.clz32(bits & -bits)
  }

  /** Moves the entries of a slot that the cursor has just entered to the levels below, in order. */
  private spread(slot: number): void {
    let entry = this.heads[slot]
    this.heads[slot] = undefined
    this.tails[slot] = undefined
    this.clear(slot)
    while (entry !== undefined) {
      const following: WheelEntry | undefined = entry.next
      entry.next = undefined
      entry.previous = undefined
      this.link(entry)
      entry = following
    }
  }

  private slotOf(time: number): number {
    const high = Math.floor(time / SPAN)
    if (high !== this.high) return time >= END_OF_TIME ? NEVER : 3 * SLOTS + high
    const low = time - high * SPAN
    const difference = low ^ this.low
    if (difference < SLOTS) return low & (SLOTS - 1)
    if (difference < SLOTS * SLOTS) return SLOTS + ((low >>> BITS) & (SLOTS - 1))
    return 2 * SLOTS + (low >>> (2 * BITS))
  }

  private link(entry: WheelEntry): void {
    const slot = this.slotOf(entry.time)
    entry.slot = slot
    const tail = this.tails[slot]
    this.tails[slot] = entry
    if (tail !== undefined) {
      tail.next = entry
      entry.previous = tail
      return
    }
    this.heads[slot] = entry
    if (slot === NEVER) return
    const word = slot >>> 5
    this.words[word] = this.words[word]! | (1 << (slot & 31))
    this.summaries[slot >>> BITS] = this.summaries[slot >>> BITS]! | (1 << (word & 31))
  }

  private unlink(entry: WheelEntry): void {
    const { slot, previous, next } = entry
    entry.slot = UNLINKED
    if (previous === undefined) this.heads[slot] = next
    else previous.next = next
    if (next === undefined) this.tails[slot] = previous
    else next.previous = previous
    entry.previous = undefined
    entry.next = undefined
    if (previous === undefined && next === undefined) this.clear(slot)
  }

  private clear(slot: number): void {
    if (slot === NEVER) return
    const word = slot >>> 5
    this.words[word] = this.words[word]! & ~(1 << (slot & 31))
    if (this.words[word] === 0) this.summaries[slot >>> BITS] = this.summaries[slot >>> BITS]! & ~(1 << (word & 31))
  }
}
