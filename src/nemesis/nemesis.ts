/**
 * Fires the faults of a schedule and heals them. A fault whose target cannot be found, is already down, or would exceed
 * the survivability budget does not fire and is counted as skipped: the guarantee under test survives what does fire.
 *
 * Budget: at most `maxLossy` brokers at a time may have lost data (machine crash, replaced disk). A broker counts from
 * its crash until its new incarnation is unfenced and back in the ISR of everything that it replicates. A quorum voter's
 * disk is never replaced (that takes removing and adding the voter).
 */
import type { Observation, ObservationKind, Observer } from '../env/observation.ts'
import { describeAction } from './describe-fault.ts'
import type { Fault, FaultAction, Target, TriggerEvent } from './fault.ts'
import { partitionPairs, type Pair } from './partition-shapes.ts'
import type { ClusterView, WorldPort } from './ports.ts'

export interface SurvivalBudget {
  readonly maxLossy: number
  readonly beyond: boolean
}

interface Armed {
  readonly fault: Fault
  readonly on: TriggerEvent
  count: number
}

export interface FiredFault {
  readonly id: number
  readonly text: string
  readonly hosts: readonly string[]
}

export class Nemesis implements Observer {
  readonly fired: FiredFault[] = []
  readonly skipped: { readonly id: number; readonly why: string }[] = []
  private readonly world: WorldPort
  private readonly view: ClusterView
  private readonly faults: readonly Fault[]
  private readonly budget: SurvivalBudget
  private readonly armed = new Map<ObservationKind, Armed[]>()
  private readonly healers = new Map<number, () => void>()
  private readonly lossy = new Map<string, 'down' | 'registered' | 'unfenced'>()
  private readonly permanent = new Set<string>()
  private active = false
  private over = false

  constructor(world: WorldPort, view: ClusterView, faults: readonly Fault[], budget: SurvivalBudget) {
    this.world = world
    this.view = view
    this.faults = faults
    this.budget = budget
  }

  /** Arms every fault; times count from now. */
  activate(): void {
    this.active = true
    for (const fault of this.faults) {
      const { when } = fault
      if ('at' in when) {
        this.world.schedule(when.at, () => this.fire(fault, '', ''))
        continue
      }
      const list = this.armed.get(when.on.kind)
      const armed = { fault, on: when.on, count: 0 }
      if (list === undefined) this.armed.set(when.on.kind, [armed])
      else list.push(armed)
    }
  }

  observe(event: Observation, node: string): void {
    if (event.kind === 'broker-registered' || event.kind === 'broker-unfenced') this.followLossy(event.kind, event.brokerId)
    if (!this.active || this.over) return
    const list = this.armed.get(event.kind)
    if (list === undefined) return
    for (const armed of list) {
      if (!matches(armed.on, event)) continue
      armed.count++
      const { when } = armed.fault
      if ('at' in when || armed.count !== when.nth) continue
      const other = event.kind === 'request-sent' ? event.to : ''
      this.world.schedule(when.after, () => this.fire(armed.fault, node, other))
    }
  }

  /** Ends all faults but permanent ones; nothing fires any more. */
  healAll(): void {
    this.over = true
    for (const id of this.healers.keys()) this.heal(id)
    for (const host of this.world.hosts) {
      if (this.permanent.has(host)) continue
      const machine = this.world.machine(host)
      if (machine.isPaused) machine.resume()
      if (!machine.isRunning) this.world.startServer(host)
    }
  }

  get permanentlyDown(): ReadonlySet<string> {
    return this.permanent
  }

  private heal(id: number): void {
    const healer = this.healers.get(id)
    if (healer === undefined) return
    this.healers.delete(id)
    healer()
    this.world.observeFault('stop', id, '')
  }

  private fire(fault: Fault, subject: string, other: string): void {
    if (this.over) return
    const { action } = fault
    const why = this.apply(fault, action, subject, other)
    if (why !== undefined) {
      this.skipped.push({ id: fault.id, why })
      return
    }
    if ('durationUs' in action && fault.permanent !== true) this.world.schedule(action.durationUs, () => this.heal(fault.id))
  }

  /** Does it; returns why not, if not. */
  private apply(fault: Fault, action: FaultAction, subject: string, other: string): string | undefined {
    const resolve = (target: Target): string | undefined => this.resolve(target, subject, other)
    switch (action.kind) {
      case 'partition': {
        const host = resolve(action.target)
        if (host === undefined) return 'no such target now'
        const pairs = this.pairs(action, host)
        if (pairs.length === 0) return 'nothing to cut'
        for (const [from, to] of pairs) this.world.network.block(from, to)
        return this.started(fault, [host], () => {
          for (const [from, to] of pairs) this.world.network.unblock(from, to)
        })
      }
      case 'clog': {
        const from = resolve(action.from)
        const to = resolve(action.to)
        if (from === undefined || to === undefined || from === to) return 'no such path now'
        this.world.network.block(from, to)
        return this.started(fault, [from, to], () => this.world.network.unblock(from, to), `${from} > ${to}`)
      }
      case 'slow': {
        const host = resolve(action.target)
        if (host === undefined) return 'no such target now'
        const others = [...this.world.hosts, ...this.world.clients].filter(name => name !== host)
        const set = (extraUs: number): void => {
          for (const name of others) {
            this.world.network.slow(host, name, extraUs)
            this.world.network.slow(name, host, extraUs)
          }
        }
        set(action.extraUs)
        return this.started(fault, [host], () => set(0))
      }
      case 'break': {
        const host = resolve(action.target)
        if (host === undefined) return 'no such target now'
        for (const name of [...this.world.hosts, ...this.world.clients]) if (name !== host) this.world.network.breakConnections(host, name)
        this.started(fault, [host], undefined)
        return undefined
      }
      case 'crash':
      case 'replace-disk': {
        const host = resolve(action.target)
        const problem = this.cannotStop(host)
        if (host === undefined || problem !== undefined) return problem
        const lossy = action.kind === 'replace-disk' || action.machine
        if (action.kind === 'replace-disk' && this.view.voters.has(host)) return 'a quorum voter keeps its disk'
        if (lossy && !this.budget.beyond && this.view.voters.size === 1 && this.view.voters.has(host)) return 'a single voter commits before it has flushed'
        if (lossy && !this.mayLose(host)) return 'beyond the survivability budget'
        const machine = this.world.machine(host)
        if (lossy && this.view.brokers.includes(host)) this.lossy.set(host, 'down')
        if (action.kind === 'crash' && action.machine) machine.crashMachine()
        else machine.crashProcess()
        if (action.kind === 'replace-disk') machine.replaceDisk()
        if (fault.permanent === true) this.permanent.add(host)
        return this.started(fault, [host], () => this.world.startServer(host))
      }
      case 'pause': {
        const host = resolve(action.target)
        const problem = this.cannotStop(host)
        if (host === undefined || problem !== undefined) return problem
        const machine = this.world.machine(host)
        machine.pause()
        return this.started(fault, [host], () => {
          if (machine.isPaused) machine.resume()
        })
      }
      case 'restart': {
        const host = resolve(action.target)
        const problem = this.cannotStop(host)
        if (host === undefined || problem !== undefined) return problem
        let healed = false
        let stopped = false
        this.world.shutdownServer(host, () => {
          stopped = true
          if (healed) this.world.startServer(host)
        })
        return this.started(fault, [host], () => {
          healed = true
          if (stopped) this.world.startServer(host)
        })
      }
      case 'clock-step': {
        const host = resolve(action.target)
        if (host === undefined) return 'no such target now'
        const { clock } = this.world.machine(host)
        clock.step(action.stepMs)
        return this.started(fault, [host], () => clock.step(-action.stepMs))
      }
      case 'clock-drift': {
        const host = resolve(action.target)
        if (host === undefined) return 'no such target now'
        const { clock } = this.world.machine(host)
        clock.setDriftPpm(action.driftPpm)
        return this.started(fault, [host], () => clock.setDriftPpm(0))
      }
    }
  }

  private started(fault: Fault, hosts: readonly string[], healer: (() => void) | undefined, who = hosts[0] ?? ''): undefined {
    const text = describeAction(fault.action, who)
    this.fired.push({ id: fault.id, text, hosts })
    this.world.observeFault('start', fault.id, text)
    if (healer !== undefined && fault.permanent !== true) this.healers.set(fault.id, healer)
    return undefined
  }

  private cannotStop(host: string | undefined): string | undefined {
    if (host === undefined) return 'no such target now'
    const machine = this.world.machine(host)
    if (!machine.isRunning) return 'already down'
    if (machine.isPaused) return 'already paused'
    return undefined
  }

  private mayLose(host: string): boolean {
    if (this.budget.beyond || !this.view.brokers.includes(host)) return true
    for (const [name, state] of this.lossy) {
      if (state === 'unfenced' && this.view.isFullyInSync(name)) this.lossy.delete(name)
    }
    return this.lossy.has(host) || this.lossy.size < this.budget.maxLossy
  }

  private followLossy(kind: 'broker-registered' | 'broker-unfenced', brokerId: number): void {
    for (const [host, state] of this.lossy) {
      if (host !== `broker-${brokerId}`) continue
      if (kind === 'broker-registered' && state === 'down' && this.world.machine(host).isRunning) this.lossy.set(host, 'registered')
      if (kind === 'broker-unfenced' && state === 'registered') this.lossy.set(host, 'unfenced')
    }
  }

  private pairs(action: Extract<FaultAction, { kind: 'partition' }>, host: string): readonly Pair[] {
    const leaders = new Set<string>()
    for (const { topic, partition } of this.view.partitions()) {
      const leader = this.view.leaderOf(topic, partition)
      if (leader !== undefined) leaders.add(leader)
    }
    const pick = 'pick' in action.target ? action.target.pick : 0
    return partitionPairs(action.shape, action.direction, host, pick, {
      brokers: this.view.brokers,
      controllers: this.view.controllers,
      clients: this.world.clients,
      leaders: [...leaders].sort(),
    })
  }

  private resolve(target: Target, subject: string, other: string): string | undefined {
    if ('host' in target) return [...this.world.hosts, ...this.world.clients].includes(target.host) ? target.host : undefined
    const { view } = this
    const known = view.partitions()
    const where = known[target.pick % Math.max(1, known.length)]
    const topic = target.topic ?? where?.topic ?? ''
    const partition = target.partition ?? where?.partition ?? 0
    const choose = (hosts: readonly string[]): string | undefined => hosts[target.pick % Math.max(1, hosts.length)]
    const leader = view.leaderOf(topic, partition)
    switch (target.role) {
      case 'subject': return subject === '' ? undefined : subject
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
      case 'any-server': return choose(this.world.hosts)
      case 'any-client': return choose(this.world.clients)
    }
  }
}

function matches(on: TriggerEvent, event: Observation): boolean {
  if (event.kind === 'request-sent') return on.apiKey === undefined || on.apiKey === event.apiKey
  if (on.topic !== undefined && (!('topic' in event) || event.topic !== on.topic)) return false
  return on.partition === undefined || ('partition' in event && event.partition === on.partition)
}
