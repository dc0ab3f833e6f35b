/** Pipelines and groups: smallest histories, near misses, unknown fates on either side, one violation among many. */
import { describe, expect, it } from 'vitest'
import { exactlyOnceChecker } from '../../../checkers/collections/exactly-once-checker.ts'
import { groupsChecker } from '../../../checkers/collections/groups-checker.ts'
import { shareGroupChecker } from '../../../checkers/collections/share-group-checker.ts'
import type { Checker } from '../../../checkers/contract.ts'
import { type CollectionCase, h, judgeWith } from './recorded-history.ts'

const A = '["in-0",5]'
const B = '["in-0",6]'

const EXACTLY_ONCE: readonly CollectionCase[] = [
  { name: 'outputs never read', history: h(`1 input ${A} ok`, `2 output ${A} ok`), verdict: 'unknown' },
  { name: 'one each', history: h(`1 input ${A} ok`, `1 input ${B} ok`, `2 output ${A} ok`, `2 output ${B} ok`, `3 read-outputs [${B},${A}] ok`), verdict: 'valid' },
  { name: 'none', history: h(`1 input ${A} ok`, `2 output ${A} fail`, '3 read-outputs [] ok'), verdict: 'invalid', counts: { 'missing-output': 1 } },
  { name: 'none of an input without an answer', history: h(`1 input ${A} info`, '3 read-outputs [] ok'), verdict: 'valid' },
  { name: 'none of an input that came while the outputs were read', history: h('3 read-outputs invoke', `1 input ${A} ok`, '3 read-outputs [] ok'), verdict: 'valid' },
  { name: 'one of an input without an answer', history: h(`1 input ${A} info`, `2 output ${A} ok`, `3 read-outputs [${A}] ok`), verdict: 'valid' },
  { name: 'two', history: h(`1 input ${A} ok`, `2 output ${A} info`, `4 output ${A} ok`, `3 read-outputs [${A},${A}] ok`), verdict: 'invalid', counts: { 'duplicate-output': 1 } },
  { name: 'one after two attempts', history: h(`1 input ${A} ok`, `2 output ${A} info`, `4 output ${A} ok`, `3 read-outputs [${A}] ok`), verdict: 'valid' },
  { name: 'one after an aborted attempt and one of unknown outcome', history: h(`1 input ${A} ok`, `2 output ${A} fail`, `4 output ${A} invoke`, `3 read-outputs [${A}] ok`), verdict: 'valid' },
  { name: 'one that was aborted', history: h(`1 input ${A} ok`, `2 output ${A} fail`, `3 read-outputs [${A}] ok`), verdict: 'invalid', counts: { 'unexpected-output': 1 } },
  { name: 'one that nobody wrote', history: h(`3 read-outputs [${A}] ok`), verdict: 'invalid', counts: { 'unexpected-output': 1 } },
  { name: 'one that was written afterwards', history: h(`1 input ${A} ok`, `3 read-outputs [${A}] ok`, `2 output ${A} ok`), verdict: 'invalid', counts: { 'unexpected-output': 1 } },
  { name: 'an early read that lacks it', history: h(`1 input ${A} ok`, '3 read-outputs [] ok', `2 output ${A} ok`, `3 read-outputs [${A}] ok`), verdict: 'valid' },
]

const assign = (member: string, generation: number, partitions: string, type = 'ok'): string => `${member === 'a' ? 1 : 2} assign {"group":"g","generation":${generation},"member":"${member}","partitions":${partitions}} ${type}`
const commit = (member: string, generation: number, offset: number, type = 'ok'): string => `${member === 'a' ? 1 : 2} commit {"group":"g","generation":${generation},"member":"${member}","offsets":{"o-0":${offset}}} ${type}`
const fetch = (offset: number | null, type = 'ok'): string => `3 fetch {"group":"g","partition":"o-0","offset":${offset}} ${type}`
const stable = (members: string): string => `4 stable {"group":"g","generation":9,"members":${members},"partitions":["o-0","o-1"]} ok`

const GROUPS: readonly CollectionCase[] = [
  { name: 'one owner each', history: h(assign('a', 7, '["o-0"]'), assign('b', 7, '["o-1"]'), stable('{"a":["o-0"],"b":["o-1"]}')), verdict: 'valid' },
  { name: 'two owners', history: h(assign('a', 7, '["o-0"]'), assign('b', 7, '["o-0"]')), verdict: 'invalid', counts: { 'double-ownership': 1 } },
  { name: 'two owners, one of unknown outcome', history: h(assign('a', 7, '["o-0"]'), assign('b', 7, '["o-0"]', 'info')), verdict: 'valid' },
  { name: 'owners of two generations', history: h(assign('a', 7, '["o-0"]'), assign('b', 8, '["o-0"]')), verdict: 'valid' },
  { name: 'owners in two groups', history: h(assign('a', 7, '["o-0"]'), assign('b', 7, '["o-0"]').replace('"g"', '"h"')), verdict: 'valid' },
  { name: 'the same owner told twice', history: h(assign('a', 7, '["o-0"]'), assign('a', 7, '["o-0"]')), verdict: 'valid' },
  { name: 'two owners in a stable group', history: h(stable('{"a":["o-0","o-1"],"b":["o-1"]}')), verdict: 'invalid', counts: { 'double-ownership': 1 } },
  { name: 'nobody in a stable group', history: h(stable('{"a":["o-0"]}')), verdict: 'invalid', counts: { 'unassigned-partition': 1 } },
  { name: 'a commit of the owner', history: h(assign('a', 7, '["o-0"]'), commit('a', 7, 5), fetch(5)), verdict: 'valid' },
  { name: 'a commit of a fenced member', history: h(assign('a', 7, '["o-0"]'), assign('b', 8, '["o-0"]'), commit('a', 7, 5)), verdict: 'invalid', counts: { 'fenced-commit': 1 } },
  { name: 'a refused commit of a fenced member', history: h(assign('a', 7, '["o-0"]'), assign('b', 8, '["o-0"]'), commit('a', 7, 5, 'fail'), fetch(null)), verdict: 'valid' },
  { name: 'a commit of unknown outcome of a fenced member', history: h(assign('b', 8, '["o-0"]'), commit('a', 7, 5, 'info'), fetch(null), fetch(5)), verdict: 'valid' },
  { name: 'a commit that was under way when the partition moved', history: h(assign('a', 7, '["o-0"]'), commit('a', 7, 5, 'invoke'), assign('b', 8, '["o-0"]'), commit('a', 7, 5)), verdict: 'valid' },
  { name: 'nothing committed', history: h(fetch(null)), verdict: 'valid' },
  { name: 'an offset from nowhere', history: h(commit('a', 7, 5), fetch(7)), verdict: 'invalid', counts: { 'invented-commit': 1 } },
  { name: 'an offset of a commit that failed', history: h(commit('a', 7, 5, 'fail'), fetch(5)), verdict: 'invalid', counts: { 'invented-commit': 1 } },
  { name: 'an offset that went back', history: h(commit('a', 7, 5), commit('a', 7, 9), fetch(5)), verdict: 'invalid', counts: { 'commit-regression': 1 } },
  { name: 'an offset that was lost', history: h(commit('a', 7, 5), fetch(null)), verdict: 'invalid', counts: { 'commit-regression': 1 } },
  { name: 'an offset that was reset', history: h(commit('a', 7, 9), commit('a', 7, 5), fetch(5)), verdict: 'valid' },
  { name: 'commits side by side, either of which may be last', history: h(commit('a', 7, 5, 'invoke'), commit('b', 7, 9), commit('a', 7, 5), fetch(5), fetch(9)), verdict: 'valid' },
  { name: 'commits side by side, of which the first to begin is the first to end', history: h(commit('a', 7, 5, 'invoke'), commit('b', 7, 9, 'invoke'), commit('a', 7, 5), commit('b', 7, 9), fetch(5)), verdict: 'valid' },
  { name: 'an old commit of unknown fate that arrives late', history: h(commit('a', 7, 5, 'info'), commit('b', 7, 9), fetch(5)), verdict: 'valid' },
  { name: 'a fetch that ran while it was committed', history: h('3 fetch {"group":"g","partition":"o-0"} invoke', commit('a', 7, 5), fetch(null)), verdict: 'valid' },
  { name: 'a group named like a property', history: h(assign('a', 7, '["__proto__"]').replace('"g"', '"constructor"')), verdict: 'valid' },
]

const acquire = (member: string, records: string, type = 'ok'): string => `${member === 'a' ? 1 : 2} acquire {"group":"g","member":"${member}","limit":3,"records":{"o-0":${records}}} ${type}`
const acknowledge = (member: string, records: string, type = 'ok'): string => `${member === 'a' ? 1 : 2} acknowledge {"group":"g","member":"${member}","partition":"o-0","limit":3,"records":${records}} ${type}`
const inLog = (records: string): string => `9 in-log {"group":"g","records":{"o-0":${records}}} ok`

const SHARES: readonly CollectionCase[] = [
  { name: 'each to one member', history: h(acquire('a', '[[0,7,1]]'), acquire('b', '[[1,8,1]]'), acknowledge('a', '[[0,"accept",1]]'), acknowledge('b', '[[1,"reject",1]]'), inLog('[[0,7],[1,8]]')), verdict: 'valid' },
  { name: 'one to nobody', history: h(acquire('a', '[[0,7,1]]'), inLog('[[0,7],[1,8]]')), verdict: 'invalid', counts: { 'undelivered-record': 1 } },
  { name: 'one that nobody could read', history: h('1 acquire {"group":"g","member":"a","limit":3,"records":{},"unreadable":{"o-0":[0]}} ok', inLog('[[0,7]]')), verdict: 'valid' },
  { name: 'one to a group of another name', history: h(acquire('a', '[[0,7,1]]').replace('"g"', '"h"'), inLog('[[0,7]]')), verdict: 'invalid', counts: { 'undelivered-record': 1 } },
  { name: 'again after it was accepted', history: h(acquire('a', '[[0,7,1]]'), acknowledge('a', '[[0,"accept",1]]'), acquire('b', '[[0,7,1]]')), verdict: 'invalid', counts: { 'redelivered-record': 1 } },
  { name: 'again after it was rejected', history: h(acquire('a', '[[0,7,1]]'), acknowledge('a', '[[0,"reject",1]]'), acquire('b', '[[0,7,2]]')), verdict: 'invalid', counts: { 'redelivered-record': 1 } },
  { name: 'again after it was released', history: h(acquire('a', '[[0,7,1]]'), acknowledge('a', '[[0,"release",1]]'), acquire('b', '[[0,7,2]]')), verdict: 'valid' },
  { name: 'again after it was released for the last time', history: h(acquire('a', '[[0,7,3]]'), acknowledge('a', '[[0,"release",3]]'), acquire('b', '[[0,7,3]]')), verdict: 'invalid', counts: { 'redelivered-record': 1 } },
  { name: 'again after an acknowledgement of unknown fate', history: h(acquire('a', '[[0,7,1]]'), acknowledge('a', '[[0,"accept",1]]', 'info'), acquire('b', '[[0,7,2]]')), verdict: 'valid', counts: { 'repeated-delivery': 1 } },
  { name: 'again after an acknowledgement that was refused', history: h(acquire('a', '[[0,7,1]]'), acknowledge('a', '[[0,"accept",1]]', 'fail'), acquire('b', '[[0,7,2]]')), verdict: 'valid', counts: { 'repeated-delivery': 1 } },
  { name: 'to somebody who had asked before', history: h(acquire('a', '[[0,7,1]]'), acquire('b', '[]', 'invoke'), acknowledge('a', '[[0,"accept",1]]'), acquire('b', '[[0,7,2]]')), verdict: 'valid', counts: { 'repeated-delivery': 1 } },
  { name: 'one that it had asked for before, and kept', history: h(acquire('b', '[]'), acquire('a', '[[0,7,1]]'), acknowledge('a', '[[0,"accept",1]]'), acquire('b', '[[0,7,2,1]]')), verdict: 'valid', counts: { 'repeated-delivery': 1 } },
  { name: 'one that it asked for after that, and kept', history: h(acquire('a', '[[0,7,1]]'), acknowledge('a', '[[0,"accept",1]]'), acquire('b', '[]'), acquire('b', '[[0,7,2,1]]')), verdict: 'invalid', counts: { 'redelivered-record': 1 } },
  { name: 'two that are both done with it', history: h(acquire('a', '[[0,7,1]]'), acquire('b', '[[0,7,2]]'), acknowledge('b', '[[0,"accept",2]]'), acknowledge('a', '[[0,"accept",1]]')), verdict: 'valid', counts: { 'repeated-delivery': 1 } },
  { name: 'as often as it may be', history: h(acquire('a', '[[0,7,3]]')), verdict: 'valid' },
  { name: 'too often', history: h(acquire('a', '[[0,7,4]]')), verdict: 'invalid', counts: { 'too-many-deliveries': 1 } },
  { name: 'something else than there is', history: h(acquire('a', '[[0,7,1]]'), inLog('[[0,8]]')), verdict: 'invalid', counts: { 'wrong-record': 1 } },
  { name: 'something else than before', history: h(acquire('a', '[[0,7,1]]'), acquire('b', '[[0,8,2]]')), verdict: 'invalid', counts: { 'wrong-record': 1, 'repeated-delivery': 1 } },
]

const nonZero = (counts: { readonly [anomaly: string]: number }): { [anomaly: string]: number } => Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))

describe.each<readonly [string, Checker, readonly CollectionCase[]]>([['exactly-once', exactlyOnceChecker(), EXACTLY_ONCE], ['groups', groupsChecker, GROUPS], ['share-group', shareGroupChecker, SHARES]])('%s', (_, checker, cases) => {
  it.each(cases.map(one => [one.name, one] as const))('%s', (__, { history, verdict, counts = {} }) => {
    const result = judgeWith(checker, history)
    expect({ verdict: result.verdict, counts: nonZero(result.counts) }).toEqual({ verdict, counts })
  })
})

describe('weaker semantics', () => {
  const none = h(`1 input ${A} ok`, `2 output ${A} fail`, '3 read-outputs [] ok')
  const two = h(`1 input ${A} ok`, `2 output ${A} info`, `4 output ${A} ok`, `3 read-outputs [${A},${A}] ok`)

  it('allow one of the two', () => {
    expect(judgeWith(exactlyOnceChecker('at-most-once'), none)).toMatchObject({ verdict: 'valid', counts: { 'missing-output': 1 } })
    expect(judgeWith(exactlyOnceChecker('at-least-once'), none).verdict).toBe('invalid')
    expect(judgeWith(exactlyOnceChecker('at-least-once'), two)).toMatchObject({ verdict: 'valid', counts: { 'duplicate-output': 1 } })
    expect(judgeWith(exactlyOnceChecker('at-most-once'), two).verdict).toBe('invalid')
  })
})

describe('one violation among many', () => {
  it('is found, and nothing without it', () => {
    const inputs = Array.from({ length: 3_000 }, (_, at) => JSON.stringify([`in-${at % 8}`, at >> 3]))
    const pipeline = (outputs: readonly string[]): ReturnType<typeof h> => h(...inputs.flatMap(input => [`1 input ${input} ok`, `2 output ${input} ok`]), `3 read-outputs [${outputs.join(',')}] ok`)
    expect(judgeWith(exactlyOnceChecker(), pipeline(inputs)).verdict).toBe('valid')
    expect(judgeWith(exactlyOnceChecker(), pipeline(inputs.filter((_, at) => at !== 1_234))).counts).toEqual({ 'missing-output': 1 })
    expect(judgeWith(exactlyOnceChecker(), pipeline([...inputs, inputs[1_234]!])).counts).toEqual({ 'duplicate-output': 1 })
    const jobs = Array.from({ length: 3_000 }, (_, at) => at)
    const queue = (handed: readonly number[]): ReturnType<typeof h> => h(...handed.flatMap(at => [acquire('a', `[[${at},${at},1]]`), acknowledge('a', `[[${at},"accept",1]]`)]), inLog(`[${jobs.map(at => `[${at},${at}]`).join(',')}]`))
    expect(judgeWith(shareGroupChecker, queue(jobs)).verdict).toBe('valid')
    expect(judgeWith(shareGroupChecker, queue(jobs.filter(at => at !== 1_234))).counts).toEqual({ 'undelivered-record': 1 })
    expect(judgeWith(shareGroupChecker, queue([...jobs, 1_234])).counts).toEqual({ 'redelivered-record': 1 })
    const group = (odd: number): ReturnType<typeof h> => h(...Array.from({ length: 3_000 }, (_, at) => (at % 2 === 0 ? commit('a', 7, at) : fetch(at === 2_001 ? odd : at - 1))))
    expect(judgeWith(groupsChecker, group(2_000)).verdict).toBe('valid')
    expect(judgeWith(groupsChecker, group(1_998)).counts).toEqual({ 'commit-regression': 1 })
  })
})
