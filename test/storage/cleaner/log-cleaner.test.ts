/** When the cleaner must let go of a log, what else it does with it, and what it makes of a spoiled one. */
import { describe, expect, it } from 'vitest'
import { TOPIC_ID } from '../log-fixture.ts'
import { BACKOFF_MS, CompactedLog, keyed } from './compacted-log.ts'

/** In the middle of a round: the key map is built, nothing is swapped yet. */
function midway(o: ConstructorParameters<typeof CompactedLog>[0] = {}): CompactedLog {
  const compacted = new CompactedLog({ ...o, server: { logCleanerReadMs: 10, logCleanerBackoffMs: BACKOFF_MS } })
  compacted.write('a=1', 'b=1', 'a=2', 'b=2')
  compacted.log.appendAsLeader(keyed('z=1'), 1, 'client')
  // Begun after the first backoff; ten milliseconds a segment, four segments of map, then the first of the rewrite.
  compacted.later(BACKOFF_MS + 45)
  expect(compacted.env.observed('log-cleaned')).toEqual([])
  expect(compacted.env.disk.list('data/orders-0').some(name => name.endsWith('.cleaned'))).toBe(true)
  return compacted
}

const cleanedFiles = ({ env }: CompactedLog): string[] => [...env.disk.files.keys()].filter(name => /\.(cleaned|swap)$/.test(name))
const checkpoint = ({ env }: CompactedLog): string => {
  env.settle()
  return new TextDecoder().decode(env.disk.files.get('data/cleaner-offset-checkpoint')?.bytes ?? new Uint8Array(0))
}

describe('a cleaning under way', () => {
  it('ends when a truncation takes segments, touches nothing any more, and is done again', () => {
    const compacted = midway()
    compacted.log.truncateTo(2, 'diverging-epoch')
    compacted.later(15)
    expect([cleanedFiles(compacted), compacted.marks.filter(name => name === 'cleaning-interrupted').length]).toEqual([[], 1])
    expect(compacted.contents()).toEqual(['0:a=1', '1:b=1'])
    expect(checkpoint(compacted)).not.toContain('orders')
    compacted.roll()
    compacted.write('a=3').later(500)
    expect(compacted.contents()).toEqual(['1:b=1', '2:a=3'])
  })

  it('goes on when only the active segment is cut', () => {
    const compacted = midway()
    compacted.log.truncateTo(4, 'diverging-epoch')
    compacted.later(500)
    expect(compacted.contents()).toEqual(['2:a=2', '3:b=2'])
    expect(compacted.marks).not.toContain('cleaning-interrupted')
  })

  it('ends when the partition leaves, and leaves nothing to the next log of that name', () => {
    const compacted = midway()
    compacted.manager.delete(TOPIC_ID, 0)
    const next = compacted.log = compacted.manager.getOrCreate('orders', 'BBBBBBBBBBBBBBBBBBBBBQ', 0)
    compacted.write('a=8', 'a=9').later(500)
    expect(compacted.marks).toContain('cleaning-interrupted')
    expect(compacted.contents()).toEqual(['1:a=9'])
    expect(compacted.env.disk.list(next.directory).filter(name => /cleaned|swap/.test(name))).toEqual([])
  })

  it('ends with a clean shutdown, after which all is as it was', () => {
    const compacted = midway()
    compacted.env.run(compacted.manager.shutdown(1))
    compacted.later(500)
    const again = new CompactedLog({ disk: compacted.env.disk, config: { minCompactionLagMs: 1e12 } })
    expect(again.contents()).toEqual(['0:a=1', '1:b=1', '2:a=2', '3:b=2', '4:z=1'])
  })
})

describe('the checkpoint', () => {
  it('falls back to the active segment when what was clean is cut', () => {
    const compacted = new CompactedLog({ config: { segmentBytes: 100 } }).write('a=1', 'b=1', 'a=2').clean()
    expect(checkpoint(compacted)).toContain('orders 0 3')
    compacted.log.truncateTo(2, 'diverging-epoch')
    expect(checkpoint(compacted)).toContain('orders 0 2')
    compacted.write('b=2').clean()
    expect(compacted.env.observed('log-cleaned').at(-1)!.firstDirty).toBe(2)
  })

  it('goes with its log', () => {
    const compacted = new CompactedLog().write('a=1', 'a=2').clean()
    expect(checkpoint(compacted)).toContain('orders')
    compacted.manager.delete(TOPIC_ID, 0)
    expect(checkpoint(compacted)).toBe('0\n0\n')
  })
})

describe('retention', () => {
  it('of a log that is compacted and deleted comes with the cleaner', () => {
    const compacted = new CompactedLog({ config: { cleanupPolicy: 'compact,delete', retentionMs: 2_000, minCleanableDirtyRatio: 1 } })
    compacted.write(keyed('a=1', { timestamp: 1_000_000 }), keyed('b=1', { timestamp: 1_003_000 }))
    compacted.later(1_900)
    expect(compacted.log.logStartOffset).toBe(0)
    compacted.later(200)
    expect([compacted.log.logStartOffset, compacted.contents()]).toEqual([1, ['1:b=1']])
  })

  it('of a log that is only compacted removes what lies below its start, and nothing else', () => {
    const compacted = new CompactedLog({ config: { minCleanableDirtyRatio: 1, retentionMs: 1 } }).write('a=1', 'b=1', 'c=1')
    compacted.later(1_000)
    expect(compacted.log.segments[0]!.baseOffset).toBe(0)
    compacted.log.maybeIncrementLogStartOffset(2, 'delete-records')
    compacted.clean()
    expect(compacted.log.segments[0]!.baseOffset).toBe(2)
  })
})

describe('a batch that fails its CRC', () => {
  /** The value of offset 0 is spoiled on the disk; the batch has another record that will be superseded. */
  const spoiled = (mended: boolean): CompactedLog => {
    const compacted = new CompactedLog(mended ? { mends: new Set(['cleaner-trusts-crc']) } : {}).write('a=7 b=1', 'b=2')
    const file = [...compacted.env.disk.files].find(([path]) => path.endsWith('00000.log'))![1]
    file.bytes[file.bytes.indexOf('7'.charCodeAt(0), 61)] = '9'.charCodeAt(0)
    return compacted.clean()
  }

  it('gets one that is right', () => {
    const compacted = spoiled(false)
    expect(compacted.contents()).toEqual(['0:a=9', '2:b=2'])
    expect(compacted.env.observed('cleaner-trusted-crc').map(({ baseOffset }) => baseOffset)).toEqual([0, 0])
  })

  it('is left alone, and its log with it, when mended', () => {
    const compacted = spoiled(true)
    expect(compacted.contents()).toEqual(['corrupt', '0:a=9', '1:b=1', '2:b=2'])
    expect(compacted.env.observed('log-cleaned')).toEqual([])
    compacted.write('c=1', 'c=2').clean()
    expect(compacted.contents()).toContain('3:c=1')
    expect(compacted.marks.filter(name => name === 'log-uncleanable')).toHaveLength(1)
  })
})
