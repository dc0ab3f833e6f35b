/** Small worlds for kernel tests: a codec that hashes the body's text, and messages that are just `{ text }`. */
import { mixString } from '../../src/base/random.ts'
import type { Env } from '../../src/env/env.ts'
import type { Connection, Frame } from '../../src/env/network.ts'
import type { Observation, Observer } from '../../src/env/observation.ts'
import type { FrameCodec, SimulationOptions } from '../../src/sim/options.ts'
import { Simulation } from '../../src/sim/simulation.ts'

export const CODEC: FrameCodec = {
  transfer(frame) {
    const text = textOf(frame)
    return { body: { text }, size: text.length, hash: mixString(0, text) }
  },
}

export const LATENCY_US = 1_000
export const PORT = 9092

export function textOf(frame: Frame): string {
  return (frame.body as { readonly text: string }).text
}

export function request(text: string, correlationId = 0): Frame {
  return { apiKey: 0, apiVersion: 0, isResponse: false, correlationId, clientId: 'test', body: { text } }
}

export function response(text: string, correlationId = 0): Frame {
  return { apiKey: 0, apiVersion: 0, isResponse: true, correlationId, clientId: null, body: { text } }
}

export interface Seen {
  readonly node: string
  readonly time: number
  readonly event: Observation
}

export class Recorder implements Observer {
  readonly seen: Seen[] = []

  observe(event: Observation, node: string, _incarnation: number, time: number): void {
    this.seen.push({ node, time, event })
  }

  kinds(kind: Observation['kind']): readonly Seen[] {
    return this.seen.filter(({ event }) => event.kind === kind)
  }
}

export function world(hosts: readonly string[], options: Partial<SimulationOptions> = {}): Simulation {
  const simulation = new Simulation({
    rootKey: 7,
    codec: CODEC,
    network: { kind: 'constant', minUs: LATENCY_US, maxUs: LATENCY_US },
    disk: { fsyncMinUs: 500, fsyncMaxUs: 500 },
    interleaving: { kind: 'off', probability: 0, depth: 0 },
    choices: { mode: 'drawn', delay: 0, delayMaxUs: 0, break: 0, tornWrite: 0 },
    defects: new Set(),
    mends: new Set(),
    observers: [],
    epochMs: 1_700_000_000_000,
    ...options,
  })
  for (const host of hosts) simulation.addMachine(host)
  return simulation
}

/** Notes what happens at one end of a connection, with the time. */
export function watch(simulation: Simulation, name: string, connection: Connection, log: string[]): Connection {
  connection.onOpen = () => log.push(`${simulation.now} ${name} open`)
  connection.onFrame = frame => log.push(`${simulation.now} ${name} ${textOf(frame)}`)
  connection.onClose = reason => log.push(`${simulation.now} ${name} ${reason}`)
  return connection
}

/** A server on `server` and an open connection to it from `client`; both ends note into `log`. */
export function connected(simulation: Simulation, log: string[]): { client: Connection; server: Connection; clientEnv: Env; serverEnv: Env } {
  let client!: Connection
  let server!: Connection
  let clientEnv!: Env
  let serverEnv!: Env
  simulation.machine('server').start(env => {
    serverEnv = env
    env.network.listen(PORT, connection => {
      server = watch(simulation, 'server', connection, log)
    })
  })
  simulation.machine('client').start(env => {
    clientEnv = env
    client = watch(simulation, 'client', env.network.connect('server', PORT), log)
  })
  simulation.run(simulation.now + 2 * LATENCY_US)
  return { client, server, clientEnv, serverEnv }
}
