/**
 * The choice log: every probabilistic event that fired, with a key that says what it hit and slides as little as possible
 * when other things are removed from a plan. In explicit mode it is the other way round: the listed keys fire, nothing else.
 *
 * Keys: `purpose:from>to:api[.response]:n` for the n-th frame of an API on a directed path, `interleave:node:label:n` for
 * the n-th visit of a pause point, `lossy:host:path:crash` for what a file or directory lost in the n-th machine crash.
 */
import type { Micros } from '../base/time.ts'
import type { ChoiceModel, FiredChoice } from './options.ts'
import type { TraceSink } from './trace.ts'

/** Explicit choices of one path: frame code (see `frameCode`) to purpose to value. */
export type PathChoices = ReadonlyMap<number, ReadonlyMap<string, number>>

export type FramePurpose = 'delay' | 'break' | 'lost' | 'late' | 'drop'

/** One number for (API, request or response, n). */
export function frameCode(frameIndex: number, nth: number): number {
  return frameIndex * 0x100000000 + nth
}

/** API and direction as one small number. */
export function frameIndex(apiKey: number, isResponse: boolean): number {
  return apiKey * 2 + (isResponse ? 1 : 0)
}

export function frameKey(purpose: FramePurpose, from: string, to: string, index: number, nth: number): string {
  return `${purpose}:${from}>${to}:${index >>> 1}${(index & 1) === 1 ? '.response' : ''}:${nth}`
}

export class Choices {
  readonly fired: FiredChoice[] = []
  readonly model: ChoiceModel
  /** When false, no frame is delayed or broken by chance any more (after healing). */
  isActive = true
  private readonly explicit = new Map<string, number>()
  private readonly paths = new Map<string, Map<number, Map<string, number>>>()
  private readonly interleaved = new Set<string>()
  private readonly trace: TraceSink | undefined

  constructor(model: ChoiceModel, trace: TraceSink | undefined) {
    this.model = model
    this.trace = trace
    if (model.mode === 'explicit') for (const { key, value } of model.fired) this.list(key, value)
  }

  get isExplicit(): boolean {
    return this.model.mode === 'explicit'
  }

  fire(key: string, value: number, time: Micros): void {
    this.fired.push({ key, value, time })
    this.trace?.choice(time, key, value)
  }

  explicitValue(key: string): number | undefined {
    return this.explicit.get(key)
  }

  /** Explicit choices for frames from one host to another; undefined when there are none. */
  onPath(from: string, to: string): PathChoices | undefined {
    return this.paths.get(`${from}>${to}`)
  }

  interleaves(node: string): boolean {
    return this.interleaved.has(node)
  }

  private list(key: string, value: number): void {
    this.explicit.set(key, value)
    const [purpose, where, api, nth] = key.split(':')
    if (purpose === 'interleave' && where !== undefined) this.interleaved.add(where)
    if (where === undefined || !where.includes('>') || api === undefined || nth === undefined) return
    const code = frameCode(frameIndex(Number.parseInt(api, 10), api.endsWith('.response')), Number(nth))
    let frames = this.paths.get(where)
    if (frames === undefined) this.paths.set(where, (frames = new Map()))
    let purposes = frames.get(code)
    if (purposes === undefined) frames.set(code, (purposes = new Map()))
    purposes.set(purpose!, value)
  }
}
