/**
 * The committed offsets of groups as linearizable registers, one a group and partition: `commit [key offset]` and
 * `fetch [key null]`, answered `[key offset]`. Who commits must not try again by itself: a late copy of a request that was
 * answered would be a second write that nobody asked for.
 */
import type { Checker } from '../contract.ts'
import { linearizabilityChecker } from './linearizability-checker.ts'
import { committedOffset } from './models/committed-offset.ts'

const FUNCTIONS: readonly string[] = ['commit', 'fetch']

const registers = linearizabilityChecker(committedOffset, { independent: true })

export const committedOffsetsChecker: Checker = {
  name: 'committed-offsets',
  describes: 'the committed offsets of groups: each a linearizable register',
  concerns: ({ f, value }) => FUNCTIONS.includes(f) && Array.isArray(value),
  check: (history, context) => ({ ...registers.check(history, context), checker: 'committed-offsets' }),
}
