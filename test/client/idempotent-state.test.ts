/** When a producer's epochs are used up it drops its id and asks for a new one. */
import { expect, it } from 'vitest'
import { IdempotentState } from '../../src/client/idempotent-state.ts'
import type { ProducerBatch } from '../../src/client/producer-batch.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { FakeEnv } from './fake-env.ts'

const batch = { topic: 't', partition: 0, baseSequence: 0, lastSequence: 0, hasSequence: true } as unknown as ProducerBatch

function bumps(state: IdempotentState): number {
  state.adopt(7, 0)
  for (let count = 0; ; count++) {
    state.failed(batch, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, 'OUT_OF_ORDER_SEQUENCE_NUMBER', true)
    state.bumpIfNeeded()
    if (!state.hasProducerId) return count
  }
}

it('after 32 767 bumps, or after six where few epochs are forced', () => {
  expect(bumps(new IdempotentState(new FakeEnv(), () => {}))).toBe(32_767)
  expect(bumps(new IdempotentState(new FakeEnv(new Set(), new Set(['few-epochs'])), () => {}))).toBe(6)
})
