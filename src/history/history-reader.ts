/**
 * Reads a history, operation after operation, from a file, a pipe or text: JSON Lines or Jepsen's EDN, told apart by their
 * first bytes. What is read is checked as it comes (`validate.ts`); an error names the line. Neither the text nor the
 * operations are held here.
 */
import { closeSync, openSync } from 'node:fs'
import { TrialError } from '../base/trial-error.ts'
import { type ByteSource, fileSource, textSource } from './byte-window.ts'
import { EdnParser } from './edn-parser.ts'
import { JsonLinesParser } from './json-lines-parser.ts'
import type { History, Operation } from './operation.ts'
import { HistoryValidator } from './validate.ts'

export type HistoryFormat = 'jsonl' | 'edn'
export const HISTORY_FORMATS: readonly HistoryFormat[] = ['jsonl', 'edn']

export interface ReadOptions {
  /** Absent: told by the first bytes. */
  readonly format?: HistoryFormat
  /** Bytes read at a time. */
  readonly chunk?: number
  /** `any`: times may go back, as in histories whose clients took the time before their place in the list. */
  readonly times?: 'rising' | 'any'
}

interface Parser {
  readonly line: number
  next(): Operation | undefined
}

export class HistoryReader implements Iterable<Operation> {
  private readonly parser: Parser
  private readonly validator: HistoryValidator
  /** Operations read so far. */
  count = 0

  constructor(source: ByteSource, options: ReadOptions = {}) {
    const [from, format] = options.format === undefined ? sniff(source) : [source, options.format]
    this.parser = format === 'edn' ? new EdnParser(from, options.chunk) : new JsonLinesParser(from, options.chunk)
    this.validator = new HistoryValidator(() => `line ${this.parser.line}`, options.times)
  }

  /** Undefined at the end. @throws TrialError('input') */
  next(): Operation | undefined {
    const operation = this.parser.next()
    if (operation === undefined) return undefined
    this.validator.add(operation)
    this.count++
    return operation
  }

  * [Symbol.iterator](): Generator<Operation> {
    for (let operation = this.next(); operation !== undefined; operation = this.next()) yield operation
  }

  /** The rest, as a list. */
  all(): History {
    const operations: Operation[] = []
    for (let operation = this.next(); operation !== undefined; operation = this.next()) operations.push(operation)
    return operations
  }
}

export function parseHistory(text: string | Uint8Array, options?: ReadOptions): History {
  return new HistoryReader(textSource(text), options).all()
}

/** Gives `use` a reader of the file `path`, or of standard input for `-`. Errors name the path. @throws TrialError('input') */
export function withHistoryFile<T>(path: string, options: ReadOptions, use: (reader: HistoryReader) => T): T {
  let descriptor: number | undefined
  try {
    descriptor = path === '-' ? 0 : openSync(path, 'r')
    return use(new HistoryReader(fileSource(descriptor), options))
  } catch (error) {
    const shown = path === '-' ? 'standard input' : `'${path}'`
    if (error instanceof TrialError && error.code === 'input') throw new TrialError('input', `${shown}, ${error.message}`, error.hint)
    const code = (error as NodeJS.ErrnoException).code
    if (code !== undefined && (error as NodeJS.ErrnoException).syscall !== undefined) throw new TrialError('input', `cannot read ${shown}: ${(error as Error).message}`, 'give the path of a history in JSON Lines or EDN')
    throw error
  } finally {
    if (descriptor !== undefined && descriptor !== 0) closeSync(descriptor)
  }
}

/** The format by the first bytes that are neither blank nor comment, and a source that gives them again. */
function sniff(source: ByteSource): readonly [ByteSource, HistoryFormat] {
  const head = Buffer.alloc(1 << 16)
  let length = 0
  let format: HistoryFormat | undefined
  while (format === undefined && length < head.length) {
    const got = source.read(head, length, head.length - length)
    length += got
    format = formatOf(head.toString('latin1', 0, length), got === 0)
  }
  let given = 0
  const again: ByteSource = {
    read(into, at, wanted) {
      if (given === length) return source.read(into, at, wanted)
      const piece = head.subarray(given, Math.min(length, given + wanted))
      into.set(piece, at)
      given += piece.length
      return piece.length
    },
  }
  return [again, format ?? 'jsonl']
}

function formatOf(head: string, ended: boolean): HistoryFormat | undefined {
  const text = head.replace(/^(?:\u00ef\u00bb\u00bf)?[\s,]*/, '')
  if (text === '') return ended ? 'jsonl' : undefined
  if (/^[;#(]/.test(text)) return 'edn'
  // A map or a vector: EDN when what comes next is not JSON.
  const next = /^(?:\[[\s,]*)?(?:\{[\s,]*)?([^\s,])/.exec(text)
  if (next === null) return ended ? 'jsonl' : undefined
  const inside = text[0] === '{' || text[0] === '['
  if (!inside) return 'jsonl'
  if (next[1] === ':' || next[1] === ';' || next[1] === '#' || next[1] === '(') return 'edn'
  if (next[1] === '{' || next[1] === '[') return text.length > 4 || ended ? 'jsonl' : undefined
  // `[]` alone is an empty vector of EDN.
  return next[1] === ']' && text[0] === '[' ? 'edn' : 'jsonl'
}
