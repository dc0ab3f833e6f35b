import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Assignor, GroupAssignment, GroupMember } from '../../../src/client/assignors/assignor.ts'
import { assignorsOf, rebalanceProtocolOf } from '../../../src/client/assignors/assignors.ts'
import { cooperativeStickyAssignor } from '../../../src/client/assignors/cooperative-sticky-assignor.ts'
import { rangeAssignor } from '../../../src/client/assignors/range-assignor.ts'
import { roundRobinAssignor } from '../../../src/client/assignors/round-robin-assignor.ts'
import { stickyAssignor } from '../../../src/client/assignors/sticky-assignor.ts'
import { nameOf } from '../../../src/client/topic-partition.ts'
import type { TopicPartition } from '../../../src/client/topic-partition.ts'

const member = (memberId: string, topics: readonly string[], more: Partial<GroupMember> = {}): GroupMember => (
  { memberId, groupInstanceId: null, topics, userData: null, ownedPartitions: [], generationId: -1, ...more }
)
const shown = (assignment: GroupAssignment): Record<string, string> => (
  Object.fromEntries([...assignment].map(([memberId, partitions]) => [memberId, partitions.map(nameOf).join(' ')]))
)
const partitions = (topic: string, ...indexes: number[]): TopicPartition[] => indexes.map(partition => ({ topic, partition }))
const owner = (memberId: string, topics: readonly string[], owned: readonly TopicPartition[], generationId = 1): GroupMember => (
  member(memberId, topics, { ownedPartitions: owned, generationId, userData: stickyAssignor.userData!(owned, generationId) })
)

describe('range', () => {
  it('gives each topic in ranges, the first members one more, static members first', () => {
    const members = [member('b', ['t', 'u']), member('a', ['t', 'u']), member('z', ['t'], { groupInstanceId: 'one' })]
    expect(shown(rangeAssignor.assign(new Map([['t', 7], ['u', 3]]), members))).toEqual({ z: 't-0 t-1 t-2', a: 't-3 t-4 u-0 u-1', b: 't-5 t-6 u-2' })
  })

  it('knows nothing of a topic that does not exist', () => {
    expect(shown(rangeAssignor.assign(new Map(), [member('a', ['t'])]))).toEqual({ a: '' })
  })
})

it('round robin goes on where the topic before ended, and over members that do not want the topic', () => {
  const members = [member('a', ['t']), member('b', ['t', 'u']), member('c', ['u'])]
  expect(shown(roundRobinAssignor.assign(new Map([['t', 3], ['u', 2]]), members))).toEqual({ a: 't-0 t-2', b: 't-1 u-0', c: 'u-1' })
})

describe('sticky', () => {
  it('keeps what everybody has and evens out the rest', () => {
    const members = [owner('a', ['t'], partitions('t', 0, 1, 2, 3)), owner('b', ['t'], partitions('t', 4)), member('c', ['t'])]
    const after = shown(stickyAssignor.assign(new Map([['t', 6]]), members))
    expect(after['b']).toContain('t-4')
    expect(Object.values(after).map(each => each.split(' ').length)).toEqual([2, 2, 2])
    expect(after['a']!.split(' ').every(name => ['t-0', 't-1', 't-2', 't-3'].includes(name))).toBe(true)
  })

  it('believes the newest claim, and nobody when two claim under one generation', () => {
    const stale = owner('a', ['t'], partitions('t', 0, 1), 3)
    const newer = owner('b', ['t'], partitions('t', 0), 4)
    expect(shown(stickyAssignor.assign(new Map([['t', 2]]), [stale, newer]))).toEqual({ a: 't-1', b: 't-0' })
    const tie = [owner('a', ['t'], partitions('t', 1), 4), owner('b', ['t'], partitions('t', 1), 4)]
    expect(shown(stickyAssignor.assign(new Map([['t', 2]]), tie))).toEqual({ a: 't-0', b: 't-1' })
  })
})

describe('cooperative sticky', () => {
  it('gives a partition that moves to nobody, until its owner has given it up', () => {
    const first = cooperativeStickyAssignor.assign(new Map([['t', 4]]), [owner('a', ['t'], partitions('t', 0, 1, 2, 3)), member('b', ['t'])])
    expect([first.get('a')!.length, first.get('b')!.length]).toEqual([2, 0])
    const second = cooperativeStickyAssignor.assign(new Map([['t', 4]]), [owner('a', ['t'], first.get('a')!, 2), member('b', ['t'])])
    expect([second.get('a'), second.get('b')!.length]).toEqual([first.get('a'), 2])
  })
})

describe('every assignor', () => {
  const group = fc.record({
    counts: fc.tuple(fc.nat(6), fc.nat(6), fc.nat(6)),
    members: fc.array(fc.record({ topics: fc.subarray(['t', 'u', 'v'], { minLength: 1 }), isStatic: fc.boolean(), claims: fc.array(fc.nat(17), { maxLength: 6 }), generationId: fc.integer({ min: 1, max: 3 }) }), { minLength: 1, maxLength: 5 }),
  }).map(({ counts, members }) => ({
    counts: new Map([['t', counts[0]], ['u', counts[1]], ['v', counts[2]]]),
    members: members.map(({ topics, isStatic, claims, generationId }, index) => {
      const owned = [...new Set(claims)].map(claim => ({ topic: ['t', 'u', 'v'][claim % 3]!, partition: Math.floor(claim / 3) })).filter(({ topic }) => topics.includes(topic))
      return { ...owner(`m${index}`, topics, owned, generationId), groupInstanceId: isStatic ? `i${index}` : null }
    }),
  }))
  const wanted = (counts: ReadonlyMap<string, number>, members: readonly GroupMember[]): string[] => (
    [...counts].filter(([topic]) => members.some(({ topics }) => topics.includes(topic))).flatMap(([topic, count]) => Array.from({ length: count }, (_, partition) => nameOf({ topic, partition })))
  )

  it.each<[string, Assignor]>([['range', rangeAssignor], ['round robin', roundRobinAssignor], ['sticky', stickyAssignor]])('%s gives every wanted partition to one member that wants it', (_, assignor) => {
    fc.assert(fc.property(group, ({ counts, members }) => {
      const assignment = assignor.assign(counts, members)
      const given = [...assignment.values()].flat().map(nameOf)
      expect(given.toSorted()).toEqual(wanted(counts, members).toSorted())
      for (const { memberId, topics } of members) expect(assignment.get(memberId)!.every(({ topic }) => topics.includes(topic))).toBe(true)
      expect(assignor.assign(counts, members.toReversed())).toEqual(new Map(assignment))
    }), { seed: 7, numRuns: 150 })
  })

  it('cooperative sticky never gives what another member claims, and settles in a few rounds on one that is balanced', () => {
    fc.assert(fc.property(group, ({ counts, members }) => {
      let current = members
      for (let round = 0; round < 6; round++) {
        const assignment = cooperativeStickyAssignor.assign(counts, current)
        for (const { memberId } of current) {
          const others = new Set(current.filter(other => other.memberId !== memberId).flatMap(({ ownedPartitions }) => ownedPartitions.map(nameOf)))
          const own = new Set(current.find(each => each.memberId === memberId)!.ownedPartitions.map(nameOf))
          expect(assignment.get(memberId)!.map(nameOf).filter(name => others.has(name) && !own.has(name))).toEqual([])
        }
        current = current.map(each => ({ ...each, ownedPartitions: assignment.get(each.memberId)!, generationId: 10 + round }))
      }
      expect(current.flatMap(({ ownedPartitions }) => ownedPartitions.map(nameOf)).toSorted()).toEqual(wanted(counts, members).toSorted())
      for (const a of current) {
        for (const b of current) {
          const canMove = a.ownedPartitions.some(({ topic }) => b.topics.includes(topic))
          if (canMove) expect(a.ownedPartitions.length).toBeLessThanOrEqual(b.ownedPartitions.length + 1)
        }
      }
    }), { seed: 8, numRuns: 150 })
  })
})

it('a list of assignors is cooperative only if all of them are', () => {
  expect(rebalanceProtocolOf(assignorsOf(['range', 'cooperative-sticky']))).toBe('eager')
  expect(rebalanceProtocolOf(assignorsOf(['cooperative-sticky']))).toBe('cooperative')
  expect(() => assignorsOf([])).toThrow('names no assignor')
})
