/**
 * Changes of the voters of the metadata quorum as faults (KIP-853). One at a time, and never of the only voter or of two,
 * counted as they are at that moment: what is left must have a majority. Of two voters, one whose disk is replaced takes the
 * quorum with it for good, since its new directory is no voter and nobody can be removed without a majority. A voter's disk is replaced only like this, by removing and adding the voter, because
 * committed metadata may lie on that disk and one other only: a second disk is safe to lose once the first is back.
 */
import type { ActionOf } from '../fault.ts'
import { type Outcome, type StrikeContext, stopProblem } from './strike.ts'

export function changeVoter(context: StrikeContext, action: ActionOf<'remove-voter'> | ActionOf<'replace-voter'>): Outcome {
  const { world, view } = context
  const host = context.resolve(action.target)
  if (host === undefined || !view.voters.has(host)) return 'no such voter now'
  if (view.voters.size < 3) return 'too few voters to do without one'
  if (!world.canChangeVoters) return 'the voters are configured, or being changed'
  const machine = world.machine(host)
  const directoryId = machine.disk.id
  if (action.kind === 'remove-voter') {
    world.changeVoters([{ how: 'remove', host, directoryId }])
    // Added as soon as the removal is through, whenever that is.
    const add = (): void => {
      if (world.canChangeVoters) world.changeVoters([{ how: 'add', host, directoryId: world.machine(host).disk.id }])
      else world.schedule(action.durationUs, add)
    }
    return { hosts: [host], heal: add }
  }
  if (view.brokers.includes(host)) return 'a broker keeps its disk'
  const problem = stopProblem(world, host)
  if (problem !== undefined) return problem
  machine.crashProcess()
  machine.replaceDisk()
  world.changeVoters([{ how: 'remove', host, directoryId }, { how: 'add', host, directoryId: machine.disk.id }])
  return { hosts: [host], heal: () => context.revive(host) }
}
