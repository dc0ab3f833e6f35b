/**
 * The latency of one directed path. Of paths with distributions of their own a quarter each is near (close to the least
 * latency), ordinary (anything in the range), far (close to the most), and tailed: near, but one frame in sixteen takes up
 * to four times the most, as behind an overloaded switch.
 */
import { below, mix } from '../base/random.ts'
import type { Micros } from '../base/time.ts'
import type { NetworkModel } from './options.ts'

const TAIL_ONE_IN = 16
const TAIL_FACTOR = 4

export class PathLatency {
  /** Nothing is drawn: every frame takes `minUs`. */
  readonly isConstant: boolean
  private readonly minUs: Micros
  private readonly spanUs: Micros
  private readonly tailUs: Micros

  constructor({ kind, minUs, maxUs }: NetworkModel, seed: number) {
    this.isConstant = kind === 'constant' || minUs === maxUs
    const style = kind === 'per-path' ? mix(seed, 0x6c6174) & 3 : 1
    const quarter = (maxUs - minUs) >>> 2
    this.minUs = style === 2 ? maxUs - quarter : minUs
    this.spanUs = (style === 1 ? maxUs - minUs : quarter) + 1
    this.tailUs = style === 3 ? maxUs * TAIL_FACTOR - minUs : 0
  }

  get constantUs(): Micros {
    return this.minUs
  }

  /** For a uniform 32-bit draw. */
  of(draw: number): Micros {
    if (this.tailUs > 0 && mix(draw, 1) >>> 0 < 0x100000000 / TAIL_ONE_IN) return this.minUs + below(draw, this.tailUs + 1)
    return this.minUs + below(draw, this.spanUs)
  }
}
