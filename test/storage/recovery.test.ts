import { describe, expect, it } from 'vitest'
import type { Log } from '../../src/storage/log.ts'
import { FakeEnv } from './fake-env.ts'
import { batch, contents, DIRECTORY, openLog, sequenced } from './log-fixture.ts'

const SMALL = { segmentBytes: 250, indexIntervalBytes: 60 }

function fill(log: Log, count: number, epoch = 0, from = 0): void {
  for (let i = from; i < from + count; i++) log.appendAsLeader(batch([`v${i}`], { timestamp: 1000 + i * 10 }), epoch, 'client')
}

function indexes(log: Log): unknown {
  return log.segments.map(segment => [
    segment.baseOffset, segment.size, segment.offsetIndex.entries, segment.timeIndex.last, segment.maxTimestamp,
  ])
}

describe('recovery', () => {
  it('keeps every whole batch when the last one is torn, wherever', () => {
    const env = new FakeEnv()
    const log = openLog(env, { config: SMALL })
    for (let i = 0; i < 5; i++) log.appendAsLeader(sequenced(1, i), 0, 'client')
    const path = `${DIRECTORY}/${String(log.segments.at(-1)!.baseOffset).padStart(20, '0')}.log`
    const intact = contents(log)
    const end = env.disk.open(path).size
    const lastBatch = log.read(4, 1, 5, true).length
    for (let size = end - lastBatch; size < end; size++) {
      const disk = env.disk.copy()
      disk.open(path).truncate(size)
      const crashed = new FakeEnv(disk)
      const recovered = openLog(crashed, { config: SMALL })
      expect(contents(recovered)).toEqual(intact.slice(0, 4))
      expect(crashed.observed('log-loaded')[0]).toMatchObject({ endOffset: 4, bytesDropped: size - (end - lastBatch) })
      expect(recovered.producers.describe()[0]).toMatchObject({ producerId: 1, lastSequence: 3 })
      expect(recovered.appendAsLeader(sequenced(1, 4), 1, 'client').firstOffset).toBe(4)
    }
  })

  it('cuts at a flipped bit and drops the segments behind it', () => {
    const env = new FakeEnv()
    const log = openLog(env, { config: SMALL })
    fill(log, 12)
    const second = log.segments[1]!
    const damaged = second.log.read(100, 1)[0]! ^ 1
    second.log.write(100, Uint8Array.of(damaged))
    const recovered = openLog(new FakeEnv(env.disk), { config: SMALL })
    expect(recovered.logEndOffset).toBe(second.baseOffset + 1)
    expect(recovered.segments.length).toBe(2)
    // A clean shutdown, or a recovery point beyond, means that nobody looks.
    expect(openLog(new FakeEnv(env.disk.copy()), { config: SMALL, clean: true }).logEndOffset).toBe(recovered.logEndOffset)
  })

  it('trusts what lies below the recovery point', () => {
    const env = new FakeEnv()
    const log = openLog(env, { config: SMALL })
    fill(log, 12)
    const first = log.segments[0]!
    first.log.write(100, Uint8Array.of(first.log.read(100, 1)[0]! ^ 1))
    expect(openLog(new FakeEnv(env.disk.copy()), { config: SMALL, recoveryPoint: 6 }).logEndOffset).toBe(12)
    expect(openLog(new FakeEnv(env.disk), { config: SMALL, recoveryPoint: 2 }).logEndOffset).toBe(1)
  })

  it('flushes a segment in the background when it is rolled, and nothing else', () => {
    const env = new FakeEnv()
    const log = openLog(env, { config: SMALL })
    env.settle()
    fill(log, 8)
    expect(log.recoveryPoint).toBe(0)
    env.settle()
    expect(log.recoveryPoint).toBe(6)
    const { recoveryPoint } = log
    env.disk.loseUnsynced()
    const next = new FakeEnv(env.disk)
    const recovered = openLog(next, { config: SMALL, recoveryPoint })
    expect(contents(recovered)).toEqual(contents(log, 0, 6))
    next.run(recovered.flush())
    expect(recovered.recoveryPoint).toBe(6)
  })

  it('does not move the recovery point across a truncation', () => {
    const env = new FakeEnv()
    const log = openLog(env, { config: SMALL })
    fill(log, 8)
    env.settle(4) // the flush of the rolled segments is under way
    log.truncateTo(2, 'diverging-epoch')
    fill(log, 5, 1)
    env.settle()
    expect(log.recoveryPoint).toBe(log.segments.at(-1)!.baseOffset)
    const { recoveryPoint } = log
    env.disk.loseUnsynced()
    const recovered = openLog(new FakeEnv(env.disk), { config: SMALL, recoveryPoint })
    expect(contents(recovered)).toEqual(contents(log, 0, recovered.logEndOffset))
    expect(recovered.logEndOffset).toBeGreaterThanOrEqual(recoveryPoint)
  })

  it('claims nothing for a flush that a truncation overtook', () => {
    for (let steps = 0; steps < 30; steps++) {
      const env = new FakeEnv()
      const log = openLog(env, { config: SMALL })
      fill(log, 8)
      env.settle(steps)
      log.truncateTo(2, 'diverging-epoch')
      env.settle()
      expect(log.recoveryPoint).toBeLessThanOrEqual(log.logEndOffset)
    }
  })

  it('rebuilds missing and torn indexes', () => {
    const env = new FakeEnv()
    const log = openLog(env, { config: SMALL })
    fill(log, 12)
    env.run(log.close())
    const before = indexes(log)
    env.disk.remove(`${DIRECTORY}/${'0'.repeat(20)}.index`)
    env.disk.open(`${DIRECTORY}/00000000000000000003.timeindex`).truncate(5)
    const reloaded = openLog(new FakeEnv(env.disk), { config: SMALL, clean: true })
    expect(indexes(reloaded)).toEqual(before)
    expect(contents(reloaded)).toEqual(contents(log))
    env.disk.remove(`${DIRECTORY}/${'0'.repeat(20)}.log`)
    expect(openLog(new FakeEnv(env.disk), { config: SMALL, clean: true }).logStartOffset).toBe(3)
    expect(env.disk.exists(`${DIRECTORY}/${'0'.repeat(20)}.index`)).toBe(false)
  })

  it('is the same log after a clean shutdown, and after a process crash', () => {
    const env = new FakeEnv()
    const log = openLog(env, { config: SMALL })
    fill(log, 7, 0)
    fill(log, 4, 3, 7)
    log.assignEpochStart(5, 11)
    const crashed = openLog(new FakeEnv(env.disk.copy()), { config: SMALL })
    env.run(log.close())
    const clean = openLog(new FakeEnv(env.disk), { config: SMALL, clean: true })
    for (const other of [crashed, clean]) {
      expect(contents(other)).toEqual(contents(log))
      expect(indexes(other)).toEqual(indexes(log))
      // The entry of an epoch that wrote nothing is at the end of the log and is trimmed, as in Kafka.
      expect(other.latestEpoch).toBe(3)
      expect(other.endOffsetForEpoch(0)).toEqual({ epoch: 0, endOffset: 7 })
    }
    expect(clean.recoveryPoint).toBe(11)
    expect(crashed.recoveryPoint).toBe(0)
  })

  it('clamps the checkpointed high watermark and starts anew when the log start is gone', () => {
    const env = new FakeEnv()
    fill(openLog(env, { config: SMALL }), 4)
    expect(openLog(new FakeEnv(env.disk.copy()), { highWatermark: 9 }).highWatermark).toBe(4)
    const anew = openLog(new FakeEnv(env.disk), { logStartOffset: 20, highWatermark: 9 })
    expect([anew.logStartOffset, anew.highWatermark, anew.logEndOffset, anew.latestEpoch]).toEqual([20, 20, 20, undefined])
  })

  it('does a lost truncation again when the epoch cache proves it', () => {
    const env = new FakeEnv()
    const log = openLog(env, { config: SMALL })
    fill(log, 8, 1)
    const stale = env.disk.copy()
    log.truncateTo(2, 'diverging-epoch')
    fill(log, 1, 2, 100)
    // The machine died: the log files kept nothing of what followed the truncation, the epoch checkpoint did.
    const epochs = env.disk.open(`${DIRECTORY}/leader-epoch-checkpoint.tmp`)
    const kept = stale.open(`${DIRECTORY}/leader-epoch-checkpoint.tmp`)
    kept.truncate(0)
    kept.append(epochs.view())
    const recovered = openLog(new FakeEnv(stale), { config: SMALL, recoveryPoint: 6 })
    expect(contents(recovered)).toEqual(['0:v0', '1:v1'])
    expect(recovered.latestEpoch).toBe(1)
  })
})
