/**
 * Three brokers, two controllers and a client on the kernel, with no Kafka in them: every process listens, and writes one
 * byte that it syncs and one that it does not. What the cluster knows is told by the test.
 */
import type { Env } from '../../src/env/env.ts'
import type { Observation, ObservationOf } from '../../src/env/observation.ts'
import { ObservedCluster } from '../../src/nemesis/cluster-view.ts'
import type { Fault, FaultAction, Target } from '../../src/nemesis/fault.ts'
import { Nemesis, type SurvivalBudget } from '../../src/nemesis/nemesis.ts'
import type { WorldPort } from '../../src/nemesis/ports.ts'
import { PORT, request, world } from '../sim/world.ts'

export const MS = 1_000
export const CONTROLLER = 'controller-101'

const SERVERS = [1, 2, 3].map(nodeId => ({ nodeId, host: `broker-${nodeId}`, roles: ['broker'] }))
  .concat([101, 102].map(nodeId => ({ nodeId, host: `controller-${nodeId}`, roles: ['controller'] })))

/** A fault at once, unless `when` says otherwise. */
export function fault(action: FaultAction, o: Partial<Fault> = {}): Fault {
  return { id: 0, when: { at: 0 }, action, ...o }
}

export const at = (host: string): Target => ({ host })

export class SmallWorld implements WorldPort {
  readonly hosts = SERVERS.map(({ host }) => host)
  readonly clients = ['client-1']
  readonly simulation = world([...this.hosts, ...this.clients])
  readonly network = this.simulation.network
  readonly view: ObservedCluster
  readonly nemesis: Nemesis
  readonly envs = new Map<string, Env>()
  /** `time start|stop id text`, in milliseconds. */
  readonly faults: string[] = []
  readonly starts: string[] = []
  /** Hosts whose shutdown takes until the test says so. */
  readonly stuck = new Map<string, () => void>()
  holdShutdowns = false

  constructor(faults: readonly Fault[], o: { budget?: Partial<SurvivalBudget>; servers?: typeof SERVERS } = {}) {
    this.view = new ObservedCluster(o.servers ?? SERVERS)
    this.nemesis = new Nemesis(this, this.view, faults, { maxLossy: 1, beyond: false, ...o.budget })
    for (const host of [...this.hosts, ...this.clients]) this.startServer(host)
    this.run(10)
    this.starts.length = 0
  }

  machine(host: string) {
    return this.simulation.machine(host)
  }

  /** Brokers 1 and 2 share a rack. */
  rackOf(host: string): string {
    return host === 'broker-1' || host === 'broker-2' ? 'a' : host
  }

  schedule(delay: number, callback: () => void): void {
    this.simulation.schedule(delay, callback)
  }

  startServer(host: string): void {
    if (this.machine(host).isRunning) return
    this.starts.push(`${this.simulation.now / MS} ${host}`)
    this.machine(host).start(env => {
      this.envs.set(host, env)
      env.network.listen(PORT, connection => { connection.onFrame = () => connection.send({ ...request('pong'), isResponse: true }) })
      const synced = env.disk.open('data/synced')
      synced.append(new Uint8Array([1]))
      env.spawn('sync', (function* () {
        yield* synced.fsync()
        yield* env.disk.syncDirectory('data')
        env.disk.open('data/unsynced').append(new Uint8Array(50))
      })())
    })
  }

  shutdownServer(host: string, stopped: () => void): void {
    const end = (): void => {
      this.machine(host).stop()
      stopped()
    }
    if (this.holdShutdowns) this.stuck.set(host, end)
    else this.schedule(MS, end)
  }

  readonly reconfigured: string[] = []
  metadataVersion = 0

  reconfigure(host: string, server: object): void {
    this.reconfigured.push(`${host} ${JSON.stringify(server)}`)
  }

  updateMetadataVersion(level: number): void {
    this.metadataVersion = level
  }

  readonly configChanges: string[] = []

  alterConfig(topic: string, name: string, value: string | null): void {
    this.configChanges.push(`${this.simulation.now / MS} ${topic} ${name}=${value ?? 'default'}`)
  }

  readonly voterChanges: string[] = []
  canChangeVoters = false

  changeVoters(changes: readonly { readonly how: 'add' | 'remove'; readonly host: string; readonly directoryId: string }[]): void {
    for (const { how, host, directoryId } of changes) this.voterChanges.push(`${how} ${host} ${directoryId === this.machine(host).disk.id ? 'present' : 'former'}`)
  }

  observeFault(phase: 'start' | 'stop', id: number, _kind: string, text: string): void {
    this.faults.push(`${this.simulation.now / MS} ${phase} ${id}${text === '' ? '' : ` ${text}`}`)
  }

  run(ms: number): void {
    this.simulation.run(this.simulation.now + ms * MS)
  }

  tell(event: Observation, node: string = CONTROLLER): void {
    this.view.observe(event, node)
    this.nemesis.observe(event, node)
  }

  /** Topic `t`, partition 0, as the active controller has it. */
  partition(o: Partial<ObservationOf<'partition-registered'>> = {}, node: string = CONTROLLER): void {
    this.tell({
      kind: 'partition-registered', topic: 't', topicId: 'T', partition: 0, leader: 1, leaderEpoch: 0, partitionEpoch: 0, replicas: [1, 2, 3], isr: [1, 2, 3], elr: [], lastKnownElr: [], recovering: false, ...o,
    }, node)
  }

  /** Controller 101 is active, all brokers are unfenced, `t-0` is led by broker 1. */
  settle(): void {
    this.tell({ kind: 'controller-active', epoch: 1 })
    for (const id of [1, 2, 3]) this.rejoin(id)
    this.partition()
  }

  /** A new incarnation of a broker registers and is unfenced. */
  rejoin(brokerId: number): void {
    this.tell({ kind: 'broker-registered', brokerId, brokerEpoch: 1, unclean: false })
    this.tell({ kind: 'broker-unfenced', brokerId, brokerEpoch: 1 })
  }

  /** Milliseconds until the answer to a request over a new connection has come; undefined: none within `patience`. */
  ping(from: string, to: string, patience = 20): number | undefined {
    const began = this.simulation.now
    let answered: number | undefined
    const env = this.envs.get(from)!
    env.timer(0, () => {
      const connection = env.network.connect(to, PORT)
      connection.onOpen = () => connection.send(request('ping'))
      connection.onFrame = () => { answered = (this.simulation.now - began) / MS }
    })
    this.run(patience)
    return answered
  }

  sizeOf(host: string, file: 'synced' | 'unsynced'): number | undefined {
    const { disk } = this.machine(host)
    return disk.exists(`data/${file}`) ? disk.open(`data/${file}`).size : undefined
  }
}
