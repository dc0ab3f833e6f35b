/** Which protocol transactions speak: two plans in three TV2 (KIP-890), as new clusters do, one TV1. Drawn apart, so that nothing else is drawn anew. */
import fc, { type Random } from 'fast-check'
import type { ServerConfig } from '../config/cluster.ts'
import { drawOne } from './seed-random.ts'

export function drawTransactions(random: Random, pinned?: 1 | 2): { readonly server: Pick<ServerConfig, 'transactionVersion'>; readonly words: readonly string[] } {
  const transactionVersion = pinned ?? drawOne(fc.constantFrom(2 as const, 2 as const, 1 as const), random)
  return { server: { transactionVersion }, words: transactionVersion === 2 ? [] : ['TV1'] }
}
