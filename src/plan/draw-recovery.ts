/**
 * How long brokers of a plan take to recover a log after an unclean end: nothing, or long enough that they die in the middle
 * of it now and then. From a source of its own, as the quorum.
 */
import fc, { type Random } from 'fast-check'
import type { ServerConfig } from '../config/cluster.ts'
import { drawOne } from './seed-random.ts'

export function drawRecovery(random: Random): { readonly server: Partial<ServerConfig>; readonly words: readonly string[] } {
  const logRecoveryMs = drawOne(fc.constantFrom(0, 0, 0, 20, 120), random)
  return logRecoveryMs === 0 ? { server: {}, words: [] } : { server: { logRecoveryMs }, words: ['slow recovery'] }
}
