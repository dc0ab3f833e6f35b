/** What a round of cleaning leaves of a log. */
import { describe, expect, it } from 'vitest'
import { batchPositions, baseOffsetOf, lastOffsetOf, lastSequenceOf, readRecords } from '../../../src/protocol/records/record-batch.ts'
import { CompactedLog, keyed, RETENTION_MS } from './compacted-log.ts'

describe('a cleaning', () => {
  it('leaves the last value of each key, at its offset, but for the active segment', () => {
    const compacted = new CompactedLog().write('a=1 b=1', 'a=2', 'c=1', 'b=2 a=3')
    compacted.log.appendAsLeader(keyed('c=9'), 1, 'client')
    compacted.clean()
    expect(compacted.contents()).toEqual(['3:c=1', '4:b=2', '5:a=3', '6:c=9'])
    const [swap] = compacted.env.observed('log-cleaned')
    expect(swap!.removed.map(({ offset, what, newer }) => [offset, what, newer])).toEqual([[0, 'value', 5], [1, 'value', 4], [2, 'value', 5]])
    expect([swap!.altered, swap!.forgotten, swap!.needless]).toEqual([[], [], []])
  })

  it('keeps offsets and extent of a thinned batch, and reads go over the gaps', () => {
    const compacted = new CompactedLog({ config: { segmentBytes: 400 } }).write('a=1 b=1 c=1', 'a=2', 'c=2').clean()
    const bytes = compacted.log.read(0, 10_000, 5, true)
    const [at] = batchPositions(bytes)
    expect([baseOffsetOf(bytes, at!), lastOffsetOf(bytes, at!), readRecords(bytes, at!).map(({ offset }) => offset)]).toEqual([0, 2, [1]])
    expect(batchPositions(compacted.log.read(3, 10_000, 5, true)).length).toBe(2)
  })

  it('removes nothing at or above the high watermark', () => {
    const compacted = new CompactedLog().write('a=1', 'a=2')
    compacted.log.appendAsLeader(keyed('a=3'), 1, 'client')
    compacted.roll()
    compacted.clean()
    expect(compacted.contents()).toEqual(['1:a=2', '2:a=3'])
    compacted.log.updateHighWatermark(3)
    expect(compacted.clean().contents()).toEqual(['2:a=3'])
  })

  it('does not look at what is younger than min.compaction.lag.ms, nor at a log that is clean enough, unless it is overdue', () => {
    const young = new CompactedLog({ config: { minCompactionLagMs: 500 } }).write('a=1', 'a=2').clean()
    expect(young.contents()).toEqual(['0:a=1', '1:a=2'])
    expect(young.later(500).contents()).toEqual(['1:a=2'])
    const clean = new CompactedLog({ config: { minCleanableDirtyRatio: 0.6, maxCompactionLagMs: 500 } }).write('a=1', 'b=2').clean().write('a=2').clean()
    expect(clean.contents()).toEqual(['0:a=1', '1:b=2', '2:a=2'])
    expect(clean.later(500).contents()).toEqual(['1:b=2', '2:a=2'])
  })

  it('goes as far as its map holds keys, and on from there', () => {
    const compacted = new CompactedLog({ server: { logCleanerOffsetMapKeys: 2 } }).write('a=1', 'b=1', 'c=1', 'a=2', 'b=2', 'c=2')
    compacted.clean().clean().clean().clean()
    expect(compacted.contents()).toEqual(['3:a=2', '4:b=2', '5:c=2'])
    expect(compacted.marks).toContain('cleaner-map-full')
  })

  it('groups small segments into one', () => {
    const compacted = new CompactedLog({ config: { segmentBytes: 250 } }).write('a=1', 'b=1', 'c=1', 'd=1', 'e=1', 'f=1').clean()
    expect(compacted.log.segments.map(({ baseOffset, size }) => [baseOffset, size > 0])).toEqual([[0, true], [3, true], [6, false]])
    expect(compacted.env.disk.list('data/orders-0').filter(name => /cleaned|swap/.test(name))).toEqual([])
  })

  it('starts over from the log start when its checkpoint makes no sense, and remembers it over a restart', () => {
    const first = new CompactedLog().write('a=1', 'a=2', 'b=1').clean()
    first.env.settle()
    const second = new CompactedLog({ disk: first.env.disk, clock: first.env.clock }).write('c=1')
    second.log.updateHighWatermark(second.log.logEndOffset)
    second.clean()
    expect(second.env.observed('log-cleaned').map(({ firstDirty }) => firstDirty)).toEqual([3])
    const text = new TextDecoder().decode(second.env.disk.files.get('data/cleaner-offset-checkpoint')!.bytes)
    expect(text).toBe('0\n1\norders 0 4\n')
    second.env.disk.files.get('data/cleaner-offset-checkpoint')!.bytes = new TextEncoder().encode('0\n1\norders 0 400\n')
    const third = new CompactedLog({ disk: second.env.disk, clock: second.env.clock }).write('b=2').clean()
    expect(third.env.observed('log-cleaned')[0]!.firstDirty).toBe(0)
    expect(third.contents()).toEqual(['1:a=2', '3:c=1', '4:b=2'])
  })
})

describe('a tombstone', () => {
  it('is stamped by the first pass and goes after delete.retention.ms', () => {
    const compacted = new CompactedLog().write('a=1', 'a', 'b=1').clean()
    const horizon = compacted.env.observed('log-cleaned')[0]!.wallClock + RETENTION_MS
    expect(compacted.contents()).toEqual([`1:a[${horizon}]`, '2:b=1'])
    compacted.write('b=2').clean()
    expect(compacted.contents()).toEqual([`1:a[${horizon}]`, '3:b=2'])
    compacted.later(RETENTION_MS)
    compacted.write('b=3').clean()
    expect(compacted.contents()).toEqual(['4:b=3'])
    const gone = compacted.env.observed('log-cleaned').flatMap(({ removed }) => removed).find(({ what }) => what === 'tombstone')
    expect(gone).toMatchObject({ offset: 1, key: 'a', horizon, newer: -1, older: -1 })
  })

  it('goes at once when a newer value follows, and keeps its timestamps when stamped', () => {
    const compacted = new CompactedLog().write('a=1', 'a', 'b', 'a=2').clean()
    expect(compacted.contents().map(text => text.replace(/\[.*/, ''))).toEqual(['2:b', '3:a=2'])
    expect(compacted.log.offsetForTimestamp(1_000_000)).toMatchObject({ offset: 2, timestamp: 1_000_000 })
  })
})

describe('producers', () => {
  it('keep their last batch, empty if need be, so that a replay tells how far they got', () => {
    const compacted = new CompactedLog()
      .send('a=1', 7, 0, { isTransactional: false }).send('b=1', 7, 1, { isTransactional: false }).write('a=2 b=2', 'c=1').clean()
    expect(compacted.contents()).toEqual(['1:', '2:a=2', '3:b=2', '4:c=1'])
    const restarted = new CompactedLog({ disk: compacted.env.disk })
    const bytes = restarted.log.read(1, 10_000, 2, true)
    expect(lastSequenceOf(bytes, 0)).toBe(1)
    expect(restarted.log.producers.describe()).toMatchObject([{ producerId: 7, lastSequence: 1 }])
    expect(() => restarted.log.appendAsLeader(keyed('d=1', { producerId: 7, producerEpoch: 0, baseSequence: 5 }), 1, 'client')).toThrow('OUT_OF_ORDER')
    // Nothing is kept for its sake once it has written again.
    restarted.log.appendAsLeader(keyed('d=1', { producerId: 7, producerEpoch: 0, baseSequence: 2 }), 1, 'client')
    restarted.roll()
    restarted.write('e=1').clean()
    expect(restarted.contents()).toEqual(['2:a=2', '3:b=2', '4:c=1', '5:d=1', '6:e=1'])
  })

  it('do not mislead those who ask for offsets by timestamp by a batch without records', () => {
    const compacted = new CompactedLog().write(keyed('a=1', { producerId: 7, producerEpoch: 0, baseSequence: 0, timestamp: 2_000_000 }), keyed('a=2', { timestamp: 1_500_000 })).clean()
    expect(compacted.contents()).toEqual(['0:', '1:a=2'])
    expect(compacted.log.offsetForTimestamp(1_400_000)).toMatchObject({ offset: 1 })
  })
})
