/** Which of the records that a share group has acquired belong to aborted transactions. */
import { describe, expect, it } from 'vitest'
import { abortedRanges } from '../../../src/broker/share/aborted-ranges.ts'
import { buildEndTxnMarker } from '../../../src/protocol/records/control-records.ts'
import { buildBatch, stampOffsets } from '../../../src/protocol/records/record-batch.ts'

/** `7:a 7:b 8:c !7 -7 x`: batches of producers (each letter a record), a commit and an abort of 7, and a batch of nobody. */
function log(text: string): Uint8Array {
  let offset = 0
  const parts = text.split(' ').map(part => {
    const marker = /^([!-])(\d)$/.exec(part)
    const data = /^(\d):(\w+)$/.exec(part)
    const values = [...(data?.[2] ?? part)]
    const bytes = marker !== null
      ? buildEndTxnMarker({ commit: marker[1] === '!', timestamp: 0, producerId: Number(marker[2]), producerEpoch: 0, coordinatorEpoch: 0 })
      : buildBatch({ records: values.map(value => ({ timestamp: 0, key: null, value: new TextEncoder().encode(value) })), ...(data === null ? {} : { producerId: Number(data[1]), producerEpoch: 0, baseSequence: 0, isTransactional: true }) })
    stampOffsets(bytes, 0, offset, 0)
    offset += marker === null ? values.length : 1
    return bytes
  })
  return Uint8Array.from(parts.flatMap(part => [...part]))
}

const aborted = (text: string, ...transactions: readonly (readonly [producerId: number, firstOffset: number])[]): string[] =>
  abortedRanges(log(text), transactions.map(([producerId, firstOffset]) => ({ producerId, firstOffset }))).map(({ firstOffset, lastOffset }) => `${firstOffset}-${lastOffset}`)

describe('aborted ranges', () => {
  it('are the batches of a transaction up to its marker', () => {
    expect(aborted('7:ab 7:c -7 7:d !7', [7, 0])).toEqual(['0-1', '2-2'])
  })

  it('leave out what others wrote between, in transactions or not', () => {
    expect(aborted('7:a 8:b x 7:c !8 -7', [7, 0])).toEqual(['0-0', '3-3'])
  })

  it('may begin before what was read, and end behind it', () => {
    expect(aborted('7:a 7:b', [7, -3])).toEqual(['0-0', '1-1'])
  })

  it('are those of every transaction that aborted, also one right after another', () => {
    expect(aborted('7:a -7 7:b -7 8:c -8', [8, 4], [7, 0], [7, 2])).toEqual(['0-0', '2-2', '4-4'])
    expect(aborted('7:a !7 7:b -7', [7, 2])).toEqual(['2-2'])
  })

  it('are none without aborted transactions', () => {
    expect(aborted('7:a !7')).toEqual([])
  })
})
