/**
 * A rolling change: every server in turn shuts down in a controlled way and comes back with another configuration, as a
 * newer release would; the next one follows once it is in sync again, or after some patience. When all have been there the
 * metadata version may be raised. Faults do not wait for it, so it may meet any of them; once everything is to heal, it
 * goes no further.
 */
import type { Micros } from '../../base/time.ts'
import type { ActionOf } from '../fault.ts'
import { BEYOND_BUDGET, NO_TARGET, type Outcome, type StrikeContext, stopProblem } from './strike.ts'

/** How many pauses a server is given to come back before the next one goes. */
const PATIENCE = 10

export function rollingRestart(context: StrikeContext, action: ActionOf<'rolling-restart'>): Outcome {
  const first = context.resolve(action.target)
  if (first === undefined) return NO_TARGET
  new RollingRestart(action, first, context).start()
  return { hosts: [first] }
}

class RollingRestart {
  private readonly action: ActionOf<'rolling-restart'>
  private readonly order: readonly string[]
  private readonly context: StrikeContext
  private complete = true

  constructor(action: ActionOf<'rolling-restart'>, first: string, context: StrikeContext) {
    this.action = action
    this.context = context
    const { hosts } = context.world
    const from = hosts.indexOf(first)
    this.order = [...hosts.slice(from), ...hosts.slice(0, from)]
  }

  start(): void {
    this.restart(0)
  }

  private restart(index: number): void {
    const { world } = this.context
    const host = this.order[index]
    if (this.context.isOver()) return
    if (host === undefined) {
      if (this.complete && this.action.metadataVersion > 0) world.updateMetadataVersion(this.action.metadataVersion)
      return
    }
    if (this.cannotStop(host) !== undefined) {
      // Down already, or not to be touched now: it keeps its configuration, and so the version must stay.
      this.complete = false
      return this.next(index + 1)
    }
    world.shutdownServer(host, () => {
      world.reconfigure(host, this.action.server)
      this.context.revive(host)
      this.awaitReturn(host, index, 0)
    })
  }

  private awaitReturn(host: string, index: number, waited: number): void {
    const { world, view } = this.context
    const isBack = world.machine(host).isRunning && (!view.brokers.includes(host) || view.isFullyInSync(host))
    if (waited > 0 && (isBack || waited >= PATIENCE)) this.restart(index + 1)
    else world.schedule(this.pauseUs, () => this.awaitReturn(host, index, waited + 1))
  }

  private next(index: number): void {
    this.context.world.schedule(this.pauseUs, () => this.restart(index))
  }

  /** Why this host must not be shut down now; else its shutdown is noted. */
  private cannotStop(host: string): string | undefined {
    const { world, view, survival } = this.context
    const problem = stopProblem(world, host)
    // Without a broker epoch to write, its clean-shutdown file proves nothing.
    if (problem !== undefined || view.isUnfenced(host)) return problem
    if (!survival.allows([host], false)) return BEYOND_BUDGET
    survival.mark(host, false)
    return undefined
  }

  private get pauseUs(): Micros {
    return this.action.durationUs
  }
}
