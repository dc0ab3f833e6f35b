/**
 * A window over a stream of bytes, for parsers that read one form after another: chunks of fixed size come in at the end,
 * what was parsed goes out at the start, and it grows only when one form is larger than it. A parser that reaches the end
 * of the window in the middle of a form throws `NEED_MORE`, and parses that form again from its start when there is more;
 * that costs one form a chunk and keeps parsers plain recursive functions. Behind the last byte lies a zero, so that a
 * parser need not ask at every byte whether it is the last one: only when it meets a zero.
 *
 * Short ASCII strings are interned: a history repeats few names many times.
 */
import { readSync } from 'node:fs'
import { TextDecoder } from 'node:util'
import { TrialError } from '../base/trial-error.ts'

/** Thrown, not an error: the form goes on beyond the window. */
export const NEED_MORE: unique symbol = Symbol('need more')

export interface ByteSource {
  /** Bytes written at `at`; 0: the end. */
  read(into: Uint8Array, at: number, length: number): number
}

/** Reads an open file from where it stands. Pipes and terminals are fine. */
export function fileSource(descriptor: number): ByteSource {
  return { read: (into, at, length) => readSync(descriptor, into, at, length, null) }
}

export function textSource(text: string | Uint8Array): ByteSource {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'utf8') : text
  let from = 0
  return {
    read(into, at, length) {
      const piece = bytes.subarray(from, from + length)
      into.set(piece, at)
      from += piece.length
      return piece.length
    },
  }
}

const CHUNK = 1 << 18
/** One operation larger than this is refused. */
const MOST_BYTES = 1 << 28
const INTERNED = 1 << 13
const LONGEST_INTERNED = 40
const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export class ByteWindow {
  /** Line of the byte at `at`, from 1. Kept by the parser. */
  line = 1
  protected bytes: Buffer
  protected at = 0
  protected end = 0
  /** Nothing comes after `end`. */
  protected drained = false
  private readonly source: ByteSource
  private readonly chunk: number
  private readonly strings: (string | undefined)[] = Array.from({ length: INTERNED }, () => undefined)
  private readonly hashes = new Int32Array(INTERNED)

  /** `chunk`: bytes asked for at a time; tests make it small. */
  constructor(source: ByteSource, chunk = CHUNK) {
    this.source = source
    this.chunk = chunk
    this.bytes = Buffer.allocUnsafe(chunk + 1)
    this.more(0)
    // A byte order mark.
    while (this.end < 3 && !this.drained) this.more(0)
    if (this.end >= 3 && this.bytes[0] === 0xef && this.bytes[1] === 0xbb && this.bytes[2] === 0xbf) this.at = 3
  }

  /** Drops what lies before `from`, goes there, and gets another chunk unless there is none. */
  protected more(from: number): void {
    if (from > 0) this.bytes.copyWithin(0, from, this.end)
    this.end -= from
    this.at = 0
    this.bytes[this.end] = 0
    if (this.drained) return
    const room = this.bytes.length - 1
    if (this.end === room) {
      if (room >= MOST_BYTES) throw new TrialError('input', `line ${this.line}: one operation of more than ${MOST_BYTES >> 20} MiB.`, 'Is the file a history?')
      const larger = Buffer.allocUnsafe(room * 2 + 1)
      this.bytes.copy(larger, 0, 0, this.end)
      this.bytes = larger
    }
    const got = this.source.read(this.bytes, this.end, Math.min(this.chunk, this.bytes.length - 1 - this.end))
    if (got === 0) this.drained = true
    this.end += got
    this.bytes[this.end] = 0
  }

  /** ASCII bytes as a string; the same object for the same short text, mostly. `hash` over all bytes, `* 31 + byte`. */
  protected ascii(from: number, to: number, hash: number): string {
    const length = to - from
    const { bytes } = this
    if (length > LONGEST_INTERNED) return bytes.toString('latin1', from, to)
    const slot = (hash ^ (hash >>> 13)) & (INTERNED - 1)
    const known = this.strings[slot]
    if (known !== undefined && this.hashes[slot] === hash && known.length === length) {
      let i = 0
      while (i < length && known.charCodeAt(i) === bytes[from + i]) i++
      if (i === length) return known
    }
    const text = bytes.toString('latin1', from, to)
    this.strings[slot] = text
    this.hashes[slot] = hash
    return text
  }

  /** @throws TrialError('input') when the bytes are not UTF-8 */
  protected utf8(from: number, to: number): string {
    try {
      return DECODER.decode(this.bytes.subarray(from, to))
    } catch {
      throw new TrialError('input', `line ${this.line}: not UTF-8.`, 'Histories are text in UTF-8; binary values are written as text, for example in base64.')
    }
  }

  /** The rest of the line from `from`, for errors; shortened. */
  protected excerpt(from: number): string {
    let to = from
    while (to < this.end && this.bytes[to] !== 10 && to - from < 61) to++
    const text = this.bytes.toString('utf8', from, Math.min(to, from + 60)).replace(/\r$/, '')
    return to - from > 60 ? `${text}...` : text
  }
}
