/**
 * Fetches as they come at a broker under pressure, where buggify forces it: cut to one batch (the response was full), or
 * answered before anything has come (the purgatory was crowded). Both are within what a fetch promises.
 */
import type { Env } from '../env/env.ts'
import type { AskedPartition } from './fetch-context.ts'
import type { FetchParams } from './fetch-read.ts'

const IMPATIENT_MS = 2

export function forcedFetch(env: Env, params: FetchParams, asked: readonly AskedPartition[]): FetchParams {
  const { buggify } = env
  if (buggify.size === 0) return params
  const offset = asked[0]?.fetch.fetchOffset ?? 0
  const isShort = buggify.has('short-fetch') && env.draw('short-fetch', params.replicaId, offset) % 4 === 0
  const isEarly = buggify.has('early-fetch-answer') && env.draw('early-fetch-answer', params.replicaId, env.now()) % 2 === 0
  if (!isShort && !isEarly) return params
  return {
    ...params,
    maxBytes: isShort ? 1 : params.maxBytes,
    maxWaitMs: isEarly ? Math.min(IMPATIENT_MS, params.maxWaitMs) : params.maxWaitMs,
  }
}
