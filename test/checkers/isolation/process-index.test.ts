/** A number for each process: dense ones, huge, negative and named ones, whatever the order in which they come. */
import { describe, expect, it } from 'vitest'
import type { Process } from '../../../src/history/operation.ts'
import { ProcessIndex } from '../../../checkers/isolation/process-index.ts'
import { numbers } from '../../../bench/checkers/transaction-histories.ts'

const PROCESSES: readonly Process[] = [...Array.from({ length: 300 }, (_, process) => process), 1_000, 70_000, 2 ** 31, 2 ** 53 - 1, -1, -5, 'nemesis']

describe('the process index', () => {
  it('agrees with a map, in whatever order processes come and go', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const below = numbers(seed)
      const index = new ProcessIndex()
      const model = new Map<Process, number>()
      for (let step = 0; step < 2_000; step++) {
        const process = PROCESSES[below(PROCESSES.length)]!
        const number = below(3) === 0 ? -1 : step
        index.set(process, number)
        model.set(process, number)
        const other = PROCESSES[below(PROCESSES.length)]!
        expect(index.get(other)).toBe(model.get(other) ?? -1)
      }
      for (const process of PROCESSES) expect(index.get(process)).toBe(model.get(process) ?? -1)
    }
  })
})
