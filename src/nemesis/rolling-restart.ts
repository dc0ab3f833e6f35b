/**
 * A rolling change: every server in turn shuts down in a controlled way and comes back with another configuration, as a
 * newer release would; the next one follows once it is in sync again, or after some patience. When all have been there the
 * metadata version may be raised. Faults do not wait for it, so it may meet any of them; once everything is to heal, it
 * goes no further.
 */
import type { Micros } from '../base/time.ts'
import type { FaultAction } from './fault.ts'
import type { ClusterView, WorldPort } from './ports.ts'

/** How many pauses a server is given to come back before the next one goes. */
const PATIENCE = 10

interface Hands {
  readonly world: WorldPort
  readonly view: ClusterView
  readonly isOver: () => boolean
  /** Why this host must not be shut down now. */
  readonly cannotStop: (host: string) => string | undefined
  readonly revive: (host: string) => void
  readonly ended: () => void
}

export class RollingRestart {
  private readonly action: Extract<FaultAction, { kind: 'rolling-restart' }>
  private readonly order: readonly string[]
  private readonly hands: Hands
  private complete = true

  constructor(action: Extract<FaultAction, { kind: 'rolling-restart' }>, first: string, hands: Hands) {
    this.action = action
    this.hands = hands
    const { hosts } = hands.world
    const from = hosts.indexOf(first)
    this.order = [...hosts.slice(from), ...hosts.slice(0, from)]
  }

  start(): void {
    this.restart(0)
  }

  private restart(index: number): void {
    const { world, isOver, cannotStop, revive, ended } = this.hands
    const host = this.order[index]
    if (isOver()) return
    if (host === undefined) {
      if (this.complete && this.action.metadataVersion > 0) world.updateMetadataVersion(this.action.metadataVersion)
      return ended()
    }
    if (cannotStop(host) !== undefined) {
      // Down already, or not to be touched now: it keeps its configuration, and so the version must stay.
      this.complete = false
      return this.next(index + 1)
    }
    world.shutdownServer(host, () => {
      world.reconfigure(host, this.action.server)
      revive(host)
      this.awaitReturn(host, index, 0)
    })
  }

  private awaitReturn(host: string, index: number, waited: number): void {
    const { world, view } = this.hands
    const isBack = world.machine(host).isRunning && (!view.brokers.includes(host) || view.isFullyInSync(host))
    if (waited > 0 && (isBack || waited >= PATIENCE)) this.restart(index + 1)
    else world.schedule(this.pauseUs, () => this.awaitReturn(host, index, waited + 1))
  }

  private next(index: number): void {
    this.hands.world.schedule(this.pauseUs, () => this.restart(index))
  }

  private get pauseUs(): Micros {
    return this.action.durationUs
  }
}
