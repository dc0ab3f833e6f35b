/**
 * Histories as JSON Lines: one operation a line, unknown keys kept. Reading is streaming over chunks of text of any size
 * (a line may span chunks), so a file is never held as text; malformed lines are named by number.
 */
import { TrialError } from '../base/trial-error.ts'
import type { History, Operation } from './operation.ts'
import { HistoryValidator, toOperation } from './validate.ts'

/** `push` chunks, then `end`. Throws TrialError('input') at the first line that is not a proper operation. */
export class HistoryReader {
  private operations: Operation[] = []
  private readonly validator = new HistoryValidator()
  private rest = ''
  private line = 0
  private taken = 0

  push(chunk: string): void {
    let start = 0
    for (let end = chunk.indexOf('\n'); end !== -1; end = chunk.indexOf('\n', start)) {
      this.readLine(this.rest === '' ? chunk.slice(start, end) : this.rest + chunk.slice(start, end))
      this.rest = ''
      start = end + 1
    }
    this.rest += chunk.slice(start)
  }

  /** What has been read since the last `take`, which is then forgotten: for whoever does not need the whole history at once. */
  take(): History {
    const taken = this.operations
    this.taken += taken.length
    this.operations = []
    return taken
  }

  end(): History {
    if (this.rest !== '') this.readLine(this.rest)
    this.rest = ''
    return this.operations
  }

  private readLine(line: string): void {
    this.line++
    const text = this.line === 1 && line.startsWith('\uFEFF') ? line.slice(1) : line
    if (text.trim() === '') return
    const where = `line ${this.line}`
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      const shown = text.length > 60 ? `${text.slice(0, 60)}...` : text
      throw new TrialError('input', `${where}: not JSON: ${shown}`, 'A history has one JSON object a line.')
    }
    const operation = toOperation(value, this.taken + this.operations.length, where)
    this.validator.add(operation, where)
    this.operations.push(operation)
  }
}

export function parseHistory(text: string): History {
  const reader = new HistoryReader()
  reader.push(text)
  return reader.end()
}

/** One line, without the line break. Field order is fixed: the known ones first, then what else was recorded. */
export function formatOperation(operation: Operation): string {
  const { index, time, process, type, f, value, ...rest } = operation
  return JSON.stringify({ index, time, process, type, f, value, ...rest })
}

/** Chunks of about 64 KiB, for whoever writes the file. */
export function* formatHistory(history: Iterable<Operation>): Generator<string> {
  let chunk = ''
  for (const operation of history) {
    chunk += `${formatOperation(operation)}\n`
    if (chunk.length < 65_536) continue
    yield chunk
    chunk = ''
  }
  if (chunk !== '') yield chunk
}
