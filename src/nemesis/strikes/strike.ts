/**
 * The contract of strikes: how one fault is done to the world. A strike either says why it cannot be done now (and then
 * has done nothing), or has done it and says to whom and how to undo it.
 */
import type { Fault, Target } from '../fault.ts'
import type { ClusterView, WorldPort } from '../ports.ts'
import type { Survival } from '../survival.ts'

export interface StrikeContext {
  readonly fault: Fault
  readonly world: WorldPort
  readonly view: ClusterView
  readonly survival: Survival
  /** The host that a target means now. */
  resolve(target: Target): string | undefined
  /** Starts a host again, unless another fault took it for good meanwhile. */
  revive(host: string): void
}

export interface Struck {
  readonly hosts: readonly string[]
  /** In place of the first host in the description. */
  readonly who?: string
  /** Undoes it; absent when nothing is left to undo. */
  readonly heal?: () => void
}

/** A string says why it was not done. */
export type Outcome = Struck | string

export const NO_TARGET = 'no such target now'
export const BEYOND_BUDGET = 'beyond the survivability budget'

/** Why the process of a host cannot be stopped now, if it cannot. */
export function stopProblem(world: WorldPort, host: string | undefined): string | undefined {
  if (host === undefined) return NO_TARGET
  const machine = world.machine(host)
  if (!machine.isRunning) return 'already down'
  if (machine.isPaused) return 'already paused'
  return undefined
}
