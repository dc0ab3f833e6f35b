/**
 * What a crash has left of a cleaning (the first three passes of LogLoader#load). A segment is replaced in this order, of
 * which a crash leaves some prefix:
 *
 *   `.cleaned` files are written and made durable | renamed `.swap` one by one, the log first | the old segments are renamed
 *   `.deleted` | the `.swap` files are renamed to what they are to be
 *
 * While a `.cleaned` file is there the cleaning counts for nothing: it goes, and every `.swap` file from its offset on. With
 * `.swap` files alone it is finished: whatever lies where the new segment does, goes (producer snapshots included, as in
 * Kafka: the newer ones tell as much).
 */
import type { Env } from '../../env/env.ts'
import { batchSizeOf, isWholeBatchAt, nextOffsetOf } from '../../protocol/records/record-batch.ts'
import { CLEANED_SUFFIX, DELETED_SUFFIX, LOG_SUFFIX, offsetOfFile, SWAP_SUFFIX } from '../file-names.ts'

export function finishSwaps(env: Env, directory: string): void {
  const { disk } = env
  const names = disk.list(directory)
  const cleaned = names.filter(name => name.endsWith(CLEANED_SUFFIX))
  const swaps = names.filter(name => name.endsWith(SWAP_SUFFIX))
  if (cleaned.length + swaps.length === 0) return
  for (const name of names) if (name.endsWith(DELETED_SUFFIX)) disk.remove(`${directory}/${name}`)
  const firstCleaned = Math.min(...cleaned.map(offsetIn))
  const isValid = (name: string): boolean => offsetIn(name) < firstCleaned
  for (const name of [...swaps.filter(swap => !isValid(swap)), ...cleaned]) disk.remove(`${directory}/${name}`)
  const valid = swaps.filter(isValid)
  const replaced = valid.filter(name => name.endsWith(LOG_SUFFIX + SWAP_SUFFIX))
  const from = Math.min(...replaced.map(offsetIn))
  const to = Math.max(...replaced.map(name => nextOffset(env, directory, name)))
  for (const name of disk.list(directory)) {
    const offset = offsetIn(name)
    if (!name.endsWith(SWAP_SUFFIX) && offset >= from && offset < to) disk.remove(`${directory}/${name}`)
  }
  for (const name of valid) disk.rename(`${directory}/${name}`, `${directory}/${name.slice(0, -SWAP_SUFFIX.length)}`)
  env.observe({ kind: 'mark', name: valid.length > 0 ? 'cleaning-finished-at-load' : 'cleaning-dropped-at-load' })
}

/** The offset that any name of a segment's files begins with; NaN for others, which compares with nothing. */
function offsetIn(name: string): number {
  const digits = name.slice(0, name.indexOf('.'))
  return offsetOfFile(digits, '') ?? Number.NaN
}

function nextOffset(env: Env, directory: string, name: string): number {
  const bytes = env.disk.open(`${directory}/${name}`).view()
  let next = offsetIn(name)
  for (let at = 0; isWholeBatchAt(bytes, at); at += batchSizeOf(bytes, at)) next = nextOffsetOf(bytes, at)
  return next
}
