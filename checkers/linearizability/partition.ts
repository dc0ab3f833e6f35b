/** The operations of one key, judged apart from all others (P-compositionality, Horn and Kroening 2015). */
import { DROPPED, type OperationTable } from './operation-table.ts'

export interface Partition {
  readonly table: OperationTable
  /** Code of its key in `table.keys`. */
  readonly key: number
  /** Rows of the table in the order of their calls, and those that completed in the order of their returns. */
  readonly rows: Int32Array
  readonly returned: Int32Array
}

/** Splits by counting, so each list keeps its order. Keys come in order of appearance. */
export function partitionsOf(table: OperationTable): Partition[] {
  const keys = table.keys.size
  const { key, returns } = table
  if (keys === 1) {
    const rows = new Int32Array(table.count)
    let length = 0
    for (let row = 0; row < table.count; row++) if (returns[row] !== DROPPED) rows[length++] = row
    return [{ table, key: 0, rows: rows.subarray(0, length), returned: table.returned.subarray(0, table.returnedCount) }]
  }
  const rows = new Int32Array(table.count)
  const returned = new Int32Array(table.returnedCount)
  const rowStarts = new Int32Array(keys + 1)
  const returnedStarts = new Int32Array(keys + 1)
  for (let row = 0; row < table.count; row++) {
    if (returns[row] === DROPPED) continue
    rowStarts[key[row]! + 1]!++
  }
  for (let i = 0; i < table.returnedCount; i++) returnedStarts[key[table.returned[i]!]! + 1]!++
  for (let k = 0; k < keys; k++) {
    rowStarts[k + 1]! += rowStarts[k]!
    returnedStarts[k + 1]! += returnedStarts[k]!
  }
  const rowEnds = rowStarts.slice()
  const returnedEnds = returnedStarts.slice()
  for (let row = 0; row < table.count; row++) if (returns[row] !== DROPPED) rows[rowEnds[key[row]!]!++] = row
  for (let i = 0; i < table.returnedCount; i++) {
    const row = table.returned[i]!
    returned[returnedEnds[key[row]!]!++] = row
  }
  const partitions: Partition[] = []
  for (let k = 0; k < keys; k++) {
    if (rowStarts[k] === rowStarts[k + 1]) continue
    partitions.push({ table, key: k, rows: rows.subarray(rowStarts[k], rowStarts[k + 1]), returned: returned.subarray(returnedStarts[k], returnedStarts[k + 1]) })
  }
  return partitions
}
