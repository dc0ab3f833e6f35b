/**
 * How the log cleaner of a plan with compacted topics works: soon again, with a map that holds everything or hardly anything,
 * at once or with time for others between two segments. From a source of its own, as the quorum.
 */
import fc, { type Random } from 'fast-check'
import type { ServerConfig } from '../config/cluster.ts'
import type { TopicSpec } from '../config/workload.ts'
import { drawOne } from './seed-random.ts'

export function drawCleaner(topics: readonly TopicSpec[], random: Random): { readonly server: Partial<ServerConfig>; readonly words: readonly string[] } {
  if (!topics.some(({ configs }) => configs['cleanup.policy']?.includes('compact') === true)) return { server: {}, words: [] }
  const server = drawOne(fc.record({
    logCleanerBackoffMs: fc.constantFrom(15, 40, 120),
    logCleanerOffsetMapKeys: fc.constantFrom(5, 9, 100_000, 100_000),
    logCleanerReadMs: fc.constantFrom(0, 0, 1, 6),
  }), random)
  return { server, words: ['log cleaner', ...(server.logCleanerOffsetMapKeys < 10 ? ['small key map'] : [])] }
}
