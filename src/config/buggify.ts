/**
 * Buggify (FoundationDB): sites in our own cluster and clients where a legal but rare choice is forced, so that what takes a
 * loaded production cluster years happens within seconds. A plan switches sites on; a faithful build must stay valid with
 * all of them. Rare choices that are plain configuration (tiny segments, blocks of three producer ids) are drawn as such.
 */
export interface Site {
  readonly id: string
  readonly describes: string
}

const sites = [
  { id: 'short-fetch', describes: 'a broker answers every fourth fetch with one batch, however much was asked for' },
  { id: 'early-fetch-answer', describes: 'a fetch that waits for data is often answered almost at once, with none' },
  { id: 'slow-publisher', describes: 'a broker often takes up to a fifth of a second to apply committed metadata' },
  { id: 'index-every-batch', describes: 'every batch gets an entry in the offset and time indexes' },
  { id: 'stalled-threads', describes: 'where the scheduler takes the processor away from a task, that lasts up to ten times as long: longer than messages take' },
  { id: 'few-epochs', describes: 'producer epochs end at 6 instead of 32 767, so that producer ids are used up' },
] as const satisfies readonly Site[]

export type BuggifySite = (typeof sites)[number]['id']
export const BUGGIFY_SITES: readonly Site[] = sites
export type Buggify = ReadonlySet<BuggifySite>
export const NO_BUGGIFY: Buggify = new Set()

export function isBuggifySite(text: string): text is BuggifySite {
  return sites.some(({ id }) => id === text)
}
