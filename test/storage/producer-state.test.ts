import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ApiError } from '../../src/protocol/api-error.ts'
import { buildEndTxnMarker } from '../../src/protocol/records/control-records.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { baseOffsetOf } from '../../src/protocol/records/record-batch.ts'
import type { Log } from '../../src/storage/log.ts'
import { FakeEnv } from './fake-env.ts'
import { batch, openLog, sequenced, transactional } from './log-fixture.ts'

const SMALL = { segmentBytes: 250, indexIntervalBytes: 60 }

/** 'duplicate', the offset, or the error's code. */
function produce(log: Log, producerId: number, sequence: number, count = 1, epoch = 0): string | number {
  try {
    const info = log.appendAsLeader(sequenced(producerId, sequence, count, epoch), 0, 'client')
    return info.duplicate ? `duplicate of ${info.firstOffset}` : info.firstOffset
  } catch (error) {
    if (error instanceof ApiError) return `error ${error.code}`
    throw error
  }
}

const OUT_OF_ORDER = `error ${ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER}`
const FENCED = `error ${ErrorCode.INVALID_PRODUCER_EPOCH}`

describe('idempotent append', () => {
  it('recognises the last five batches, refuses gaps, older ones and older epochs', () => {
    const env = new FakeEnv()
    const log = openLog(env)
    for (let i = 0; i < 7; i++) expect(produce(log, 1, i * 2, 2)).toBe(i * 2)
    expect(produce(log, 1, 4, 2)).toBe('duplicate of 4')
    expect(produce(log, 1, 12, 2)).toBe('duplicate of 12')
    expect(produce(log, 1, 2, 2)).toBe(OUT_OF_ORDER)
    expect(produce(log, 1, 12, 1)).toBe(OUT_OF_ORDER)
    expect(produce(log, 1, 15, 1)).toBe(OUT_OF_ORDER)
    expect(produce(log, 1, 3, 1, 1)).toBe(OUT_OF_ORDER)
    expect(produce(log, 1, 0, 1, 1)).toBe(14)
    expect(produce(log, 1, 14, 1, 0)).toBe(FENCED)
    expect(produce(log, 1, 12, 2)).toBe(FENCED)
    expect(log.logEndOffset).toBe(15)
    expect(env.observed('duplicate-batch').map(event => event.baseOffset)).toEqual([4, 12])
    expect(env.observed('sequence-rejected').map(event => event.expected)).toEqual([14, 14, 14, 0, -1, -1])
    expect(env.observed('dedup-window-shrunk')).toEqual([])
  })

  it('remembers one batch under the defect KAFKA-5494', () => {
    const log = openLog(new FakeEnv(undefined, { defects: new Set(['KAFKA-5494']) }))
    produce(log, 1, 0)
    produce(log, 1, 1)
    expect(produce(log, 1, 1)).toBe('duplicate of 1')
    expect(produce(log, 1, 0)).toBe(OUT_OF_ORDER)
  })

  it('accepts any first sequence, unless mended', () => {
    const env = new FakeEnv()
    expect(produce(openLog(env), 1, 5)).toBe(0)
    expect(env.observed('first-sequence-accepted')).toMatchObject([{ producerId: 1, firstSequence: 5 }])
    const mended = openLog(new FakeEnv(undefined, { mends: new Set(['KAFKA-14359']) }))
    expect(produce(mended, 1, 5)).toBe(OUT_OF_ORDER)
    expect(produce(mended, 1, 0)).toBe(0)
  })

  it('wraps sequences to zero', () => {
    const log = openLog(new FakeEnv())
    expect(produce(log, 1, 0x7ffffffe, 3)).toBe(0) // 2^31 - 2, 2^31 - 1, 0
    expect(produce(log, 1, 1)).toBe(3)
    expect(produce(log, 1, 0x7ffffffe, 3)).toBe('duplicate of 0')
    expect(produce(log, 2, 0x7fffffff)).toBe(4)
    expect(produce(log, 2, 0)).toBe(5)
    expect(produce(log, 2, 0x7fffffff)).toBe('duplicate of 4')
  })

  it('forgets idle producers after their expiration, never ones with an open transaction', () => {
    const env = new FakeEnv()
    const log = openLog(env, { server: { producerIdExpirationMs: 1000 } })
    log.appendAsLeader(batch(['a'], { producerId: 1, producerEpoch: 0, baseSequence: 0, timestamp: env.clock }), 0, 'client')
    transactional(log, 2, 0, { timestamp: env.clock })
    env.advance(999)
    log.producers.removeExpired()
    expect(log.producers.describe().length).toBe(2)
    env.advance(1)
    log.producers.removeExpired()
    expect(log.producers.describe().map(producer => producer.producerId)).toEqual([2])
  })
})

describe('producer snapshots', () => {
  it('keep one batch, so a restart shrinks the window and says so', () => {
    const env = new FakeEnv()
    const log = openLog(env)
    for (let i = 0; i < 4; i++) produce(log, 1, i)
    env.run(log.close())
    const reopened = new FakeEnv(env.disk.copy())
    const reloaded = openLog(reopened, { clean: true })
    expect(reopened.observed('producer-state')[0]).toMatchObject({ fromSnapshot: true, producers: [{ lastSequence: 3 }] })
    expect(produce(reloaded, 1, 3)).toBe('duplicate of 3')
    expect(reopened.observed('dedup-window-shrunk')).toEqual([])
    expect(produce(reloaded, 1, 2)).toBe(OUT_OF_ORDER)
    expect(reopened.observed('dedup-window-shrunk')).toMatchObject([{ producerId: 1, keptBatches: 1 }])
    expect(produce(reloaded, 1, 5)).toBe(OUT_OF_ORDER)
    expect(reopened.observed('dedup-window-shrunk').length).toBe(1)
  })

  it('keep all five when mended', () => {
    const mends = new Set(['KAFKA-5494-snapshot'] as const)
    const env = new FakeEnv(undefined, { mends })
    const log = openLog(env)
    for (let i = 0; i < 7; i++) produce(log, 1, i)
    env.run(log.close())
    const reloaded = openLog(new FakeEnv(env.disk, { mends }), { clean: true })
    for (let i = 2; i < 7; i++) expect(produce(reloaded, 1, i)).toBe(`duplicate of ${i}`)
    expect(produce(reloaded, 1, 1)).toBe(OUT_OF_ORDER)
  })

  it('are not believed when torn', () => {
    const env = new FakeEnv()
    const log = openLog(env)
    for (let i = 0; i < 3; i++) produce(log, 1, i)
    env.run(log.close())
    const name = env.disk.list('data/orders-0').find(file => file.endsWith('.snapshot'))!
    const file = env.disk.open(`data/orders-0/${name}`)
    file.truncate(file.size - 1)
    const reopened = new FakeEnv(env.disk)
    const reloaded = openLog(reopened, { clean: true })
    expect(reopened.observed('producer-state')[0]!.fromSnapshot).toBe(false)
    expect(produce(reloaded, 1, 0)).toBe('duplicate of 0')
  })
})

describe('transactions in a log', () => {
  const marker = (producerId: number, commit: boolean, coordinatorEpoch = 1): Uint8Array =>
    buildEndTxnMarker({ commit, timestamp: 1_000_000, producerId, producerEpoch: 0, coordinatorEpoch })

  it('hold the last stable offset until the marker is below the high watermark, and list what was aborted', () => {
    const env = new FakeEnv()
    const log = openLog(env)
    transactional(log, 1, 0) // 0
    transactional(log, 2, 0) // 1
    log.updateHighWatermark(2)
    expect(log.lastStableOffset).toBe(0)
    log.appendAsLeader(marker(1, false), 0, 'coordinator') // 2
    expect(log.lastStableOffset).toBe(0)
    log.updateHighWatermark(3)
    expect(log.lastStableOffset).toBe(1)
    expect(() => log.appendAsLeader(marker(1, true, 0), 0, 'coordinator')).toThrow('TRANSACTION_COORDINATOR_FENCED')
    expect(() => log.appendAsLeader(sequenced(2, 1), 0, 'client')).toThrow('INVALID_TXN_STATE')
    log.appendAsLeader(marker(2, true), 0, 'coordinator') // 3
    log.updateHighWatermark(4)
    expect(log.lastStableOffset).toBe(4)
    const aborted = { producerId: 1, firstOffset: 0, lastOffset: 2, lastStableOffset: 1 }
    expect(log.abortedTransactions(0, 4)).toEqual([aborted])
    expect(log.abortedTransactions(3, 4)).toEqual([])
    expect(openLog(new FakeEnv(env.disk)).abortedTransactions(0, 4)).toEqual([aborted])
  })
})

describe('producer state is a function of the log', () => {
  const action = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('produce' as const), producerId: fc.nat(2), count: fc.integer({ min: 1, max: 3 }) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('retry' as const), producerId: fc.nat(2), back: fc.integer({ min: 1, max: 6 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('bump' as const), producerId: fc.nat(2) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('truncate' as const), back: fc.integer({ min: 1, max: 8 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
  )

  it('live, after truncation, after a clean restart and after a crash: as replayed from zero', () => {
    fc.assert(fc.property(fc.array(action, { maxLength: 30 }), actions => {
      let env = new FakeEnv()
      let log = openLog(env, { config: SMALL })
      const epochs = [0, 0, 0]
      const sent: { offset: number; bytes: Uint8Array }[] = []
      for (const step of actions) {
        const last = (producerId: number): number => log.producers.describe()
          .find(producer => producer.producerId === producerId && producer.producerEpoch === epochs[producerId])?.lastSequence ?? -1
        if (step.kind === 'produce') {
          const bytes = sequenced(step.producerId, last(step.producerId) + 1, step.count, epochs[step.producerId])
          sent.push({ offset: log.appendAsLeader(bytes, 0, 'client').firstOffset, bytes })
        } else if (step.kind === 'retry') {
          const again = sent.at(-step.back)
          const end = log.logEndOffset
          if (again === undefined) continue
          try {
            const info = log.appendAsLeader(again.bytes, 0, 'client')
            if (info.duplicate) expect(log.logEndOffset).toBe(end)
            else sent.push({ offset: info.firstOffset, bytes: again.bytes })
          } catch (error) {
            expect(error).toBeInstanceOf(ApiError)
            expect(log.logEndOffset).toBe(end)
          }
        } else if (step.kind === 'bump') {
          epochs[step.producerId]!++
        } else if (step.kind === 'truncate') {
          // Truncation points are boundaries of epochs, hence of batches.
          const batchThere = log.read(Math.max(0, log.logEndOffset - step.back), 1, log.logEndOffset, true)
          if (batchThere.length > 0) log.truncateTo(baseOffsetOf(batchThere, 0), 'diverging-epoch')
          for (const producerId of [0, 1, 2]) {
            epochs[producerId] = log.producers.describe().find(producer => producer.producerId === producerId)?.producerEpoch ?? 0
          }
        } else {
          if (step.kind === 'restart') env.run(log.close())
          const { recoveryPoint } = log
          env = new FakeEnv(env.disk)
          log = openLog(env, { config: SMALL, clean: step.kind === 'restart', recoveryPoint })
        }
        const replayed = openLog(new FakeEnv(), { config: { ...SMALL, segmentBytes: 10_000 } })
        for (let offset = 0; offset < log.logEndOffset; offset = replayed.logEndOffset) {
          const copied = replayed.appendAsFollower(log.read(offset, 10_000, log.logEndOffset, true), 10)
          expect(copied.recordCount).toBeGreaterThan(0)
        }
        const state = (of: Log): unknown => of.producers.describe().toSorted((a, b) => a.producerId - b.producerId)
        expect(state(log)).toEqual(state(replayed))
      }
    }), { seed: 1, numRuns: 150 })
  })
})
