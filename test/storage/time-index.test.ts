/**
 * Offsets by timestamp: whatever order the timestamps come in, across segments, restarts, truncations and lost indexes, the
 * answer is the first record that is young enough, as a walk through the whole log finds it.
 */
import { describe, expect, it } from 'vitest'
import { below, draw32 } from '../../src/base/random.ts'
import { baseOffsetOf, batchPositions, readRecords } from '../../src/protocol/records/record-batch.ts'
import type { Log } from '../../src/storage/log.ts'
import { FakeEnv } from './fake-env.ts'
import { batch, DIRECTORY, openLog } from './log-fixture.ts'

const SMALL = { segmentBytes: 600, indexIntervalBytes: 90 }
const EPOCH = 1_000_000

function walk(log: Log, timestamp: number): number | undefined {
  for (let offset = log.logStartOffset; offset < log.logEndOffset;) {
    const bytes = log.read(offset, 1, log.logEndOffset, true)
    if (bytes.length === 0) throw new Error(`nothing at ${offset}`)
    for (const at of batchPositions(bytes)) {
      for (const record of readRecords(bytes, at)) {
        if (record.offset >= log.logStartOffset && record.timestamp >= timestamp) return record.offset
        offset = record.offset + 1
      }
    }
  }
  return undefined
}

function expectRight(log: Log): void {
  for (let timestamp = EPOCH - 10; timestamp < EPOCH + 110; timestamp += 3) expect(log.offsetForTimestamp(timestamp)?.offset, String(timestamp)).toBe(walk(log, timestamp))
}

/** Timestamps of clocks that jump about. */
function fill(log: Log, seed: number, count: number): void {
  for (let i = 0; i < count; i++) {
    const drawn = (what: string, most: number): number => below(draw32(1, what, seed, i, 0), most)
    log.appendAsLeader(batch(Array.from({ length: 1 + drawn('records', 3) }, (_, n) => `${i}-${n}`), { timestamp: EPOCH + drawn('time', 100) }), 0, 'client')
  }
  log.updateHighWatermark(log.logEndOffset)
}

const SEEDS = Array.from({ length: 25 }, (_, seed) => seed)
const filesOf = (env: FakeEnv, suffix: string): string[] => env.disk.list(DIRECTORY).filter(name => name.endsWith(suffix)).map(name => `${DIRECTORY}/${name}`)

describe('the time index', () => {
  it.each(SEEDS)('answers as a walk through the log does (%d)', seed => {
    const mended = { mends: new Set(['timestamp-below-log-start'] as const) }
    const env = new FakeEnv(undefined, mended)
    const log = openLog(env, { config: SMALL })
    fill(log, seed, 30)
    expect(log.segments.length).toBeGreaterThan(2)
    expectRight(log)
    log.truncateTo(baseOffsetOf(log.read(Math.floor(log.logEndOffset * 0.6), 1, log.logEndOffset, true), 0), 'diverging-epoch')
    expectRight(log)
    fill(log, seed + 100, 10)
    log.maybeIncrementLogStartOffset(7, 'delete-records')
    expectRight(log)
    expectRight(openLog(new FakeEnv(env.disk.copy(), mended), { config: SMALL, logStartOffset: 7 }))
    env.run(log.close())
    expectRight(openLog(new FakeEnv(env.disk, mended), { config: SMALL, clean: true, logStartOffset: 7 }))
  })

  it('known behaviour: a record below the log start hides the younger ones of later segments (UnifiedLog#searchOffsetInLocalLog)', () => {
    const found = (mends: readonly ['timestamp-below-log-start'] | readonly []) => {
      const env = new FakeEnv(undefined, { mends: new Set(mends) })
      const log = openLog(env, { config: { ...SMALL, segmentBytes: 200 } })
      for (const timestamp of [EPOCH + 9, EPOCH, EPOCH, EPOCH + 9]) log.appendAsLeader(batch(['a'], { timestamp }), 0, 'client')
      log.updateHighWatermark(4)
      log.maybeIncrementLogStartOffset(1, 'delete-records')
      return [log.offsetForTimestamp(EPOCH + 5)?.offset, env.observations.filter(({ kind }) => kind === 'timestamp-hidden').length]
    }
    expect([found([]), found(['timestamp-below-log-start'])]).toEqual([[undefined, 1], [3, 0]])
  })

  it('known behaviour: so do those of any number of segments below the log start that retention has yet to remove', () => {
    const found = (mends: readonly ['timestamp-below-log-start'] | readonly []) => {
      const env = new FakeEnv(undefined, { mends: new Set(mends) })
      const log = openLog(env, { config: { ...SMALL, segmentBytes: 80 } })
      for (let record = 0; record < 4; record++) log.appendAsLeader(batch(['a'], { timestamp: EPOCH + 9 }), 0, 'client')
      log.updateHighWatermark(4)
      log.maybeIncrementLogStartOffset(3, 'delete-records')
      return [log.segments.length, log.offsetForTimestamp(EPOCH + 5)?.offset, env.observations.filter(({ kind }) => kind === 'timestamp-hidden').length]
    }
    expect([found([]), found(['timestamp-below-log-start'])]).toEqual([[4, undefined, 1], [4, 3, 0]])
  })

  it.each(SEEDS)('is found corrupt when the log is loaded, even after a clean end, and built again (%d)', seed => {
    const env = new FakeEnv()
    const log = openLog(env, { config: SMALL })
    fill(log, seed, 30)
    env.run(log.close())
    const end = log.logEndOffset
    const harms: ((path: string) => void)[] = [
      path => env.disk.remove(path),
      path => env.disk.open(path).truncate(Math.max(0, env.disk.open(path).size - 5)),
      // Zeros, as a preallocated index holds behind its end: entries that do not rise.
      path => env.disk.open(path).append(new Uint8Array(24)),
      // An entry that points beyond the segment, or before it.
      path => env.disk.open(path).append(new Uint8Array(12).fill(path.endsWith('.index') ? 0x7f : 0)),
    ]
    const files = [...filesOf(env, '.timeindex'), ...filesOf(env, '.index')]
    for (const [index, path] of files.entries()) harms[(index + seed) % harms.length]!(path)
    const reloaded = openLog(new FakeEnv(env.disk), { config: SMALL, clean: true })
    expect(reloaded.logEndOffset).toBe(end)
    expectRight(reloaded)
    for (let offset = 0; offset < end; offset++) {
      const bytes = reloaded.read(offset, 1, end, true)
      expect(readRecords(bytes, 0).some(record => record.offset === offset)).toBe(true)
    }
  })
})
