/**
 * The directed way from one host to another: its latency, its blockades, and its counters. Draws are keyed by path, API
 * and the n-th frame of that API on this path, so that other traffic coming or going does not change them.
 */
import { below, mix, mixString } from '../base/random.ts'
import type { Micros } from '../base/time.ts'
import { type FramePurpose, frameCode, frameKey, type PathChoices } from './choices.ts'
import type { Kernel } from './kernel.ts'
import type { Machine } from './machine.ts'
import { PathLatency } from './path-latency.ts'
import type { Stream } from './stream.ts'

const TWO_32 = 0x100000000

/** What a draw is for. */
const Purpose = { Latency: 1, Choice: 2, Amount: 3, Lost: 4, Late: 5, Drop: 6 } as const

/** What the kernel decides about a frame when it is sent. */
export const FrameFate = { Normal: 0, Delayed: 1, BreaksLost: 2, BreaksDelivered: 3 } as const

export class Path {
  readonly from: Machine
  readonly to: Machine
  extraUs: Micros = 0
  /** Streams with packets waiting for the path to open, in the order in which they began to wait. */
  readonly waiting: Stream[] = []
  /** The delay that goes with FrameFate.Delayed. */
  delayUs: Micros = 0
  private blocks = 0
  private readonly kernel: Kernel
  private readonly seed: number
  private readonly latencies: PathLatency
  private readonly explicit: PathChoices | undefined
  private counters = new Int32Array(256)

  constructor(kernel: Kernel, from: Machine, to: Machine) {
    this.kernel = kernel
    this.from = from
    this.to = to
    this.seed = mixString(mixString(mix(kernel.rootKey, 0x70617468), from.host), to.host)
    this.latencies = new PathLatency(kernel.options.network, this.seed)
    this.explicit = kernel.choices.onPath(from.host, to.host)
  }

  get isBlocked(): boolean {
    return this.blocks > 0
  }

  block(): void {
    this.blocks++
  }

  unblock(): void {
    if (this.blocks === 0 || --this.blocks > 0) return
    for (const stream of this.waiting.splice(0)) stream.flow()
  }

  /** The number, from 1, of the next frame of this kind (see `frameIndex`). */
  count(index: number): number {
    if (index >= this.counters.length) {
      const grown = new Int32Array(index * 2)
      grown.set(this.counters)
      this.counters = grown
    }
    return (this.counters[index] = this.counters[index]! + 1)
  }

  latency(index: number, nth: number): Micros {
    if (this.latencies.isConstant) return this.latencies.constantUs + this.extraUs
    let draw = this.draw(Purpose.Latency, index, nth)
    if (this.kernel.digest.isFlipped('draw')) draw = (draw ^ 0x80000000) >>> 0
    this.kernel.digest.add(draw)
    return this.latencies.of(draw) + this.extraUs
  }

  /** Draws (or looks up) whether this frame is long delayed or breaks its connection. */
  fate(index: number, nth: number): number {
    const { choices } = this.kernel
    const { model } = choices
    if (model.mode === 'explicit') return this.explicit === undefined ? FrameFate.Normal : this.explicitFate(index, nth)
    if (!choices.isActive || (model.delay === 0 && model.break === 0)) return FrameFate.Normal
    const draw = this.draw(Purpose.Choice, index, nth)
    if (draw < model.delay * TWO_32) {
      this.delayUs = 1 + below(this.draw(Purpose.Amount, index, nth), model.delayMaxUs)
      this.fire('delay', index, nth, this.delayUs)
      return FrameFate.Delayed
    }
    if (draw < (1 - model.break) * TWO_32) return FrameFate.Normal
    const arrives = this.draw(Purpose.Amount, index, nth) & 1
    this.fire('break', index, nth, arrives)
    return arrives === 1 ? FrameFate.BreaksDelivered : FrameFate.BreaksLost
  }

  /** Is this frame, in flight when its connection is cut, lost (and all behind it)? */
  isLost(index: number, nth: number): boolean {
    return this.happens('lost', Purpose.Lost, 0.5, index, nth)
  }

  /** Is this frame, held before a blocked path when its sender closes, lost (and all behind it)? */
  isDropped(index: number, nth: number): boolean {
    const { model } = this.kernel.choices
    return this.happens('drop', Purpose.Drop, model.mode === 'drawn' ? model.drop ?? 0.25 : 0, index, nth)
  }

  /** How much later than planned this frame, in flight when its connection is cut, arrives. */
  lateness(index: number, nth: number): Micros {
    const { model } = this.kernel.choices
    let value = 0
    if (model.mode === 'explicit') value = this.listed('late', index, nth) ?? 0
    else {
      const draw = this.draw(Purpose.Late, index, nth)
      if ((draw & 1) === 1) value = 1 + below(draw, model.delayMaxUs)
    }
    if (value > 0) this.fire('late', index, nth, value)
    return value
  }

  private explicitFate(index: number, nth: number): number {
    const delay = this.listed('delay', index, nth)
    if (delay !== undefined) {
      this.delayUs = delay
      this.fire('delay', index, nth, delay)
      return FrameFate.Delayed
    }
    const breaks = this.listed('break', index, nth)
    if (breaks === undefined) return FrameFate.Normal
    this.fire('break', index, nth, breaks)
    return breaks === 1 ? FrameFate.BreaksDelivered : FrameFate.BreaksLost
  }

  private happens(key: FramePurpose, purpose: number, probability: number, index: number, nth: number): boolean {
    const fires = this.kernel.choices.isExplicit
      ? this.listed(key, index, nth) !== undefined
      : this.draw(purpose, index, nth) < probability * TWO_32
    if (fires) this.fire(key, index, nth, 1)
    return fires
  }

  private listed(purpose: FramePurpose, index: number, nth: number): number | undefined {
    return this.explicit?.get(frameCode(index, nth))?.get(purpose)
  }

  private fire(purpose: FramePurpose, index: number, nth: number, value: number): void {
    this.kernel.fire(frameKey(purpose, this.from.host, this.to.host, index, nth), value)
  }

  private draw(purpose: number, index: number, nth: number): number {
    return mix(mix(mix(this.seed, purpose), index), nth) >>> 0
  }
}
