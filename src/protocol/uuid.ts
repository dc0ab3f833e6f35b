/**
 * Kafka Uuids: 16 bytes, written as 22 characters of unpadded URL-safe base 64 (org.apache.kafka.common.Uuid).
 */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const VALUES = new Int8Array(128).fill(-1)
for (let i = 0; i < ALPHABET.length; i++) VALUES[ALPHABET.charCodeAt(i)] = i

export const ZERO_UUID = 'AAAAAAAAAAAAAAAAAAAAAA'
/** Topic id of `__cluster_metadata`. */
export const METADATA_TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'

export function uuidFromBytes(bytes: Uint8Array, position = 0): string {
  let text = ''
  for (let i = 0; i < 15; i += 3) {
    const n = (bytes[position + i]! << 16) | (bytes[position + i + 1]! << 8) | bytes[position + i + 2]!
    text += ALPHABET[n >>> 18]! + ALPHABET[(n >>> 12) & 63]! + ALPHABET[(n >>> 6) & 63]! + ALPHABET[n & 63]!
  }
  const last = bytes[position + 15]!
  return text + ALPHABET[last >>> 2]! + ALPHABET[(last & 3) << 4]!
}

/** Writes the 16 bytes of a Uuid; text that is no Uuid is an error of the caller. */
export function uuidIntoBytes(text: string, bytes: Uint8Array, position: number): void {
  if (text.length !== 22) throw new RangeError(`not a Kafka Uuid: '${text}'`)
  let bits = 0
  let count = 0
  let at = position
  for (let i = 0; i < 22; i++) {
    const value = VALUES[text.charCodeAt(i)] ?? -1
    if (value < 0) throw new RangeError(`not a Kafka Uuid: '${text}'`)
    bits = ((bits << 6) | value) & 0xffffff
    count += 6
    if (count >= 8 && at < position + 16) {
      count -= 8
      bytes[at++] = (bits >>> count) & 0xff
    }
  }
}

export function uuidToBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(16)
  uuidIntoBytes(text, bytes, 0)
  return bytes
}

/** A Uuid from four 32-bit draws; never one of Kafka's reserved ids nor one that starts with a dash. */
export function uuidFromDraws(a: number, b: number, c: number, d: number): string {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, a)
  view.setUint32(4, b)
  view.setUint32(8, c)
  view.setUint32(12, d)
  bytes[0] = bytes[0]! & 0x7f
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  return uuidFromBytes(bytes)
}
