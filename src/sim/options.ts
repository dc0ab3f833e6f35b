/**
 * What a simulation is made of. The models are plain JSON, so that a plan can hold them and replay them.
 */
import type { RootKey } from '../base/random.ts'
import type { Micros, Millis } from '../base/time.ts'
import type { Buggify } from '../config/buggify.ts'
import type { Defects, Mends } from '../config/defects.ts'
import type { Frame } from '../env/network.ts'
import type { Observer } from '../env/observation.ts'
import type { TraceSink } from './trace.ts'

/**
 * One-way latency of a frame: `minUs` always, or drawn in [minUs, maxUs], keyed by path, API and n-th such frame.
 * `per-path`: every directed path has a distribution of its own, see PathLatency.
 */
export interface NetworkModel {
  readonly kind: 'constant' | 'drawn' | 'per-path'
  readonly minUs: Micros
  readonly maxUs: Micros
}

/** Time that an fsync of a file or a directory takes, drawn in [fsyncMinUs, fsyncMaxUs] and keyed by file name and count. */
export interface DiskModel {
  readonly fsyncMinUs: Micros
  readonly fsyncMaxUs: Micros
}

/**
 * What happens at pause points. `random`: each is delayed with `probability`. `pct` (after the probabilistic concurrency
 * testing of Burckhardt et al.): a quarter of a node's labels are slow, and which ones is drawn anew at `depth` points.
 */
export interface InterleavingModel {
  readonly kind: 'off' | 'random' | 'pct'
  readonly probability: number
  readonly depth: number
}

/**
 * Probabilistic events. `drawn`: per frame, `delay` is the probability of a long delay of up to `delayMaxUs` and `break`
 * that of a connection breaking at this frame; `tornWrite` is the probability that the cut of a lossy crash falls inside
 * a write; `drop` that frames which a closed connection still holds before a blocked path are lost (default 1/4).
 * `explicit`: nothing fires but what is listed, with the listed value.
 */
export type ChoiceModel =
  | { readonly mode: 'drawn'; readonly delay: number; readonly delayMaxUs: Micros; readonly break: number; readonly tornWrite: number; readonly drop?: number }
  | { readonly mode: 'explicit'; readonly fired: readonly { readonly key: string; readonly value: number }[] }

/** A probabilistic event that happened. `value` says how (a delay in microseconds, units kept, ...). */
export interface FiredChoice {
  readonly key: string
  readonly value: number
  readonly time: Micros
}

/**
 * Turns what a sender gives into what the receiver gets (a full, independent message), with its size on the wire and a
 * hash of its content. Called exactly once a frame, when it is sent.
 */
export interface FrameCodec {
  transfer(frame: Frame): { readonly body: object; readonly size: number; readonly hash: number }
}

/** For tests of the digest: inverts one bit of the n-th (from 1) frame hash, disk write or draw. */
export interface Flip {
  readonly kind: 'frame' | 'disk' | 'draw'
  readonly nth: number
}

/** An error that escaped from node code and killed its process. An InvariantError is a broken promise of that code. */
export interface ProcessCrash {
  readonly node: string
  readonly incarnation: number
  readonly time: Micros
  readonly error: unknown
}

export interface SimulationOptions {
  readonly rootKey: RootKey
  readonly codec: FrameCodec
  readonly network: NetworkModel
  readonly disk: DiskModel
  readonly interleaving: InterleavingModel
  readonly choices: ChoiceModel
  readonly defects: Defects
  readonly mends: Mends
  readonly buggify?: Buggify
  readonly observers: readonly Observer[]
  readonly trace?: TraceSink
  /** Wall clock of every machine at time 0, before offsets. */
  readonly epochMs: Millis
  readonly flip?: Flip
}
