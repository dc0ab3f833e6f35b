/**
 * The network between machines: directed paths that may be blocked or slowed, and the connections over them. Times,
 * orders and losses are those of TCP; see `Stream`.
 */
import { defined, invariant } from '../base/assert.ts'
import type { Micros } from '../base/time.ts'
import type { Connection, Network } from '../env/network.ts'
import type { Endpoint } from './endpoint.ts'
import type { Kernel } from './kernel.ts'
import { Link } from './link.ts'
import type { EndOfProcess, Machine, NetworkOfMachine } from './machine.ts'
import { Path } from './path.ts'
import type { Process } from './process.ts'
import { PacketKind } from './stream.ts'

const NO_PORT = -1

type Accept = (connection: Connection) => void

/** The network of one process: its listening ports and its ends of connections. */
export class ProcessNetwork implements Network {
  readonly connections = new Set<Endpoint>()
  private readonly acceptors = new Map<number, Accept>()
  private readonly network: SimNetwork
  private readonly process: Process

  constructor(network: SimNetwork, process: Process) {
    this.network = network
    this.process = process
  }

  listen(port: number, accept: Accept): void {
    if (!this.process.isAlive) return
    invariant(!this.acceptors.has(port), `port ${port} of ${this.process.node} is in use`)
    this.acceptors.set(port, accept)
  }

  connect(host: string, port: number): Connection {
    return this.network.connect(this.process, host, port)
  }

  acceptor(port: number): Accept | undefined {
    return this.acceptors.get(port)
  }
}

export class SimNetwork implements NetworkOfMachine {
  private readonly kernel: Kernel
  private readonly machines: ReadonlyMap<string, Machine>
  private readonly paths = new Map<string, Map<string, Path>>()
  private readonly live = new Set<Link>()
  private connections = 0

  constructor(kernel: Kernel, machines: ReadonlyMap<string, Machine>) {
    this.kernel = kernel
    this.machines = machines
  }

  /** Holds everything from one host to another (one way). Counted: as many `unblock` as `block` open the path again. */
  block(from: string, to: string): void {
    this.path(from, to).block()
  }

  unblock(from: string, to: string): void {
    this.path(from, to).unblock()
  }

  /** Adds to the latency of a path (one way); 0 to clear. Order within a connection is kept. */
  slow(from: string, to: string, extraUs: Micros): void {
    this.path(from, to).extraUs = extraUs
  }

  /** Breaks the live connections between two hosts; what is on its way may still arrive, or does, so much later. Returns how many. */
  breakConnections(a: string, b: string, lateUs?: Micros): number {
    const broken = this.between(a, b)
    for (const link of broken) link.break(lateUs)
    return broken.length
  }

  /** The live connections between two hosts lead nowhere from now on, and neither end is told. Returns how many. */
  loseConnections(a: string, b: string): number {
    const lost = this.between(a, b)
    for (const link of lost) link.lose()
    return lost.length
  }

  connect(process: Process, host: string, port: number): Connection {
    const { kernel } = this
    const id = ++this.connections
    // An unknown host is refused as if nobody listened here.
    const known = this.machines.has(host)
    const target = known ? host : process.node
    const out = this.path(process.node, target)
    const link = new Link(kernel, id, process, host, known ? port : NO_PORT, out, this.path(target, process.node), this.live)
    return link.client
  }

  open(process: Process): ProcessNetwork {
    return new ProcessNetwork(this, process)
  }

  processEnded(process: Process, how: EndOfProcess): void {
    const last = how === 'machine-crash' ? undefined : how === 'crash' ? PacketKind.Reset : PacketKind.Fin
    for (const endpoint of process.network.connections) endpoint.die(last)
  }

  powerLost(machine: Machine): void {
    for (const path of this.paths.get(machine.host)?.values() ?? []) for (const stream of path.waiting) stream.silence()
  }

  private between(a: string, b: string): Link[] {
    return [...this.live].filter(({ forward: { path } }) =>
      (path.from.host === a && path.to.host === b) || (path.from.host === b && path.to.host === a))
  }

  private path(from: string, to: string): Path {
    let row = this.paths.get(from)
    if (row === undefined) this.paths.set(from, (row = new Map()))
    let path = row.get(to)
    if (path === undefined) {
      const source = defined(this.machines.get(from), `no machine ${from}`)
      const target = defined(this.machines.get(to), `no machine ${to}`)
      row.set(to, (path = new Path(this.kernel, source, target)))
    }
    return path
  }
}
