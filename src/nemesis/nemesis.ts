/**
 * Fires the faults of a schedule and heals them. A fault whose target cannot be found, is already down, or would exceed
 * the survivability budget does not fire and is counted as skipped: the guarantee under test survives what does fire.
 * How each kind of fault is done is in `strikes/`, what is survived in `survival.ts`.
 */
import { defined } from '../base/assert.ts'
import type { Observation, ObservationKind, Observer } from '../env/observation.ts'
import { describeAction } from './describe-fault.ts'
import type { Fault, FaultAction, FaultKind, TriggerEvent } from './fault.ts'
import type { ClusterView, WorldPort } from './ports.ts'
import { type Aim, resolveTarget } from './resolve-target.ts'
import { alterConfig } from './strikes/alter-config.ts'
import { changeVoter } from './strikes/change-voter.ts'
import { driftClock, stepClock, strobeClock } from './strikes/clock.ts'
import { damageDisk, failDisk, slowDisk } from './strikes/disk.ts'
import { breakConnections, clogPath, cutNetwork, slowHost, swizzle } from './strikes/network.ts'
import { crash, crashTogether, pause, replaceDisk, restart } from './strikes/process.ts'
import { rollingRestart } from './strikes/rolling-restart.ts'
import type { Outcome, StrikeContext } from './strikes/strike.ts'
import { Survival, type SurvivalBudget } from './survival.ts'

export type { SurvivalBudget } from './survival.ts'

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
  private readonly survival: Survival
  private readonly armed = new Map<ObservationKind, Armed[]>()
  private readonly healers = new Map<number, () => void>()
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
    this.survival = new Survival(view, budget, host => world.machine(host).isRunning)
    this.waiting = new Set(faults.map(({ id }) => id))
  }

  /** Requests sent are half of all observations: they matter only to faults that they set off. */
  static wants(kind: ObservationKind, faults: readonly Fault[]): boolean {
    return kind !== 'request-sent' || faults.some(({ when }) => !('at' in when) && when.on.kind === kind)
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
    if (event.kind === 'broker-registered' || event.kind === 'broker-unfenced') this.survival.follow(event)
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
    this.world.observeFault('stop', id, this.kindOf(id), '')
  }

  private heal(id: number): void {
    const healer = this.healers.get(id)
    if (healer === undefined) return
    this.healers.delete(id)
    healer()
    this.world.observeFault('stop', id, this.kindOf(id), '')
  }

  private kindOf(id: number): FaultKind {
    return defined(this.faults.find(fault => fault.id === id), `no fault ${id}`).action.kind
  }

  private fire(fault: Fault, subject: string, other: string): void {
    if (this.over) return
    this.waiting.delete(fault.id)
    for (const list of this.armed.values()) for (const armed of list) if ('on' in armed.fault.when && armed.fault.when.since === fault.id) this.limitWait(armed)
    const { action } = fault
    const { world, view, survival } = this
    const aim: Aim = { view, hosts: world.hosts, clients: world.clients, subject, other }
    const outcome = strike({ fault, world, view, survival, resolve: target => resolveTarget(target, aim), revive: host => this.revive(host), isOver: () => this.over }, action)
    if (typeof outcome === 'string') {
      this.skipped.push({ id: fault.id, why: outcome })
      return
    }
    const { hosts, who = hosts[0] ?? '', heal } = outcome
    // Clients always come back: what they had to do is the trial.
    const isForGood = fault.permanent === true && world.hosts.includes(who)
    if (isForGood) this.permanent.set(who, fault.id)
    const text = describeAction(action, who, isForGood)
    this.fired.push({ id: fault.id, text, hosts })
    world.observeFault('start', fault.id, action.kind, text)
    if (heal === undefined || fault.permanent === true) return
    this.healers.set(fault.id, heal)
    if ('durationUs' in action) world.schedule(action.durationUs, () => this.heal(fault.id))
  }
}

/** Does it, or says why not. */
function strike(context: StrikeContext, action: FaultAction): Outcome {
  switch (action.kind) {
    case 'partition': return cutNetwork(context, action)
    case 'clog': return clogPath(context, action)
    case 'swizzle': return swizzle(context, action)
    case 'slow': return slowHost(context, action)
    case 'break':
    case 'half-open': return breakConnections(context, action)
    case 'crash': return crash(context, action)
    case 'outage': return crashTogether(context, action)
    case 'pause': return pause(context, action)
    case 'restart': return restart(context, action)
    case 'replace-disk': return replaceDisk(context, action)
    case 'rolling-restart': return rollingRestart(context, action)
    case 'alter-config': return alterConfig(context, action)
    case 'remove-voter':
    case 'replace-voter': return changeVoter(context, action)
    case 'disk-full':
    case 'fsync-error': return failDisk(context, action)
    case 'disk-slow': return slowDisk(context, action)
    case 'bit-flip':
    case 'misdirected-write':
    case 'bad-sector': return damageDisk(context, action)
    case 'clock-step': return stepClock(context, action)
    case 'clock-drift': return driftClock(context, action)
    case 'clock-strobe': return strobeClock(context, action)
  }
}

function matches(on: TriggerEvent, event: Observation): boolean {
  if (event.kind === 'request-sent') return on.apiKey === undefined || on.apiKey === event.apiKey
  if (on.asLeader !== undefined && (!('asLeader' in event) || event.asLeader !== on.asLeader)) return false
  if (on.role !== undefined && (event.kind !== 'raft-role' || event.role !== on.role)) return false
  if (on.phase !== undefined && (event.kind !== 'client-transaction' || event.phase !== on.phase)) return false
  if (on.state !== undefined && (event.kind !== 'transaction-state' || event.state !== on.state)) return false
  if (on.change !== undefined && (event.kind !== 'client-rebalance' || event.change !== on.change)) return false
  if (on.topic !== undefined && (!('topic' in event) || event.topic !== on.topic)) return false
  return on.partition === undefined || ('partition' in event && event.partition === on.partition)
}
