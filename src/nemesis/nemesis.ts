/**
 * Fires the faults of a schedule and heals them. A fault whose target cannot be found, is already down, or would exceed
 * the survivability budget does not fire and is counted as skipped: the guarantee under test survives what does fire.
 *
 * Budget: while a broker has lost data (machine crash, replaced disk), at most `maxLossy` brokers at a time, it included,
 * may have shut down uncleanly. A broker counts from its crash until its new incarnation is unfenced and back in the ISR
 * of everything that it replicates. A process crash counts although it loses nothing: the controller cannot tell, drops
 * the broker from ISR and ELR all the same (KIP-966, ReplicationControlManager#handleBrokerUncleanShutdown), and when
 * nobody is left it elects the last known leader, lossy or not. A quorum voter's disk is never replaced (that takes
 * removing and adding the voter).
 */
import type { Observation, ObservationKind, ObservationOf, Observer } from '../env/observation.ts'
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

/** A broker whose last shutdown was unclean and that has not rejoined every ISR. */
interface UncleanBroker {
  state: 'down' | 'registered' | 'unfenced'
  lossy: boolean
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
  private readonly unclean = new Map<string, UncleanBroker>()
  /** Ids of the faults that have not come due yet. */
  private readonly waiting: Set<number>
  /** Hosts that are never brought back, and the fault that did it. */
  private readonly permanent = new Map<string, number>()
  private active = false
  private over = false

  constructor(world: WorldPort, view: ClusterView, faults: readonly Fault[], budget: SurvivalBudget) {
    this.world = world
    this.view = view
    this.faults = faults
    this.budget = budget
    this.waiting = new Set(faults.map(({ id }) => id))
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
      if (when.since === undefined || !this.waiting.has(when.since)) this.limitWait(armed)
    }
  }

  /** Fires it without its occurrence when it has waited long enough. */
  private limitWait(armed: Armed): void {
    const { fault, on } = armed
    if ('at' in fault.when || fault.when.within === undefined) return
    this.world.schedule(fault.when.within, () => {
      const list = this.armed.get(on.kind)!
      if (!list.includes(armed)) return
      this.armed.set(on.kind, list.filter(one => one !== armed))
      this.fire(fault, '', '')
    })
  }

  observe(event: Observation, node: string): void {
    if (event.kind === 'broker-registered' || event.kind === 'broker-unfenced') this.followUnclean(event)
    if (!this.active || this.over) return
    const list = this.armed.get(event.kind)
    if (list === undefined) return
    for (const armed of list) {
      const { when } = armed.fault
      if ('at' in when || !matches(armed.on, event) || (when.since !== undefined && this.waiting.has(when.since))) continue
      armed.count++
      if (armed.count !== when.nth) continue
      // Done: a long trial has hundreds of triggers, and every observation would look at all of them.
      this.armed.set(event.kind, this.armed.get(event.kind)!.filter(one => one !== armed))
      const other = event.kind === 'request-sent' ? event.to : ''
      this.world.schedule(when.after, () => this.fire(armed.fault, node, other))
    }
  }

  /** Ends all faults but permanent ones; nothing fires any more. */
  healAll(): void {
    this.over = true
    for (const id of this.healers.keys()) this.heal(id)
    for (const host of [...this.world.hosts, ...this.world.clients]) {
      if (this.permanent.has(host)) continue
      const machine = this.world.machine(host)
      if (machine.isPaused) machine.resume()
      if (!machine.isRunning) this.world.startServer(host)
    }
  }

  isPermanentlyDown(host: string): boolean {
    return this.permanent.has(host)
  }

  /**
   * What is left must suffice: a leaderless partition whose only electable replicas were never to come back gets them
   * back. To be called again and again after `healAll`, since it may show late.
   */
  completeCore(): void {
    if (this.permanent.size === 0) return
    for (const { topic, partition } of this.view.partitions()) {
      if (this.view.leaderOf(topic, partition) !== undefined) continue
      const electable = [...this.view.isrOf(topic, partition), ...this.view.elrOf(topic, partition)]
      if (electable.some(host => !this.permanent.has(host))) continue
      for (const host of this.view.replicasOf(topic, partition)) this.bringBack(host)
    }
  }

  /** Starts a host again, unless another fault took it for good meanwhile. */
  private revive(host: string): void {
    if (!this.permanent.has(host)) this.world.startServer(host)
  }

  private bringBack(host: string): void {
    const id = this.permanent.get(host)
    if (id === undefined) return
    this.permanent.delete(host)
    this.world.startServer(host)
    this.world.observeFault('stop', id, '')
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
    this.waiting.delete(fault.id)
    for (const list of this.armed.values()) for (const armed of list) if ('on' in armed.fault.when && armed.fault.when.since === fault.id) this.limitWait(armed)
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
        if (!this.withinBudget(host, lossy)) return 'beyond the survivability budget'
        const machine = this.world.machine(host)
        this.markUnclean(host, lossy)
        if (action.kind === 'crash' && action.machine) machine.crashMachine()
        else machine.crashProcess()
        if (action.kind === 'replace-disk') machine.replaceDisk()
        // Clients always come back: what they had to do is the trial.
        if (fault.permanent === true && this.world.hosts.includes(host)) this.permanent.set(host, fault.id)
        return this.started(fault, [host], () => this.revive(host))
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
        // Without a broker epoch to write, its clean-shutdown file proves nothing.
        if (!this.view.isUnfenced(host)) {
          if (!this.withinBudget(host, false)) return 'beyond the survivability budget'
          this.markUnclean(host, false)
        }
        let healed = false
        let stopped = false
        this.world.shutdownServer(host, () => {
          stopped = true
          if (healed) this.revive(host)
        })
        return this.started(fault, [host], () => {
          healed = true
          if (stopped) this.revive(host)
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
    const text = describeAction(fault.action, who, fault.permanent === true && this.world.hosts.includes(who))
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

  private withinBudget(host: string, lossy: boolean): boolean {
    if (this.budget.beyond || !this.view.brokers.includes(host)) return true
    let isAnyLossy = lossy
    for (const [name, { state, lossy: hasLost }] of this.unclean) {
      if (state === 'unfenced' && this.view.isFullyInSync(name)) this.unclean.delete(name)
      else isAnyLossy ||= hasLost
    }
    if (!isAnyLossy) return true
    return this.unclean.size + (this.unclean.has(host) ? 0 : 1) <= this.budget.maxLossy
  }

  private markUnclean(host: string, lossy: boolean): void {
    if (!this.view.brokers.includes(host)) return
    this.unclean.set(host, { state: 'down', lossy: lossy || this.unclean.get(host)?.lossy === true })
  }

  private followUnclean(event: ObservationOf<'broker-registered' | 'broker-unfenced'>): void {
    const host = this.view.hostOf(event.brokerId)
    const broker = host === undefined ? undefined : this.unclean.get(host)
    if (host === undefined || broker === undefined || !this.world.machine(host).isRunning) return
    if (event.kind === 'broker-registered' && broker.state === 'down') broker.state = 'registered'
    if (event.kind === 'broker-unfenced' && broker.state === 'registered') broker.state = 'unfenced'
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
      case 'any-server': return choose(this.world.hosts)
      case 'any-client': return choose(this.world.clients)
    }
  }
}

function matches(on: TriggerEvent, event: Observation): boolean {
  if (event.kind === 'request-sent') return on.apiKey === undefined || on.apiKey === event.apiKey
  if (on.asLeader !== undefined && (!('asLeader' in event) || event.asLeader !== on.asLeader)) return false
  if (on.role !== undefined && (event.kind !== 'raft-role' || event.role !== on.role)) return false
  if (on.topic !== undefined && (!('topic' in event) || event.topic !== on.topic)) return false
  return on.partition === undefined || ('partition' in event && event.partition === on.partition)
}
