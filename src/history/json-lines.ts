/** Histories as JSON Lines, written: one operation a line, unknown keys kept. `json-lines-parser.ts` reads them. */
import type { Operation } from './operation.ts'

/** One line, without the line break. Field order is fixed: the known ones first, then what else was recorded. */
export function formatOperation(operation: Operation): string {
  const { index, time, process, type, f, value, ...rest } = operation
  return JSON.stringify({ index, time, process, type, f, value, ...rest })
}

/** Chunks of about 64 KiB, for whoever writes the file. */
export function* formatHistory(history: Iterable<Operation>, format: (operation: Operation) => string = formatOperation): Generator<string> {
  let chunk = ''
  for (const operation of history) {
    chunk += `${format(operation)}\n`
    if (chunk.length < 65_536) continue
    yield chunk
    chunk = ''
  }
  if (chunk !== '') yield chunk
}
