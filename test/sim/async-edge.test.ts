import { afterEach, describe, expect, it } from 'vitest'
import type { Task } from '../../src/base/task.ts'
import type { Env } from '../../src/env/env.ts'
import type { Simulation } from '../../src/sim/simulation.ts'
import { world } from './world.ts'

const tickCallback: unknown = Reflect.get(process, '_tickCallback')
afterEach(() => {
  Reflect.set(process, '_tickCallback', tickCallback)
})

async function chain(length: number): Promise<void> {
  for (let i = 0; i < length; i++) await Promise.resolve()
}

/** Two users' scripts that sleep in virtual time and await long chains in between. */
async function run(log: string[]): Promise<Simulation> {
  const simulation = world(['node', 'other'])
  const { edge } = simulation
  const script = (env: Env, gap: number) => async (): Promise<string> => {
    for (let i = 0; i < 3; i++) {
      await chain(50)
      await edge.toPromise(env.sleep(gap))
      await chain(50)
      log.push(`${simulation.now} ${env.node}`)
      env.disk.open('x').append(new Uint8Array([i]))
    }
    return 'done'
  }
  function* main(env: Env, gap: number): Task<void> {
    const outcome = yield* edge.wrap(script(env, gap)).wait()
    log.push(`${simulation.now} ${env.node} ${outcome}`)
  }
  simulation.machine('node').start(env => env.spawn('main', main(env, 10)))
  simulation.machine('other').start(env => env.spawn('main', main(env, 15)))
  await simulation.runAsync(1_000)
  expect(simulation.now).toBe(1_000)
  expect(edge.pending).toBe(0)
  return simulation
}

describe('async code at the edge', () => {
  it.each(['a drain', 'hops'])('runs to quiescence after each event, by %s', async way => {
    if (way === 'hops') Reflect.set(process, '_tickCallback', undefined)
    const log: string[] = []
    const first = await run(log)
    expect(log).toEqual([
      '10 node', '15 other', '20 node', '30 other', '30 node', '30 node done', '45 other', '45 other done',
    ])
    expect((await run([])).digest.events).toBe(first.digest.events)
  })

  it('gets failures as rejections, and its own failures into the future', async () => {
    const simulation = world(['node'])
    const { edge } = simulation
    const outcome = edge.wrap(async () => {
      await edge.toPromise(edge.wrap(() => Promise.reject(new Error('inner')))).catch((error: unknown) => {
        throw new Error(`outer after ${String(error)}`)
      })
    })
    await simulation.runAsync(10)
    expect(() => outcome.result()).toThrow('outer after Error: inner')
  })

  it('rejects with what a harness callback threw', async () => {
    const simulation = world(['node'])
    simulation.schedule(1, () => { throw new Error('harness') })
    await expect(simulation.runAsync(10)).rejects.toThrow('harness')
  })
})
