/**
 * Configurations that an administrator changes while the cluster runs, and changes back: how many replicas must be in sync,
 * and how long records are kept where nothing depends on them being kept; and brokers with room for hardly any fetch
 * session. From a source of its own, as the quorum.
 */
import fc, { type Arbitrary, type Random } from 'fast-check'
import { US_PER_MS } from '../base/time.ts'
import type { PlanOperation, TopicSpec } from '../config/workload.ts'
import type { Fault, FaultFamily, Trigger } from '../nemesis/fault.ts'
import type { QuorumPlan } from './draw-quorum.ts'
import { drawOne } from './seed-random.ts'

export interface ConfigBounds {
  readonly topics: readonly TopicSpec[]
  readonly operations: readonly PlanOperation[]
  readonly families: readonly FaultFamily[]
  readonly chaosUs: number
  readonly firstId: number
  /** Faults that may be added without making them more frequent than was asked for. */
  readonly room: number
}

type Change = readonly [name: string, value: string, former: string | null]

const often = (percent: number): Arbitrary<boolean> => fc.integer({ min: 0, max: 99 }).map(n => n < percent)

/** What may change of a topic, with what it was. */
function changesOf({ configs, replicationFactor }: TopicSpec): readonly Change[] {
  const minIsr = configs['min.insync.replicas']
  const changes: Change[] = []
  for (let n = 1; n <= replicationFactor; n++) if (minIsr !== undefined && String(n) !== minIsr) changes.push(['min.insync.replicas', String(n), minIsr])
  const keepsAll = configs['retention.ms'] !== undefined || configs['retention.bytes'] !== undefined || configs['cleanup.policy'] !== undefined
  if (!keepsAll) changes.push(['retention.ms', '1000', null], ['retention.bytes', '1200', null])
  return changes
}

/** Topics that come and go, or that clients configure, are left to them. */
function isFree({ name }: TopicSpec, operations: readonly PlanOperation[]): boolean {
  return !operations.some(operation => (operation.f === 'alter-config' || operation.f === 'delete-topic' || operation.f === 'recreate-topic') && operation.topic === name)
}

export function drawConfig({ topics, operations, families, chaosUs, firstId, room }: ConfigBounds, random: Random): QuorumPlan {
  const possible: readonly { readonly topic: string; readonly change: Change }[] = topics.filter(topic => isFree(topic, operations)).flatMap(topic => changesOf(topic).map(change => ({ topic: topic.name, change })))
  const at = fc.integer({ min: 0, max: Math.floor(chaosUs / US_PER_MS) }).map((ms): Trigger => ({ at: ms * US_PER_MS }))
  const drawn = drawOne(fc.record({
    changes: often(25),
    slots: fc.constantFrom(0, 0, 0, 0, 0, 1, 2),
    faults: fc.array(fc.record({
      what: fc.integer({ min: 0, max: 1_000_000 }).map(n => possible[n % Math.max(1, possible.length)]),
      when: fc.oneof(at, fc.record({
        on: fc.constantFrom({ kind: 'isr-committed' } as const, { kind: 'isr-proposed' } as const, { kind: 'broker-fenced' } as const, { kind: 'leader-elected' } as const),
        nth: fc.integer({ min: 1, max: 4 }), after: fc.integer({ min: 0, max: 300 }).map(ms => ms * US_PER_MS),
      })),
      durationMs: fc.integer({ min: 200, max: Math.max(300, Math.floor(chaosUs / US_PER_MS / 2)) }),
    }), { minLength: 1, maxLength: 2, size: 'max' }),
  }), random)
  const server = drawn.slots === 0 ? {} : { maxIncrementalFetchSessionCacheSlots: drawn.slots, minIncrementalFetchSessionEvictionMs: 300 }
  const faults: Fault[] = []
  for (const { what, when, durationMs } of drawn.changes && families.includes('config') ? drawn.faults.slice(0, Math.max(0, room)) : []) {
    if (what === undefined) continue
    const [name, value, former] = what.change
    faults.push({ id: firstId + faults.length, when, action: { kind: 'alter-config', topic: what.topic, name, value, former, durationUs: durationMs * US_PER_MS } })
  }
  return { server, faults, words: [...(drawn.slots === 0 ? [] : ['few fetch sessions']), ...(faults.length > 0 ? ['configurations change'] : [])] }
}
