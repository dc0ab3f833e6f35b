/** The assignors of KIP-848: everything is assigned, evenly, to who wants it, and stays where it can. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NO_PARTITIONS, assignmentOf } from '../../../src/coordinator/group/consumer/assignment.ts'
import type { Assignment } from '../../../src/coordinator/group/consumer/assignment.ts'
import type { AssignedMember } from '../../../src/coordinator/group/consumer/assignor.ts'
import { rangeAssignor } from '../../../src/coordinator/group/consumer/range-assignor.ts'
import { uniformAssignor } from '../../../src/coordinator/group/consumer/uniform-assignor.ts'

const member = (memberId: string, topicIds: readonly string[], current: Assignment = NO_PARTITIONS, instanceId: string | null = null): AssignedMember => ({ memberId, instanceId, topicIds, current })
const sizes = (assignments: ReadonlyMap<string, Assignment>) => [...assignments.values()].map(assignment => [...assignment.values()].reduce((sum, partitions) => sum + partitions.length, 0))
const plain = (assignments: ReadonlyMap<string, Assignment>) => Object.fromEntries([...assignments].map(([memberId, assignment]) => [memberId, Object.fromEntries(assignment)]))

const TOPICS = ['s', 't', 'u']
const scenario = fc.record({
  counts: fc.tuple(fc.nat(7), fc.nat(7), fc.nat(7)),
  subscriptions: fc.array(fc.subarray(TOPICS, { minLength: 1 }), { minLength: 1, maxLength: 6 }),
})

function complete(members: readonly AssignedMember[], counts: ReadonlyMap<string, number>, assignments: ReadonlyMap<string, Assignment>): void {
  const owners = new Map<string, string>()
  for (const { memberId, topicIds } of members) {
    for (const [topicId, partitions] of assignments.get(memberId)!) {
      expect(topicIds).toContain(topicId)
      for (const partition of partitions) {
        expect(owners.has(`${topicId}-${partition}`)).toBe(false)
        owners.set(`${topicId}-${partition}`, memberId)
      }
    }
  }
  let wanted = 0
  for (const [topicId, count] of counts) if (members.some(({ topicIds }) => topicIds.includes(topicId))) wanted += count
  expect(owners.size).toBe(wanted)
}

describe.each([uniformAssignor, rangeAssignor])('$name', assignor => {
  test('gives each partition to exactly one member that wants it, whatever there was before', () => {
    fc.assert(fc.property(scenario, scenario, (before, after) => {
      const run = ({ counts, subscriptions }: typeof before, current: ReadonlyMap<string, Assignment>) => {
        const wanted = new Set(subscriptions.flat())
        const partitionCounts = new Map(TOPICS.filter(topic => wanted.has(topic)).map(topic => [topic, counts[TOPICS.indexOf(topic)]!]))
        const members = subscriptions.map((topicIds, i) => member(`m${i}`, topicIds, current.get(`m${i}`) ?? NO_PARTITIONS))
        const assignments = assignor.assign(members, partitionCounts)
        complete(members, partitionCounts, assignments)
        return { members, partitionCounts, assignments }
      }
      run(after, run(before, new Map()).assignments)
    }), { seed: 1, numRuns: 100 })
  })
})

describe('uniform', () => {
  test('differs by one at most when all want the same, and moves no more than it must', () => {
    fc.assert(fc.property(fc.nat(20), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }), (count, before, after) => {
      const counts = new Map([['t', count]])
      const first = uniformAssignor.assign(Array.from({ length: before }, (_, i) => member(`m${i}`, ['t'])), counts)
      const second = uniformAssignor.assign(Array.from({ length: after }, (_, i) => member(`m${i}`, ['t'], first.get(`m${i}`) ?? NO_PARTITIONS)), counts)
      const [smallest, largest] = [Math.min(...sizes(second)), Math.max(...sizes(second))]
      expect(largest - smallest).toBeLessThanOrEqual(1)
      // Whoever may keep what he has, keeps it.
      for (const [memberId, assignment] of second) {
        const had = first.get(memberId)?.get('t') ?? []
        const kept = (assignment.get('t') ?? []).filter(partition => had.includes(partition)).length
        expect(kept).toBe(Math.min(had.length, assignment.get('t')?.length ?? 0))
      }
    }), { seed: 2, numRuns: 100 })
  })

  test('with different subscriptions leaves nobody with two more than somebody who could have had one of them', () => {
    fc.assert(fc.property(scenario, ({ counts, subscriptions }) => {
      const wanted = new Set(subscriptions.flat())
      const members = subscriptions.map((topicIds, i) => member(`m${i}`, topicIds))
      const assignments = uniformAssignor.assign(members, new Map(TOPICS.filter(topic => wanted.has(topic)).map(topic => [topic, counts[TOPICS.indexOf(topic)]!])))
      const size = (id: string) => [...assignments.get(id)!.values()].reduce((sum, partitions) => sum + partitions.length, 0)
      for (const one of members) for (const topicId of assignments.get(one.memberId)!.keys()) {
        for (const other of members) if (other.topicIds.includes(topicId)) expect(size(one.memberId) - size(other.memberId)).toBeLessThanOrEqual(1)
      }
    }), { seed: 3, numRuns: 100 })
  })

  test('drops partitions of topics that have gone and takes up those that came', () => {
    const current = assignmentOf([{ topicId: 'gone', partitions: [0, 1] }, { topicId: 't', partitions: [0, 1, 2] }])
    const assignments = uniformAssignor.assign([member('a', ['t'], current), member('b', ['t'])], new Map([['t', 4]]))
    expect(plain(assignments)).toEqual({ a: { t: [0, 1] }, b: { t: [2, 3] } })
  })
})

describe('range', () => {
  test('cuts every topic the same way, static members first in the order of their names', () => {
    const members = [member('x', ['s', 't']), member('b', ['s', 't'], NO_PARTITIONS, '2'), member('c', ['s', 't'], NO_PARTITIONS, '1')]
    expect(plain(rangeAssignor.assign(members, new Map([['s', 4], ['t', 4]])))).toEqual({ c: { s: [0, 1], t: [0, 1] }, b: { s: [2], t: [2] }, x: { s: [3], t: [3] } })
  })
})
