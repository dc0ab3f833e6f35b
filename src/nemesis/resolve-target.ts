/**
 * Who a fault strikes: a host by name, or whoever has a role at that moment.
 */
import type { Target } from './fault.ts'
import type { ClusterView } from './ports.ts'

/** What a target is resolved against. `subject` and `other` are empty when the fault fired at a time; the subject is then the leader. */
export interface Aim {
  readonly view: ClusterView
  readonly hosts: readonly string[]
  readonly clients: readonly string[]
  readonly subject: string
  readonly other: string
}

/** The partition that a target is about: its own, or one that its `pick` chooses. */
export function partitionOf(target: Target, view: ClusterView): { readonly topic: string; readonly partition: number } {
  if ('host' in target) return { topic: '', partition: 0 }
  const known = view.partitions()
  const where = known[target.pick % Math.max(1, known.length)]
  return { topic: target.topic ?? where?.topic ?? '', partition: target.partition ?? where?.partition ?? 0 }
}

/** The host that a target means now; undefined when nobody has the role. */
export function resolveTarget(target: Target, { view, hosts, clients, subject, other }: Aim): string | undefined {
  if ('host' in target) return [...hosts, ...clients].includes(target.host) ? target.host : undefined
  const { topic, partition } = partitionOf(target, view)
  const choose = (among: readonly string[]): string | undefined => among[target.pick % Math.max(1, among.length)]
  const leader = view.leaderOf(topic, partition)
  switch (target.role) {
    case 'subject': return subject === '' ? leader : subject
    case 'other-end': return other === '' ? undefined : other
    case 'leader': return leader
    case 'isr-follower': return choose(view.isrOf(topic, partition).filter(host => host !== leader))
    case 'out-of-isr': {
      const isr = view.isrOf(topic, partition)
      return choose(view.replicasOf(topic, partition).filter(host => !isr.includes(host)))
    }
    case 'newest-isr-member': return view.newestIsrMember(topic, partition)
    case 'active-controller': return view.activeController
    case 'standby-controller': return choose(view.controllers.filter(host => host !== view.activeController))
    case 'any-broker': return choose(view.brokers)
    case 'any-server': return choose(hosts)
    case 'any-client': return choose(clients)
  }
}
