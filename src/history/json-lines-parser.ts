/**
 * Histories as JSON Lines, parsed from bytes: one operation a line, unknown keys kept. Unlike `JSON.parse`, an integer that
 * a double cannot hold is kept as text (`~n…`, see `scalar-text.ts`), a field that occurs twice is an error, and so is
 * nesting beyond a limit.
 */
import { TrialError } from '../base/trial-error.ts'
import { type ByteSource, ByteWindow, NEED_MORE } from './byte-window.ts'
import { ListStack } from './list-stack.ts'
import { OperationFields, setOwn } from './operation-fields.ts'
import type { Json, Operation } from './operation.ts'
import { floatText, integerText } from './scalar-text.ts'
import { MAX_VALUE_DEPTH } from './validate.ts'

const NUMBER = /^-?(?:0|[1-9]\d*)(?:(\.\d+)?(?:[eE][+-]?\d+)?)$/
/** Any number of this many digits is a safe integer. */
const SAFE_DIGITS = 15

export class JsonLinesParser extends ByteWindow {
  private readonly fields = new OperationFields()
  private readonly lists = new ListStack()
  private lineStart = 0

  constructor(source: ByteSource, chunk?: number) {
    super(source, chunk)
  }

  /** The next operation; undefined at the end. @throws TrialError('input') that names the line */
  next(): Operation | undefined {
    for (;;) {
      this.skipBlankLines()
      if (this.at === this.end) {
        if (this.drained) return undefined
        this.more(this.at)
        continue
      }
      const start = this.at
      const last = this.drained
      try {
        return this.operation()
      } catch (error) {
        if (error !== NEED_MORE) throw error
        if (last) throw this.malformed(start)
        this.more(start)
      }
    }
  }

  private skipBlankLines(): void {
    const { bytes, end } = this
    let { at } = this
    for (; at < end; at++) {
      const byte = bytes[at]!
      if (byte === 10) this.line++
      else if (byte !== 32 && byte !== 13 && byte !== 9) break
    }
    this.at = at
  }

  private operation(): Operation {
    const start = this.lineStart = this.at
    if (this.bytes[start] !== 0x7b) throw this.notAnOperation(start)
    this.at++
    const { fields } = this
    fields.clear()
    this.lists.clear()
    if (this.skipSpace() === 0x7d) this.at++
    else {
      for (;;) {
        const name = this.key()
        if (!fields.set(name, this.value(1))) throw new TrialError('input', `line ${this.line}: '${name}' occurs twice.`, 'Every field of an operation is written once.')
        const byte = this.skipSpace()
        this.at++
        if (byte === 0x7d) break
        if (byte !== 0x2c) throw this.malformed(start)
        this.skipSpace()
      }
    }
    // Nothing but the end of the line may follow.
    for (; this.at < this.end; this.at++) {
      const byte = this.bytes[this.at]!
      if (byte === 10) break
      if (byte !== 32 && byte !== 13 && byte !== 9) throw this.malformed(start)
    }
    if (this.at === this.end && !this.drained) throw NEED_MORE
    return fields.build(this.line)
  }

  /** The next byte that is no blank; a line break is not skipped. */
  private skipSpace(): number {
    const byte = this.bytes[this.at]!
    return byte > 32 ? byte : this.skipSpaces()
  }

  private skipSpaces(): number {
    const { bytes, end } = this
    for (; this.at < end; this.at++) {
      const byte = bytes[this.at]!
      if (byte !== 32 && byte !== 9 && byte !== 13) return byte
    }
    throw NEED_MORE
  }

  private key(): string {
    if (this.bytes[this.at] !== 0x22) throw this.malformed(this.lineStart)
    this.at++
    const name = this.text()
    if (this.skipSpace() !== 0x3a) throw this.malformed(this.lineStart)
    this.at++
    return name
  }

  private value(depth: number): Json {
    const byte = this.skipSpace()
    switch (byte) {
      case 0x22:
        this.at++
        return this.text()
      case 0x5b: return this.array(depth)
      case 0x7b: return this.object(depth)
      case 0x74: return this.literal('true', true)
      case 0x66: return this.literal('false', false)
      case 0x6e: return this.literal('null', null)
      default: return this.number(byte)
    }
  }

  private array(depth: number): Json {
    this.checkDepth(depth)
    this.at++
    if (this.skipSpace() === 0x5d) {
      this.at++
      return []
    }
    const { lists } = this
    const base = lists.top
    for (;;) {
      lists.push(this.value(depth + 1))
      const byte = this.skipSpace()
      this.at++
      if (byte === 0x5d) return lists.take(base)
      if (byte !== 0x2c) throw this.malformed(this.lineStart)
    }
  }

  private object(depth: number): Json {
    this.checkDepth(depth)
    this.at++
    const object: { [key: string]: Json } = {}
    if (this.skipSpace() === 0x7d) {
      this.at++
      return object
    }
    for (;;) {
      const name = this.key()
      const value = this.value(depth + 1)
      if (Object.hasOwn(object, name)) throw new TrialError('input', `line ${this.line}: '${name}' occurs twice in one object.`, 'Which of the two is meant cannot be told.')
      setOwn(object, name, value)
      const byte = this.skipSpace()
      this.at++
      if (byte === 0x7d) return object
      if (byte !== 0x2c) throw this.malformed(this.lineStart)
      this.skipSpace()
    }
  }

  private checkDepth(depth: number): void {
    if (depth >= MAX_VALUE_DEPTH) throw new TrialError('input', `line ${this.line}: nested more than ${MAX_VALUE_DEPTH} levels deep.`)
  }

  private literal<T extends Json>(text: string, value: T): T {
    if (this.at + text.length > this.end) throw NEED_MORE
    for (let i = 1; i < text.length; i++) if (this.bytes[this.at + i] !== text.charCodeAt(i)) throw this.malformed(this.lineStart)
    this.at += text.length
    return value
  }

  private number(first: number): Json {
    const { bytes, end } = this
    const start = this.at
    let at = start
    const negative = first === 0x2d
    if (negative) at++
    let value = 0
    const digits = at
    for (;; at++) {
      const digit = bytes[at]! - 48
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
    }
    if (at >= end) throw NEED_MORE
    const next = bytes[at]!
    const count = at - digits
    if (count > 0 && count <= SAFE_DIGITS && next !== 0x2e && (next | 0x20) !== 0x65) {
      if (count > 1 && bytes[digits] === 48) throw this.malformed(this.lineStart)
      this.at = at
      return negative && value !== 0 ? -value : value
    }
    return this.unusualNumber(start)
  }

  private unusualNumber(start: number): Json {
    let at = start
    while (at < this.end && /[-+.\deE]/.test(String.fromCharCode(this.bytes[at]!))) at++
    if (at === this.end) throw NEED_MORE
    const text = this.bytes.toString('latin1', start, at)
    if (!NUMBER.test(text)) throw this.malformed(this.lineStart)
    this.at = at
    return /^-?\d+$/.test(text) ? integerText(text) : floatText(text)
  }

  /** A string after its opening quote. */
  private text(): string {
    const { bytes } = this
    const start = this.at
    let hash = 0
    for (let at = start; ; at++) {
      const byte = bytes[at]!
      if (byte === 0x22) {
        this.at = at + 1
        return this.ascii(start, at, hash)
      }
      if (byte === 0x5c || byte >= 0x80 || byte < 0x20) return this.unusualText(start)
      hash = (Math.imul(hash, 31) + byte) | 0
    }
  }

  /** With escapes, or beyond ASCII. */
  private unusualText(start: number): string {
    const { bytes, end } = this
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!
      if (byte === 0x5c) at++
      else if (byte === 10) throw this.malformed(this.lineStart)
      else if (byte === 0x22) {
        this.at = at + 1
        const quoted = this.utf8(start - 1, at + 1)
        try {
          return JSON.parse(quoted) as string
        } catch {
          throw this.malformed(this.lineStart)
        }
      }
    }
    throw NEED_MORE
  }

  private malformed(start: number): TrialError {
    return new TrialError('input', `line ${this.line}: not JSON: ${this.excerpt(start)}`, 'A history has one JSON object a line.')
  }

  private notAnOperation(start: number): TrialError {
    let to = this.bytes.indexOf(10, start)
    if (to === -1 || to > this.end) {
      if (!this.drained && this.end - start < 1_000_000) throw NEED_MORE
      to = this.end
    }
    try {
      JSON.parse(this.bytes.toString('utf8', start, to))
    } catch {
      return this.malformed(start)
    }
    return new TrialError('input', `line ${this.line}: not an operation, an object is expected.`, 'One JSON object a line: {"index":0,"time":0,"process":0,"type":"invoke","f":"send","value":[...]}')
  }
}
