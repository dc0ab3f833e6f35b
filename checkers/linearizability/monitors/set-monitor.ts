/**
 * Sets that only grow and are read whole. What the reads answered must be a chain by inclusion; its links are steps, and an
 * element was added at the step at which it first shows, those that no read shows after the last. With a place for each
 * operation (reads of link k at 2k + 1, additions that it shows first at 2k), the history is linearizable exactly if no
 * operation returned before another one of a smaller place was called: additions of one place commute, reads of one agree.
 *
 * Adding again what is there already has no place: it may stand anywhere from the first one on. So only the addition that
 * was called first bounds an element from below, and any that completed bounds it from above.
 */
import { ADD, READ, type SetEncoding } from '../set-encoding.ts'
import { NEVER } from '../operation-table.ts'
import type { Partition } from '../partition.ts'
import type { MonitorAnswer } from '../shipped-model.ts'

export function setMonitor(partition: Partition, until: number): MonitorAnswer | undefined {
  const { table, rows, returned } = partition
  const { f, input, output, calls, returns } = table
  for (const row of rows) if (f[row]! > READ) return undefined
  const lists = (table.encoding as SetEncoding).lists.data
  const sizeOf = (row: number): number => lists[output[row]!]!
  const wrong = (row: number, why: string, against: readonly number[] = []): MonitorAnswer => ({ valid: false, impossible: row, first: false, why, against })
  const firstAdd = new Map<number, number>()
  for (const row of rows) {
    if (calls[row]! >= until) break
    if (f[row] === ADD && !firstAdd.has(input[row]!)) firstAdd.set(input[row]!, row)
  }
  const reads: number[] = []
  for (const row of returned) {
    if (returns[row]! >= until) break
    if (f[row] !== READ) continue
    if (output[row]! < 0) return wrong(row, 'This is no set.')
    reads.push(row)
  }
  reads.sort((a, b) => sizeOf(a) - sizeOf(b) || a - b)
  // The link at which an element first shows; 1 is the smallest set that was read.
  const link = new Map<number, number>()
  const linkOfRead = new Map<number, number>()
  let links = 0
  let last = -1
  for (const row of reads) {
    const at = output[row]!
    const size = sizeOf(row)
    const grows = last === -1 || size > sizeOf(last)
    if (grows) links++
    let old = 0
    for (let i = 1; i <= size; i++) {
      const element = lists[at + i]!
      const shown = link.get(element)
      if (shown === undefined) link.set(element, links)
      else if (shown < links || !grows) old++
      else return wrong(row, 'It shows an element twice.')
      const by = firstAdd.get(element)
      if (by === undefined || calls[by]! > returns[row]!) return wrong(row, 'It shows an element that nobody had begun to add.', by === undefined ? [] : [by])
    }
    const mustBe = last === -1 ? 0 : sizeOf(last)
    if (old !== mustBe || (!grows && hasRepeats(lists, at, size))) return wrong(row, 'Of two sets that were read neither contains the other.', last === -1 ? [] : [last])
    linkOfRead.set(row, links)
    last = row
  }
  const placeOf = (row: number): number => (f[row] === READ ? 2 * linkOfRead.get(row)! + 1 : 2 * (link.get(input[row]!) ?? links + 1))
  // Event by event: the largest place of what has returned, and what it was at each call.
  const passedAtCall = new Int32Array(table.count)
  let passed = 0
  let passedBy = -1
  let nextCall = 0
  const failing = (row: number): MonitorAnswer => wrong(row, 'What returned before it was called says that it came too late.', passedBy === -1 ? [] : [passedBy])
  for (const row of returned) {
    const now = returns[row]!
    if (now >= until) break
    for (; nextCall < rows.length && calls[rows[nextCall]!]! < now; nextCall++) passedAtCall[rows[nextCall]!] = passed
    const place = placeOf(row)
    if (f[row] === READ && passedAtCall[row]! > place) return failing(row)
    if (f[row] === ADD && firstAdd.get(input[row]!) === row && passedAtCall[row]! > place) return failing(row)
    if (place > passed) {
      passed = place
      passedBy = row
    }
  }
  // First additions that never returned but were seen.
  for (const [element, row] of firstAdd) {
    if (returns[row]! < until || !link.has(element)) continue
    if (passedBefore(partition, placeOf, until, calls[row]!) > placeOf(row)) return wrong(row, 'What returned before it was called says that it came too late.')
  }
  const order = (): Int32Array => {
    const included = rows.filter(row => (returns[row]! < until && returns[row] !== NEVER) || (calls[row]! < until && f[row] === ADD && firstAdd.get(input[row]!) === row && link.has(input[row]!)))
    const place = (row: number): number => (f[row] === ADD && firstAdd.get(input[row]!) !== row ? Math.max(placeOf(row), passedAtCall[row]!) : placeOf(row))
    return included.sort((a, b) => place(a) - place(b) || a - b)
  }
  return { valid: true, order }
}

function hasRepeats(lists: Int32Array, at: number, size: number): boolean {
  return new Set(lists.subarray(at + 1, at + 1 + size)).size !== size
}

/** The largest place of what returned before this moment. */
function passedBefore({ table, returned }: Partition, placeOf: (row: number) => number, until: number, moment: number): number {
  let passed = 0
  for (const row of returned) {
    if (table.returns[row]! >= moment || table.returns[row]! >= until) break
    passed = Math.max(passed, placeOf(row))
  }
  return passed
}
