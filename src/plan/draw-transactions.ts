/**
 * Which protocol transactions speak: two plans in three TV2 (KIP-890), as new clusters do, one TV1. And how many producer ids
 * a broker gets at a time: three or two. Drawn apart, so that nothing else is drawn anew.
 */
import fc, { type Random } from 'fast-check'
import type { ServerConfig } from '../config/cluster.ts'
import { drawOne } from './seed-random.ts'

export function drawTransactions(random: Random, pinned?: 1 | 2): { readonly server: Pick<ServerConfig, 'transactionVersion' | 'producerIdBlockSize'>; readonly words: readonly string[] } {
  const transactionVersion = pinned ?? drawOne(fc.constantFrom(2 as const, 2 as const, 1 as const), random)
  const producerIdBlockSize = drawOne(fc.constantFrom(3, 3, 2), random)
  return { server: { transactionVersion, producerIdBlockSize }, words: transactionVersion === 2 ? [] : ['TV1'] }
}
