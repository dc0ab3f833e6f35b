/**
 * Builds the world of a plan: a simulation with one machine a server and one a client, servers that can be started
 * again, and the port through which the nemesis acts on it.
 */
import type { Task } from '../base/task.ts'
import { US_PER_MS } from '../base/time.ts'
import { type ServerHandle, startServer } from '../broker/start-server.ts'
import type { ServerSpec } from '../config/cluster.ts'
import type { Env } from '../env/env.ts'
import type { Observer } from '../env/observation.ts'
import type { FaultKind } from '../nemesis/fault.ts'
import type { WorldPort } from '../nemesis/ports.ts'
import type { Plan } from '../plan/plan.ts'
import { bytesFrameCodec, objectFrameCodec } from '../protocol/frame-codec.ts'
import { Simulation } from '../sim/simulation.ts'
import type { TraceSink } from '../sim/trace.ts'

/** Wall clock at virtual time 0: 2026-01-01T00:00:00Z. */
export const EPOCH_MS = 1_767_225_600_000

export interface WorldOptions {
  readonly observers: readonly Observer[]
  readonly trace?: TraceSink
  readonly flip?: { readonly kind: 'frame' | 'disk' | 'draw'; readonly nth: number }
}

export class World implements WorldPort {
  readonly simulation: Simulation
  readonly hosts: readonly string[]
  readonly clients: readonly string[]
  private readonly plan: Plan
  private readonly specs: ReadonlyMap<string, ServerSpec>
  private readonly handles = new Map<string, ServerHandle>()
  private readonly onStopped = new Map<string, () => void>()

  constructor(plan: Plan, options: WorldOptions) {
    this.plan = plan
    this.specs = new Map(plan.cluster.servers.map(spec => [spec.host, spec]))
    this.hosts = plan.cluster.servers.map(spec => spec.host)
    this.clients = plan.clients.map(client => client.host)
    this.simulation = new Simulation({
      rootKey: plan.rootKey,
      codec: plan.wire === 'bytes' ? bytesFrameCodec : objectFrameCodec,
      network: plan.latency,
      disk: { fsyncMinUs: plan.fsync.minUs, fsyncMaxUs: plan.fsync.maxUs },
      interleaving: plan.interleaving,
      choices: plan.choices,
      defects: new Set(plan.defects),
      mends: new Set(plan.mends),
      buggify: new Set(plan.buggify),
      observers: [{ wants: kind => kind === 'process-stopped', observe: (_event, node) => this.watchStops(node) }, ...options.observers],
      ...(options.trace === undefined ? {} : { trace: options.trace }),
      ...(options.flip === undefined ? {} : { flip: options.flip }),
      epochMs: EPOCH_MS,
    })
    for (const host of [...this.hosts, ...this.clients]) this.simulation.addMachine(host)
  }

  get network(): Simulation['network'] {
    return this.simulation.network
  }

  machine(host: string): ReturnType<Simulation['machine']> {
    return this.simulation.machine(host)
  }

  rackOf(host: string): string {
    return this.specs.get(host)?.rack ?? host
  }

  schedule(delay: number, callback: () => void): void {
    this.simulation.schedule(delay, callback)
  }

  startServers(): void {
    for (const host of this.hosts) this.startServer(host)
  }

  /** Starts a client again; set by whoever runs them. */
  startClient: (host: string) => void = () => undefined

  startServer(host: string): void {
    const machine = this.simulation.machine(host)
    const spec = this.specs.get(host)
    if (machine.isRunning) return
    if (spec === undefined) return this.startClient(host)
    this.onStopped.delete(host)
    machine.start(env => this.handles.set(host, startServer(env, this.plan.cluster, spec)))
  }

  shutdownServer(host: string, stopped: () => void): void {
    this.onStopped.set(host, stopped)
    // Asked for in an event of its own: a shutdown is a signal to the process, not a call from the outside.
    this.simulation.schedule(1, () => {
      if (this.simulation.machine(host).isRunning) this.handles.get(host)?.shutdown()
    })
  }

  observeFault(phase: 'start' | 'stop', id: number, fault: FaultKind, text: string): void {
    this.simulation.observe({ kind: 'fault', phase, id, fault, text })
  }

  /** Runs a task as the one process of a client machine. */
  runClient(host: string, script: (env: Env) => Task<void>): void {
    this.simulation.machine(host).start(env => env.spawn('script', script(env)))
  }

  /** Adds a machine that is part of no plan (the drain). */
  addClient(host: string): void {
    this.simulation.addMachine(host)
  }

  private watchStops(node: string): void {
    const stopped = this.onStopped.get(node)
    if (stopped === undefined) return
    this.onStopped.delete(node)
    this.simulation.schedule(US_PER_MS, stopped)
  }
}
