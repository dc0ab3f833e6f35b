import { expect, it } from 'vitest'
import { ErrorCode, errorName, isRetriable, refreshesMetadata } from '../../src/protocol/errors.ts'

it('names every code of Kafka 4.3.1, which leaves no gap', () => {
  const codes = Object.values(ErrorCode).sort((a, b) => a - b)
  expect(codes).toEqual(Array.from({ length: 135 }, (_, index) => index - 1))
  expect(errorName(1)).toBe('OFFSET_OUT_OF_RANGE')
  expect(errorName(99)).toBe('POSITION_OUT_OF_RANGE')
  expect(errorName(133)).toBe('SHARE_SESSION_LIMIT_REACHED')
})

it('knows what a client retries and when it asks for metadata again', () => {
  expect([ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.NOT_ENOUGH_REPLICAS, ErrorCode.REQUEST_TIMED_OUT].every(isRetriable)).toBe(true)
  expect([ErrorCode.NONE, ErrorCode.OFFSET_OUT_OF_RANGE, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER].some(isRetriable)).toBe(false)
  expect(refreshesMetadata(ErrorCode.FENCED_LEADER_EPOCH)).toBe(true)
  expect(refreshesMetadata(ErrorCode.UNKNOWN_LEADER_EPOCH)).toBe(false)
  // InvalidMetadataException is a RetriableException.
  expect(Object.values(ErrorCode).filter(code => refreshesMetadata(code) && !isRetriable(code))).toEqual([])
})
