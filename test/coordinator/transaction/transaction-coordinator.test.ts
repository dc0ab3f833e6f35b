/** The transaction coordinator over its log: what counts when, what a failed write leaves, and what the next coordinator finds. */
import { describe, expect, it } from 'vitest'
import type { DefectId, MendId } from '../../../src/config/defects.ts'
import { ErrorCode } from '../../../src/protocol/errors.ts'
import { CoordinatorFixture, nameOf, PARTITION } from './coordinator-fixture.ts'

describe.each([1, 2] as const)('a coordinator of version %i', version => {
  it('gives a new id epoch 0, and every later instance the next one', () => {
    const f = new CoordinatorFixture(version)
    expect([f.ready(), f.ready(), f.ready()]).toMatchObject([{ producerId: 100, producerEpoch: 0 }, { producerId: 100, producerEpoch: 1 }, { producerId: 100, producerEpoch: 2 }])
    expect(nameOf(f.init(undefined, 0))).toBe('INVALID_TRANSACTION_TIMEOUT')
    expect(nameOf(f.init(undefined, 900_001))).toBe('INVALID_TRANSACTION_TIMEOUT')
  })

  it('lets an instance go on with what it had, also when it asks twice; an older one is fenced (KIP-360)', () => {
    const f = new CoordinatorFixture(version)
    const first = f.ready()
    const second = f.ready(first)
    expect(second.producerEpoch).toBe(1)
    expect(f.ready(first)).toEqual(second)
    f.ready()
    expect(nameOf(f.init(first))).toBe('PRODUCER_FENCED')
    expect(nameOf(f.init({ producerId: 5, producerEpoch: 0 }))).toBe('PRODUCER_FENCED')
  })

  it('applies a transition when it is acknowledged, and refuses others until then', () => {
    const f = new CoordinatorFixture(version)
    const producer = f.ready()
    f.logs.commitsAtOnce = false
    const added = f.add(producer)
    expect([added.answer, f.fields!.state]).toEqual([undefined, 'Empty'])
    expect([f.add(producer).answer, nameOf(f.init()), nameOf(f.end(producer, true))]).toEqual(['CONCURRENT_TRANSACTIONS', 'CONCURRENT_TRANSACTIONS', 'CONCURRENT_TRANSACTIONS'])
    f.logs.commit(PARTITION)
    f.env.settle()
    expect([added.answer, f.fields!.state]).toEqual(['NONE', 'Ongoing'])
    expect(f.add(producer).answer).toBe('NONE')
  })

  it('verifies by what is committed, whatever is pending', () => {
    const f = new CoordinatorFixture(version)
    const producer = f.ready()
    f.add(producer, 'waits')
    f.logs.commitsAtOnce = false
    f.add(producer, 'orders')
    expect([f.verify(producer, 'waits'), f.verify(producer, 'orders')]).toEqual(['NONE', 'TRANSACTION_ABORTABLE'])
    f.logs.commit(PARTITION)
    f.env.settle()
    expect(f.verify(producer, 'orders')).toBe('NONE')
    expect([f.verify({ ...producer, producerEpoch: 9 }), f.verify({ ...producer, producerId: 9 })]).toEqual(['PRODUCER_FENCED', 'INVALID_PRODUCER_ID_MAPPING'])
    f.end(producer, true)
    f.logs.commit(PARTITION)
    f.env.settle()
    expect(f.fields!.state).toBe('PrepareCommit')
    expect(f.verify({ ...producer, producerEpoch: f.fields!.producerEpoch })).toBe('CONCURRENT_TRANSACTIONS')
  })

  it('gives a transition up when the log refuses it', () => {
    const f = new CoordinatorFixture(version)
    const producer = f.ready()
    f.logs.log(PARTITION).refusal = ErrorCode.NOT_ENOUGH_REPLICAS
    expect(f.add(producer).answer).toBe('COORDINATOR_NOT_AVAILABLE')
    f.logs.log(PARTITION).refusal = ErrorCode.NONE
    expect([f.fields!.state, f.add(producer).answer]).toEqual(['Empty', 'NONE'])
  })

  it('raises the epoch once for a fence that has to be tried again', () => {
    const f = new CoordinatorFixture(version)
    const producer = f.ready()
    f.add(producer)
    f.logs.log(PARTITION).refusal = ErrorCode.NOT_ENOUGH_REPLICAS
    expect([nameOf(f.init()), nameOf(f.init())]).toEqual(['COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_NOT_AVAILABLE'])
    f.logs.log(PARTITION).refusal = ErrorCode.NONE
    expect(nameOf(f.init())).toBe('CONCURRENT_TRANSACTIONS')
    expect(f.fields).toMatchObject({ state: 'CompleteAbort', producerEpoch: 1 })
    expect(f.ready().producerEpoch).toBe(2)
  })

  it('answers NOT_COORDINATOR when leadership moves under a write, and leaves the next state alone', () => {
    const f = new CoordinatorFixture(version)
    const producer = f.ready()
    f.logs.commitsAtOnce = false
    const added = f.add(producer)
    f.failOver()
    expect(added.answer).toBe('NOT_COORDINATOR')
    expect(f.fields).toMatchObject({ state: 'Empty', producerEpoch: 0 })
    f.logs.commitsAtOnce = true
    expect(f.add(producer).answer).toBe('NONE')
  })

  it('finishes, after a change of coordinators, what was decided', () => {
    const f = new CoordinatorFixture(version)
    const producer = f.ready()
    f.add(producer, 'waits')
    expect(f.end(producer, true).answer).toMatchObject({ errorCode: 0 })
    expect(f.fields!.state).toBe('PrepareCommit')
    f.failOver()
    expect(f.fields).toMatchObject({ state: 'PrepareCommit', producerEpoch: version === 2 ? 1 : 0 })
    expect(f.env.observed('mark').map(({ name }) => name)).toContain('commit-resumed-after-failover')
    expect(nameOf(f.init())).toBe('CONCURRENT_TRANSACTIONS')
  })

  it('tries the completion again while the log refuses it', () => {
    const f = new CoordinatorFixture(version)
    const producer = f.ready()
    f.add(producer, 'waits')
    f.end(producer, false)
    // The topic goes, and with it the marker; but now the log cannot be written.
    f.logs.log(PARTITION).refusal = ErrorCode.NOT_ENOUGH_REPLICAS
    f.deleteTopic()
    f.env.advance(200)
    expect(f.fields!.state).toBe('PrepareAbort')
    f.logs.log(PARTITION).refusal = ErrorCode.NONE
    f.env.advance(200)
    expect(f.fields!.state).toBe('CompleteAbort')
  })

  it('is silent while it loads, and unknown where it does not lead', () => {
    const f = new CoordinatorFixture(version)
    f.coordinator.onElection(PARTITION, 7)
    expect(nameOf(f.peek())).toBe('COORDINATOR_LOAD_IN_PROGRESS')
    f.env.settle()
    f.coordinator.onResignation(PARTITION, 8)
    expect(nameOf(f.init())).toBe('NOT_COORDINATOR')
  })
})

describe('a transaction that takes too long', () => {
  const late = (version: 1 | 2, ...defects: readonly DefectId[]): unknown[] => {
    const f = new CoordinatorFixture(version, { defects })
    const producer = f.ready()
    f.add(producer)
    f.env.advance(7_000)
    expect(f.fields!.state).toBe('CompleteAbort')
    return [f.add(producer).answer, nameOf(f.end(producer, true))]
  }

  it('is aborted, and its producer fenced', () => {
    expect(late(1)).toEqual(['PRODUCER_FENCED', 'PRODUCER_FENCED'])
    expect(late(2)).toEqual(['PRODUCER_FENCED', 'INVALID_TXN_STATE'])
  })

  it('is waited for as long as the clock of the coordinator before was ahead (transaction-timeout-by-wall-clock)', () => {
    const states = (...mends: readonly MendId[]): unknown[] => {
      const f = new CoordinatorFixture(2, { mends })
      f.env.clockStepMs = 60_000
      f.add(f.ready())
      f.env.clockStepMs = 0
      f.failOver()
      f.env.advance(7_000)
      const early = f.fields!.state
      f.env.advance(60_000)
      return [early, f.fields!.state, f.env.observed('transaction-begins-in-future').length]
    }
    expect(states()).toEqual(['Ongoing', 'CompleteAbort', 1])
    expect(states('transaction-timeout-by-wall-clock')).toEqual(['CompleteAbort', 'CompleteAbort', 1])
  })

  it('with KAFKA-6119 its producer goes on, and commits half of what it wrote', () => {
    expect(late(1, 'KAFKA-6119')).toEqual(['NONE', 'NONE'])
  })
})

describe('historical defects', () => {
  it('KAFKA-18464: an abort right after a commit, with nothing written, is told to come again and not that it is fenced', () => {
    const abort = (...defects: readonly DefectId[]): string => {
      const f = new CoordinatorFixture(2, { defects })
      const producer = f.ready()
      f.add(producer, 'waits')
      const next = f.end(producer, true).answer!
      return nameOf(f.end(next, false))
    }
    expect(abort()).toBe('CONCURRENT_TRANSACTIONS')
    expect(abort('KAFKA-18464')).toBe('PRODUCER_FENCED')
  })

  it('KAFKA-18660: the next coordinator knows which id the producer was given when its epochs ran out', () => {
    const rotated = (...defects: readonly DefectId[]): string | undefined => {
      const f = new CoordinatorFixture(2, { defects, buggify: ['few-epochs'] })
      let producer = f.ready()
      for (let i = 0; i < 5; i++) producer = f.ready()
      expect(producer.producerEpoch).toBe(5)
      f.add(producer, 'waits')
      const next = f.end(producer, true).answer!
      expect(next).toMatchObject({ producerId: 101, producerEpoch: 0 })
      f.failOver()
      f.deleteTopic()
      f.env.advance(100)
      expect(f.fields!.state).toBe('CompleteCommit')
      return f.add(next).answer
    }
    expect(rotated()).toBe('NONE')
    expect(rotated('KAFKA-18660')).toBe('INVALID_PRODUCER_ID_MAPPING')
  })

  it('KAFKA-9600: EndTxn takes only the current epoch, and a new instance aborts with the next one', () => {
    const run = (...defects: readonly DefectId[]): unknown[] => {
      const f = new CoordinatorFixture(1, { defects })
      const producer = f.ready()
      f.add(producer, 'waits')
      f.init()
      return [f.fields!.producerEpoch, nameOf(new CoordinatorFixture(1, { defects }).withOngoing(f => f.end({ producerId: 100, producerEpoch: 3 }, true)))]
    }
    expect(run()).toEqual([1, 'PRODUCER_FENCED'])
    expect(run('KAFKA-9600')).toEqual([0, 'NONE'])
  })

  it('KAFKA-17754: a late copy of an EndTxn decides the next transaction under version 1, never under version 2', () => {
    const late = (version: 1 | 2, ...defects: readonly DefectId[]): unknown[] => {
      const f = new CoordinatorFixture(version, { defects })
      const first = f.ready()
      f.add(first)
      const next = f.end(first, true).answer!
      const second = version === 2 ? next : first
      f.add(second)
      // The copy arrives in the middle of the second transaction.
      return [nameOf(f.end(first, true)), f.fields!.state]
    }
    expect(late(1)).toEqual(['NONE', 'CompleteCommit'])
    expect(late(2)).toEqual(['PRODUCER_FENCED', 'Ongoing'])
    expect(late(2, 'KAFKA-17754')).toEqual(['NONE', 'CompleteCommit'])
  })

  it('KAFKA-10080: a transaction is completed once, however many answers find that theirs was the last', () => {
    const completions = (...defects: readonly DefectId[]): number => {
      const f = new CoordinatorFixture(1, { defects, interleaves: true })
      const producer = f.ready()
      f.add(producer, 'led-by-9')
      f.add(producer, 'led-by-10')
      f.end(producer, true)
      f.network.open()
      f.env.settle()
      const written = f.logs.log(PARTITION).batches.length
      try {
        // Both leaders answer at the same moment.
        expect(f.network.acceptMarkers()).toBe(2)
        f.env.settle()
      } catch (error) {
        expect((error as Error).message).toContain('to CompleteCommit while')
      }
      return f.logs.log(PARTITION).batches.length - written
    }
    expect(completions()).toBe(1)
    expect(completions('KAFKA-10080')).toBe(2)
  })
})
