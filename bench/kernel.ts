/**
 * How fast the kernel alone is: timers that set new timers and cancel others, tasks that they wake, and frames that are
 * answered, over a codec that does nothing. The clock comes from outside, in milliseconds.
 */
import type { Task } from '../src/base/task.ts'
import type { Env } from '../src/env/env.ts'
import type { Frame } from '../src/env/network.ts'
import { Simulation } from '../src/sim/simulation.ts'

const CODEC = { transfer: (frame: Frame) => ({ body: frame.body, size: 100, hash: 7 }) }
const PING: Frame = { apiKey: 1, apiVersion: 0, isResponse: false, correlationId: 0, clientId: 'bench', body: {} }
const PONG: Frame = { ...PING, isResponse: true, clientId: null }
const HOSTS = 6
const PORT = 1

export interface KernelBench {
  readonly eventsPerSecond: number
  readonly events: number
}

/** Runs `events` kernel events (timers, sends, arrivals, resumed tasks) and measures. */
export function benchKernel(clock: () => number, events = 1_000_000): KernelBench {
  const simulation = new Simulation({
    rootKey: 1, codec: CODEC, network: { kind: 'drawn', minUs: 200, maxUs: 900 }, disk: { fsyncMinUs: 500, fsyncMaxUs: 500 },
    interleaving: { kind: 'off', probability: 0, depth: 0 }, epochMs: 0, defects: new Set(), mends: new Set(), observers: [],
    choices: { mode: 'drawn', delay: 0.001, delayMaxUs: 10_000, break: 0, tornWrite: 0 },
  })
  for (let i = 0; i < HOSTS; i++) simulation.addMachine(`host-${i}`)
  for (let i = 0; i < HOSTS; i++) simulation.machine(`host-${i}`).start(env => main(env, `host-${(i + 1) % HOSTS}`))
  const before = clock()
  simulation.run(3_600_000_000, () => simulation.digest.count >= events)
  const seconds = Math.max(1, clock() - before) / 1000
  return { eventsPerSecond: Math.round(simulation.digest.count / seconds), events: simulation.digest.count }
}

function main(env: Env, next: string): void {
  env.network.listen(PORT, connection => {
    connection.onFrame = () => connection.send(PONG)
  })
  env.timer(1, () => {
    const connection = env.network.connect(next, PORT)
    connection.onOpen = () => connection.send(PING)
    connection.onFrame = () => {
      env.timer(30_000_000, () => {}).cancel()
      connection.send(PING)
    }
  })
  for (let i = 0; i < 20; i++) {
    env.spawn('sleeper', sleeper(env, 500 + i * 37))
    tick(env, 400 + i * 41)
  }
}

function* sleeper(env: Env, delay: number): Task<void> {
  for (;;) yield* env.sleep(delay).wait()
}

function tick(env: Env, delay: number): void {
  env.timer(delay, () => tick(env, delay))
}
