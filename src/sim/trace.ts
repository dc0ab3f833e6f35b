/**
 * What the kernel tells a trace, when there is one. A campaign runs without; a failing plan is run again with it.
 *
 * `frame` ids are unique within a simulation; the body is kept by reference (bodies are never mutated after sending).
 */
import type { Micros } from '../base/time.ts'
import type { Frame } from '../env/network.ts'
import type { Observation } from '../env/observation.ts'

export type FrameEventKind = 'sent' | 'delivered' | 'held' | 'dropped'
export type ConnectionEventKind = 'connecting' | 'opened' | 'refused' | 'reset' | 'closed'
export type ProcessEventKind = 'started' | 'stopped' | 'paused' | 'resumed'

export interface TraceSink {
  /** `size` is the size on the wire in bytes. */
  frame(kind: FrameEventKind, time: Micros, id: number, connection: number, from: string, to: string, frame: Frame, size: number): void
  /** Seen from `node`; `peer` is the other end. */
  connection(kind: ConnectionEventKind, time: Micros, connection: number, node: string, peer: string): void
  process(kind: ProcessEventKind, time: Micros, node: string, incarnation: number, detail: string): void
  /** A completed fsync of a file or directory (`path` ends with a slash). */
  fsync(time: Micros, node: string, path: string, durationUs: Micros): void
  choice(time: Micros, key: string, value: number): void
  observation(time: Micros, node: string, incarnation: number, event: Observation): void
}
