/** A cleaning that a crash cuts off anywhere: what is found afterwards holds the last value of every key, or a finished cleaning. */
import { describe, expect, it } from 'vitest'
import { below } from '../../../src/base/random.ts'
import type { Task } from '../../../src/base/task.ts'
import { DEFAULT_SERVER_CONFIG } from '../../../src/config/cluster.ts'
import type { Env } from '../../../src/env/env.ts'
import { batchPositions, isValidBatch, leaderEpochOf, readRecords } from '../../../src/protocol/records/record-batch.ts'
import type { Log } from '../../../src/storage/log.ts'
import { LogManager } from '../../../src/storage/log-manager.ts'
import { Recorder, world } from '../../sim/world.ts'
import { FakeDisk } from '../fake-env.ts'
import { TOPIC_ID, topicConfig } from '../log-fixture.ts'
import { CompactedLog, contentsOf, keyed } from './compacted-log.ts'

/** Copies of the disk before every change of a name. */
class WatchedDisk extends FakeDisk {
  readonly states: FakeDisk[] = []

  override rename(from: string, to: string): void {
    this.states.push(this.copy())
    super.rename(from, to)
  }

  override remove(path: string): void {
    this.states.push(this.copy())
    super.remove(path)
  }
}

describe('a swap', () => {
  const before = ['0:a=1', '1:b=1', '2:a=2', '3:c=1', '4:b=2']
  const after = ['2:a=2', '3:c=1', '4:b=2']

  it('that is cut off between any two of its renames is undone or finished', () => {
    const disk = new WatchedDisk()
    const compacted = new CompactedLog({ disk, config: { segmentBytes: 100_000 } }).write('a=1', 'b=1', 'a=2', 'c=1', 'b=2')
    compacted.clean()
    expect(compacted.contents()).toEqual(after)
    const seen = new Set<string>()
    const names = (state: FakeDisk): string => state.list('data/orders-0').join(' ')
    for (const state of disk.states.slice(disk.states.findIndex(one => names(one).includes('.cleaned')))) {
      const begun = `${names(state).includes('.cleaned') ? 'cleaned ' : ''}${names(state).includes('.swap') ? 'swap ' : ''}`
      const found = new CompactedLog({ disk: state, config: { minCompactionLagMs: 1e12 } })
      const contents = contentsOf(found.log)
      expect([before, after]).toContainEqual(contents)
      expect(found.log.logEndOffset).toBe(5)
      expect(found.env.disk.list('data/orders-0').filter(name => /cleaned|swap|deleted/.test(name))).toEqual([])
      seen.add(`${begun}${contents.length}`)
    }
    expect([...seen].sort()).toEqual(['3', 'cleaned 5', 'cleaned swap 5', 'swap 3'])
  })
})

const CONFIG = topicConfig({ cleanupPolicy: 'compact', segmentBytes: 300, indexIntervalBytes: 100, minCleanableDirtyRatio: 0.1, deleteRetentionMs: 2, fileDeleteDelayMs: 10 })
const SERVER = { ...DEFAULT_SERVER_CONFIG, logFlushOffsetCheckpointIntervalMs: 20, replicaHighWatermarkCheckpointIntervalMs: 5, logCleanerBackoffMs: 3, logCleanerReadMs: 1, logCleanerOffsetMapKeys: 5 }

interface Written {
  readonly key: string
  readonly value: string | null
}

/** Survives the incarnations: what was written, by epoch and offset, and what the log was when the last one died. */
class Book {
  readonly written = new Map<string, Written>()
  /** The log as it should read, without any cleaning. */
  line: { readonly id: string; readonly offset: number }[] = []
  log: Log | undefined = undefined
  epoch = 0
  loads = 0
  diedByPower = false

  check(found: Log): void {
    this.loads++
    const there = new Map<number, Written>()
    for (const segment of found.segments) {
      const bytes = segment.log.view()
      for (const at of batchPositions(bytes)) {
        expect(isValidBatch(bytes, at)).toBe(true)
        for (const { offset, key, value } of readRecords(bytes, at)) {
          const record = { key: new TextDecoder().decode(key!), value: value === null ? null : new TextDecoder().decode(value) }
          expect(this.written.get(`${leaderEpochOf(bytes, at)}:${offset}`)).toEqual(record)
          there.set(offset, record)
        }
      }
    }
    const end = found.logEndOffset
    if (this.log !== undefined) expect(end).toBeGreaterThanOrEqual(this.diedByPower ? this.log.recoveryPoint : this.log.logEndOffset)
    this.line = this.line.filter(({ offset }) => offset < end)
    const last = new Map<string, number>()
    for (const { id, offset } of this.line) last.set(this.written.get(id)!.key, offset)
    for (const { id, offset } of this.line) {
      const record = this.written.get(id)!
      if (last.get(record.key) !== offset) continue
      // A tombstone may have gone, but then nothing older of its key is left.
      if (record.value !== null || there.has(offset)) expect([offset, there.get(offset)]).toEqual([offset, record])
      else expect([...there].filter(([, other]) => other.key === record.key)).toEqual([])
    }
    this.diedByPower = false
  }
}

function* life(env: Env, book: Book): Task<void> {
  const manager = new LogManager(env, SERVER, () => CONFIG)
  yield* manager.load()
  const found = manager.get(TOPIC_ID, 0)
  if (found !== undefined) book.check(found)
  const log = book.log = manager.getOrCreate('orders', TOPIC_ID, 0)
  manager.start()
  log.assignEpochStart(++book.epoch, log.logEndOffset)
  for (let step = 0; ; step++) {
    const draw = env.draw('step', env.incarnation, step)
    if (draw % 40 === 0 && log.logEndOffset > log.highWatermark) {
      const offset = log.highWatermark + below(env.draw('cut', env.incarnation, step), log.logEndOffset - log.highWatermark)
      log.truncateTo(offset, 'diverging-epoch')
      book.line = book.line.filter(one => one.offset < offset)
      book.epoch++
    }
    // A few keys that are written again and again, and ever new ones that are deleted right after.
    const isBrief = step % 8 < 2
    const key = isBrief ? `brief-${env.incarnation}-${step - (step % 8)}` : `k${below(env.draw('key', env.incarnation, step), 7)}`
    const value = step % 8 === 1 || (!isBrief && draw % 5 === 0) ? null : `${book.epoch}-${step}`
    const id = `${book.epoch}:${log.logEndOffset}`
    book.written.set(id, { key, value })
    book.line.push({ id, offset: log.logEndOffset })
    log.appendAsLeader(keyed(value === null ? key : `${key}=${value}`, { timestamp: env.wallClock() }), book.epoch, 'client')
    log.updateHighWatermark(Math.max(log.highWatermark, log.logEndOffset - below(env.draw('lag', env.incarnation, step), 4)))
    yield* env.sleep(200 + (draw % 4) * 500).wait()
  }
}

describe('a compacted log that is killed again and again', () => {
  it('has the last value of every key, brings nothing back, and never shows what was not written', () => {
    const recorder = new Recorder()
    let loads = 0
    for (let rootKey = 1; rootKey <= 30; rootKey++) {
      const simulation = world(['node'], { rootKey, choices: { mode: 'drawn', delay: 0, delayMaxUs: 0, break: 0, tornWrite: 0.5 }, disk: { fsyncMinUs: 300, fsyncMaxUs: 1_200 }, observers: [recorder] })
      const machine = simulation.machine('node')
      const book = new Book()
      let now = 0
      for (let incarnation = 0; incarnation < 5; incarnation++) {
        machine.start(env => env.spawn('life', life(env, book)))
        simulation.run(now += 10_000 + ((rootKey * 7919 + incarnation * 104_729) % 90_000))
        if (simulation.crashes.length > 0) throw Object.assign(new Error(`root key ${rootKey}, incarnation ${incarnation}`), { cause: simulation.crashes[0]!.error })
        const byPower = (rootKey + incarnation) % 3 !== 0
        book.diedByPower ||= byPower
        if (byPower) machine.crashMachine()
        else machine.crashProcess()
      }
      loads += book.loads
    }
    expect(loads).toBeGreaterThan(100)
    const marks = new Map<string, number>()
    for (const { event } of recorder.kinds('mark')) if (event.kind === 'mark') marks.set(event.name, (marks.get(event.name) ?? 0) + 1)
    for (const name of ['log-cleaned', 'cleaned-tombstone-expired', 'cleaning-dropped-at-load', 'cleaner-map-full', 'cleaning-interrupted']) {
      expect(marks.get(name) ?? 0, name).toBeGreaterThan(0)
    }
  })
})
