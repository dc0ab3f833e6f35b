/**
 * A connection: two ends, two streams, and the handshake. The operating system of a machine answers as long as it has
 * power: it accepts for a paused process, refuses where nobody listens, and resets connections that it does not know.
 */
import type { Micros } from '../base/time.ts'
import { Endpoint } from './endpoint.ts'
import type { Kernel } from './kernel.ts'
import type { Path } from './path.ts'
import type { Process } from './process.ts'
import { type Arrivals, type Packet, PacketKind, Stream } from './stream.ts'

export class Link implements Arrivals {
  readonly id: number
  readonly client: Endpoint
  readonly forward: Stream
  readonly backward: Stream
  server: Endpoint | undefined = undefined
  private readonly port: number
  private readonly live: Set<Link>

  /** Starts the handshake and adds itself to `live` until either end is closed. */
  constructor(kernel: Kernel, id: number, process: Process, host: string, port: number, out: Path, back: Path, live: Set<Link>) {
    this.id = id
    this.port = port
    this.live = live
    this.forward = new Stream(kernel, this, out)
    this.backward = new Stream(kernel, this, back)
    this.client = new Endpoint(this, process, host, this.forward, false)
    this.backward.receiver = this.client
    live.add(this)
    kernel.trace?.connection('connecting', kernel.now, id, process.node, host)
    this.forward.control(PacketKind.Syn)
  }

  /** The connection breaks on its way; both ends will see a reset. `lateUs`: see Stream#cut. */
  break(lateUs?: Micros): void {
    this.forward.cut(true, lateUs)
    this.backward.cut(true, lateUs)
  }

  /** Whatever forwarded the connection has forgotten it: nothing arrives any more, and nobody is told. */
  lose(): void {
    this.forward.lose()
    this.backward.lose()
  }

  breakBy(stream: Stream): void {
    stream.cut(false)
    this.opposite(stream).cut(true)
  }

  ended(): void {
    this.live.delete(this)
  }

  arrive(packet: Packet): void {
    const { stream, kind } = packet
    if (kind === PacketKind.Syn && !this.accept(stream)) return
    const { receiver } = stream
    if (receiver === undefined) return
    if (receiver.isClosed) {
      stream.tracePacket('dropped', packet)
      if (kind === PacketKind.Frame) this.opposite(stream).control(PacketKind.Reset)
      return
    }
    const { machine } = receiver.process
    if (machine.isDeferring) machine.defer(packet)
    else packet.perform()
  }

  perform(packet: Packet): void {
    const receiver = packet.stream.receiver!
    switch (packet.kind) {
      case PacketKind.Frame: {
        if (!receiver.isOpen) {
          packet.stream.tracePacket('dropped', packet)
          return
        }
        packet.stream.tracePacket('delivered', packet)
        try {
          receiver.onFrame?.(packet.frame)
        } catch (error) {
          receiver.process.fail(error)
        }
        return
      }
      case PacketKind.Syn: {
        const accept = receiver.process.network.acceptor(this.port)
        if (!receiver.isClosed && accept !== undefined) receiver.process.call(() => accept(receiver))
        return
      }
      case PacketKind.Accept: return receiver.opened()
      case PacketKind.Refuse: return receiver.closedBy('refused')
      case PacketKind.Fin: return receiver.closedBy('closed-by-peer')
      case PacketKind.Reset: return receiver.closedBy('reset')
    }
  }

  /** Makes the server's end and answers the handshake. */
  private accept(stream: Stream): boolean {
    const { process } = stream.path.to
    if (process?.network.acceptor(this.port) === undefined) {
      this.backward.control(PacketKind.Refuse)
      return false
    }
    this.server = new Endpoint(this, process, stream.path.from.host, this.backward, true)
    stream.receiver = this.server
    this.backward.control(PacketKind.Accept)
    return true
  }

  private opposite(stream: Stream): Stream {
    return stream === this.forward ? this.backward : this.forward
  }
}
