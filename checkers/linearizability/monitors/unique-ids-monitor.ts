/** Ids are unique when no two answers are equal; when they were asked for does not matter. */
import type { Partition } from '../partition.ts'
import type { MonitorAnswer } from '../shipped-model.ts'

export function uniqueIdsMonitor({ table, returned }: Partition, until: number): MonitorAnswer {
  const { output, returns } = table
  const owner = new Map<number, number>()
  let length = 0
  for (const row of returned) {
    if (returns[row]! >= until) break
    const other = owner.get(output[row]!)
    if (other !== undefined) return { valid: false, impossible: row, first: true, why: 'This id had been given out before.', against: [other] }
    owner.set(output[row]!, row)
    length++
  }
  return { valid: true, order: () => returned.slice(0, length) }
}
