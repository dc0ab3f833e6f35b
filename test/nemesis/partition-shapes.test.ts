/** Every shape of network partition: who can still reach whom, in both directions and one way. */
import { describe, expect, it } from 'vitest'
import { PARTITION_SHAPES } from '../../src/nemesis/fault.ts'
import { type Pair, partitionPairs } from '../../src/nemesis/partition-shapes.ts'

const BROKERS = ['b1', 'b2', 'b3']
const CONTROLLERS = ['c1', 'c2']
const ROLES = { brokers: BROKERS, controllers: CONTROLLERS, clients: ['k1', 'k2'], leaders: ['b1', 'b2'] }
const ALL = [...BROKERS, ...CONTROLLERS, 'k1', 'k2']

const texts = (pairs: readonly Pair[]): string[] => pairs.map(([from, to]) => `${from}>${to}`).sort()

/** Cuts between two groups, both ways. */
function across(a: readonly string[], b: readonly string[]): string[] {
  return a.flatMap(x => b.flatMap(y => [`${x}>${y}`, `${y}>${x}`])).sort()
}

function cut(shape: (typeof PARTITION_SHAPES)[number], o: { target?: string; pick?: number; direction?: 'both' | 'out' | 'in'; roles?: Partial<typeof ROLES> } = {}): string[] {
  return texts(partitionPairs(shape, o.direction ?? 'both', o.target ?? 'b1', o.pick ?? 0, { ...ROLES, ...o.roles }))
}

describe('the shape', () => {
  it('one cuts the target from every other server, and from no client', () => {
    expect(cut('one', { target: 'b2' })).toEqual(across(['b2'], ['b1', 'b3', 'c1', 'c2']))
  })

  it('halves cuts three of five from two; pick turns the ring of servers', () => {
    expect(cut('halves')).toEqual(across(['b1', 'b2', 'b3'], ['c1', 'c2']))
    expect(cut('halves', { pick: 1 })).toEqual(across(['b2', 'b3', 'c1'], ['c2', 'b1']))
    expect(cut('halves', { pick: 6 })).toEqual(cut('halves', { pick: 1 }))
  })

  it('majority leaves a majority together', () => {
    expect(cut('majority', { pick: 3 })).toEqual(across(['c1', 'c2'], BROKERS))
    // Of four, a minority is one.
    expect(cut('majority', { roles: { controllers: ['c1'] } })).toEqual(across(['b1'], ['b2', 'b3', 'c1']))
  })

  it('minority-third cuts a third, at least one', () => {
    expect(cut('minority-third', { roles: { controllers: ['c1', 'c2', 'c3'] } })).toEqual(across(['b1', 'b2'], ['b3', 'c1', 'c2', 'c3']))
    expect(cut('minority-third', { pick: 1, roles: { brokers: ['b1', 'b2'], controllers: [] } })).toEqual(across(['b2'], ['b1']))
  })

  it.each([4, 5, 6, 7, 8, 9])('majorities-ring of %d lets each see a majority, no two the same', count => {
    const brokers = Array.from({ length: count }, (_, index) => `b${index}`)
    const cuts = cut('majorities-ring', { pick: 2, roles: { brokers, controllers: [] } })
    const views = brokers.map(host => brokers.filter(other => other === host || !cuts.includes(`${other}>${host}`)))
    for (const view of views) {
      expect(view.length).toBeGreaterThanOrEqual(Math.floor(count / 2) + 1)
      expect(view.length).toBeLessThan(count)
    }
    expect(new Set(views.map(view => view.join())).size).toBe(count)
    for (const text of cuts) expect(cuts).toContain(text.split('>').reverse().join('>'))
  })

  it('bridge leaves one server that both halves reach', () => {
    expect(cut('bridge', { pick: 2 })).toEqual(across(['c1', 'c2'], ['b1', 'b2']))
  })

  it('primaries cuts leaders from everyone else, but not from one another', () => {
    expect(cut('primaries')).toEqual(across(['b1', 'b2'], ['b3', 'c1', 'c2']))
    expect(cut('primaries', { roles: { leaders: [] } })).toEqual([])
  })

  it('isolate-client cuts one client from all servers', () => {
    expect(cut('isolate-client', { pick: 1 })).toEqual(across(['k2'], [...BROKERS, ...CONTROLLERS]))
    expect(cut('isolate-client', { roles: { clients: [] } })).toEqual([])
  })

  it('controller-only cuts brokers from controllers, the target alone if it is one', () => {
    expect(cut('controller-only', { target: 'b3' })).toEqual(across(['b3'], CONTROLLERS))
    expect(cut('controller-only', { target: 'c1' })).toEqual(across(BROKERS, CONTROLLERS))
    // Combined servers are one process: nothing can be cut.
    expect(cut('controller-only', { roles: { brokers: ['s1', 's2'], controllers: ['s1', 's2'] } })).toEqual([])
  })
})

describe('any shape', () => {
  it('one way cuts what goes out of the group, or into it', () => {
    expect(cut('one', { target: 'b2', direction: 'out' })).toEqual(['b2>b1', 'b2>b3', 'b2>c1', 'b2>c2'])
    expect(cut('one', { target: 'b2', direction: 'in' })).toEqual(['b1>b2', 'b3>b2', 'c1>b2', 'c2>b2'])
    for (const shape of PARTITION_SHAPES.filter(each => each !== 'majorities-ring')) {
      const [out, into] = [cut(shape, { direction: 'out' }), cut(shape, { direction: 'in' })]
      expect([...out, ...into].sort()).toEqual(cut(shape))
    }
  })

  it('cuts known hosts, no host from itself, and no path twice, since cuts are counted', () => {
    for (const shape of PARTITION_SHAPES) {
      for (let pick = 0; pick < 7; pick++) {
        const pairs = partitionPairs(shape, 'both', 'b1', pick, ROLES)
        expect(pairs.length, shape).toBeGreaterThan(0)
        expect(new Set(texts(pairs)).size).toBe(pairs.length)
        for (const [from, to] of pairs) {
          expect(from).not.toBe(to)
          expect(ALL).toEqual(expect.arrayContaining([from, to]))
        }
      }
    }
  })
})
