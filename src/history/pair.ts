/**
 * Pairs invocations with completions. Positions are places in the list, not the `index` field.
 */
import type { History } from './operation.ts'

/** `partner[p]` is the position of the completion of invocation p, of the invocation of completion p, or -1. */
export function pairOperations(history: History): Int32Array {
  const partner = new Int32Array(history.length).fill(-1)
  const open = new Map<number, number>()
  for (let position = 0; position < history.length; position++) {
    const { process, type } = history[position]!
    if (process === 'nemesis') continue
    if (type === 'invoke') {
      open.set(process, position)
      continue
    }
    const invoked = open.get(process)
    if (invoked === undefined) continue
    partner[invoked] = position
    partner[position] = invoked
    open.delete(process)
  }
  return partner
}
