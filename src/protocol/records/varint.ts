/** Zigzag varints of the record format (protocol buffers' sint32/sint64). */
import { DecodeError } from '../wire.ts'

/** Size of a signed varint; also right for varlongs within the safe integers. */
export function varintSize(value: number): number {
  let rest = value >= 0 ? value * 2 : -value * 2 - 1
  let size = 1
  while (rest >= 0x80) {
    rest = Math.floor(rest / 0x80)
    size++
  }
  return size
}

/** Writes at `position`, returns the position behind. */
export function writeVarint(bytes: Uint8Array, position: number, value: number): number {
  let rest = value >= 0 ? value * 2 : -value * 2 - 1
  let at = position
  while (rest >= 0x80) {
    bytes[at++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  bytes[at++] = rest
  return at
}

/** A cursor that reads varints; `position` moves. */
export class VarintReader {
  readonly bytes: Uint8Array
  position: number
  readonly end: number

  constructor(bytes: Uint8Array, position: number, end: number) {
    this.bytes = bytes
    this.position = position
    this.end = end
  }

  read(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < 10; i++) {
      if (this.position >= this.end) throw new DecodeError('varint beyond the end')
      const byte = this.bytes[this.position++]!
      value += (byte & 0x7f) * scale
      scale *= 0x80
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break
        return value % 2 === 0 ? value / 2 : -(value + 1) / 2
      }
    }
    throw new DecodeError('varint too long')
  }

  /** A copy of the next bytes; null for length -1. */
  bytesOrNull(): Uint8Array | null {
    const length = this.read()
    if (length < 0) return null
    if (length > this.end - this.position) throw new DecodeError(`${length} bytes wanted, ${this.end - this.position} left`)
    const slice = new Uint8Array(this.bytes.subarray(this.position, this.position + length))
    this.position += length
    return slice
  }
}
