/** One end of a connection, as its process holds it. */
import type { CloseReason, Connection, Frame } from '../env/network.ts'
import type { Link } from './link.ts'
import type { Process } from './process.ts'
import { PacketKind, type Stream } from './stream.ts'

export class Endpoint implements Connection {
  readonly id: number
  readonly peer: string
  readonly process: Process
  onOpen: (() => void) | undefined = undefined
  onFrame: ((frame: Frame) => void) | undefined = undefined
  onClose: ((reason: CloseReason) => void) | undefined = undefined
  isOpen: boolean
  /** Over for good; while connecting an end is neither open nor closed. */
  isClosed: boolean
  private readonly link: Link
  private readonly out: Stream

  constructor(link: Link, process: Process, peer: string, out: Stream, isOpen: boolean) {
    this.link = link
    this.id = link.id
    this.process = process
    this.peer = peer
    this.out = out
    this.isOpen = isOpen && process.isAlive
    this.isClosed = !process.isAlive
    process.network.connections.add(this)
  }

  send(frame: Frame): void {
    if (this.isOpen) this.out.send(frame)
  }

  close(): void {
    if (this.isClosed) return
    this.markClosed()
    this.out.finish(PacketKind.Fin)
    this.process.kernel.trace?.connection('closed', this.process.kernel.now, this.id, this.process.node, this.peer)
  }

  /** The owner's process is gone; its operating system, if it still lives, tells the peer. */
  die(kind: number | undefined): void {
    this.markClosed()
    if (kind !== undefined) this.out.finish(kind)
  }

  opened(): void {
    if (this.isClosed) return
    this.isOpen = true
    const { kernel } = this.process
    kernel.trace?.connection('opened', kernel.now, this.id, this.process.node, this.peer)
    if (this.onOpen !== undefined) this.process.call(this.onOpen)
  }

  closedBy(reason: CloseReason): void {
    if (this.isClosed) return
    this.markClosed()
    const { kernel } = this.process
    kernel.trace?.connection(reason === 'closed-by-peer' ? 'closed' : reason, kernel.now, this.id, this.process.node, this.peer)
    const { onClose } = this
    if (onClose !== undefined) this.process.call(() => onClose(reason))
  }

  private markClosed(): void {
    this.isOpen = false
    this.isClosed = true
    this.process.network.connections.delete(this)
    this.link.ended()
  }
}
