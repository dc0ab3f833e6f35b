/**
 * A trace in memory: one row an event, in typed columns that double when full, with strings as numbers of a dictionary and
 * message bodies and observations by reference. Read it back as plain events, in order.
 */
import type { Micros } from '../base/time.ts'
import type { Frame } from '../env/network.ts'
import type { Observation } from '../env/observation.ts'
import type { ConnectionEventKind, FrameEventKind, ProcessEventKind, TraceSink } from './trace.ts'

export type TraceEvent =
  | { readonly type: 'frame'; readonly kind: FrameEventKind; readonly time: Micros; readonly id: number; readonly connection: number; readonly from: string; readonly to: string; readonly frame: Frame; readonly size: number }
  | { readonly type: 'connection'; readonly kind: ConnectionEventKind; readonly time: Micros; readonly connection: number; readonly node: string; readonly peer: string }
  | { readonly type: 'process'; readonly kind: ProcessEventKind; readonly time: Micros; readonly node: string; readonly incarnation: number; readonly detail: string }
  | { readonly type: 'fsync'; readonly time: Micros; readonly node: string; readonly path: string; readonly durationUs: Micros }
  | { readonly type: 'choice'; readonly time: Micros; readonly key: string; readonly value: number }
  | { readonly type: 'observation'; readonly time: Micros; readonly node: string; readonly incarnation: number; readonly event: Observation }

const TYPES = ['frame', 'connection', 'process', 'fsync', 'choice', 'observation'] as const
const [FRAME, CONNECTION, PROCESS, FSYNC, CHOICE, OBSERVATION] = [0, 1, 2, 3, 4, 5]

export class ColumnarTrace implements TraceSink {
  private rows = 0
  private types = new Uint8Array(1024)
  private times = new Float64Array(1024)
  /** Dictionary numbers: the kind or a detail, the node, the other node. */
  private kinds = new Int32Array(1024)
  private nodes = new Int32Array(1024)
  private peers = new Int32Array(1024)
  private first = new Float64Array(1024)
  private second = new Float64Array(1024)
  private third = new Float64Array(1024)
  private readonly objects: unknown[] = []
  private readonly texts: string[] = []
  private readonly numbers = new Map<string, number>()

  get length(): number {
    return this.rows
  }

  frame(kind: FrameEventKind, time: Micros, id: number, connection: number, from: string, to: string, frame: Frame, size: number): void {
    this.row(FRAME, time, kind, from, to, id, connection, size, frame)
  }

  connection(kind: ConnectionEventKind, time: Micros, connection: number, node: string, peer: string): void {
    this.row(CONNECTION, time, kind, node, peer, connection, 0, 0, undefined)
  }

  process(kind: ProcessEventKind, time: Micros, node: string, incarnation: number, detail: string): void {
    this.row(PROCESS, time, kind, node, detail, incarnation, 0, 0, undefined)
  }

  fsync(time: Micros, node: string, path: string, durationUs: Micros): void {
    this.row(FSYNC, time, path, node, '', durationUs, 0, 0, undefined)
  }

  choice(time: Micros, key: string, value: number): void {
    this.row(CHOICE, time, '', '', '', value, 0, 0, key)
  }

  observation(time: Micros, node: string, incarnation: number, event: Observation): void {
    this.row(OBSERVATION, time, event.kind, node, '', incarnation, 0, 0, event)
  }

  *[Symbol.iterator](): Generator<TraceEvent, void, undefined> {
    for (let i = 0; i < this.rows; i++) yield this.at(i)
  }

  at(row: number): TraceEvent {
    const type = TYPES[this.types[row]!]!
    const time = this.times[row]!
    const kind = this.texts[this.kinds[row]!]!
    const node = this.texts[this.nodes[row]!]!
    const peer = this.texts[this.peers[row]!]!
    const a = this.first[row]!
    const object = this.objects[row]
    switch (type) {
      case 'frame':
        return { type, kind: kind as FrameEventKind, time, id: a, connection: this.second[row]!, from: node, to: peer, frame: object as Frame, size: this.third[row]! }
      case 'connection': return { type, kind: kind as ConnectionEventKind, time, connection: a, node, peer }
      case 'process': return { type, kind: kind as ProcessEventKind, time, node, incarnation: a, detail: peer }
      case 'fsync': return { type, time, node, path: kind, durationUs: a }
      case 'choice': return { type, time, key: object as string, value: a }
      case 'observation': return { type, time, node, incarnation: a, event: object as Observation }
    }
  }

  private row(type: number, time: Micros, kind: string, node: string, peer: string, a: number, b: number, c: number, object: unknown): void {
    const row = this.rows++
    if (row === this.types.length) this.grow()
    this.types[row] = type
    this.times[row] = time
    this.kinds[row] = this.number(kind)
    this.nodes[row] = this.number(node)
    this.peers[row] = this.number(peer)
    this.first[row] = a
    this.second[row] = b
    this.third[row] = c
    this.objects.push(object)
  }

  private number(text: string): number {
    let number = this.numbers.get(text)
    if (number === undefined) {
      number = this.texts.length
      this.texts.push(text)
      this.numbers.set(text, number)
    }
    return number
  }

  private grow(): void {
    const length = this.types.length * 2
    this.types = widen(this.types, new Uint8Array(length))
    this.times = widen(this.times, new Float64Array(length))
    this.kinds = widen(this.kinds, new Int32Array(length))
    this.nodes = widen(this.nodes, new Int32Array(length))
    this.peers = widen(this.peers, new Int32Array(length))
    this.first = widen(this.first, new Float64Array(length))
    this.second = widen(this.second, new Float64Array(length))
    this.third = widen(this.third, new Float64Array(length))
  }
}

function widen<T extends { set(other: T): void }>(from: T, to: T): T {
  to.set(from)
  return to
}
