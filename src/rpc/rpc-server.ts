/**
 * The server side: accepts connections on a port and hands out one request of a connection at a time. Like Kafka's
 * SocketServer it mutes the channel until the response is sent, so requests of one connection are handled in order.
 */
import { invariant } from '../base/assert.ts'
import { msToUs } from '../base/time.ts'
import type { Millis } from '../base/time.ts'
import type { Env } from '../env/env.ts'
import type { Connection, Frame } from '../env/network.ts'

export interface RpcRequest {
  readonly apiKey: number
  readonly apiVersion: number
  readonly clientId: string | null
  // biome-ignore lint: bodies are typed by their handlers
  readonly body: any
  readonly connectionId: number
  /** Host of the sender. */
  readonly peer: string
  readonly isConnected: boolean
  /** Answers with a draft body of the request's version; takes the next request of this connection, at once or later (KIP-219). */
  respond(body: object, mutedForMs?: Millis): void
  /** acks=0: nothing to answer; takes the next request of this connection, at once or later. */
  noResponse(mutedForMs?: Millis): void
  /** Closes the connection instead of answering. */
  close(): void
}

class ServerChannel {
  readonly connection: Connection
  private readonly env: Env
  private readonly handle: (request: RpcRequest) => void
  private readonly waiting: Frame[] = []
  private busy = false
  connected = true

  constructor(env: Env, connection: Connection, handle: (request: RpcRequest) => void, onDisconnect: (connectionId: number) => void) {
    this.env = env
    this.connection = connection
    this.handle = handle
    connection.onFrame = frame => {
      this.waiting.push(frame)
      this.next()
    }
    connection.onClose = reason => {
      this.connected = false
      // What had arrived before an orderly close is still read; a reset discards the socket's buffer.
      if (reason !== 'closed-by-peer') this.waiting.length = 0
      onDisconnect(connection.id)
    }
  }

  next(): void {
    if (this.busy) return
    const frame = this.waiting.shift()
    if (frame === undefined) return
    this.busy = true
    this.handle(new ChannelRequest(this, frame))
  }

  unmute(afterMs: Millis): void {
    if (afterMs > 0) {
      this.env.timer(msToUs(afterMs), () => this.unmute(0))
      return
    }
    this.busy = false
    this.next()
  }

  close(): void {
    this.connected = false
    this.waiting.length = 0
    this.connection.close()
  }
}

class ChannelRequest implements RpcRequest {
  readonly apiKey: number
  readonly apiVersion: number
  readonly clientId: string | null
  readonly body: object
  private readonly channel: ServerChannel
  private readonly correlationId: number
  private answered = false

  constructor(channel: ServerChannel, frame: Frame) {
    this.channel = channel
    this.apiKey = frame.apiKey
    this.apiVersion = frame.apiVersion
    this.clientId = frame.clientId
    this.body = frame.body
    this.correlationId = frame.correlationId
  }

  get connectionId(): number {
    return this.channel.connection.id
  }

  get peer(): string {
    return this.channel.connection.peer
  }

  get isConnected(): boolean {
    return this.channel.connected
  }

  respond(body: object, mutedForMs: Millis = 0): void {
    this.answer()
    if (this.channel.connected) {
      this.channel.connection.send({ apiKey: this.apiKey, apiVersion: this.apiVersion, isResponse: true, correlationId: this.correlationId, clientId: null, body })
    }
    this.channel.unmute(mutedForMs)
  }

  noResponse(mutedForMs: Millis = 0): void {
    this.answer()
    this.channel.unmute(mutedForMs)
  }

  close(): void {
    this.answer()
    this.channel.close()
  }

  private answer(): void {
    invariant(!this.answered, `request of API ${this.apiKey} answered twice`)
    this.answered = true
  }
}

export class RpcServer {
  /** `onDisconnect`: the peer has closed a connection, or it was lost. */
  constructor(env: Env, port: number, handle: (request: RpcRequest) => void, onDisconnect: (connectionId: number) => void = () => {}) {
    env.network.listen(port, connection => new ServerChannel(env, connection, handle, onDisconnect))
  }
}
