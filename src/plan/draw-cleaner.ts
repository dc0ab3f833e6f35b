/**
 * How the log cleaner of a plan with compacted topics works: soon again, with a map that holds everything or hardly anything,
 * at once or with time for others between two segments; and, where servers may crash, crashes right after a swap, before its
 * names are durable or while the next one is written. From a source of its own, as the quorum.
 */
import fc, { type Random } from 'fast-check'
import { US_PER_MS } from '../base/time.ts'
import type { TopicSpec } from '../config/workload.ts'
import type { Fault, FaultFamily } from '../nemesis/fault.ts'
import type { QuorumPlan } from './draw-quorum.ts'
import { drawOne } from './seed-random.ts'

export interface CleanerBounds {
  readonly topics: readonly TopicSpec[]
  readonly families: readonly FaultFamily[]
  readonly machineCrashes: boolean
  readonly firstId: number
  /** Faults that may be added without making them more frequent than was asked for. */
  readonly room: number
}

export function drawCleaner({ topics, families, machineCrashes, firstId, room }: CleanerBounds, random: Random): QuorumPlan {
  const compacted = topics.filter(({ configs }) => configs['cleanup.policy']?.includes('compact') === true)
  if (compacted.length === 0) return { server: {}, faults: [], words: [] }
  const { server, crashes } = drawOne(fc.record({
    server: fc.record({
      logCleanerBackoffMs: fc.constantFrom(15, 40, 120),
      logCleanerOffsetMapKeys: fc.constantFrom(5, 9, 100_000, 100_000),
      logCleanerReadMs: fc.constantFrom(0, 0, 1, 6),
    }),
    crashes: fc.array(fc.record({
      topic: fc.constantFrom(...compacted.map(({ name }) => name)),
      nth: fc.integer({ min: 1, max: 25 }),
      after: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 1_500 }), fc.integer({ min: 0, max: 12_000 })),
      machine: fc.boolean(),
      durationMs: fc.integer({ min: 20, max: 900 }),
      pick: fc.integer({ min: 0, max: 1_000_000 }),
    }), { minLength: 0, maxLength: 2, size: 'max' }),
  }), random)
  const faults = families.includes('crash') ? crashes.slice(0, Math.max(0, room)).map(({ topic, nth, after, machine, durationMs, pick }, index): Fault => ({
    id: firstId + index, when: { on: { kind: 'log-cleaned', topic }, nth, after },
    action: { kind: 'crash', machine: machine && machineCrashes, target: { role: 'subject', pick }, durationUs: durationMs * US_PER_MS },
  })) : []
  return { server, faults, words: ['log cleaner', ...(server.logCleanerOffsetMapKeys < 10 ? ['small key map'] : []), ...(faults.length > 0 ? ['crashes at swaps'] : [])] }
}
