/**
 * The shapes of network partitions, as Jepsen names them. A shape is a set of directed pairs that are cut.
 *
 *   one               one server from all others            halves            two halves
 *   majority          a random minority from the majority    majorities-ring   each sees a majority, no two the same one
 *   minority-third    a third of the servers from the rest   bridge            two halves joined by one server
 *   primaries         leaders from everyone else             isolate-client    a client from all servers
 *   controller-only   brokers from controllers; brokers among themselves stay connected
 *   voters-only       one controller from the other controllers; brokers reach all of them
 */
import type { PartitionShape } from './fault.ts'

export type Pair = readonly [from: string, to: string]

interface Roles {
  readonly brokers: readonly string[]
  readonly controllers: readonly string[]
  readonly clients: readonly string[]
  /** Leaders of any partition. */
  readonly leaders: readonly string[]
}

function between(a: readonly string[], b: readonly string[], direction: 'both' | 'out' | 'in'): Pair[] {
  const pairs: Pair[] = []
  for (const x of a) {
    for (const y of b) {
      if (x === y) continue
      if (direction !== 'in') pairs.push([x, y])
      if (direction !== 'out') pairs.push([y, x])
    }
  }
  return pairs
}

/** Rotates so that `pick` decides who comes first. */
function rotated(hosts: readonly string[], pick: number): readonly string[] {
  if (hosts.length === 0) return hosts
  const shift = pick % hosts.length
  return [...hosts.slice(shift), ...hosts.slice(0, shift)]
}

/** The pairs to cut. `target` is the host aimed at, where the shape has one; `pick` any non-negative integer. */
export function partitionPairs(shape: PartitionShape, direction: 'both' | 'out' | 'in', target: string, pick: number, roles: Roles): readonly Pair[] {
  const servers = [...new Set([...roles.brokers, ...roles.controllers])]
  const rest = (group: readonly string[]): string[] => servers.filter(host => !group.includes(host))
  const order = rotated(servers, pick)
  switch (shape) {
    case 'one':
      return between([target], rest([target]), direction)
    case 'halves': {
      const group = order.slice(0, Math.ceil(order.length / 2))
      return between(group, rest(group), direction)
    }
    case 'majority': {
      const group = order.slice(0, Math.floor((order.length - 1) / 2))
      return between(group, rest(group), direction)
    }
    case 'minority-third': {
      const group = order.slice(0, Math.max(1, Math.floor(order.length / 3)))
      return between(group, rest(group), direction)
    }
    case 'majorities-ring': {
      // To each side, so that with itself it sees a majority.
      const reach = Math.ceil(Math.floor(order.length / 2) / 2)
      const pairs: Pair[] = []
      order.forEach((host, index) => {
        order.forEach((other, otherIndex) => {
          const distance = Math.min((index - otherIndex + order.length) % order.length, (otherIndex - index + order.length) % order.length)
          if (distance > reach) pairs.push([host, other])
        })
      })
      return pairs
    }
    case 'bridge': {
      const bridge = order[0]
      const others = order.slice(1)
      const half = others.slice(0, Math.ceil(others.length / 2))
      return between(half, others.filter(host => !half.includes(host) && host !== bridge), direction)
    }
    case 'primaries':
      return between(roles.leaders, rest(roles.leaders), direction)
    case 'isolate-client': {
      const client = rotated(roles.clients, pick)[0]
      return client === undefined ? [] : between([client], servers, direction)
    }
    case 'controller-only': {
      const pureBrokers = roles.brokers.filter(host => !roles.controllers.includes(host))
      const group = pureBrokers.includes(target) ? [target] : pureBrokers
      return between(group, roles.controllers, direction)
    }
    case 'voters-only': {
      const one = roles.controllers.includes(target) ? target : rotated(roles.controllers, pick)[0]
      return one === undefined ? [] : between([one], roles.controllers.filter(host => host !== one), direction)
    }
  }
}
