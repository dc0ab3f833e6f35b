/**
 * The rolling digest of everything that happens: equal for the same plan and build in any process. Two 32-bit lanes; each
 * step is a bijection of the lane for a given value, so one changed value can never be undone by equal later ones.
 */
import type { Flip } from './options.ts'

/** Kinds of events, mixed in so that different happenings at the same time differ. */
export const DigestKind = {
  Timer: 1, Kernel: 2, Task: 3, Send: 4, Arrive: 5, Deliver: 6, Write: 7, Truncate: 8, Name: 9, Fsync: 10, Start: 11, Stop: 12,
  Pause: 13, Clock: 14, Choice: 15, Draw: 16, DiskFault: 17, Lost: 18,
} as const

/** A checkpoint is kept every so many events. */
export const CHECKPOINT_EVERY = 1024

export class Digest {
  private a = 0x2545f491
  private b = 0x6c078965
  private events_ = 0
  private readonly kept: number[] = []
  private readonly flip: Flip | undefined
  private left: number

  constructor(flip: Flip | undefined) {
    this.flip = flip
    this.left = flip?.nth ?? 0
  }

  /** Number of events so far. */
  get count(): number {
    return this.events_
  }

  /** 16 hexadecimal digits over all events so far. */
  get events(): string {
    return hex(this.a) + hex(this.b)
  }

  /** The digest after every 1024th event, for finding the first divergence of two runs. */
  get checkpoints(): readonly string[] {
    const texts: string[] = []
    for (let i = 0; i < this.kept.length; i += 2) texts.push(hex(this.kept[i]!) + hex(this.kept[i + 1]!))
    return texts
  }

  /** Mixes in the low 32 bits of a number. */
  add(value: number): void {
    const a = Math.imul(this.a ^ value, 0x9e3779b1)
    this.a = a ^ (a >>> 15)
    this.b = Math.imul((((this.b << 13) | (this.b >>> 19)) + (value | 0)) | 0, 0x85ebca77)
  }

  event(kind: number, time: number, subject: number): void {
    this.add(time)
    this.add((kind << 24) ^ subject)
    if ((++this.events_ & (CHECKPOINT_EVERY - 1)) === 0) this.kept.push(this.a, this.b)
  }

  /** Mixes in a whole string; for rare events. */
  addText(text: string): void {
    this.add(text.length)
    for (let i = 0; i < text.length; i++) this.add(text.charCodeAt(i))
  }

  addBytes(bytes: Uint8Array, start: number, end: number): void {
    let h = end - start
    let i = start
    for (; i + 4 <= end; i += 4) {
      h = Math.imul(h ^ (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)), 0xcc9e2d51)
      h ^= h >>> 15
    }
    for (; i < end; i++) h = Math.imul(h ^ bytes[i]!, 0x1b873593)
    this.add(h)
  }

  /** Is this the one to be spoiled? Counts occurrences of its kind. */
  isFlipped(kind: Flip['kind']): boolean {
    return this.flip !== undefined && this.flip.kind === kind && --this.left === 0
  }
}

function hex(lane: number): string {
  return (lane >>> 0).toString(16).padStart(8, '0')
}
