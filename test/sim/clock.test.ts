import { describe, expect, it } from 'vitest'
import type { Env } from '../../src/env/env.ts'
import { world } from './world.ts'

describe('clocks', () => {
  it('scale now and timers with the drift, and never step back when it changes', () => {
    const simulation = world(['node'])
    const { clock } = simulation.machine('node')
    let env!: Env
    simulation.machine('node').start(given => {
      env = given
    })
    clock.setDriftPpm(100_000)
    const fired: string[] = []
    env.timer(1_100_000, () => fired.push(`${simulation.now} ${env.now()}`))
    simulation.run(1_000_000)
    expect(fired).toEqual(['1000000 1100000'])
    let last = env.now()
    for (const ppm of [-999_999, 250_000, -1, 0, 7]) {
      clock.setDriftPpm(ppm)
      expect(env.now()).toBeGreaterThanOrEqual(last)
      simulation.run(simulation.now + 333)
      expect(env.now()).toBeGreaterThanOrEqual(last)
      last = env.now()
    }
  })

  it('never let a timer fire before its local delay, even if the clock slows down meanwhile', () => {
    const simulation = world(['node'])
    const machine = simulation.machine('node')
    const fired: number[] = []
    machine.start(env => env.timer(1_000, () => fired.push(env.now())))
    simulation.schedule(500, () => machine.clock.setDriftPpm(-500_000))
    simulation.run(1_400)
    expect(fired).toEqual([])
    simulation.run(1_600)
    expect(fired).toEqual([1_000])
  })

  it('step only the wall clock', () => {
    const simulation = world(['node'], { epochMs: 5_000 })
    const machine = simulation.machine('node')
    let env!: Env
    machine.start(given => {
      env = given
    })
    simulation.run(2_500_000)
    expect(env.wallClock()).toBe(7_500)
    machine.clock.step(-60_000)
    expect(env.wallClock()).toBe(-52_500)
    expect(env.now()).toBe(2_500_000)
    expect(machine.clock.offsetMs).toBe(-60_000)
  })
})
