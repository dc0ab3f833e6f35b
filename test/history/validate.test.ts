/**
 * What makes a list of operations a history. Each rule is broken alone; the same operations in proper order pass.
 */
import { describe, expect, it } from 'vitest'
import { TrialError } from '../../src/base/trial-error.ts'
import type { Operation, OperationType, Process } from '../../src/history/operation.ts'
import { validateHistory } from '../../src/history/validate.ts'

/** `0 invoke send`, with times and indices as they come. */
function operations(...lines: readonly string[]): Operation[] {
  return lines.map((text, index) => {
    const [process, type, f] = text.split(' ') as [string, OperationType, string]
    return { index, time: index, process: process === 'nemesis' ? process : Number(process) as Process, type, f, value: null }
  })
}

function refusal(history: readonly Operation[]): string {
  try {
    validateHistory(history)
  } catch (error) {
    expect(error).toBeInstanceOf(TrialError)
    expect((error as TrialError).code).toBe('input')
    return (error as TrialError).message
  }
  return 'accepted'
}

describe('a history', () => {
  it.each([
    ['one operation after another', operations('0 invoke send', '0 ok send', '0 invoke poll', '0 fail poll', '0 invoke send')],
    ['processes side by side', operations('0 invoke send', '1 invoke send', '1 ok send', '0 ok send')],
    ['operations that never end', operations('0 invoke send', '1 invoke poll')],
    ['a process that ends in doubt, and another that goes on', operations('0 invoke send', '0 info send', '1 invoke send')],
    ['faults, which need no invocation and may repeat', operations('nemesis info fault-start', 'nemesis info fault-start', 'nemesis invoke kill', 'nemesis invoke kill', 'nemesis ok kill')],
  ])('may contain %s', (_, history) => {
    expect(refusal(history)).toBe('accepted')
  })

  it.each([
    ['two open operations of one process', operations('0 invoke send', '0 invoke poll'), 'operation 1: process 0 invokes poll while its send (index 0) is open'],
    ['a process that speaks after an operation of unknown fate', operations('0 invoke send', '0 info send', '0 invoke send'), 'operation 2: process 0 invokes send after an operation of unknown fate'],
    ['a completion of nothing', operations('0 ok send'), 'operation 0: process 0 completes send that it never invoked'],
    ['two completions', operations('0 invoke send', '0 ok send', '0 fail send'), 'operation 2: process 0 completes send that it never invoked'],
    ['a completion of something else', operations('0 invoke send', '0 ok poll'), 'operation 1: process 0 completes poll, but what it invoked is send (index 0)'],
    ['a completion by another process', operations('0 invoke send', '1 ok send'), 'operation 1: process 1 completes send that it never invoked'],
  ])('has not %s', (_, history, expected) => {
    expect(refusal(history)).toContain(expected)
  })

  it('does not go back in time, but may stand still', () => {
    const [a, b] = operations('0 invoke send', '0 ok send') as [Operation, Operation]
    expect(refusal([{ ...a, time: 7 }, { ...b, time: 7 }])).toBe('accepted')
    expect(refusal([{ ...a, time: 7 }, { ...b, time: 6 }])).toContain('operation 1: time goes backwards, from 7 to 6')
    const fault: Operation = { index: 1, time: 6, process: 'nemesis', type: 'info', f: 'fault-start', value: null }
    expect(refusal([{ ...a, time: 7 }, fault])).toContain('time goes backwards')
  })

  it('has rising indices, perhaps with gaps', () => {
    const [a, b] = operations('0 invoke send', '0 ok send') as [Operation, Operation]
    expect(refusal([{ ...a, index: 3 }, { ...b, index: 30 }])).toBe('accepted')
    expect(refusal([{ ...a, index: 3 }, { ...b, index: 3 }])).toContain('operation 1: index 3 does not follow 3')
    expect(refusal([{ ...a, index: 3 }, { ...b, index: 2 }])).toContain('index 2 does not follow 3')
  })
})
