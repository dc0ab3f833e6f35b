import { describe, expect, it } from 'vitest'
import type { Task } from '../../src/base/task.ts'
import type { Env } from '../../src/env/env.ts'
import { ColumnarTrace } from '../../src/sim/columnar-trace.ts'
import type { Simulation } from '../../src/sim/simulation.ts'
import type { SimulationOptions } from '../../src/sim/options.ts'
import { PORT, request, response, textOf, world } from './world.ts'

const HOSTS = ['a', 'b', 'c']

/** Nodes that chatter: requests, answers, writes, syncs, draws, pause points, reconnects. */
function chatter(env: Env): void {
  env.network.listen(PORT, connection => {
    connection.onFrame = frame => connection.send(response(`re ${textOf(frame)}`, frame.correlationId))
  })
  for (const peer of HOSTS) if (peer !== env.node) env.spawn(`to ${peer}`, talk(env, peer))
}

function* talk(env: Env, peer: string): Task<void> {
  const file = env.disk.open(`log/${peer}`)
  let connection = env.network.connect(peer, PORT)
  for (let i = 0; i < 60; i++) {
    yield* env.sleep(700 + (env.draw('gap', peer, i) % 900)).wait()
    yield* env.pause('before send')
    if (!connection.isOpen) connection = env.network.connect(peer, PORT)
    connection.send(request(`${env.node} ${i}`, i))
    file.append(new Uint8Array([i, i >> 8, peer.charCodeAt(0)]))
    if (i % 10 === 9) yield* file.fsync()
  }
}

const WILD: Partial<SimulationOptions> = {
  choices: { mode: 'drawn', delay: 0.05, delayMaxUs: 20_000, break: 0.03, tornWrite: 0.5 },
  interleaving: { kind: 'random', probability: 0.2, depth: 0 },
}

function run(options: Partial<SimulationOptions>): Simulation {
  const simulation = world(HOSTS, options)
  for (const host of HOSTS) simulation.machine(host).start(chatter)
  const b = simulation.machine('b')
  simulation.schedule(20_000, () => simulation.network.block('a', 'b'))
  simulation.schedule(30_000, () => simulation.network.unblock('a', 'b'))
  simulation.schedule(35_000, () => simulation.network.breakConnections('b', 'c'))
  simulation.schedule(40_000, () => b.crashMachine())
  simulation.schedule(50_000, () => b.start(chatter))
  simulation.schedule(60_000, () => simulation.machine('c').pause())
  simulation.schedule(70_000, () => simulation.machine('c').resume())
  simulation.run(200_000)
  expect(simulation.crashes).toEqual([])
  return simulation
}

describe('the digest', () => {
  it('is equal for equal options, checkpoint by checkpoint, with and without a trace', () => {
    const first = run(WILD)
    const second = run({ ...WILD, trace: new ColumnarTrace() })
    expect(first.digest.events).toMatch(/^[0-9a-f]{16}$/)
    expect(second.digest.events).toBe(first.digest.events)
    expect(second.digest.checkpoints).toEqual(first.digest.checkpoints)
    expect(first.digest.checkpoints.length).toBe(Math.floor(first.digest.count / 1024))
    expect(run({ ...WILD, rootKey: 8 }).digest.events).not.toBe(first.digest.events)
  })

  it('changes with one bit of any frame, disk write or draw', () => {
    const base = run(WILD).digest.events
    for (const kind of ['frame', 'disk', 'draw'] as const) {
      for (const nth of [1, 2, 77, 150]) expect(run({ ...WILD, flip: { kind, nth } }).digest.events, `${kind} ${nth}`).not.toBe(base)
      expect(run({ ...WILD, flip: { kind, nth: 1_000_000 } }).digest.events).toBe(base)
    }
  })
})

describe('choices', () => {
  it.each(['random', 'pct'] as const)('that fired (%s), made explicit, give the same run', kind => {
    const options = { ...WILD, interleaving: { kind, probability: 0.2, depth: 3 } }
    const drawn = run(options)
    const purposes = new Set(drawn.choicesFired.map(({ key }) => key.split(':')[0]))
    for (const purpose of ['delay', 'break', 'lossy', 'interleave']) expect(purposes).toContain(purpose)
    const explicit = run({ ...options, choices: { mode: 'explicit', fired: drawn.choicesFired } })
    expect(explicit.choicesFired).toEqual(drawn.choicesFired)
    expect(explicit.digest.events).toBe(drawn.digest.events)
    // None of them is idle.
    const fewer = run({ ...options, choices: { mode: 'explicit', fired: drawn.choicesFired.slice(1) } })
    expect(fewer.digest.events).not.toBe(drawn.digest.events)
  })

  it('do not fire any more once it is calm, nor in explicit mode without a list', () => {
    const simulation = run({ choices: { mode: 'explicit', fired: [] }, interleaving: { kind: 'random', probability: 1, depth: 0 } })
    expect(simulation.choicesFired).toEqual([])
    const calm = world(HOSTS, WILD)
    calm.calm()
    for (const host of HOSTS) calm.machine(host).start(chatter)
    calm.run(100_000)
    expect(calm.choicesFired.filter(({ key }) => !key.startsWith('interleave'))).toEqual([])
  })
})

describe('a trace', () => {
  it('gives back what happened, in order', () => {
    const trace = new ColumnarTrace()
    const simulation = run({ ...WILD, trace })
    const events = [...trace]
    expect(events.length).toBe(trace.length)
    expect(events.length).toBeGreaterThan(1_024)
    expect(events.every((event, i) => i === 0 || event.time >= events[i - 1]!.time)).toBe(true)
    expect(events.filter(event => event.type === 'choice').length).toBe(simulation.choicesFired.length)
    const sent = new Map<number, string>()
    for (const event of events) {
      if (event.type !== 'frame') continue
      const line = `${event.connection} ${event.from} ${event.to} ${textOf(event.frame)} ${event.size}`
      if (event.kind === 'sent') sent.set(event.id, line)
      else expect(sent.get(event.id)).toBe(line)
    }
    expect(new Set(events.map(event => 'kind' in event ? `${event.type} ${event.kind}` : event.type))).toEqual(new Set([
      'frame sent', 'frame delivered', 'frame held', 'frame dropped',
      'connection connecting', 'connection opened', 'connection reset',
      'process started', 'process stopped', 'process paused', 'process resumed', 'fsync', 'choice', 'observation',
    ]))
  })
})
