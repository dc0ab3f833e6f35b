/**
 * The network as a process sees it: listening ports and connections that behave as TCP does. Frames of one connection
 * arrive in order or not at all; nothing is promised across connections. A cut connection may still deliver, later,
 * what was already on its way.
 */

/** One request or response. `body` is a full message object of the negotiated version; never mutate it after sending. */
export interface Frame {
  readonly apiKey: number
  readonly apiVersion: number
  readonly isResponse: boolean
  readonly correlationId: number
  /** null in responses */
  readonly clientId: string | null
  readonly body: object
}

export type CloseReason = 'refused' | 'reset' | 'closed-by-peer'

export interface Connection {
  readonly id: number
  /** Host at the other end. */
  readonly peer: string
  readonly isOpen: boolean
  /** Set by the owner, before the end of the event in which the connection was made or accepted. */
  onOpen: (() => void) | undefined
  onFrame: ((frame: Frame) => void) | undefined
  /** Called once when the peer closes, the peer's machine resets, or a connect is refused; not after own close(). */
  onClose: ((reason: CloseReason) => void) | undefined
  /** Takes a draft body (absent fields are filled with the version's defaults, copies are taken). No-op when closed. */
  send(frame: Frame): void
  /** Closes this end. Frames already sent may or may not still arrive. */
  close(): void
}

export interface Network {
  /** Accepts connections on a port of this machine until the process dies. */
  listen(port: number, accept: (connection: Connection) => void): void
  /** Starts to connect. `onOpen` follows after a round trip, `onClose('refused')` if nobody listens, silence if cut off. */
  connect(host: string, port: number): Connection
}
