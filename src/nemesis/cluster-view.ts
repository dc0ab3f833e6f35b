/**
 * Follows leaders, ISRs, voters and the active controller from observations, so that faults can aim at roles. Only the newest
 * controller is believed: a deposed one that has not noticed goes on changing partitions, and none of it will be committed.
 * Voters are those of the newest VotersRecord: once the administrator who asked for it has its answer, it is committed.
 */
import type { Observation, ObservationKind, Observer } from '../env/observation.ts'
import type { ClusterView } from './ports.ts'

interface PartitionState {
  readonly topic: string
  readonly partition: number
  leader: number
  replicas: readonly number[]
  isr: readonly number[]
  elr: readonly number[]
  newest: number
}

export class ObservedCluster implements ClusterView, Observer {
  readonly brokers: readonly string[]
  readonly controllers: readonly string[]
  voters: ReadonlySet<string>
  activeController: string | undefined = undefined
  private readonly hosts: ReadonlyMap<number, string>
  private readonly states = new Map<string, PartitionState>()
  private controllerEpoch = -1
  private votersEpoch = -1
  private readonly unfenced = new Set<string>()

  constructor(servers: readonly { readonly nodeId: number; readonly host: string; readonly roles: readonly string[] }[]) {
    this.hosts = new Map(servers.map(server => [server.nodeId, server.host]))
    this.brokers = servers.filter(server => server.roles.includes('broker')).map(server => server.host)
    this.controllers = servers.filter(server => server.roles.includes('controller')).map(server => server.host)
    this.voters = new Set(this.controllers)
  }

  wants(kind: ObservationKind): boolean {
    return kind !== 'request-sent' && kind !== 'log-append' && kind !== 'high-watermark'
  }

  observe(event: Observation, node: string): void {
    switch (event.kind) {
      case 'partition-registered': {
        if (node !== this.activeController) break
        const key = `${event.topic}-${event.partition}`
        const state = this.states.get(key)
        if (state === undefined) {
          this.states.set(key, {
            topic: event.topic, partition: event.partition, leader: event.leader, replicas: event.replicas, isr: event.isr, elr: event.elr, newest: -1,
          })
          break
        }
        const joined = event.isr.find(id => !state.isr.includes(id))
        if (joined !== undefined) state.newest = joined
        state.leader = event.leader
        state.replicas = event.replicas
        state.isr = event.isr
        state.elr = event.elr
        break
      }
      case 'topic-deleted':
        if (node !== this.activeController) break
        for (const [key, state] of this.states) if (state.topic === event.topic) this.states.delete(key)
        break
      case 'controller-active':
        if (event.epoch < this.controllerEpoch) break
        // It tells of every partition next; what its predecessor had not committed is forgotten.
        this.controllerEpoch = event.epoch
        this.activeController = node
        this.states.clear()
        break
      case 'raft-voters':
        if (event.epoch < this.votersEpoch) break
        this.votersEpoch = event.epoch
        // Told as `id-directory`.
        this.voters = new Set(this.hostsOf(event.voters.map(voter => Number(voter.slice(0, voter.indexOf('-'))))))
        break
      case 'broker-unfenced':
        this.unfenced.add(this.hostOf(event.brokerId) ?? '')
        break
      case 'broker-fenced':
        this.unfenced.delete(this.hostOf(event.brokerId) ?? '')
        break
      default:
    }
  }

  hostOf(id: number): string | undefined {
    return this.hosts.get(id)
  }

  isUnfenced(host: string): boolean {
    return this.unfenced.has(host)
  }

  leaderOf(topic: string, partition: number): string | undefined {
    const state = this.states.get(`${topic}-${partition}`)
    return state === undefined ? undefined : this.hostOf(state.leader)
  }

  isrOf(topic: string, partition: number): readonly string[] {
    return this.hostsOf(this.states.get(`${topic}-${partition}`)?.isr)
  }

  elrOf(topic: string, partition: number): readonly string[] {
    return this.hostsOf(this.states.get(`${topic}-${partition}`)?.elr)
  }

  replicasOf(topic: string, partition: number): readonly string[] {
    return this.hostsOf(this.states.get(`${topic}-${partition}`)?.replicas)
  }

  newestIsrMember(topic: string, partition: number): string | undefined {
    const state = this.states.get(`${topic}-${partition}`)
    return state !== undefined && state.isr.includes(state.newest) ? this.hostOf(state.newest) : undefined
  }

  partitions(): readonly { readonly topic: string; readonly partition: number }[] {
    return [...this.states.values()]
  }

  isFullyInSync(host: string): boolean {
    if (!this.unfenced.has(host)) return false
    for (const state of this.states.values()) {
      const replicas = this.hostsOf(state.replicas)
      if (replicas.includes(host) && !this.hostsOf(state.isr).includes(host)) return false
    }
    return true
  }

  private hostsOf(ids: readonly number[] | undefined): readonly string[] {
    const hosts: string[] = []
    for (const id of ids ?? []) {
      const host = this.hosts.get(id)
      if (host !== undefined) hosts.push(host)
    }
    return hosts
  }
}
