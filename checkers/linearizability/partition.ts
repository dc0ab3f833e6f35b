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

/**
 * Splits by counting, so each list keeps its order; keys come in order of appearance. The rows of the table are put in order
 * of their keys first: a partition's are neighbours then, and going through one touches no memory of the others.
 */
export function partitionsOf(table: OperationTable): Partition[] {
  const keys = table.keys.size
  if (keys === 1) return [{ table, key: 0, rows: keptRows(table, 0, table.count), returned: table.returned.subarray(0, table.returnedCount) }]
  const rowStarts = new Int32Array(keys + 1)
  const returnedStarts = new Int32Array(keys + 1)
  for (let row = 0; row < table.count; row++) rowStarts[table.key[row]! + 1]!++
  for (let i = 0; i < table.returnedCount; i++) returnedStarts[table.key[table.returned[i]!]! + 1]!++
  for (let k = 0; k < keys; k++) {
    rowStarts[k + 1]! += rowStarts[k]!
    returnedStarts[k + 1]! += returnedStarts[k]!
  }
  const place = new Int32Array(table.count)
  const rowEnds = rowStarts.slice()
  for (let row = 0; row < table.count; row++) place[row] = rowEnds[table.key[row]!]!++
  table.rearrange(place)
  const returned = new Int32Array(table.returnedCount)
  const returnedEnds = returnedStarts.slice()
  for (let i = 0; i < table.returnedCount; i++) {
    const row = table.returned[i]!
    returned[returnedEnds[table.key[row]!]!++] = row
  }
  const partitions: Partition[] = []
  for (let key = 0; key < keys; key++) {
    const rows = keptRows(table, rowStarts[key]!, rowStarts[key + 1]!)
    if (rows.length > 0) partitions.push({ table, key, rows, returned: returned.subarray(returnedStarts[key], returnedStarts[key + 1]) })
  }
  return partitions
}

function keptRows({ returns }: OperationTable, from: number, to: number): Int32Array {
  const rows = new Int32Array(to - from)
  let length = 0
  for (let row = from; row < to; row++) if (returns[row] !== DROPPED) rows[length++] = row
  return rows.subarray(0, length)
}
