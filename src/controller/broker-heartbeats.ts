/**
 * Sessions of brokers as the active controller sees them (Kafka: BrokerHeartbeatManager, BrokerHeartbeatTracker). Soft
 * state: made anew at activation, when every unfenced broker gets a full session. Sessions are keyed by id *and* epoch,
 * so a late heartbeat of a dead incarnation keeps nobody alive (KIP-380).
 *
 *   state               | request                     | next
 *   --------------------|-----------------------------|------------------------------------------------------
 *   fenced              | wants shutdown              | shutdown now
 *   fenced              | wants no fence, caught up   | unfenced
 *   unfenced            | wants fence                 | fenced (shutdown now if it wants that too)
 *   unfenced            | wants shutdown              | controlled shutdown; shutdown now if it leads nothing
 *   controlled shutdown | any                         | shutdown now once it leads nothing and all active brokers
 *                       |                             | have passed the offset at which its leaderships moved
 */
import { defined, invariant } from '../base/assert.ts'
import type { Micros } from '../base/time.ts'
import type { BrokerHeartbeatRequest } from '../protocol/generated/types.ts'
import type { MetadataImage } from './metadata-image.ts'

export type BrokerState = 'fenced' | 'unfenced' | 'controlled-shutdown' | 'shutdown-now'

interface Tracked {
  fenced: boolean
  /** Last metadata offset the broker reported; -1 unknown. */
  metadataOffset: number
  /** Offset that active brokers must reach before this one may exit; -1 when it is not shutting down. */
  controlledShutdownOffset: number
}

interface Session {
  readonly brokerId: number
  readonly brokerEpoch: number
  lastContact: Micros
}

export class BrokerHeartbeats {
  private readonly sessionTimeout: Micros
  private readonly brokers = new Map<number, Tracked>()
  private readonly sessions = new Map<string, Session>()

  /** At activation: every registered broker is tracked, unfenced ones get a session from `now` on. */
  constructor(sessionTimeout: Micros, image: MetadataImage, now: Micros) {
    this.sessionTimeout = sessionTimeout
    for (const broker of image.brokers.values()) {
      this.register(broker.brokerId, broker.fenced)
      if (!broker.fenced) this.contact(broker.brokerId, broker.brokerEpoch, now)
    }
  }

  /** A heartbeat arrived; noted at once, before it waits in the event queue. */
  contact(brokerId: number, brokerEpoch: number, now: Micros): void {
    const key = sessionKey(brokerId, brokerEpoch)
    const session = this.sessions.get(key)
    if (session === undefined) this.sessions.set(key, { brokerId, brokerEpoch, lastContact: now })
    else session.lastContact = now
  }

  hasValidSession(brokerId: number, brokerEpoch: number, now: Micros): boolean {
    const session = this.sessions.get(sessionKey(brokerId, brokerEpoch))
    return session !== undefined && !this.isExpired(session, now)
  }

  /** Removes and returns one expired session. */
  takeExpired(now: Micros): { readonly brokerId: number; readonly brokerEpoch: number } | undefined {
    for (const [key, session] of this.sessions) {
      if (!this.isExpired(session, now)) continue
      this.sessions.delete(key)
      return session
    }
    return undefined
  }

  /** Follows a registration or a change of one (BrokerHeartbeatManager#register, with its reset of the offset). */
  register(brokerId: number, fenced: boolean): void {
    const known = this.brokers.get(brokerId)
    if (known === undefined) this.brokers.set(brokerId, { fenced, metadataOffset: -1, controlledShutdownOffset: -1 })
    this.touch(brokerId, fenced, known !== undefined && known.fenced !== fenced ? known.metadataOffset : -1)
  }

  remove(brokerId: number): void {
    this.brokers.delete(brokerId)
  }

  touch(brokerId: number, fenced: boolean, metadataOffset: number): void {
    const broker = this.tracked(brokerId)
    broker.fenced = fenced
    broker.metadataOffset = metadataOffset
    if (fenced) broker.controlledShutdownOffset = -1
  }

  /** Entering controlled shutdown; a later call changes nothing. */
  startControlledShutdown(brokerId: number, offset: number): void {
    const broker = this.tracked(brokerId)
    invariant(!broker.fenced, 'a fenced broker cannot enter controlled shutdown')
    if (broker.controlledShutdownOffset < 0) broker.controlledShutdownOffset = offset
  }

  /** Brokers that a replica may be placed on: tracked and not shutting down, in order of registration. */
  *usable(): Generator<{ readonly brokerId: number; readonly fenced: boolean }> {
    for (const [brokerId, broker] of this.brokers) {
      if (broker.controlledShutdownOffset < 0) yield { brokerId, fenced: broker.fenced }
    }
  }

  stateOf(brokerId: number): BrokerState {
    const broker = this.tracked(brokerId)
    if (broker.controlledShutdownOffset >= 0) return 'controlled-shutdown'
    return broker.fenced ? 'fenced' : 'unfenced'
  }

  nextState(request: BrokerHeartbeatRequest, registrationOffset: number, hasLeaderships: () => boolean): BrokerState {
    const state = this.stateOf(request.brokerId)
    switch (state) {
      case 'fenced':
        if (request.wantShutDown) return 'shutdown-now'
        return !request.wantFence && request.currentMetadataOffset >= registrationOffset ? 'unfenced' : 'fenced'
      case 'unfenced':
        if (request.wantFence) return request.wantShutDown ? 'shutdown-now' : 'fenced'
        if (!request.wantShutDown) return 'unfenced'
        return hasLeaderships() ? 'controlled-shutdown' : 'shutdown-now'
      default:
        if (hasLeaderships()) return 'controlled-shutdown'
        return this.tracked(request.brokerId).controlledShutdownOffset <= this.lowestActiveOffset() ? 'shutdown-now' : 'controlled-shutdown'
    }
  }

  private lowestActiveOffset(): number {
    let lowest = Number.MAX_SAFE_INTEGER
    for (const broker of this.brokers.values()) {
      if (!broker.fenced && broker.controlledShutdownOffset < 0) lowest = Math.min(lowest, broker.metadataOffset)
    }
    return lowest
  }

  private isExpired(session: Session, now: Micros): boolean {
    return session.lastContact + this.sessionTimeout < now
  }

  private tracked(brokerId: number): Tracked {
    return defined(this.brokers.get(brokerId), 'heartbeat state of an unregistered broker')
  }
}

function sessionKey(brokerId: number, brokerEpoch: number): string {
  return `${brokerId}-${brokerEpoch}`
}
