/**
 * The textbook story, claim by claim: keyed records keep to one partition and to their order, keyless ones spread, each
 * partition has a leader and followers in its ISR, a dead leader is replaced from the ISR and nothing acknowledged is lost,
 * old segments go by time or by size and not otherwise, and a second reader reads the same again from the start.
 */
import { describe, expect, it } from 'vitest'
import type { Observation, ObservationOf, Observer } from '../../src/env/observation.ts'
import type { History, Json } from '../../src/history/operation.ts'
import { DEFAULT_GENERATE_OPTIONS } from '../../src/plan/generate-options.ts'
import { generatePlan } from '../../src/plan/generate-plan.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { trialSeed } from '../../src/plan/seed-random.ts'
import { runPlan } from '../../src/trial/run-plan.ts'
import type { TrialResult } from '../../src/trial/trial-result.ts'
import { userActions } from '../../workloads/user-actions.ts'

const TOPIC = 'user_actions'
const quiet = Array.from({ length: 6 }, (_, index) => story(`quiet-${index}`))

function story(seed: string, change: (plan: Plan) => Plan = plan => plan): { plan: Plan; result: TrialResult; events: Observation[] } {
  const plan = change(generatePlan(trialSeed(seed, 0), { ...DEFAULT_GENERATE_OPTIONS, workload: 'user-actions', profile: 'acks-all-min-2', families: [], brokers: 3 }, userActions))
  const events: Observation[] = []
  const observer: Observer = { observe: event => void events.push(event) }
  return { plan, result: runPlan(plan, userActions, { observers: [observer] }), events }
}

const ofKind = <K extends Observation['kind']>(events: readonly Observation[], kind: K): ObservationOf<K>[] => events.filter((event): event is ObservationOf<K> => event.kind === kind)

/** id -> [partition key, offset] of every acknowledged send. */
function acknowledged(history: History): Map<number, [string, number]> {
  return new Map(history.filter(({ f, type }) => f === 'send' && type === 'ok').map(({ value }) => {
    const [[, key, [offset, id]]] = value as unknown as [[string, string, [number, number]]]
    return [id, [key, offset]]
  }))
}

/** partition key -> [offset, id] in the order in which one host read them. */
function readBy(history: History, host: string): Map<string, [number, Json][]> {
  const read = new Map<string, [number, Json][]>()
  for (const { f, type, node, value } of history) {
    if (f !== 'poll' || type !== 'ok' || node !== host) continue
    const [[, records]] = value as unknown as [[string, { [key: string]: [number, Json][] }]]
    for (const [key, entries] of Object.entries(records)) read.set(key, [...(read.get(key) ?? []), ...entries])
  }
  return read
}

const keyOf = (plan: Plan, id: number): string | null => {
  const operation = plan.operations.find(one => one.id === id)
  return operation?.f === 'send' ? operation.key : null
}

const hasRetention = ({ topics, cluster }: Plan): boolean => cluster.server.logRetentionMs < 600_000 || topics.some(({ configs }) => 'retention.ms' in configs || 'retention.bytes' in configs)

describe('topics and partitions', () => {
  it('every trial is valid, and every send is acknowledged', () => {
    for (const { result, plan } of quiet) {
      expect(result.verdict).toBe('valid')
      expect(acknowledged(result.history).size).toBe(plan.operations.filter(({ f }) => f === 'send').length)
    }
  })

  it('one key goes to one partition; keys spread over partitions', () => {
    let many = 0
    for (const { plan, result } of quiet) {
      const partitions = new Map<string, Set<string>>()
      for (const [id, [where]] of acknowledged(result.history)) {
        const key = keyOf(plan, id)
        if (key !== null) partitions.set(key, (partitions.get(key) ?? new Set()).add(where))
      }
      expect([...partitions.values()].every(({ size }) => size === 1)).toBe(true)
      // A close-up has a handful of keys, which need not meet every partition.
      if (partitions.size < 10) continue
      many++
      expect(new Set([...partitions.values()].flatMap(where => [...where])).size).toBe(3)
    }
    expect(many).toBeGreaterThan(0)
  })

  it('records without a key spread over partitions', () => {
    const used = new Set(quiet.flatMap(({ plan, result }) => [...acknowledged(result.history)].filter(([id]) => keyOf(plan, id) === null).map(([, [where]]) => where)))
    expect(used).toEqual(new Set([0, 1, 2].map(partition => `${TOPIC}-${partition}`)))
  })

  it('offsets count up in each partition, and one user\'s actions keep the order of their producer', () => {
    for (const { plan, result } of quiet) {
      const byProducerAndKey = new Map<string, number[]>()
      for (const { f, client, ...operation } of plan.operations) {
        if (f !== 'send' || !('key' in operation) || operation.key === null) continue
        const offset = acknowledged(result.history).get(operation.id)![1]
        byProducerAndKey.set(`${client} ${operation.key}`, [...(byProducerAndKey.get(`${client} ${operation.key}`) ?? []), offset])
      }
      for (const offsets of byProducerAndKey.values()) expect(offsets).toEqual([...offsets].sort((a, b) => a - b))
      for (const [, entries] of readBy(result.history, 'client-3')) {
        const offsets = entries.map(([offset]) => offset)
        expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b))
      }
    }
  })
})

describe('replication and failover', () => {
  it('every partition has one leader, and all three replicas in its ISR', () => {
    for (const { events } of quiet) {
      const last = new Map(ofKind(events, 'partition-registered').filter(({ topic }) => topic === TOPIC).map(event => [event.partition, event]))
      expect(last.size).toBe(3)
      for (const { leader, isr, replicas } of last.values()) {
        expect(isr).toContain(leader)
        expect([...isr].sort()).toEqual([...replicas].sort())
        expect(replicas).toHaveLength(3)
      }
    }
  })

  it('a dead leader is replaced by a member of the ISR, and nothing acknowledged is lost', () => {
    const { plan, result, events } = story('dead-leader', drawn => ({
      ...drawn,
      topics: drawn.topics.map(topic => ({ ...topic, configs: { 'min.insync.replicas': '2', 'unclean.leader.election.enable': 'false', 'retention.ms': '604800000' } })),
      faults: [{ id: 1, when: { at: drawn.timing.chaosUs / 2 }, action: { kind: 'crash', machine: true, target: { role: 'leader', topic: TOPIC, partition: 0, pick: 0 }, durationUs: 60_000_000 } }],
    }))
    expect(result.faults).toHaveLength(1)
    const dead = Number(/broker-(\d+)/.exec(result.faults[0]!.text)![1])
    const isrBefore = ofKind(events, 'isr-committed').filter(({ topic, partition }) => topic === TOPIC && partition === 0)
    const elected = ofKind(events, 'leader-elected').find(({ topic, partition, previousLeader }) => topic === TOPIC && partition === 0 && previousLeader === dead)
    expect(elected).toMatchObject({ reason: 'isr' })
    expect(elected!.leader).not.toBe(dead)
    expect([1, 2, 3]).toContain(elected!.leader)
    expect(isrBefore.every(({ isr }) => isr.length > 0)).toBe(true)
    expect(result.verdict).toBe('valid')
    const drained = readBy(result.history, 'client-drain')
    const sent = acknowledged(result.history)
    expect(sent.size).toBeGreaterThan(plan.operations.filter(({ f }) => f === 'send').length / 2)
    for (const [id, [where, offset]] of sent) expect(drained.get(where)).toContainEqual([offset, id])
  })
})

describe('retention', () => {
  const removed = (events: readonly Observation[], reason: string): number => ofKind(events, 'log-start').filter(event => event.reason === reason).reduce((sum, event) => sum + event.removed.length, 0)
  const withConfigs = (seed: string, configs: Readonly<Record<string, string>>): ReturnType<typeof story> => story(seed, drawn => ({
    ...drawn, topics: drawn.topics.map(topic => ({ ...topic, configs: { 'min.insync.replicas': '2', 'unclean.leader.election.enable': 'false', ...configs } })),
  }))

  it('removes nothing when none is configured', () => {
    const { events, result } = withConfigs('keep', { 'retention.ms': '604800000' })
    expect(ofKind(events, 'log-start').filter(event => event.removed.length > 0)).toEqual([])
    expect(result.marks['retention-removed-segments']).toBe(0)
  })

  it('removes old segments by time', () => {
    const { events, result } = withConfigs('time', { 'retention.ms': '1000', 'segment.ms': '300' })
    expect(removed(events, 'retention-time')).toBeGreaterThan(0)
    expect(removed(events, 'retention-size')).toBe(0)
    expect(result.verdict).toBe('valid')
  })

  it('removes old segments by size', () => {
    const { events, result } = withConfigs('size', { 'retention.ms': '604800000', 'retention.bytes': '900', 'segment.bytes': '300' })
    expect(removed(events, 'retention-size')).toBeGreaterThan(0)
    expect(removed(events, 'retention-time')).toBe(0)
    expect(result.verdict).toBe('valid')
  })

  it('lets a second reader read the same again from the start, as far as it is there', () => {
    const stories = [...quiet.filter(({ plan }) => !hasRetention(plan)), withConfigs('again', { 'retention.ms': '604800000' })]
    for (const { result } of stories) {
      const [first, second] = [readBy(result.history, 'client-3'), readBy(result.history, 'client-4')]
      // Readers stop with the trial, so either may have missed the last records.
      for (const [key, entries] of second) {
        const length = Math.min(entries.length, first.get(key)?.length ?? 0)
        expect(entries.slice(0, length)).toEqual(first.get(key)?.slice(0, length))
      }
      expect([...second.values()].flat().length).toBeGreaterThan(acknowledged(result.history).size * 0.8)
    }
  })
})
