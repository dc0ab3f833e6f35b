/** EndTxn in every state and epoch, under both versions; the transitions themselves. */
import { describe, expect, it } from 'vitest'
import { NO_DEFECTS } from '../../../src/config/defects.ts'
import { prepareEnd } from '../../../src/coordinator/transaction/end-transaction.ts'
import { newTransaction, TransactionMetadata } from '../../../src/coordinator/transaction/transaction-metadata.ts'
import type { TransactionFields } from '../../../src/coordinator/transaction/transaction-metadata.ts'
import type { TransactionState } from '../../../src/coordinator/transaction/transaction-state.ts'
import { ApiError } from '../../../src/protocol/api-error.ts'
import { errorName } from '../../../src/protocol/errors.ts'

const PRODUCER = 7
const EPOCH = 4
const ORDERS = new Map([['orders-0', { topic: 'orders', partition: 0 }]])

function inState(state: TransactionState, o: Partial<TransactionFields> = {}): TransactionMetadata {
  const isOpen = state === 'Ongoing' || state.startsWith('Prepare')
  return new TransactionMetadata('copier', { ...newTransaction(PRODUCER, 5_000, 0), state, producerEpoch: EPOCH, startedMs: 0, partitions: isOpen ? ORDERS : new Map(), ...o })
}

/** `PrepareCommit 5`: state and epoch that are to be written; `done`: nothing to write; or the error. */
function end(metadata: TransactionMetadata, commit: boolean, o: { epoch?: number; producerId?: number; version?: 1 | 2; isFromClient?: boolean; outOfIds?: boolean } = {}): string {
  const request = { producerId: o.producerId ?? PRODUCER, producerEpoch: o.epoch ?? EPOCH, commit, isFromClient: o.isFromClient ?? true, clientVersion: o.version ?? 1 }
  try {
    const next = prepareEnd(metadata, request, { now: 10, defects: NO_DEFECTS, nextProducerId: () => 99 })
    return next === undefined ? 'done' : `${next.state} ${next.producerEpoch}${next.nextProducerId < 0 ? '' : ` then ${next.nextProducerId}`}`
  } catch (error) {
    if (error instanceof ApiError) return errorName(error.code)
    throw error
  }
}

/** Answers for [retry's epoch, current epoch, next epoch], abort before commit. */
function table(state: TransactionState, version: 1 | 2): string[] {
  return [false, true].flatMap(commit => [EPOCH - 1, EPOCH, EPOCH + 1].map(epoch => end(inState(state), commit, { epoch, version })))
}

const FENCED = 'PRODUCER_FENCED'
const INVALID = 'INVALID_TXN_STATE'
const CONCURRENT = 'CONCURRENT_TRANSACTIONS'

describe('EndTxn of version 1', () => {
  it.each([
    ['Empty', [FENCED, INVALID, FENCED, FENCED, INVALID, FENCED]],
    ['Ongoing', [FENCED, 'PrepareAbort 4', FENCED, FENCED, 'PrepareCommit 4', FENCED]],
    ['PrepareCommit', [FENCED, INVALID, FENCED, FENCED, CONCURRENT, FENCED]],
    ['PrepareAbort', [FENCED, CONCURRENT, FENCED, FENCED, INVALID, FENCED]],
    ['CompleteCommit', [FENCED, INVALID, FENCED, FENCED, 'done', FENCED]],
    ['CompleteAbort', [FENCED, 'done', FENCED, FENCED, INVALID, FENCED]],
  ] as const)('in %s', (state, answers) => {
    expect(table(state, 1)).toEqual(answers)
  })

  it('looks at the producer first, then the epoch, then whether something is pending', () => {
    const metadata = inState('Ongoing')
    metadata.prepareAddPartitions(ORDERS, 1, 0)
    expect(end(metadata, true, { producerId: 8 })).toBe('INVALID_PRODUCER_ID_MAPPING')
    expect(end(metadata, true, { epoch: EPOCH - 1 })).toBe(FENCED)
    expect(end(metadata, true)).toBe(CONCURRENT)
  })

  it('a fence ends the transaction with the epoch that it has raised', () => {
    const metadata = inState('Ongoing')
    const epoch = metadata.prepareFence({ raisesEpoch: true })
    expect(end(metadata, false, { epoch, isFromClient: false })).toBe('PrepareAbort 5')
    expect(metadata.fields.producerEpoch).toBe(5)
  })
})

describe('EndTxn of version 2', () => {
  it.each([
    ['Empty', [FENCED, 'PrepareAbort 5', FENCED, FENCED, INVALID, FENCED]],
    ['Ongoing', [FENCED, 'PrepareAbort 5', FENCED, FENCED, 'PrepareCommit 5', FENCED]],
    ['PrepareCommit', [INVALID, FENCED, FENCED, CONCURRENT, FENCED, FENCED]],
    ['PrepareAbort', [CONCURRENT, FENCED, FENCED, INVALID, FENCED, FENCED]],
    ['CompleteCommit', [INVALID, 'PrepareAbort 5', FENCED, 'done', INVALID, FENCED]],
    ['CompleteAbort', ['done', 'PrepareAbort 5', FENCED, INVALID, INVALID, FENCED]],
  ] as const)('in %s', (state, answers) => {
    expect(table(state, 2)).toEqual(answers)
  })

  it('waits for what is pending before it looks at anything', () => {
    const metadata = inState('Ongoing')
    metadata.prepareAddPartitions(ORDERS, 1, 2)
    expect(end(metadata, true, { version: 2, producerId: 8 })).toBe(CONCURRENT)
  })

  it('a fence raises the epoch once, in its abort', () => {
    const metadata = inState('Ongoing')
    const epoch = metadata.prepareFence({ raisesEpoch: true })
    expect(end(metadata, false, { version: 2, epoch, isFromClient: false })).toBe('PrepareAbort 5')
    expect(metadata.fields.producerEpoch).toBe(EPOCH)
  })

  it('moves to another producer id when the epochs are used up, and knows a retry from before that', () => {
    const last = inState('Ongoing', { producerEpoch: 32_766 })
    expect(end(last, true, { version: 2, epoch: 32_766 })).toBe('PrepareCommit 32767 then 99')
    const rotated = inState('CompleteCommit', { producerId: 99, previousProducerId: PRODUCER, producerEpoch: 0, lastProducerEpoch: 32_766 })
    expect(end(rotated, true, { version: 2, epoch: 32_766 })).toBe('done')
    expect(end(rotated, false, { version: 2, epoch: 32_766 })).toBe(INVALID)
    expect(end(rotated, true, { version: 2, epoch: 32_765 })).toBe('INVALID_PRODUCER_ID_MAPPING')
  })
})

it.each([1, 2] as const)('the producer\'s own EndTxn may come between a fence and its abort (version %i)', version => {
  const fenced = (): TransactionMetadata => {
    const metadata = inState('Ongoing')
    metadata.prepareFence({ raisesEpoch: true })
    return metadata
  }
  expect(end(fenced(), true, { version })).toBe('UNKNOWN_SERVER_ERROR')
  const metadata = fenced()
  expect(end(metadata, false, { version })).toBe(version === 2 ? 'PrepareAbort 5' : 'PrepareAbort 4')
  expect(end(metadata, false, { version, epoch: 5, isFromClient: false })).toBe(CONCURRENT)
})

describe('a transition', () => {
  it('is refused from a state that does not lead there, or while another is pending', () => {
    expect(() => inState('PrepareCommit').prepareAddPartitions(ORDERS, 1, 0)).toThrow('Ongoing after PrepareCommit')
    const metadata = inState('Empty')
    metadata.prepareAddPartitions(ORDERS, 1, 0)
    expect(() => metadata.prepareAddPartitions(ORDERS, 1, 0)).toThrow('Ongoing is pending')
  })

  it('applies only as it was prepared', () => {
    const metadata = inState('Empty')
    const next = metadata.prepareAddPartitions(ORDERS, 1, 0)
    expect(() => metadata.complete({ ...next, producerEpoch: 9 })).toThrow('with epoch 9')
    expect(() => metadata.complete({ ...next, timeoutMs: 1 })).toThrow('another time-out')
    expect(() => metadata.complete({ ...next, state: 'PrepareCommit' })).toThrow('Ongoing is pending')
    metadata.complete(next)
    expect(() => metadata.complete(next)).toThrow('undefined is pending')
    expect(metadata.fields).toMatchObject({ state: 'Ongoing', startedMs: 1, previousProducerId: PRODUCER })
  })
})
