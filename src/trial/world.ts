/**
 * Builds the world of a plan: a simulation with one machine a server and one a client, servers that can be started
 * again, and the port through which the nemesis acts on it.
 */
import type { Task } from '../base/task.ts'
import { EPOCH_MS, US_PER_MS } from '../base/time.ts'
import { type ServerHandle, startServer } from '../broker/start-server.ts'
import { brokersOf, type ClusterConfig, controllersOf, DEFAULT_SERVER_CONFIG, type ServerConfig, type ServerSpec } from '../config/cluster.ts'
import type { Env } from '../env/env.ts'
import type { Observer } from '../env/observation.ts'
import type { FaultKind } from '../nemesis/fault.ts'
import type { WorldPort } from '../nemesis/ports.ts'
import type { Plan } from '../plan/plan.ts'
import { bytesFrameCodec, objectFrameCodec } from '../protocol/frame-codec.ts'
import { diskId } from '../sim/disk-id.ts'
import { Simulation } from '../sim/simulation.ts'
import type { TraceSink } from '../sim/trace.ts'
import { alterConfigs, CONFIG_HOST, type ConfigChange } from './config-operator.ts'
import { changeVoters, OPERATOR_HOST, RELEASE_HOST, updateMetadataVersion } from './voter-operator.ts'

export interface WorldOptions {
  readonly observers: readonly Observer[]
  readonly trace?: TraceSink
  readonly flip?: { readonly kind: 'frame' | 'disk' | 'draw'; readonly nth: number }
}

export class World implements WorldPort {
  readonly simulation: Simulation
  readonly hosts: readonly string[]
  readonly clients: readonly string[]
  private readonly cluster: ClusterConfig
  private readonly specs: ReadonlyMap<string, ServerSpec>
  private readonly handles = new Map<string, ServerHandle>()
  private isChangingVoters = false
  private hasRelease = false
  private readonly configChanges: ConfigChange[] = []
  private hasConfigOperator = false
  private isAlteringConfigs = false
  private readonly overrides = new Map<string, Partial<ServerConfig>>()
  private readonly onStopped = new Map<string, () => void>()

  constructor(plan: Plan, options: WorldOptions) {
    const { cluster, rootKey } = plan
    // A plan of an earlier version lacks what came later.
    const server = { ...DEFAULT_SERVER_CONFIG, ...cluster.server }
    this.cluster = {
      ...cluster, server,
      initialVoters: server.quorumKraftVersion === 0 ? [] : controllersOf(cluster).map(({ nodeId, host }) => ({ id: nodeId, directoryId: diskId(rootKey, host, 0), host })),
    }
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
    if (this.cluster.initialVoters?.length !== 0) this.simulation.addMachine(OPERATOR_HOST)
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
    machine.start(env => this.handles.set(host, startServer(env, { ...this.cluster, server: { ...this.cluster.server, ...this.overrides.get(host) } }, spec)))
  }

  shutdownServer(host: string, stopped: () => void): void {
    this.onStopped.set(host, stopped)
    // Asked for in an event of its own: a shutdown is a signal to the process, not a call from the outside.
    this.simulation.schedule(1, () => {
      if (this.simulation.machine(host).isRunning) this.handles.get(host)?.shutdown()
    })
  }

  reconfigure(host: string, server: Partial<ServerConfig>): void {
    this.overrides.set(host, { ...this.overrides.get(host), ...server })
  }

  updateMetadataVersion(level: number): void {
    if (!this.hasRelease) this.simulation.addMachine(RELEASE_HOST)
    this.hasRelease = true
    if (this.simulation.machine(RELEASE_HOST).isRunning) return
    const controllers = controllersOf(this.cluster).map(({ host }) => host)
    this.simulation.machine(RELEASE_HOST).start(env => env.spawn('operator', updateMetadataVersion(env, controllers, level, () => {
      this.simulation.schedule(1, () => this.simulation.machine(RELEASE_HOST).stop())
    })))
  }

  alterConfig(topic: string, name: string, value: string | null): void {
    this.configChanges.push({ topic, name, value })
    if (!this.isAlteringConfigs) this.startConfigOperator()
  }

  private startConfigOperator(): void {
    if (!this.hasConfigOperator) this.simulation.addMachine(CONFIG_HOST)
    this.hasConfigOperator = true
    this.isAlteringConfigs = true
    const operator = this.simulation.machine(CONFIG_HOST)
    operator.start(env => env.spawn('operator', alterConfigs(env, brokersOf(this.cluster).map(({ host }) => host), this.configChanges, () => {
      this.simulation.schedule(1, () => {
        operator.stop()
        this.isAlteringConfigs = false
        // Asked for while it was leaving.
        if (this.configChanges.length > 0) this.startConfigOperator()
      })
    })))
  }

  get canChangeVoters(): boolean {
    return !this.isChangingVoters && this.cluster.initialVoters?.length !== 0
  }

  changeVoters(changes: readonly { readonly how: 'add' | 'remove'; readonly host: string; readonly directoryId: string }[]): void {
    this.isChangingVoters = true
    const operator = this.simulation.machine(OPERATOR_HOST)
    const controllers = controllersOf(this.cluster).map(({ host }) => host)
    operator.start(env => env.spawn('operator', changeVoters(env, controllers, this.cluster.clusterId, changes.map(change => ({ ...change, id: this.specs.get(change.host)!.nodeId })), () => {
      this.simulation.schedule(1, () => {
        operator.stop()
        this.isChangingVoters = false
      })
    })))
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
