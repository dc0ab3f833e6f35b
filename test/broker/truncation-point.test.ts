import { expect, test } from 'vitest'
import { truncationPoint } from '../../src/broker/truncation-point.ts'

test.each([
  { name: 'same epoch, leader shorter', leader: [3, 5], own: [3, 9], end: 9, expected: [5, true] },
  { name: 'same epoch, own shorter', leader: [3, 9], own: [3, 5], end: 8, expected: [5, true] },
  { name: 'KIP-279: epoch unknown here, the leader offset says nothing about the older one', leader: [3, 4], own: [2, 7], end: 9, expected: [7, false] },
  { name: 'no epoch at or below', leader: [3, 4], own: undefined, end: 9, expected: [4, true] },
  { name: 'no epoch at or below, leader longer', leader: [3, 12], own: undefined, end: 9, expected: [9, true] },
])('$name', ({ leader, own, end, expected }) => {
  const point = truncationPoint({ epoch: leader[0]!, endOffset: leader[1]! }, own && { epoch: own[0]!, endOffset: own[1]! }, end)
  expect([point.offset, point.isFinal]).toEqual(expected)
})
