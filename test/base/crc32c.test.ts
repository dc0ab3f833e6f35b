import { expect, it } from 'vitest'
import { crc32c } from '../../src/base/crc32c.ts'

/** The definition, bit by bit. */
function bitwise(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0)
  }
  return (crc ^ 0xffffffff) >>> 0
}

it('agrees with the vectors of RFC 3720 B.4', () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43)
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e)
})

it('agrees with the definition for every length and start around its step of eight', () => {
  const bytes = Uint8Array.from({ length: 64 }, (_, i) => (i * 73 + 41) & 0xff)
  for (let start = 0; start < 9; start++) {
    for (let end = start; end <= 40; end++) expect(crc32c(bytes, start, end)).toBe(bitwise(bytes.subarray(start, end)))
  }
})
