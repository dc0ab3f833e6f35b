/**
 * Faults of processes and machines: killed, without power, standing still, restarted, on an empty disk; alone or a whole
 * rack at once.
 */
import type { ActionOf } from '../fault.ts'
import { BEYOND_BUDGET, NO_TARGET, type Outcome, stopProblem, type StrikeContext } from './strike.ts'

export function crash(context: StrikeContext, action: ActionOf<'crash'>): Outcome {
  const { world, survival } = context
  const host = context.resolve(action.target)
  const problem = stopProblem(world, host)
  if (host === undefined || problem !== undefined) return problem ?? NO_TARGET
  if (action.machine && !survival.isBeyond && isLoneVoter(context, host)) return 'a single voter commits before it has flushed'
  if (!survival.allows([host], action.machine)) return BEYOND_BUDGET
  survival.mark(host, action.machine)
  const machine = world.machine(host)
  if (action.machine) machine.crashMachine()
  else machine.crashProcess()
  return { hosts: [host], heal: () => context.revive(host) }
}

export function replaceDisk(context: StrikeContext, action: ActionOf<'replace-disk'>): Outcome {
  const { world, view, survival } = context
  const host = context.resolve(action.target)
  const problem = stopProblem(world, host)
  if (host === undefined || problem !== undefined) return problem ?? NO_TARGET
  // Removed from the voters or not: it is to be one again.
  if (view.controllers.includes(host)) return 'a quorum voter keeps its disk'
  if (!survival.allows([host], true)) return BEYOND_BUDGET
  survival.replaced(host)
  const machine = world.machine(host)
  machine.crashProcess()
  machine.replaceDisk()
  return { hosts: [host], heal: () => context.revive(host) }
}

/** Everything in one rack, or every server, goes down at the same moment. */
export function crashTogether(context: StrikeContext, action: ActionOf<'outage'>): Outcome {
  const { world, survival } = context
  const racks = [...new Set(world.hosts.map(host => world.rackOf(host)))]
  const rack = action.scope === 'rack' ? racks[action.pick % Math.max(1, racks.length)] : undefined
  const hosts = world.hosts.filter(host => (action.scope === 'all' || world.rackOf(host) === rack) && stopProblem(world, host) === undefined)
  if (hosts.length === 0) return NO_TARGET
  if (action.machine && !survival.isBeyond && hosts.some(host => isLoneVoter(context, host))) return 'a single voter commits before it has flushed'
  if (!survival.allows(hosts, action.machine)) return BEYOND_BUDGET
  for (const host of hosts) {
    survival.mark(host, action.machine)
    if (action.machine) world.machine(host).crashMachine()
    else world.machine(host).crashProcess()
  }
  return { hosts, who: hosts.join(', '), heal: () => hosts.forEach(host => context.revive(host)) }
}

export function pause(context: StrikeContext, action: ActionOf<'pause'>): Outcome {
  const host = context.resolve(action.target)
  const problem = stopProblem(context.world, host)
  if (host === undefined || problem !== undefined) return problem ?? NO_TARGET
  const machine = context.world.machine(host)
  machine.pause()
  return { hosts: [host], heal: () => (machine.isPaused ? machine.resume() : undefined) }
}

export function restart(context: StrikeContext, action: ActionOf<'restart'>): Outcome {
  const { world, view, survival } = context
  const host = context.resolve(action.target)
  const problem = stopProblem(world, host)
  if (host === undefined || problem !== undefined) return problem ?? NO_TARGET
  // Without a broker epoch to write, its clean-shutdown file proves nothing.
  if (!view.isUnfenced(host)) {
    if (!survival.allows([host], false)) return BEYOND_BUDGET
    survival.mark(host, false)
  }
  let healed = false
  let stopped = false
  world.shutdownServer(host, () => {
    stopped = true
    if (healed) context.revive(host)
  })
  return {
    hosts: [host],
    heal: () => {
      healed = true
      if (stopped) context.revive(host)
    },
  }
}

function isLoneVoter({ view }: StrikeContext, host: string): boolean {
  return view.voters.size === 1 && view.voters.has(host)
}
