/**
 * Reading and writing of Kafka's primitive types. The reader checks every length against what is left, so arbitrary
 * bytes give a DecodeError and never an allocation larger than the input warrants.
 */
import { invariant } from '../base/assert.ts'
import { uuidFromBytes, uuidIntoBytes } from './uuid.ts'

export class DecodeError extends Error {
  override readonly name: string = 'DecodeError'
}

// Without ignoreBOM a leading U+FEFF would vanish.
const decoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })
const encoder = new TextEncoder()
const EMPTY = new Uint8Array(0)

/** Length in UTF-8. A lone surrogate is refused: bytes would turn it into U+FFFD and the two transports would differ. */
export function utf8Length(text: string): number {
  let length = text.length
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x80) continue
    if (code < 0x800) length += 1
    else if (code >= 0xd800 && code < 0xe000) {
      invariant(code < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00, `lone surrogate at ${i} of a string`)
      length += 2
      i++
    } else length += 2
  }
  return length
}

export function uvarintSize(value: number): number {
  let size = 1
  for (let rest = value >>> 0; rest >= 0x80; rest >>>= 7) size++
  return size
}

export class Writer {
  readonly bytes: Uint8Array
  private readonly view: DataView
  position = 0

  constructor(size: number) {
    this.bytes = new Uint8Array(size)
    this.view = new DataView(this.bytes.buffer)
  }

  int8(value: number): void {
    this.view.setInt8(this.position, value)
    this.position += 1
  }

  bool(value: boolean): void {
    this.bytes[this.position++] = value ? 1 : 0
  }

  int16(value: number): void {
    this.view.setInt16(this.position, value)
    this.position += 2
  }

  uint16(value: number): void {
    this.int16(value)
  }

  int32(value: number): void {
    this.view.setInt32(this.position, value)
    this.position += 4
  }

  uint32(value: number): void {
    this.view.setUint32(this.position, value)
    this.position += 4
  }

  int64(value: number): void {
    this.view.setInt32(this.position, Math.floor(value / 0x100000000))
    this.view.setUint32(this.position + 4, value >>> 0)
    this.position += 8
  }

  float64(value: number): void {
    this.view.setFloat64(this.position, value)
    this.position += 8
  }

  uvarint(value: number): void {
    let rest = value >>> 0
    while (rest >= 0x80) {
      this.bytes[this.position++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.bytes[this.position++] = rest
  }

  uuid(value: string): void {
    uuidIntoBytes(value, this.bytes, this.position)
    this.position += 16
  }

  raw(value: Uint8Array): void {
    this.bytes.set(value, this.position)
    this.position += value.length
  }

  text(value: string): void {
    const { written } = encoder.encodeInto(value, this.bytes.subarray(this.position))
    this.position += written
  }
}

export class Reader {
  readonly bytes: Uint8Array
  private readonly view: DataView
  position: number
  readonly end: number

  constructor(bytes: Uint8Array, position = 0, end = bytes.length) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.position = position
    this.end = end
  }

  get left(): number {
    return this.end - this.position
  }

  private take(length: number): number {
    const at = this.position
    if (length < 0 || length > this.end - at) throw new DecodeError(`${length} bytes wanted at ${at}, ${this.end - at} left`)
    this.position = at + length
    return at
  }

  int8(): number {
    return this.view.getInt8(this.take(1))
  }

  bool(): boolean {
    return this.bytes[this.take(1)] !== 0
  }

  int16(): number {
    return this.view.getInt16(this.take(2))
  }

  uint16(): number {
    return this.view.getUint16(this.take(2))
  }

  int32(): number {
    return this.view.getInt32(this.take(4))
  }

  uint32(): number {
    return this.view.getUint32(this.take(4))
  }

  int64(): number {
    const at = this.take(8)
    const value = this.view.getInt32(at) * 0x100000000 + this.view.getUint32(at + 4)
    if (!Number.isSafeInteger(value)) throw new DecodeError(`int64 at ${at} is beyond the safe integers`)
    return value
  }

  float64(): number {
    return this.view.getFloat64(this.take(8))
  }

  uvarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.bytes[this.take(1)]!
      value += (byte & 0x7f) * (shift < 28 ? 1 << shift : 0x10000000)
      if (byte < 0x80) {
        if (value > 0xffffffff) break
        return value
      }
    }
    throw new DecodeError(`varint at ${this.position} is too long`)
  }

  uuid(): string {
    return uuidFromBytes(this.bytes, this.take(16))
  }

  raw(length: number): Uint8Array {
    const at = this.take(length)
    // Not slice(): that of a Buffer shares memory.
    return length === 0 ? EMPTY : new Uint8Array(this.bytes.subarray(at, at + length))
  }

  text(length: number): string {
    const at = this.take(length)
    return decoder.decode(this.bytes.subarray(at, at + length))
  }

  /** Checks a count of elements that take at least one byte each. */
  count(value: number): number {
    if (value > this.left) throw new DecodeError(`${value} elements announced at ${this.position}, ${this.left} bytes left`)
    return value
  }
}
