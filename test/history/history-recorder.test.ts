/**
 * Recording: who speaks under which process number, what dies with a client, and that what was recorded is a history.
 */
import { describe, expect, it } from 'vitest'
import { InvariantError } from '../../src/base/assert.ts'
import { HistoryRecorder } from '../../src/history/history-recorder.ts'
import { pairOperations } from '../../src/history/pair.ts'
import { validateHistory } from '../../src/history/validate.ts'

function recording() {
  let now = 0
  const recorder = new HistoryRecorder(() => now)
  return { recorder, at: (time: number) => { now = time }, told: () => recorder.history.map(({ time, process, type, f, value, error, node }) => [time, process, type, f, value, error, node]) }
}

describe('a recorder', () => {
  it('writes both ends of an operation, with time, node and what else was given', () => {
    const { recorder, at, told } = recording()
    const operation = recorder.client('a').invoke('send', ['x'], { producer: 'p' })
    at(7)
    operation.ok(['x', 4])
    expect(told()).toEqual([[0, 0, 'invoke', 'send', ['x'], undefined, 'a'], [7, 0, 'ok', 'send', ['x', 4], undefined, 'a']])
    expect(recorder.history.map(({ index, ...rest }) => [index, rest['producer']])).toEqual([[0, 'p'], [1, 'p']])
    expect(recorder.history.every(operation => !Object.hasOwn(operation, 'error'))).toBe(true)
  })

  it('repeats the invocation when an operation fails', () => {
    const { recorder, told } = recording()
    recorder.client('a').invoke('send', ['x']).fail('TOO_LARGE')
    recorder.client('a').invoke('poll', null).info('TIMED_OUT')
    expect(told().slice(1)).toEqual([[0, 0, 'fail', 'send', ['x'], 'TOO_LARGE', 'a'], [0, 0, 'invoke', 'poll', null, undefined, 'a'], [0, 0, 'info', 'poll', null, 'TIMED_OUT', 'a']])
  })

  it('gives open operations processes of their own, and uses them again after an answer', () => {
    const { recorder } = recording()
    const a = recorder.client('a')
    const first = a.invoke('send', 1)
    const second = a.invoke('send', 2)
    expect([first.process, second.process]).toEqual([0, 1])
    expect(recorder.openCount).toBe(2)
    first.ok(1)
    expect(a.invoke('send', 3).process).toBe(0)
    second.fail('no')
    expect(a.invoke('send', 4).process).toBe(1)
    expect(recorder.client('b').invoke('poll', null).process).toBe(2)
    validateHistory(recorder.history)
  })

  it('never uses a process again after an unknown fate', () => {
    const { recorder } = recording()
    const a = recorder.client('a')
    a.invoke('send', 1).info('TIMED_OUT')
    expect(a.invoke('send', 2).process).toBe(1)
    validateHistory(recorder.history)
  })

  it('keeps the processes of machines apart', () => {
    const { recorder } = recording()
    recorder.client('a').invoke('send', 1).ok(1)
    expect(recorder.client('b').invoke('send', 2).process).toBe(1)
    expect(recorder.client('a')).toBe(recorder.client('a'))
  })

  it('refuses a second completion', () => {
    const operation = recording().recorder.client('a').invoke('send', 1)
    operation.ok(1)
    expect(() => operation.ok(1)).toThrow(InvariantError)
    expect(() => operation.info('late')).toThrow(/send of process 0 completed twice/)
  })

  it('leaves what a dead client had open of unknown fate, and ignores what comes after', () => {
    const { recorder, told } = recording()
    const dead = recorder.client('a').invoke('send', 1)
    const other = recorder.client('b').invoke('send', 2)
    recorder.abandon('a', 'crashed')
    dead.ok(1)
    dead.info('again')
    expect(told().slice(2)).toEqual([[0, 0, 'info', 'send', 1, 'crashed', 'a']])
    expect(recorder.openCount).toBe(1)
    recorder.abandon('nobody', 'crashed')
    other.ok(2)
    expect(recorder.client('a').invoke('poll', null).process).toBe(2)
    validateHistory(recorder.history)
  })

  it('leaves everything of unknown fate at the end', () => {
    const { recorder } = recording()
    recorder.client('a').invoke('send', 1).ok(1)
    recorder.client('a').invoke('send', 2)
    recorder.client('b').invoke('send', 3)
    recorder.abandonAll('the end')
    expect(recorder.openCount).toBe(0)
    expect(recorder.history.slice(4).map(({ type, error }) => [type, error])).toEqual([['info', 'the end'], ['info', 'the end']])
    expect([...pairOperations(recorder.history)].includes(-1)).toBe(false)
  })

  it('writes faults as the nemesis does', () => {
    const { recorder, told } = recording()
    recorder.fault('start', 4, 'broker 1 dies')
    recorder.fault('stop', 4, 'broker 1 is back')
    expect(told()).toEqual([
      [0, 'nemesis', 'info', 'fault-start', { id: 4, text: 'broker 1 dies' }, undefined, undefined],
      [0, 'nemesis', 'info', 'fault-stop', { id: 4, text: 'broker 1 is back' }, undefined, undefined],
    ])
  })
})
