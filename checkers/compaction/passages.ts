/**
 * How the positions of readers moved over their partitions: every stretch of offsets that a reader passed in one poll, and
 * what it got there. Where a reader begins is known if it was told to (`earliest`, or an offset), else from its first record on;
 * its own resets are recorded right after the poll in which they happened, which then counts for nothing.
 *
 * The drain begins at the start of every partition. Its reads of followers are left out: what one of them lacks is divergence.
 */
import type { History, Json, Operation } from '../../src/history/operation.ts'
import { keysOf, readerOf } from '../kafka-log/operation-parts.ts'

export interface Passage {
  readonly key: string
  /** From the first offset to the last, both passed. */
  readonly from: number
  readonly to: number
  /** Place of the poll's answer in the history. */
  readonly at: number
  /** Offsets of the records that it brought. */
  readonly got: ReadonlySet<number>
}

interface Reader {
  /** The next offset, where it is known. */
  readonly positions: Map<string, number>
  /** Of its last poll. */
  recent: Passage[]
}

/** And where the ordinary drain stood in the end. */
export function passagesOf(history: History): { readonly passages: Passage[]; readonly drain: ReadonlyMap<string, number> } {
  const passages: Passage[] = []
  const readers = new Map<string | number, Reader>()
  let drain: ReadonlyMap<string, number> = new Map()
  for (let at = 0; at < history.length; at++) {
    const operation = history[at]!
    if (operation['replica'] !== undefined || !['poll', 'assign', 'seek', 'reset', 'subscribe'].includes(operation.f)) continue
    const id = readerOf(operation)
    let reader = readers.get(id)
    if (reader === undefined) readers.set(id, reader = { positions: new Map(), recent: [] })
    if (operation.f === 'poll') {
      if (operation.type === 'invoke') continue
      passages.push(...reader.recent)
      reader.recent = operation.type === 'ok' ? pollOf(operation, at, reader.positions) : []
      if (operation['drain'] === true) drain = reader.positions
    } else if (operation.type === 'invoke') move(operation, reader)
  }
  for (const { recent } of readers.values()) passages.push(...recent)
  return { passages, drain }
}

function move({ f, value }: Operation, reader: Reader): void {
  const keys = keysOf(value) ?? []
  if (f === 'reset') reader.recent = reader.recent.filter(({ key }) => !keys.includes(key))
  if (f === 'assign' || f === 'subscribe') reader.positions.clear()
  for (const key of keys) {
    const where = (value as { readonly [key: string]: Json })[key]
    if (f === 'reset') reader.positions.delete(key)
    else if (typeof where === 'number') reader.positions.set(key, where)
    else if (where === 'earliest') reader.positions.set(key, 0)
    else reader.positions.delete(key)
  }
}

function pollOf({ value, drain }: Operation, at: number, positions: Map<string, number>): Passage[] {
  const [micro] = value as unknown as readonly [readonly ['poll', { readonly [key: string]: readonly (readonly [number, Json])[] }?]]
  const passages: Passage[] = []
  for (const [key, records] of Object.entries(micro?.[1] ?? {})) {
    if (records.length === 0) continue
    const offsets = records.map(([offset]) => offset)
    const to = Math.max(...offsets)
    passages.push({ key, from: positions.get(key) ?? (drain === true ? 0 : offsets[0]!), to, at, got: new Set(offsets) })
    positions.set(key, to + 1)
  }
  return passages
}
