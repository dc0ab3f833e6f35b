import { describe, expect, it } from 'vitest'
import { Future } from '../../src/base/task.ts'
import { CompressionRatio } from '../../src/client/compression-ratio.ts'
import { ProducerBatch } from '../../src/client/producer-batch.ts'
import type { SendResult } from '../../src/client/send-result.ts'
import { COMPRESSION_TYPES } from '../../src/base/compression-type.ts'
import { baseSequenceOf, compressionOf, HEADER_SIZE, readRecords } from '../../src/protocol/records/record-batch.ts'

const value = new TextEncoder().encode('the same words '.repeat(20))
const record = { timestamp: 5, key: null, value }

/** How many of these records a batch of this limit takes. */
function fill(batch: ProducerBatch): number {
  let count = 0
  while (batch.tryAppend(record, new Future<SendResult>())) count++
  return count
}

describe('the guess of what a batch will take', () => {
  it('is the size itself at first, 5 % more, and follows what was seen: up at once, down by small steps', () => {
    const ratio = new CompressionRatio('lz4')
    expect(ratio.factor('t')).toBeCloseTo(1.05)
    ratio.observe('t', 0.2)
    expect(ratio.factor('t')).toBeCloseTo(0.995 * 1.05)
    for (let i = 0; i < 400; i++) ratio.observe('t', 0.2)
    expect(ratio.factor('t')).toBeCloseTo(0.2 * 1.05)
    ratio.observe('t', 0.21)
    expect(ratio.factor('t')).toBeCloseTo(0.25 * 1.05)
    ratio.observe('t', 0.9)
    expect(ratio.factor('t')).toBeCloseTo(0.9 * 1.05)
    expect(ratio.factor('other')).toBeCloseTo(1.05)
    ratio.reset('t', 0.3)
    expect(ratio.factor('t')).toBeCloseTo(1.05)
    ratio.reset('t', 1.4)
    expect(ratio.factor('t')).toBeCloseTo(1.4 * 1.05)
  })

  it('without compression is exact and learns nothing', () => {
    const ratio = new CompressionRatio('none')
    ratio.observe('t', 0.2)
    ratio.reset('t', 3)
    expect(ratio.factor('t')).toBe(1)
  })

  it('lets later batches hold more', () => {
    const ratio = new CompressionRatio('gzip')
    const first = new ProducerBatch('t', 0, 0, 2_000, 2_000, ratio)
    expect(fill(first)).toBe(6)
    first.close()
    for (let i = 0; i < 100; i++) ratio.observe('t', 0.1)
    expect(fill(new ProducerBatch('t', 0, 0, 2_000, 2_000, ratio))).toBeGreaterThan(9)
  })
})

describe.each(COMPRESSION_TYPES)('a batch with %s', type => {
  const closed = (): { batch: ProducerBatch; bytes: Uint8Array; count: number } => {
    const batch = new ProducerBatch('t', 0, 0, 4_000, 4_000, new CompressionRatio(type))
    const count = fill(batch)
    batch.setProducerState(3, 0, 40)
    return { batch, bytes: batch.close(), count }
  }

  it('says its codec and holds its records; closed, it knows its size', () => {
    const { batch, bytes, count } = closed()
    expect(COMPRESSION_TYPES[compressionOf(bytes, 0)]).toBe(type)
    expect(readRecords(bytes, 0)).toHaveLength(count)
    expect(readRecords(bytes, 0)[count - 1]!.value).toEqual(value)
    expect(batch.sizeInBytes).toBe(bytes.length)
    if (type !== 'none') expect(bytes.length).toBeLessThan(HEADER_SIZE + count * value.length / 2)
  })

  it('is divided into parts with the same codec and the numbers that follow', () => {
    const { batch, count } = closed()
    const parts = batch.split(1_000)
    expect(parts.length).toBeGreaterThan(1)
    expect(parts.reduce((sum, part) => sum + part.recordCount, 0)).toBe(count)
    let sequence = 40
    for (const part of parts) {
      const bytes = part.close()
      expect([COMPRESSION_TYPES[compressionOf(bytes, 0)], baseSequenceOf(bytes, 0)]).toEqual([type, sequence])
      sequence += part.recordCount
    }
  })
})
