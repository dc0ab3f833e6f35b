/** A log on the simulated disk, killed again and again: what is found afterwards must be what was written. */
import { describe, expect, it } from 'vitest'
import { below } from '../../src/base/random.ts'
import type { Task } from '../../src/base/task.ts'
import { DEFAULT_SERVER_CONFIG } from '../../src/config/cluster.ts'
import type { Env } from '../../src/env/env.ts'
import { baseOffsetOf, batchPositions, crcOf, lastOffsetOf, leaderEpochOf } from '../../src/protocol/records/record-batch.ts'
import type { Log } from '../../src/storage/log.ts'
import { LogManager } from '../../src/storage/log-manager.ts'
import { world } from '../sim/world.ts'
import { sequenced, TOPIC_ID, topicConfig } from './log-fixture.ts'

const CONFIG = topicConfig({ segmentBytes: 400, indexIntervalBytes: 100 })
const SERVER = { ...DEFAULT_SERVER_CONFIG, logFlushOffsetCheckpointIntervalMs: 20, replicaHighWatermarkCheckpointIntervalMs: 20 }

interface Batch {
  readonly offset: number
  readonly epoch: number
  readonly crc: number
}

function batchesOf(log: Log): Batch[] {
  const found: Batch[] = []
  for (let offset = log.logStartOffset; offset < log.logEndOffset;) {
    const bytes = log.read(offset, 100_000, log.logEndOffset, true)
    if (bytes.length === 0) throw new Error(`hole at ${offset} of [${log.logStartOffset}, ${log.logEndOffset}): segments ${log.segments.map(x => `${x.baseOffset}+${x.size}`).join(' ')}`)
    for (const at of batchPositions(bytes)) {
      expect(baseOffsetOf(bytes, at)).toBe(offset) // no holes
      found.push({ offset, epoch: leaderEpochOf(bytes, at), crc: crcOf(bytes, at) })
      offset = lastOffsetOf(bytes, at) + 1
    }
  }
  return found
}

/** Survives the incarnations: what was ever written where, and what the log was when the last one died. */
class Book {
  readonly written = new Map<string, number>()
  log: Log | undefined = undefined
  epoch = 0
  loads = 0
  starts = 0
  diedByPower = false

  check(found: Log, clean: boolean): void {
    this.loads++
    const { diedByPower } = this
    this.diedByPower = false
    expect(clean).toBe(false)
    const batches = batchesOf(found)
    let epoch = 0
    for (const batch of batches) {
      expect(this.written.get(`${batch.epoch}:${batch.offset}`)).toBe(batch.crc)
      expect(found.epochAt(batch.offset)).toBe(batch.epoch)
      expect(batch.epoch).toBeGreaterThanOrEqual(epoch)
      epoch = batch.epoch
    }
    if (this.log === undefined) return
    if (diedByPower) expect(found.logEndOffset).toBeGreaterThanOrEqual(this.log.recoveryPoint)
    else expect(batches).toEqual(batchesOf(this.log))
  }
}

function* life(env: Env, book: Book, logRecoveryMs: number): Task<void> {
  const manager = new LogManager(env, { ...SERVER, logRecoveryMs }, () => CONFIG)
  book.starts++
  const { cleanShutdown } = yield* manager.load()
  const found = manager.get(TOPIC_ID, 0)
  if (found !== undefined) book.check(found, cleanShutdown)
  else expect(book.log === undefined || book.log.recoveryPoint === 0).toBe(true)
  // Others, so that recovery takes its time before and after this one.
  for (const [topic, id] of [['later', 'BBBBBBBBBBBBBBBBBBBBBQ'], ['a-first', 'CCCCCCCCCCCCCCCCCCCCCQ']] as const) manager.getOrCreate(topic, id, 0)
  const log = book.log = manager.getOrCreate('orders', TOPIC_ID, 0)
  manager.start()
  log.assignEpochStart(++book.epoch, log.logEndOffset)
  let sequence = -1
  for (let step = 0; ; step++) {
    const draw = env.draw('step', env.incarnation, step)
    if (draw % 12 === 0 && log.logEndOffset > 0) {
      const batches = batchesOf(log)
      log.truncateTo(batches[below(env.draw('cut', env.incarnation, step), batches.length)]!.offset, 'diverging-epoch')
      book.epoch++
      sequence = -1
    }
    sequence = log.producers.describe().find(producer => producer.producerEpoch === book.epoch)?.lastSequence ?? -1
    const bytes = sequenced(1, sequence + 1, 1 + (draw % 3), book.epoch)
    book.written.set(`${book.epoch}:${log.logEndOffset}`, crcOf(bytes, 0))
    log.appendAsLeader(bytes, book.epoch, 'client')
    yield* env.sleep(500 + (draw % 4) * 1500).wait()
  }
}

describe('a log that is killed again and again', () => {
  it.each([['at once', 0], ['in the middle of its recovery, too', 6]] as const)('%s, never shows what was not written, has no holes, keeps what was flushed and, without a power cut, everything', (_, logRecoveryMs) => {
    let loads = 0
    let interrupted = 0
    for (let rootKey = 1; rootKey <= 60; rootKey++) {
      const simulation = world(['node'], { rootKey, choices: { mode: 'drawn', delay: 0, delayMaxUs: 0, break: 0, tornWrite: 0.5 } })
      const machine = simulation.machine('node')
      const book = new Book()
      let now = 0
      for (let incarnation = 0; incarnation < 5; incarnation++) {
        machine.start(env => env.spawn('life', life(env, book, logRecoveryMs)))
        simulation.run(now += 10_000 + ((rootKey * 7919 + incarnation * 104_729) % 50_000))
        if (simulation.crashes.length > 0) throw Object.assign(new Error(`root key ${rootKey}, incarnation ${incarnation}`), { cause: simulation.crashes[0]!.error })
        const byPower = (rootKey + incarnation) % 3 !== 0
        book.diedByPower ||= byPower
        if (byPower) machine.crashMachine()
        else machine.crashProcess()
      }
      loads += book.loads
      interrupted += book.starts - 1 - book.loads
    }
    expect(loads).toBeGreaterThan(150)
    if (logRecoveryMs > 0) expect(interrupted).toBeGreaterThan(10)
  })
})
