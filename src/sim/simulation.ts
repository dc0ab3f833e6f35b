/**
 * A simulated world: machines, the network between them and one virtual timeline. Everything in it is a pure function of
 * its options and of what its user schedules.
 */
import { defined, invariant } from '../base/assert.ts'
import { END_OF_TIME } from '../base/timer-wheel.ts'
import type { Micros } from '../base/time.ts'
import type { Timer } from '../env/env.ts'
import type { Observation } from '../env/observation.ts'
import { AsyncEdge } from './async-edge.ts'
import type { Digest } from './digest.ts'
import { Kernel } from './kernel.ts'
import { Machine } from './machine.ts'
import { SimNetwork } from './network.ts'
import type { FiredChoice, ProcessCrash, SimulationOptions } from './options.ts'

export class Simulation {
  readonly network: SimNetwork
  /** Where `async` code of users meets the simulation. */
  readonly edge: AsyncEdge
  private readonly kernel: Kernel
  private readonly machines_ = new Map<string, Machine>()

  constructor(options: SimulationOptions) {
    this.kernel = new Kernel(options)
    this.network = new SimNetwork(this.kernel, this.machines_)
    this.edge = new AsyncEdge(this.kernel)
  }

  /** True virtual time. */
  get now(): Micros {
    return this.kernel.now
  }

  get machines(): ReadonlyMap<string, Machine> {
    return this.machines_
  }

  /** `events` over everything so far, `count` of events, `checkpoints` after every 1024th. */
  get digest(): Digest {
    return this.kernel.digest
  }

  /** Every probabilistic event that fired, in order; feed it back as explicit choices to have the same again. */
  get choicesFired(): readonly FiredChoice[] {
    return this.kernel.choices.fired
  }

  /** Errors that escaped from node code, each the end of a process. */
  get crashes(): readonly ProcessCrash[] {
    return this.kernel.crashes
  }

  addMachine(host: string): Machine {
    invariant(!this.machines_.has(host), `there is a machine ${host} already`)
    const machine = new Machine(this.kernel, this.network, host, this.machines_.size + 1)
    this.machines_.set(host, machine)
    return machine
  }

  machine(host: string): Machine {
    return defined(this.machines_.get(host), `no machine ${host}`)
  }

  /** A harness event after `delay` microseconds of true time; it belongs to no machine and its errors leave `run`. */
  schedule(delay: Micros, callback: () => void): Timer {
    return this.kernel.schedule(delay, callback)
  }

  /** For observations of the harness itself (faults). */
  observe(event: Observation, node = '', incarnation = -1): void {
    this.kernel.observe(event, node, incarnation)
  }

  /** From now on no frame is delayed or broken by chance. Latencies and interleavings stay as they are. */
  calm(): void {
    this.kernel.choices.isActive = false
  }

  /** Runs everything up to and including virtual time `until`, or until `stop` says so after an event. */
  run(until: Micros, stop?: () => boolean): void {
    const { kernel } = this
    invariant(until < END_OF_TIME, 'beyond the end of virtual time')
    kernel.runReady()
    if (stop === undefined) while (kernel.step(until));
    else while (!stop() && kernel.step(until));
  }

  /** As `run`, letting `async` code at the edge run to quiescence after every event that touched it. */
  runAsync(until: Micros, stop?: () => boolean): Promise<void> {
    invariant(until < END_OF_TIME, 'beyond the end of virtual time')
    return this.edge.run(until, stop ?? (() => false))
  }
}
