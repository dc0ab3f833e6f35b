/**
 * Histories in EDN, as Jepsen and Knossos write them: one map after another, or all of them in one vector or list;
 * `#jepsen.history.Op{...}` is a map. Parsed from bytes, form after form. Values become JSON: keywords, large integers,
 * ratios, characters as `scalar-text.ts` says; a set is `{"~#set": [...]}` with its elements in one order, a map whose keys
 * are not all keywords, strings or integers `{"~#cmap": [key, value, ...]}`, any other tag `{"~#tag": value}`.
 *
 * A string key and an integer key that look alike are one key ("0" and 0): Jepsen's Kafka histories name partitions by
 * either, and a map that had both is refused.
 *
 * Ours, because no EDN library for JavaScript reads synchronously form by form without holding the text, says the line of
 * an error, or keeps large integers.
 */
import { TrialError } from '../base/trial-error.ts'
import { type ByteSource, ByteWindow, NEED_MORE } from './byte-window.ts'
import { canonicalOrder } from './canonical-order.ts'
import { ListStack } from './list-stack.ts'
import { OperationFields, setOwn } from './operation-fields.ts'
import type { Json, Operation } from './operation.ts'
import { floatText, integerText, keywordText, ratioText, stringText } from './scalar-text.ts'
import { MAX_VALUE_DEPTH } from './validate.ts'

const FRACTION = /^[+-]?(?:0|[1-9]\d*)(?:(\.\d*)?([eE][+-]?\d+)?)M?$/
const INTEGER = /^[+-]?(?:0|[1-9]\d*)N?$/
const RATIO = /^([+-]?\d+)\/(\d+)$/
const HEX = /^([+-]?)0[xX]([\da-fA-F]+)N?$/
const CHARACTER = /^(?:newline|return|space|tab|formfeed|backspace|u[\da-fA-F]{4}|o[0-7]{1,3}|[^])$/u
const SAFE_DIGITS = 15
const HINT = 'A history in EDN has one map an operation: {:index 0, :time 0, :process 0, :type :invoke, :f :read, :value nil}'

/** 1: ends a token. */
const DELIMITER = new Uint8Array(256)
for (const character of ' \t\r\n,()[]{}";\f\v') DELIMITER[character.charCodeAt(0)] = 1

export class EdnParser extends ByteWindow {
  private readonly fields = new OperationFields()
  private readonly lists = new ListStack()
  private readonly keywords = new Map<string, string>()
  /** Of the vector or list that holds the operations; 0 outside. */
  private closing = 0
  private started = false
  private ended = false

  constructor(source: ByteSource, chunk?: number) {
    super(source, chunk)
  }

  /** The next operation; undefined at the end. @throws TrialError('input') that names the line */
  next(): Operation | undefined {
    for (;;) {
      const start = this.at
      const line = this.line
      const last = this.drained
      try {
        const operation = this.topLevel()
        // A bracket was passed, for good.
        if (operation === null) continue
        return operation
      } catch (error) {
        if (error !== NEED_MORE) throw error
        if (last) throw this.wrong('it ends in the middle of an operation.')
        this.line = line
        this.more(start)
      }
    }
  }

  /** Null: a bracket around the operations. */
  private topLevel(): Operation | null | undefined {
    const byte = this.skipBlank(0)
    if (byte === -1) {
      if (!this.drained) throw NEED_MORE
      if (this.closing !== 0) throw this.wrong(`it ends before its closing '${String.fromCharCode(this.closing)}'.`)
      return undefined
    }
    if (this.closing !== 0 && byte === this.closing) {
      this.at++
      this.closing = 0
      this.ended = true
      return null
    }
    if (this.ended) throw this.wrong(`'${this.excerpt(this.at)}' follows the end of the history.`)
    if ((byte === 0x5b || byte === 0x28) && !this.started) {
      this.at++
      this.started = true
      this.closing = byte === 0x5b ? 0x5d : 0x29
      return null
    }
    this.started = true
    return this.operation()
  }

  private operation(): Operation {
    if (this.bytes[this.at] === 0x23) {
      this.at++
      this.token()
      if (this.skipBlank(0) === -1) throw NEED_MORE
    }
    const { fields, line } = this
    if (this.bytes[this.at] !== 0x7b) throw this.wrong(`not an operation, a map is expected: ${this.excerpt(this.at)}`)
    this.at++
    fields.clear()
    this.lists.clear()
    for (;;) {
      const byte = this.need(1)
      if (byte === 0x7d) break
      const name = byte === 0x3a ? this.name() : byte === 0x22 ? this.string() : undefined
      if (name === undefined) throw this.wrong(`the fields of an operation are keywords: ${this.excerpt(this.at)}`)
      const value = this.need(1) === 0x3a && (name === 'type' || name === 'f' || name === 'process') ? this.name() : this.value(1)
      if (!fields.set(name, value)) throw this.wrong(`:${name} occurs twice.`)
    }
    this.at++
    return fields.build(line)
  }

  /** The next byte of a form; -1 at the end of the window. Comments and discarded forms are skipped, too. */
  private skipBlank(depth: number): number {
    for (;;) {
      const { bytes, end } = this
      for (; this.at < end; this.at++) {
        const byte = bytes[this.at]!
        if (byte === 10) this.line++
        else if (byte !== 32 && byte !== 0x2c && byte !== 13 && byte !== 9 && byte !== 12 && byte !== 11) break
      }
      if (this.at === end) return -1
      const byte = bytes[this.at]!
      if (byte === 0x3b) {
        const stop = bytes.indexOf(10, this.at)
        if (stop === -1 || stop >= end) {
          if (!this.drained) throw NEED_MORE
          this.at = end
        } else this.at = stop
      } else if (byte === 0x23) {
        if (this.at + 1 === end) throw NEED_MORE
        if (bytes[this.at + 1] !== 0x5f) return byte
        this.at += 2
        this.checkDepth(depth)
        this.need(depth + 1)
        this.value(depth + 1)
      } else return byte
    }
  }

  private need(depth: number): number {
    const next = this.bytes[this.at]!
    if (next > 0x23 && next !== 0x2c && next !== 0x3b) return next
    const byte = this.skipBlank(depth)
    if (byte === -1) throw NEED_MORE
    return byte
  }

  private value(depth: number): Json {
    const byte = this.need(depth)
    switch (byte) {
      case 0x22: return stringText(this.string())
      case 0x3a: return this.keyword()
      case 0x5b: return this.sequence(0x5d, depth)
      case 0x28: return this.sequence(0x29, depth)
      case 0x7b: return this.map(depth, '')
      case 0x23: return this.dispatch(depth)
      case 0x5c: return this.character()
      default: return this.integer(byte) ?? this.symbol()
    }
  }

  private sequence(closing: number, depth: number): Json[] {
    this.checkDepth(depth)
    this.at++
    const { lists } = this
    const base = lists.top
    while (this.need(depth) !== closing) lists.push(this.value(depth + 1))
    this.at++
    return lists.take(base)
  }

  /** `space`: of a map `#:space{...}`. */
  private map(depth: number, space: string): Json {
    this.checkDepth(depth)
    const [start, line] = [this.at, this.line]
    this.at++
    const object: { [key: string]: Json } = {}
    for (;;) {
      const byte = this.need(depth)
      if (byte === 0x7d) {
        this.at++
        return object
      }
      let key: string
      if (byte === 0x3a) key = qualified(this.keyword(), space)
      else if (byte === 0x22) key = stringText(this.string())
      else {
        const number = this.integer(byte)
        if (number === undefined) {
          this.at = start
          this.line = line
          return this.complexMap(depth)
        }
        key = String(number)
      }
      if (Object.hasOwn(object, key)) throw this.wrong(`the key '${key}' occurs twice in one map.`)
      setOwn(object, key, this.value(depth + 1))
    }
  }

  private complexMap(depth: number): Json {
    this.at++
    const entries: (readonly [Json, Json])[] = []
    while (this.need(depth) !== 0x7d) {
      const key = this.value(depth + 1)
      if (this.need(depth) === 0x7d) throw this.wrong('a map has a key without a value.')
      entries.push([key, this.value(depth + 1)])
    }
    this.at++
    entries.sort(([a], [b]) => canonicalOrder(a, b))
    for (let i = 1; i < entries.length; i++) if (canonicalOrder(entries[i - 1]![0], entries[i]![0]) === 0) throw this.wrong('a key occurs twice in one map.')
    return { '~#cmap': entries.flat() }
  }

  /** `#{...}`, `#tag form`, `##NaN`, `#:space{...}`. */
  private dispatch(depth: number): Json {
    this.at++
    if (this.at === this.end) throw NEED_MORE
    const next = this.bytes[this.at]!
    if (next === 0x7b) {
      const elements = this.sequence(0x7d, depth).sort(canonicalOrder)
      for (let i = 1; i < elements.length; i++) if (canonicalOrder(elements[i - 1]!, elements[i]!) === 0) throw this.wrong('an element occurs twice in one set.')
      return { '~#set': elements }
    }
    if (next === 0x23) {
      this.at++
      const name = this.token()
      if (name !== 'NaN' && name !== 'Inf' && name !== '-Inf') throw this.wrong(`there is no ##${name}.`)
      return `~z${name}`
    }
    const tag = this.token()
    if (tag === '') throw this.wrong(`not EDN: #${this.excerpt(this.at)}`)
    this.checkDepth(depth)
    if (tag.startsWith(':') && this.need(depth) === 0x7b) return this.map(depth, tag.slice(1))
    const byte = this.need(depth)
    if (byte === 0x22 && tag === 'inst') return `~t${this.string()}`
    if (byte === 0x22 && tag === 'uuid') return `~u${this.string()}`
    return { [`~#${tag}`]: this.value(depth + 1) }
  }

  private checkDepth(depth: number): void {
    if (depth >= MAX_VALUE_DEPTH) throw new TrialError('input', `line ${this.line}: nested more than ${MAX_VALUE_DEPTH} levels deep.`)
  }

  /** An integer of usual size; anything else is left where it is, or taken as the number that it is. */
  private integer(first: number): number | undefined {
    const { bytes, end } = this
    let { at } = this
    if (first === 0x2d || first === 0x2b) at++
    const digits = at
    let value = 0
    for (;; at++) {
      const digit = bytes[at]! - 48
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
    }
    if (at >= end) throw NEED_MORE
    const count = at - digits
    if (count === 0 || count > SAFE_DIGITS || DELIMITER[bytes[at]!] === 0 || (count > 1 && bytes[digits] === 48)) return undefined
    this.at = at
    return first === 0x2d && value !== 0 ? -value : value
  }

  /** nil, true, false, every other number, or a symbol. */
  private symbol(): Json {
    const [start, line] = [this.at, this.line]
    const token = this.token()
    switch (token) {
      case 'nil': return null
      case 'true': return true
      case 'false': return false
      default:
    }
    if (/^[+-]?\d/.test(token)) {
      if (INTEGER.test(token)) return integerText(token.replace('N', ''))
      const ratio = RATIO.exec(token)
      const number = ratio === null ? this.otherNumber(token) : ratioText(ratio[1]!, ratio[2]!)
      if (number !== undefined) return number
      throw this.wrong(`'${token.slice(0, 60)}' is no number.`)
    }
    if (!/^[\p{L}*!_?$%&=<>|+\-.][\p{L}\p{N}*!_?$%&=<>|+\-.#:'/]*$|^\/$/u.test(token)) {
      this.line = line
      throw this.wrong(`not EDN: ${this.excerpt(start)}`)
    }
    return `~$${token}`
  }

  private otherNumber(token: string): Json | undefined {
    const hex = HEX.exec(token)
    if (hex !== null) return integerText(String(BigInt(`0x${hex[2]}`) * (hex[1] === '-' ? -1n : 1n)))
    if (!FRACTION.test(token)) return undefined
    return token.endsWith('M') ? `~f${token}` : floatText(token)
  }

  /** The name of a keyword, without its colon. */
  private name(): string {
    this.at++
    const name = this.token()
    if (name === '' || name === ':' || name.startsWith(':')) throw this.wrong(`not EDN: :${this.excerpt(this.at)}`)
    return name
  }

  private keyword(): string {
    const name = this.name()
    let text = this.keywords.get(name)
    if (text === undefined) {
      text = keywordText(name)
      if (this.keywords.size < 10_000) this.keywords.set(name, text)
    }
    return text
  }

  private character(): Json {
    this.at++
    if (this.at === this.end) throw NEED_MORE
    // The character itself may be a delimiter.
    const start = this.at
    if (DELIMITER[this.bytes[start]!] === 1) this.at++
    const rest = this.at > start ? String.fromCharCode(this.bytes[start]!) : this.token()
    if (!CHARACTER.test(rest)) throw this.wrong(`there is no character \\${rest.slice(0, 20)}.`)
    return `~c${rest}`
  }

  /** Everything up to a delimiter. */
  private token(): string {
    const { bytes, end } = this
    const start = this.at
    let hash = 0
    let high = 0
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!
      if (DELIMITER[byte] === 1) {
        this.at = at
        return high < 0x80 ? this.ascii(start, at, hash) : this.utf8(start, at)
      }
      high |= byte
      hash = (Math.imul(hash, 31) + byte) | 0
    }
    if (this.drained) {
      this.at = end
      return this.utf8(start, end)
    }
    throw NEED_MORE
  }

  private string(): string {
    const { bytes, end } = this
    const start = ++this.at
    let hash = 0
    let high = 0
    let escaped = false
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!
      if (byte === 0x22) {
        this.at = at + 1
        if (high < 0x80 && !escaped) return this.ascii(start, at, hash)
        const text = this.utf8(start, at)
        return escaped ? this.unescape(text) : text
      }
      if (byte === 0x5c) {
        escaped = true
        at++
      } else if (byte === 10) this.line++
      high |= byte
      hash = (Math.imul(hash, 31) + byte) | 0
    }
    throw NEED_MORE
  }

  private unescape(text: string): string {
    return text.replace(/\\(u[\da-fA-F]{4}|[0-7]{1,3}|[^])/g, (_, escape: string) => {
      const first = escape[0]!
      if (first === 'u' && escape.length === 5) return String.fromCharCode(Number.parseInt(escape.slice(1), 16))
      if (first >= '0' && first <= '7') return String.fromCharCode(Number.parseInt(escape, 8))
      const plain = { t: '\t', r: '\r', n: '\n', b: '\b', f: '\f', '"': '"', '\\': '\\' }[first]
      if (plain === undefined) throw this.wrong(`there is no escape \\${first}.`)
      return plain
    })
  }

  private wrong(what: string): TrialError {
    return new TrialError('input', `line ${this.line}: ${what}`, HINT)
  }
}

function qualified(keyword: string, space: string): string {
  if (space === '') return keyword
  const name = keyword.startsWith('~:') ? keyword.slice(2) : keyword
  if (name.startsWith('_/')) return `~:${name.slice(2)}`
  return name.includes('/') ? `~:${name}` : `~:${space}/${name}`
}
