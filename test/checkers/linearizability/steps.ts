/** Histories written event by event: `[process, type, f, value]`. */
import type { Json, Operation, OperationType } from '../../../src/history/operation.ts'

export type Step = readonly [process: number, type: OperationType, f: string, value: Json]

export function historyOf(...steps: readonly Step[]): Operation[] {
  return steps.map(([process, type, f, value], index) => ({ index, time: index * 1_000, process, type, f, value }))
}

/** An operation that nothing else overlaps. */
export function alone(process: number, f: string, value: Json, answer: Json = value): readonly Step[] {
  return [[process, 'invoke', f, value], [process, 'ok', f, answer]]
}
