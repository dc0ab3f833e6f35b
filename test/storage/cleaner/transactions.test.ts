/** Transactions under compaction: aborted data goes, markers stay as long as they decide anything, the abort index with them. */
import { describe, expect, it } from 'vitest'
import type { DefectId } from '../../../src/config/defects.ts'
import { CompactedLog, keyed, RETENTION_MS } from './compacted-log.ts'

const bare = (texts: readonly string[]): string[] => texts.map(text => text.replace(/\[.*/, ''))

describe('a transaction', () => {
  it('that was aborted loses its data at once and its marker after the horizon', () => {
    const compacted = new CompactedLog().write('a=1', 'b=1').send('a=2 b=2', 7, 0).end(7, false).write('c=1').clean()
    // Its producer's last batch is kept, empty.
    expect(bare(compacted.contents())).toEqual(['0:a=1', '1:b=1', '2:', '4:!abort', '5:c=1'])
    expect(compacted.log.abortedTransactions(0, 10).map(({ firstOffset, lastOffset }) => [firstOffset, lastOffset])).toEqual([[2, 4]])
    // A new batch of the producer lets the empty one go; the round after that finds that the marker has nothing left to abort.
    compacted.send('d=1', 7, 2).end(7, true).clean()
    expect(compacted.contents()).toEqual(['0:a=1', '1:b=1', '4:!abort', '5:c=1', '6:d=1', '7:!commit'])
    expect(compacted.log.abortedTransactions(0, 10)).toHaveLength(1)
    compacted.write('c=2').clean()
    expect(compacted.contents()).toContainEqual(expect.stringMatching(/^4:!abort\[\d+\]$/))
    expect(compacted.log.abortedTransactions(0, 10)).toEqual([])
    compacted.later(RETENTION_MS)
    compacted.write('c=3').clean()
    expect(bare(compacted.contents())).toEqual(['0:a=1', '1:b=1', '6:d=1', '7:!commit', '9:c=3'])
    expect(compacted.marks).toEqual(expect.arrayContaining(['cleaned-aborted-removed', 'cleaned-marker-removed']))
  })

  it('may begin in one group of segments and end in another (KAFKA-8351)', () => {
    const compacted = new CompactedLog({ config: { segmentBytes: 160 } }).send('a=1', 7, 0).send('b=1', 7, 1).send('c=1', 7, 2).end(7, false).write('d=1').clean()
    expect(compacted.contents()).toEqual(['2:', '3:!abort', '4:d=1'])
    expect(compacted.log.abortedTransactions(0, 10)).toHaveLength(1)
    expect(compacted.marks).toContain('cleaned-between-data-and-marker')
  })

  it('that is open keeps the cleaner below it', () => {
    const compacted = new CompactedLog().write('a=1', 'a=2').send('a=3', 7, 0).write('a=4').clean()
    expect(compacted.contents()).toEqual(['1:a=2', '2:a=3', '3:a=4'])
    expect(compacted.end(7, true).clean().contents()).toEqual(['2:', '3:a=4', '4:!commit'])
  })

  it('keeps its marker while data of it is left beyond what the map covers', () => {
    const compacted = new CompactedLog().write('a=1').send('b=1 c=1', 7, 0).end(7, true).write('a=2').clean()
    compacted.later(RETENTION_MS)
    expect(bare(compacted.write('a=3').clean().contents())).toEqual(['1:b=1', '2:c=1', '3:!commit', '5:a=3'])
  })

  it('has a first record that a cleaning does not resurrect: nothing aborted enters the key map', () => {
    const compacted = new CompactedLog().write('a=1').send('a=2', 7, 0).end(7, false).write('b=1').clean()
    expect(compacted.contents().slice(0, 2)).toEqual(['0:a=1', '1:'])
  })

  it('is told by the monitor\'s facts when its marker goes', () => {
    const compacted = new CompactedLog().send('a=1', 7, 0).end(7, true).send('a=2', 7, 1).end(7, true).write('b=1').clean().write('b=2').clean()
    compacted.later(RETENTION_MS)
    compacted.write('b=3').clean()
    const gone = compacted.env.observed('log-cleaned').flatMap(({ removed }) => removed).filter(({ what }) => what === 'marker')
    expect(gone).toMatchObject([{ offset: 1, data: -1 }])
  })
})

describe('a map that ends within a segment', () => {
  /** Two keys fit: the map ends behind offset 1, in the middle of a segment that goes on with an aborted transaction. */
  const half = (defect?: DefectId): CompactedLog => {
    const compacted = new CompactedLog({ server: { logCleanerOffsetMapKeys: 2 }, config: { minCleanableDirtyRatio: 0, segmentBytes: 100_000 }, ...(defect === undefined ? {} : { defects: new Set([defect]) }) })
    const log = compacted.log
    const append = (text: string, o: object = {}): void => void log.appendAsLeader(keyed(text, o), 1, 'client')
    append('a=1')
    append('b=1')
    append('c=1')
    append('d=9', { producerId: 7, producerEpoch: 0, baseSequence: 0, isTransactional: true })
    append('e=9', { producerId: 7, producerEpoch: 0, baseSequence: 1, isTransactional: true })
    compacted.end(7, false)
    return compacted.write('f=1')
  }

  it('knows of the transactions behind the map (KAFKA-13727)', () => {
    const right = half()
    right.env.advance(20)
    const first = right.env.observed('log-cleaned')[0]!
    expect(first.stamped).toEqual([])
    expect(right.log.abortedTransactions(0, 10).map(({ firstOffset }) => firstOffset)).toEqual([3])
  })

  it('takes their markers for empty ones with KAFKA-13727', () => {
    const wrong = half('KAFKA-13727')
    wrong.env.advance(20)
    const first = wrong.env.observed('log-cleaned')[0]!
    expect(first.stamped.map(({ baseOffset }) => baseOffset)).toEqual([5])
    expect(wrong.log.abortedTransactions(0, 10)).toEqual([])
    expect(wrong.contents()).toContain('3:d=9')
  })
})

describe('the last batch of a producer', () => {
  const marked = (defects: readonly DefectId[]): CompactedLog => {
    const compacted = new CompactedLog({ defects: new Set(defects) })
    // Two epochs of one producer, both with a batch that ends with sequence 0.
    compacted.send('a=1', 7, 0, { isTransactional: false }).send('b=1', 7, 0, { isTransactional: false, producerEpoch: 1 }).write('a=2', 'b=2').clean()
    return compacted
  }

  it('is told by its offset', () => {
    const right = marked([])
    expect(right.contents()).toEqual(['1:', '2:a=2', '3:b=2'])
    expect(right.env.observed('log-cleaned').flatMap(({ needless }) => needless)).toEqual([])
  })

  it('is told by its sequence with KAFKA-8335, so that others stay as well', () => {
    const wrong = marked(['KAFKA-8335'])
    expect(wrong.contents()).toEqual(['0:', '1:', '2:a=2', '3:b=2'])
    expect(wrong.env.observed('log-cleaned').flatMap(({ needless }) => needless)).toEqual([0])
  })
})

describe('the marker of a committed transaction and a record whose key has the same four bytes', () => {
  const cleaned = (defects: readonly DefectId[]): CompactedLog =>
    new CompactedLog({ defects: new Set(defects) }).send('a=1', 7, 0).end(7, true).write('\u0000\u0000\u0000\u0001=9', 'b=1').clean()
  const openAfterRebuild = ({ env, log }: CompactedLog): number => {
    env.settle()
    for (const name of env.disk.list(log.directory)) if (name.endsWith('.snapshot')) env.disk.remove(`${log.directory}/${name}`)
    return new CompactedLog({ disk: env.disk, clock: env.clock }).log.producers.describe().find(({ producerId }) => producerId === 7)!.currentTxnFirstOffset
  }

  it('have nothing to do with each other', () => {
    const right = cleaned([])
    expect(right.contents()).toEqual(['0:a=1', '1:!commit', '2:\u0000\u0000\u0000\u0001=9', '3:b=1'])
    expect(openAfterRebuild(right)).toBe(-1)
  })

  it('are one key with KAFKA-14055, and who reads the log anew finds the transaction open', () => {
    const wrong = cleaned(['KAFKA-14055'])
    expect(wrong.contents()).toEqual(['0:a=1', '2:\u0000\u0000\u0000\u0001=9', '3:b=1'])
    expect(openAfterRebuild(wrong)).toBe(0)
  })
})
