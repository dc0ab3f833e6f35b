import { describe, expect, it } from 'vitest'
import { ApiError } from '../../src/protocol/api-error.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { batchPositions, lastOffsetOf, leaderEpochOf } from '../../src/protocol/records/record-batch.ts'
import { UnexpectedAppendOffset } from '../../src/storage/append-info.ts'
import type { Log } from '../../src/storage/log.ts'
import { FakeEnv } from './fake-env.ts'
import { batch, contents, DIRECTORY, openLog } from './log-fixture.ts'

/** Segments of about three small batches, an index entry for nearly every batch. */
const SMALL = { segmentBytes: 250, indexIntervalBytes: 60 }

function fill(log: Log, count: number, epoch = 0, from = 0): void {
  for (let i = from; i < from + count; i++) log.appendAsLeader(batch([`v${i}`], { timestamp: 1000 + i * 10 }), epoch, 'client')
}

function errorCode(action: () => unknown): number | undefined {
  try {
    action()
  } catch (error) {
    if (error instanceof ApiError) return error.code
    throw error
  }
  return undefined
}

describe('Log append and read', () => {
  it('assigns offsets and epochs without touching the bytes it was given', () => {
    const log = openLog(new FakeEnv())
    const bytes = batch(['a', 'b'])
    const before = bytes.slice()
    expect(log.appendAsLeader(bytes, 7, 'client')).toMatchObject({ firstOffset: 0, lastOffset: 1, recordCount: 2, duplicate: false })
    expect(log.appendAsLeader(bytes, 7, 'client')).toMatchObject({ firstOffset: 2, lastOffset: 3 })
    expect(bytes).toEqual(before)
    expect(contents(log)).toEqual(['0:a', '1:b', '2:a', '3:b'])
    expect(leaderEpochOf(log.read(2, 1000, 4, true), 0)).toBe(7)
  })

  it('finds every offset in every segment, whole batches only, below the bound', () => {
    const env = new FakeEnv()
    const log = openLog(env, { config: SMALL })
    for (let i = 0; i < 20; i++) log.appendAsLeader(batch([`a${i}`, `b${i}`, `c${i}`]), 0, 'client')
    expect(log.segments.length).toBeGreaterThan(4)
    for (let offset = 0; offset < 60; offset++) {
      const bytes = log.read(offset, 1, 60, true)
      expect(batchPositions(bytes)).toEqual([0])
      expect(Math.floor(lastOffsetOf(bytes, 0) / 3)).toBe(Math.floor(offset / 3))
    }
    const segment = log.segments[1]!
    const two = log.read(segment.baseOffset, 1000, segment.baseOffset + 6, true)
    expect(batchPositions(two).map(at => lastOffsetOf(two, at))).toEqual([segment.baseOffset + 2, segment.baseOffset + 5])
    expect(log.read(0, 10, 60, false).length).toBe(0)
    expect(log.read(60, 10, 60, true).length).toBe(0)
    expect(log.read(30, 10, 30, true).length).toBe(0)
    expect(errorCode(() => log.read(61, 10, 61, true))).toBe(ErrorCode.OFFSET_OUT_OF_RANGE)
  })

  it('refuses bad batches and changes nothing', () => {
    const log = openLog(new FakeEnv(), { config: { maxMessageBytes: 200, segmentBytes: 180 } })
    const torn = batch(['x'])
    torn[torn.length - 1]! ^= 1
    const two = new Uint8Array([...batch(['x']), ...batch(['y'])])
    expect(errorCode(() => log.appendAsLeader(torn, 0, 'client'))).toBe(ErrorCode.CORRUPT_MESSAGE)
    expect(errorCode(() => log.appendAsLeader(two, 0, 'client'))).toBe(ErrorCode.INVALID_RECORD)
    expect(errorCode(() => log.appendAsLeader(batch(['x'], { baseOffset: 5 }), 0, 'client'))).toBe(ErrorCode.INVALID_RECORD)
    expect(errorCode(() => log.appendAsLeader(batch(['x'.repeat(200)]), 0, 'client'))).toBe(ErrorCode.MESSAGE_TOO_LARGE)
    expect(errorCode(() => log.appendAsLeader(batch(['x'.repeat(115)]), 0, 'client'))).toBe(ErrorCode.RECORD_LIST_TOO_LARGE)
    expect(errorCode(() => log.appendAsLeader(batch(['x'], { timestamp: 9e12 }), 0, 'client'))).toBe(ErrorCode.INVALID_TIMESTAMP)
    expect(log.logEndOffset).toBe(0)
    expect(log.sizeInBytes).toBe(0)
  })

  it('stamps its own time under LogAppendTime, with a valid checksum', () => {
    const env = new FakeEnv()
    const log = openLog(env, { config: { messageTimestampType: 'LogAppendTime' } })
    expect(log.appendAsLeader(batch(['a'], { timestamp: 5 }), 0, 'client').logAppendTime).toBe(env.wallClock())
    expect(log.offsetOfMaxTimestamp()).toMatchObject({ offset: 0, timestamp: env.wallClock() })
    expect(contents(openLog(new FakeEnv(env.disk)))).toEqual(['0:a'])
  })

  it('follows a leader batch by batch: same bytes, no newer epochs, nothing below its end', () => {
    const leader = openLog(new FakeEnv(), { config: SMALL })
    fill(leader, 6, 1)
    fill(leader, 6, 2, 6)
    const follower = openLog(new FakeEnv(), { config: { ...SMALL, segmentBytes: 100 } })
    let fetched = 0
    while (follower.logEndOffset < 12 && fetched++ < 50) {
      follower.appendAsFollower(leader.read(follower.logEndOffset, 10_000, 12, true), follower.logEndOffset < 6 ? 1 : 2)
    }
    expect(contents(follower)).toEqual(contents(leader))
    expect(follower.endOffsetForEpoch(1)).toEqual({ epoch: 1, endOffset: 6 })
    expect(() => follower.appendAsFollower(leader.read(3, 1, 12, true), 2)).toThrow(UnexpectedAppendOffset)
    const stale = openLog(new FakeEnv())
    expect(stale.appendAsFollower(leader.read(6, 1, 12, true), 1).recordCount).toBe(0)
    expect(stale.logEndOffset).toBe(0)
  })

  it('rolls by record time and finds offsets by timestamp', () => {
    const log = openLog(new FakeEnv(), { config: { segmentMs: 50, indexIntervalBytes: 0 } })
    fill(log, 20)
    expect(log.segments.map(segment => segment.baseOffset)).toEqual([0, 6, 12, 18])
    expect(log.offsetForTimestamp(0)).toEqual({ offset: 0, timestamp: 1000, leaderEpoch: 0 })
    expect(log.offsetForTimestamp(1095)).toMatchObject({ offset: 10, timestamp: 1100 })
    expect(log.offsetForTimestamp(1191)).toBeUndefined()
    expect(log.offsetOfMaxTimestamp()).toMatchObject({ offset: 19 })
  })
})

describe('Log truncation', () => {
  it('cuts across segments, trims epochs even at or beyond its end, and goes on', () => {
    const env = new FakeEnv()
    const log = openLog(env, { config: SMALL })
    fill(log, 6, 0)
    fill(log, 6, 3, 6)
    log.assignEpochStart(5, 12)
    expect(log.truncateTo(12, 'diverging-epoch')).toBe(false)
    expect(log.latestEpoch).toBe(3)
    log.updateHighWatermark(9)
    expect(log.truncateTo(4, 'diverging-epoch')).toBe(true)
    expect(contents(log)).toEqual(['0:v0', '1:v1', '2:v2', '3:v3'])
    expect([log.logEndOffset, log.highWatermark, log.latestEpoch]).toEqual([4, 4, 0])
    fill(log, 3, 6, 100)
    expect(contents(log).slice(4)).toEqual(['4:v100', '5:v101', '6:v102'])
    env.advance(60_000)
    expect(env.disk.list(DIRECTORY).filter(name => name.endsWith('.deleted'))).toEqual([])
    expect(contents(openLog(new FakeEnv(env.disk), { config: SMALL }))).toEqual(contents(log))
  })

  it('starts anew at an offset above or below', () => {
    const env = new FakeEnv()
    const log = openLog(env, { config: SMALL })
    fill(log, 8)
    log.truncateFullyAndStartAt(100)
    expect([log.logStartOffset, log.highWatermark, log.logEndOffset, log.latestEpoch]).toEqual([100, 100, 100, undefined])
    fill(log, 1, 4)
    expect(contents(log)).toEqual(['100:v0'])
    log.truncateTo(50, 'out-of-range')
    expect([log.logStartOffset, log.logEndOffset]).toEqual([50, 50])
    fill(log, 1, 5)
    expect(contents(openLog(new FakeEnv(env.disk), { config: SMALL }))).toEqual(['50:v0'])
  })
})

describe('Log retention', () => {
  it('removes whole old segments by time, never above the high watermark', () => {
    const env = new FakeEnv(undefined, { clock: 1000 })
    const log = openLog(env, { config: { ...SMALL, retentionMs: 100 } })
    fill(log, 12) // timestamps 1000 to 1110, three batches a segment
    env.clock = 1000 + 250
    expect(log.deleteOldSegments()).toBe(0)
    log.updateHighWatermark(7)
    expect(log.deleteOldSegments()).toBe(2)
    expect([log.logStartOffset, log.highWatermark]).toEqual([6, 7])
    log.updateHighWatermark(12)
    log.deleteOldSegments()
    expect([log.logStartOffset, log.logEndOffset]).toEqual([12, 12])
    expect(env.observed('log-start').map(event => event.removed.map(segment => segment.nextOffset))).toEqual([[3, 6], [9, 12]])
    expect(log.appendAsLeader(batch(['new']), 1, 'client').firstOffset).toBe(12)
  })

  it('KAFKA-5634 switched on: removes what is not committed', () => {
    const env = new FakeEnv(undefined, { clock: 1000, defects: new Set(['KAFKA-5634'] as const) })
    const log = openLog(env, { config: { ...SMALL, retentionMs: 100 } })
    fill(log, 12)
    env.clock = 1000 + 250
    log.updateHighWatermark(7)
    log.deleteOldSegments()
    expect(log.logStartOffset).toBe(12)
    expect(env.observed('log-start')[0]).toMatchObject({ offset: 12, highWatermark: 7 })
  })

  it('removes the oldest segments by size', () => {
    const log = openLog(new FakeEnv(), { config: { ...SMALL, retentionMs: -1, retentionBytes: 500 } })
    fill(log, 12)
    log.updateHighWatermark(12)
    const size = log.sizeInBytes
    const segmentSize = log.segments[0]!.size
    log.deleteOldSegments()
    expect(log.sizeInBytes).toBe(size - Math.floor((size - 500) / segmentSize) * segmentSize)
    expect(log.sizeInBytes).toBeGreaterThanOrEqual(500)
  })

  it('removes what lies below the log start', () => {
    const log = openLog(new FakeEnv(), { config: { ...SMALL, retentionMs: -1 } })
    fill(log, 12)
    expect(errorCode(() => log.maybeIncrementLogStartOffset(7, 'delete-records'))).toBe(ErrorCode.OFFSET_OUT_OF_RANGE)
    log.updateHighWatermark(12)
    expect(log.maybeIncrementLogStartOffset(7, 'delete-records')).toBe(true)
    expect(log.maybeIncrementLogStartOffset(5, 'leader')).toBe(false)
    log.deleteOldSegments()
    expect(log.segments[0]!.baseOffset).toBe(6)
    expect(contents(log)[0]).toBe('7:v7')
  })
})
