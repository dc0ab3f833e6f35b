/**
 * Faults of the network: partitions, held and slow paths, connections that break or that silently lead nowhere.
 */
import { mixString } from '../../base/random.ts'
import type { ActionOf } from '../fault.ts'
import { type Pair, partitionPairs } from '../partition-shapes.ts'
import { NO_TARGET, type Outcome, type StrikeContext } from './strike.ts'

const everyone = ({ world }: StrikeContext): readonly string[] => [...world.hosts, ...world.clients]

export function cutNetwork(context: StrikeContext, action: ActionOf<'partition'>): Outcome {
  const { world, view } = context
  const host = context.resolve(action.target)
  if (host === undefined) return NO_TARGET
  const leaders = new Set<string>()
  for (const { topic, partition } of view.partitions()) {
    const leader = view.leaderOf(topic, partition)
    if (leader !== undefined) leaders.add(leader)
  }
  const pick = 'pick' in action.target ? action.target.pick : 0
  const pairs: readonly Pair[] = partitionPairs(action.shape, action.direction, host, pick, {
    brokers: view.brokers, controllers: view.controllers, clients: world.clients, leaders: [...leaders].sort(),
  })
  if (pairs.length === 0) return 'nothing to cut'
  for (const [from, to] of pairs) world.network.block(from, to)
  return { hosts: [host], heal: () => pairs.forEach(([from, to]) => world.network.unblock(from, to)) }
}

export function clogPath(context: StrikeContext, action: ActionOf<'clog'>): Outcome {
  const { network } = context.world
  const from = context.resolve(action.from)
  const to = context.resolve(action.to)
  if (from === undefined || to === undefined || from === to) return 'no such path now'
  network.block(from, to)
  return { hosts: [from, to], who: `${from} > ${to}`, heal: () => network.unblock(from, to) }
}

/**
 * FoundationDB's swizzle: some servers are cut off one after another, and come back one after another in another order.
 */
export function swizzle(context: StrikeContext, action: ActionOf<'swizzle'>): Outcome {
  const { world } = context
  const hosts = [...world.hosts].sort((a, b) => orderOf(a, action.pick) - orderOf(b, action.pick)).slice(0, action.hosts)
  if (hosts.length === 0) return NO_TARGET
  let over = false
  const healers: (() => void)[] = []
  const cut = (host: string): void => {
    if (over) return
    const others = everyone(context).filter(name => name !== host)
    for (const name of others) {
      world.network.block(host, name)
      world.network.block(name, host)
    }
    let isCut = true
    const heal = (): void => {
      if (!isCut) return
      isCut = false
      for (const name of others) {
        world.network.unblock(host, name)
        world.network.unblock(name, host)
      }
    }
    healers.push(heal)
    const back = hosts.length - 1 - ((hosts.indexOf(host) + action.pick) % hosts.length)
    world.schedule(hosts.length * action.spacingUs + back * action.spacingUs, heal)
  }
  hosts.forEach((host, index) => (index === 0 ? cut(host) : world.schedule(index * action.spacingUs, () => cut(host))))
  return {
    hosts, who: hosts.join(', '),
    heal: () => {
      over = true
      for (const heal of healers) heal()
    },
  }
}

const orderOf = (host: string, pick: number): number => mixString(pick, host) >>> 0

export function slowHost(context: StrikeContext, action: ActionOf<'slow'>): Outcome {
  const { network } = context.world
  const host = context.resolve(action.target)
  if (host === undefined) return NO_TARGET
  const others = everyone(context).filter(name => name !== host)
  const set = (extraUs: number): void => {
    for (const name of others) {
      network.slow(host, name, extraUs)
      network.slow(name, host, extraUs)
    }
  }
  set(action.extraUs)
  return { hosts: [host], heal: () => set(0) }
}

export function breakConnections(context: StrikeContext, action: ActionOf<'break' | 'half-open'>): Outcome {
  const { network } = context.world
  const host = context.resolve(action.target)
  if (host === undefined) return NO_TARGET
  for (const name of everyone(context)) {
    if (name === host) continue
    if (action.kind === 'break') network.breakConnections(host, name, action.lateUs)
    else network.loseConnections(host, name)
  }
  return { hosts: [host] }
}
