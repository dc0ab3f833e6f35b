/** Transactions at the leader of a partition (KIP-890): guards, the order of checks, and which markers count. */
import { describe, expect, it } from 'vitest'
import type { DefectId } from '../../src/config/defects.ts'
import { buildEndTxnMarker } from '../../src/protocol/records/control-records.ts'
import type { Log } from '../../src/storage/log.ts'
import type { AppendProof, VerificationGuard } from '../../src/storage/verification.ts'
import { FakeEnv } from './fake-env.ts'
import { batch, openLog, transactional } from './log-fixture.ts'

const PRODUCER = 7

function open(...defects: readonly DefectId[]): { env: FakeEnv; log: Log } {
  const env = new FakeEnv(undefined, { defects: new Set(defects) })
  return { env, log: openLog(env, { server: { producerIdExpirationMs: 10_000 } }) }
}

function data(sequence: number, epoch = 0): Uint8Array {
  return batch(['t'], { producerId: PRODUCER, producerEpoch: epoch, baseSequence: sequence, isTransactional: true })
}

function start(log: Log, o: { sequence?: number; epoch?: number; version?: number } = {}): VerificationGuard | undefined {
  return log.producers.startVerification({ producerId: PRODUCER, epoch: o.epoch ?? 0, sequence: o.sequence ?? 0, supportsEpochBump: (o.version ?? 1) >= 2 })
}

/** Offset of what was appended, or the name of the refusal. */
function append(log: Log, bytes: Uint8Array, proof: AppendProof = {}): number | string {
  try {
    return log.appendAsLeader(bytes, 0, 'client', proof).firstOffset
  } catch (error) {
    return String((error as Error).message.split(':')[0])
  }
}

function mark(log: Log, o: { epoch?: number; commit?: boolean; coordinatorEpoch?: number; version?: number; timestamp?: number } = {}): number | string {
  const { epoch = 0, commit = false, coordinatorEpoch = 1, timestamp = 1_000_000, version = 1 } = o
  try {
    const bytes = buildEndTxnMarker({ commit, timestamp, producerId: PRODUCER, producerEpoch: epoch, coordinatorEpoch })
    return log.appendAsLeader(bytes, 0, 'coordinator', { transactionVersion: version }).firstOffset
  } catch (error) {
    return String((error as Error).message.split(':')[0])
  }
}

function openSince(log: Log): number | undefined {
  return log.producers.describe()[0]?.currentTxnFirstOffset
}

describe('a batch that begins a transaction', () => {
  it('needs the guard of its verification, which serves once', () => {
    const { log } = open()
    expect(append(log, data(0))).toBe('INVALID_TXN_STATE')
    const guard = start(log)
    expect(start(log)).toBe(guard)
    expect(append(log, data(0), { guard: { producerId: PRODUCER } })).toBe('INVALID_TXN_STATE')
    expect(append(log, data(0), { guard })).toBe(0)
    expect(start(log)).toBeUndefined()
    expect(append(log, data(1))).toBe(1)
  })

  it('is refused when a marker has come between the answer and the append, even if the next transaction has begun', () => {
    const { log } = open()
    const stale = start(log)
    expect(mark(log)).toBe(0)
    expect(append(log, data(0), { guard: stale })).toBe('INVALID_TXN_STATE')
    const guard = start(log)
    expect(append(log, data(0), { guard: stale })).toBe('INVALID_TXN_STATE')
    expect(append(log, data(0), { guard })).toBe(1)
  })

  it('opens a transaction that nobody ends without verification (KAFKA-14402)', () => {
    const late = (...defects: readonly DefectId[]): unknown => {
      const { log } = open(...defects)
      transactional(log, PRODUCER, 0)
      mark(log)
      return [append(log, data(1)), openSince(log)]
    }
    expect(late()).toEqual(['INVALID_TXN_STATE', -1])
    expect(late('KAFKA-14402')).toEqual([2, 2])
  })

  it('is told of its old epoch before anything else', () => {
    const { log } = open()
    mark(log, { epoch: 3 })
    expect(() => start(log, { epoch: 2 })).toThrow('INVALID_PRODUCER_EPOCH')
    expect(append(log, data(0, 2))).toBe('INVALID_PRODUCER_EPOCH')
    expect(append(log, data(0, 3))).toBe('INVALID_TXN_STATE')
  })

  it('may not overtake a lower sequence that waits for its verification', () => {
    const { log } = open()
    start(log, { sequence: 1 })
    const guard = start(log, { sequence: 0 })
    expect(append(log, data(1), { guard })).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    expect(append(log, data(0), { guard })).toBe(0)
    expect(append(log, data(1))).toBe(1)
  })

  it('has sequence 0 under version 2 when nothing of its epoch is known', () => {
    const { log } = open()
    expect(append(log, data(4), { guard: start(log, { sequence: 4 }) })).toBe(0) // KAFKA-14359
    const second = open().log
    expect(append(second, data(4), { guard: start(second, { sequence: 4, version: 2 }) })).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
  })

  it('of the next epoch is not taken for one of the transaction before, whose marker is still to come (KAFKA-18575)', () => {
    const next = (...defects: readonly DefectId[]): boolean => {
      const { log } = open(...defects)
      transactional(log, PRODUCER, 0, { version: 2 })
      return start(log, { epoch: 1, version: 2 }) !== undefined
    }
    expect(next()).toBe(true)
    expect(next('KAFKA-18575')).toBe(false)
  })

  it('a repeat of a batch that is in the log succeeds without proof', () => {
    const { log } = open()
    transactional(log, PRODUCER, 0)
    mark(log)
    expect(append(log, data(0))).toBe(0)
    expect(openSince(log)).toBe(-1)
  })
})

describe('a marker', () => {
  it('of version 2 must carry a newer epoch than the open transaction; repeated it is harmless', () => {
    const { log } = open()
    transactional(log, PRODUCER, 0, { version: 2 })
    expect(mark(log, { epoch: 0, version: 2 })).toBe('INVALID_PRODUCER_EPOCH')
    expect(mark(log, { epoch: 1, version: 2, commit: true })).toBe(1)
    expect(mark(log, { epoch: 1, version: 2, commit: true })).toBe(2)
    transactional(log, PRODUCER, 0, { epoch: 1, version: 2 })
    expect(mark(log, { epoch: 1, version: 2, commit: true })).toBe('INVALID_PRODUCER_EPOCH')
    expect(openSince(log)).toBe(3)
    expect(mark(log, { epoch: 1, version: 1, commit: true })).toBe(4)
  })

  it('of version 2 leaves the guard of the transaction that follows', () => {
    const { log } = open()
    transactional(log, PRODUCER, 0, { version: 2 })
    const next = start(log, { epoch: 1, version: 2 })
    expect(mark(log, { epoch: 1, version: 2 })).toBe(1)
    expect(append(log, data(0, 1), { guard: next })).toBe(2)
  })

  it('counts at the last epoch, beyond which there is none', () => {
    const { log } = open()
    transactional(log, PRODUCER, 0, { epoch: 32_767, version: 2 })
    expect(mark(log, { epoch: 32_767, version: 2 })).toBe(1)
  })

  it('is activity of its producer: an older coordinator stays fenced (KAFKA-9144)', () => {
    const zombie = (...defects: readonly DefectId[]): unknown => {
      const { env, log } = open(...defects)
      transactional(log, PRODUCER, 0, { timestamp: env.clock })
      env.advance(9_000)
      mark(log, { coordinatorEpoch: 5, timestamp: env.clock })
      env.advance(2_000)
      log.producers.removeExpired()
      return mark(log, { coordinatorEpoch: 4, timestamp: env.clock })
    }
    expect(zombie()).toBe('TRANSACTION_COORDINATOR_FENCED')
    expect(zombie('KAFKA-9144')).toBe(2)
  })
})
