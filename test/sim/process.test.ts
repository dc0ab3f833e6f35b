import { describe, expect, it } from 'vitest'
import { InvariantError } from '../../src/base/assert.ts'
import { Future, Lock, Signal, type Task } from '../../src/base/task.ts'
import type { Env, Timer } from '../../src/env/env.ts'
import { Recorder, world } from './world.ts'

function started(simulation = world(['node'])): { simulation: ReturnType<typeof world>; env: Env; log: string[] } {
  let env!: Env
  simulation.machine('node').start(given => {
    env = given
  })
  return { simulation, env, log: [] }
}

describe('timers', () => {
  it('fire in the order of time and then of scheduling, and not when cancelled', () => {
    const { simulation, env, log } = started()
    const note = (text: string) => () => log.push(`${simulation.now} ${text}`)
    env.timer(20, note('c'))
    env.timer(10, note('a'))
    env.timer(10, note('b'))
    const cancelled: Timer = env.timer(10, note('never'))
    env.timer(5, () => cancelled.cancel())
    env.timer(30.2, note('rounded up'))
    simulation.run(25)
    expect(log).toEqual(['10 a', '10 b', '20 c'])
    expect(simulation.now).toBe(25)
    simulation.run(100)
    expect(log.at(-1)).toBe('31 rounded up')
  })

  it('stop when the condition holds after an event', () => {
    const { simulation, env, log } = started()
    for (let i = 1; i < 10; i++) env.timer(i, () => log.push('x'))
    simulation.run(100, () => log.length === 4)
    expect(simulation.now).toBe(4)
  })
})

describe('tasks', () => {
  it('go on at once over a settled future, and wait their turn for a pending one', () => {
    const { simulation, env, log } = started()
    const gate = new Future<string>()
    function* waiter(name: string): Task<void> {
      yield* Future.completed(1).wait()
      log.push(`${name} waits`)
      log.push(`${name} ${yield* gate.wait()} at ${simulation.now}`)
    }
    env.spawn('a', waiter('a'))
    env.spawn('b', waiter('b'))
    env.timer(7, () => {
      gate.complete('goes')
      log.push('completer is done')
    })
    simulation.run(10)
    expect(log).toEqual(['a waits', 'b waits', 'completer is done', 'a goes at 7', 'b goes at 7'])
  })

  it('get the failure of a future at the place where they wait, however they wait', () => {
    const { simulation, env, log } = started()
    function* careful(future: Future<void>, direct: boolean): Task<void> {
      try {
        if (direct) yield future as Future<unknown>
        else yield* future.wait()
      } catch (error) {
        log.push(String(error))
      }
    }
    const failing = new Future<void>()
    env.spawn('wait', careful(failing, false))
    env.spawn('yield', careful(failing, true))
    env.timer(1, () => failing.fail(new Error('no')))
    simulation.run(2)
    expect(log).toEqual(['Error: no', 'Error: no'])
    expect(simulation.crashes).toEqual([])
  })

  it('take a lock first come, first served, and hear signals', () => {
    const { simulation, env, log } = started()
    const lock = new Lock()
    const signal = new Signal()
    function* worker(name: string): Task<void> {
      yield* lock.holding(function* () {
        yield* env.sleep(10).wait()
        log.push(`${simulation.now} ${name}`)
      })
      signal.notifyAll()
    }
    function* listener(): Task<void> {
      for (;;) {
        yield* signal.wait()
        log.push(`${simulation.now} heard`)
      }
    }
    env.spawn('listener', listener())
    for (const name of ['a', 'b', 'c']) env.spawn(name, worker(name))
    simulation.run(100)
    expect(log).toEqual(['10 a', '10 heard', '20 b', '20 heard', '30 c', '30 heard'])
    expect(lock.isHeld).toBe(false)
  })
})

describe('the end of a process', () => {
  it('takes its timers and tasks with it; the next incarnation starts afresh', () => {
    const { simulation, env, log } = started()
    const machine = simulation.machine('node')
    env.timer(50, () => log.push('timer'))
    env.spawn('sleeper', (function* (): Task<void> {
      try {
        yield* env.sleep(50).wait()
        log.push('task')
      } finally {
        log.push('finally')
      }
    })())
    simulation.schedule(20, () => machine.crashProcess())
    simulation.run(100)
    expect(log).toEqual([])
    expect(machine.isRunning).toBe(false)
    machine.start(next => log.push(`incarnation ${next.incarnation}`))
    expect(log).toEqual(['incarnation 1'])
    expect(() => machine.start(() => {})).toThrow(InvariantError)
  })

  it.each(['timer', 'task'])('comes when an error escapes from a %s, and is reported', where => {
    const recorder = new Recorder()
    const { simulation, env } = started(world(['node', 'other'], { observers: [recorder] }))
    const broken = new InvariantError('broken promise')
    const bomb = (): never => {
      throw broken
    }
    if (where === 'timer') env.timer(5, bomb)
    else env.spawn('bomb', (function* (): Task<void> { bomb() })())
    simulation.run(10)
    expect(simulation.machine('node').isRunning).toBe(false)
    expect(simulation.crashes).toMatchObject([{ node: 'node', incarnation: 0, error: broken }])
    expect(recorder.kinds('process-stopped').map(({ event }) => event))
      .toEqual([{ kind: 'process-stopped', how: 'halt', reason: 'InvariantError: broken promise' }])
  })

  it('leaves run to errors of the harness and of observers', () => {
    const simulation = world(['node'], { observers: [{ observe(event) { if (event.kind === 'mark') throw new Error('observer') } }] })
    simulation.schedule(1, () => { throw new Error('harness') })
    expect(() => simulation.run(10)).toThrow('harness')
    simulation.machine('node').start(env => env.timer(1, () => env.observe({ kind: 'mark', name: 'x' })))
    expect(() => simulation.run(10)).toThrow('observer')
    expect(simulation.machine('node').isRunning).toBe(true)
  })

  it('by halt says whether it was a shutdown', () => {
    const recorder = new Recorder()
    const { simulation, env } = started(world(['node'], { observers: [recorder] }))
    env.halt('shutdown')
    env.halt('again')
    expect(recorder.kinds('process-stopped').map(({ event }) => event)).toEqual([{ kind: 'process-stopped', how: 'shutdown', reason: 'shutdown' }])
    expect(simulation.machine('node').isRunning).toBe(false)
  })
})

describe('a pause', () => {
  it('defers timers and tasks, in order, until the process resumes', () => {
    const { simulation, env, log } = started()
    const machine = simulation.machine('node')
    const gate = new Future<void>()
    env.spawn('task', (function* (): Task<void> {
      yield* gate.wait()
      log.push(`${simulation.now} task`)
    })())
    env.timer(10, () => log.push(`${simulation.now} first`))
    env.timer(20, () => log.push(`${simulation.now} second`))
    env.timer(60, () => log.push(`${simulation.now} same time as the resume`))
    simulation.schedule(5, () => machine.pause())
    simulation.schedule(15, () => gate.complete())
    simulation.schedule(60, () => machine.resume())
    simulation.run(50)
    expect(log).toEqual([])
    simulation.run(70)
    expect(log).toEqual(['60 first', '60 task', '60 second', '60 same time as the resume'])
    expect(machine.isPaused).toBe(false)
  })

  it('ends with a crash, and what was deferred is gone', () => {
    const { simulation, env, log } = started()
    const machine = simulation.machine('node')
    env.timer(10, () => log.push('never'))
    machine.pause()
    simulation.schedule(20, () => machine.crashProcess())
    simulation.run(30)
    machine.start(next => next.timer(1, () => log.push('new')))
    simulation.run(40)
    expect(log).toEqual(['new'])
    expect(machine.isPaused).toBe(false)
  })
})
