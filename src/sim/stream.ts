/**
 * One direction of a connection: packets arrive in the order in which they were sent, or not at all from some point on.
 *
 * A packet that meets a blocked path waits (TCP retransmits) and flows, in order, when the path opens. A stream is `cut`
 * when the connection broke: of the packets then in flight a prefix still arrives, then the reset. It is `finished` when
 * its sender closed: a FIN or RST goes behind everything sent before.
 */
import { invariant } from '../base/assert.ts'
import type { Micros } from '../base/time.ts'
import type { Frame } from '../env/network.ts'
import { frameIndex } from './choices.ts'
import { DigestKind } from './digest.ts'
import type { Endpoint } from './endpoint.ts'
import { type Kernel, KernelEvent } from './kernel.ts'
import type { Deferrable } from './machine.ts'
import { FrameFate, type Path } from './path.ts'

export const PacketKind = { Frame: 0, Syn: 1, Accept: 2, Refuse: 3, Fin: 4, Reset: 5 } as const

/** Where packets of a stream go; implemented by the connection. */
export interface Arrivals {
  readonly id: number
  arrive(packet: Packet): void
  /** Runs in the receiving process. */
  perform(packet: Packet): void
  breakBy(stream: Stream): void
}

const NO_FRAME: Frame = Object.freeze({ apiKey: -1, apiVersion: 0, isResponse: false, correlationId: 0, clientId: null, body: {} })
/** Control packets have a latency of their own kind. */
const CONTROL_INDEX = 0xfe

export class Packet extends KernelEvent implements Deferrable {
  readonly kind: number
  readonly stream: Stream
  readonly frame: Frame
  readonly size: number
  readonly id: number
  readonly index: number
  readonly nth: number
  readonly latency: Micros

  constructor(stream: Stream, kind: number, frame: Frame, size: number, id: number, index: number, nth: number, latency: Micros) {
    super()
    this.stream = stream
    this.kind = kind
    this.frame = frame
    this.size = size
    this.id = id
    this.index = index
    this.nth = nth
    this.latency = latency
  }

  run(): void {
    this.stream.arrived(this)
  }

  perform(): void {
    this.stream.connection.perform(this)
  }
}

export class Stream {
  readonly path: Path
  readonly connection: Arrivals
  /** The end that receives; undefined at the server until the connection is accepted. */
  receiver: Endpoint | undefined = undefined
  isFinished = false
  private isCut = false
  private readonly kernel: Kernel
  private readonly inFlight: Packet[] = []
  private isWaiting = false
  private lastArrival: Micros = 0

  constructor(kernel: Kernel, connection: Arrivals, path: Path) {
    this.kernel = kernel
    this.connection = connection
    this.path = path
  }

  send(frame: Frame): void {
    const { kernel, path } = this
    const { body, size, hash } = kernel.options.codec.transfer(frame)
    const { apiKey, apiVersion, isResponse, correlationId, clientId } = frame
    const sent: Frame = { apiKey, apiVersion, isResponse, correlationId, clientId, body }
    const index = frameIndex(apiKey, isResponse)
    const nth = path.count(index)
    kernel.digest.event(DigestKind.Send, kernel.now, this.connection.id)
    kernel.digest.add(kernel.digest.isFlipped('frame') ? hash ^ 1 : hash)
    kernel.digest.add((index << 20) ^ correlationId)
    if (!isResponse && kernel.isObserved('request-sent')) {
      const { from, to } = path
      kernel.observe({ kind: 'request-sent', apiKey, to: to.host, correlationId }, from.host, from.incarnation)
    }
    const id = kernel.nextFrameId()
    this.trace('sent', id, sent, size)
    if (this.isCut) {
      this.trace('dropped', id, sent, size)
      return
    }
    const fate = path.fate(index, nth)
    const latency = path.latency(index, nth) + (fate === FrameFate.Delayed ? path.delayUs : 0)
    if (fate === FrameFate.BreaksLost) this.trace('dropped', id, sent, size)
    else this.depart(new Packet(this, PacketKind.Frame, sent, size, id, index, nth, latency))
    if (fate >= FrameFate.BreaksLost) this.connection.breakBy(this)
  }

  /** Sends a packet without content; the last one when it is a FIN or RST. */
  control(kind: number): void {
    if (this.isCut || this.isFinished) return
    if (kind >= PacketKind.Refuse) this.isFinished = true
    this.departControl(kind)
  }

  /** The sender's machine lost power: what it still had to retransmit is gone, and nobody will say so. */
  silence(): void {
    const held = this.inFlight.findIndex(packet => !packet.isQueued)
    this.dropFrom(held)
    if (held >= 0) this.isFinished = false
  }

  /**
   * The connection broke on the way: a prefix of what is in flight still arrives, perhaps late, then the reset. `lateUs`: all
   * of it arrives, so much later.
   */
  cut(mayLose: boolean, lateUs?: Micros): void {
    if (this.isCut) return
    if (lateUs !== undefined) {
      const first = this.inFlight.find(packet => packet.kind === PacketKind.Frame)
      if (first !== undefined) this.postpone(first, lateUs)
    } else if (mayLose) {
      const lost = this.inFlight.findIndex(packet => packet.kind === PacketKind.Frame && this.path.isLost(packet.index, packet.nth))
      this.dropFrom(lost)
      if (lost >= 0) this.isFinished = false
      const first = this.inFlight.find(packet => packet.kind === PacketKind.Frame)
      if (first !== undefined) this.postpone(first, this.path.lateness(first.index, first.nth))
    }
    if (!this.isFinished) this.departControl(PacketKind.Reset)
    this.isFinished = true
    this.isCut = true
  }

  /** Nothing of it arrives from now on, not even an end. */
  lose(): void {
    if (this.isCut) return
    this.dropFrom(this.inFlight.length === 0 ? -1 : 0)
    this.isFinished = true
    this.isCut = true
    this.kernel.digest.event(DigestKind.Lost, this.kernel.now, this.connection.id)
  }

  /** The sender closes; what waits before a blocked path may be lost. */
  finish(kind: number): void {
    if (this.isCut || this.isFinished) return
    this.isFinished = true
    const lost = this.inFlight.findIndex(packet =>
      !packet.isQueued && packet.kind === PacketKind.Frame && this.path.isDropped(packet.index, packet.nth))
    if (lost < 0) this.departControl(kind)
    else this.dropFrom(lost)
    // Without its FIN, the closed end still answers late frames with a reset.
    if (lost >= 0) this.isFinished = false
  }

  /** The path is open again. */
  flow(): void {
    this.isWaiting = false
    this.lastArrival = this.kernel.now
    for (const packet of this.inFlight) {
      const arrival = packet.isQueued ? packet.time : this.kernel.now + packet.latency
      this.reschedule(packet, Math.max(arrival, this.lastArrival + 1))
    }
  }

  /** A packet's time of arrival has come. */
  arrived(packet: Packet): void {
    const { kernel } = this
    if (this.path.isBlocked) {
      this.hold(packet)
      return
    }
    invariant(this.inFlight[0] === packet, 'packets of a stream arrive in order')
    this.inFlight.shift()
    kernel.digest.event(DigestKind.Arrive, kernel.now, this.connection.id)
    kernel.digest.add(packet.kind)
    if (!this.path.to.isPowered) this.tracePacket('dropped', packet)
    else this.connection.arrive(packet)
  }

  tracePacket(kind: 'delivered' | 'held' | 'dropped', packet: Packet): void {
    if (packet.kind === PacketKind.Frame) this.trace(kind, packet.id, packet.frame, packet.size)
  }

  private departControl(kind: number): void {
    const nth = this.path.count(CONTROL_INDEX)
    this.depart(new Packet(this, kind, NO_FRAME, 0, 0, CONTROL_INDEX, nth, this.path.latency(CONTROL_INDEX, nth)))
  }

  private depart(packet: Packet): void {
    this.inFlight.push(packet)
    if (this.path.isBlocked) this.hold(packet)
    else this.reschedule(packet, Math.max(this.kernel.now + packet.latency, this.lastArrival + 1))
  }

  private hold(packet: Packet): void {
    this.tracePacket('held', packet)
    if (this.isWaiting) return
    this.isWaiting = true
    this.path.waiting.push(this)
  }

  private reschedule(packet: Packet, time: Micros): void {
    this.lastArrival = time
    if (packet.isQueued) {
      if (packet.time === time) return
      this.kernel.cancel(packet)
    }
    this.kernel.at(time, packet)
  }

  /** Moves a scheduled packet, and what would overtake it, to a later time. */
  private postpone(first: Packet, extra: Micros): void {
    if (extra === 0 || !first.isQueued) return
    let after = first.time + extra
    for (const packet of this.inFlight) {
      if (!packet.isQueued || packet.time > after) continue
      this.reschedule(packet, after++)
    }
    this.lastArrival = Math.max(this.lastArrival, after - 1)
  }

  private dropFrom(at: number): void {
    if (at < 0) return
    for (const packet of this.inFlight.splice(at)) {
      this.kernel.cancel(packet)
      this.tracePacket('dropped', packet)
    }
  }

  private trace(kind: 'sent' | 'delivered' | 'held' | 'dropped', id: number, frame: Frame, size: number): void {
    const { trace } = this.kernel
    if (trace === undefined) return
    const { from, to } = this.path
    trace.frame(kind, this.kernel.now, id, this.connection.id, from.host, to.host, frame, size)
  }
}
