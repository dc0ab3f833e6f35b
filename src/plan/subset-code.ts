/**
 * An enumerative code for subsets: the rank of a k-subset of n elements in the combinatorial number system. Keeping 14 of
 * 320 elements takes 80 bits instead of 320.
 */
function binomial(n: number, k: number): bigint {
  if (k < 0 || k > n) return 0n
  let result = 1n
  for (let i = 1; i <= Math.min(k, n - k); i++) result = (result * BigInt(n - i + 1)) / BigInt(i)
  return result
}

/** Rank of the subset given as flags, among subsets of the same size. */
export function rankSubset(kept: readonly boolean[]): { readonly size: number; readonly rank: bigint } {
  let rank = 0n
  let size = 0
  kept.forEach((flag, index) => {
    if (flag) rank += binomial(index, ++size)
  })
  return { size, rank }
}

/** The subset of `n` elements with this size and rank; undefined when the rank is too large. */
export function unrankSubset(n: number, size: number, rank: bigint): boolean[] | undefined {
  if (size > n || rank >= binomial(n, size)) return undefined
  const kept = new Array<boolean>(n).fill(false)
  let left = rank
  let k = size
  for (let index = n - 1; index >= 0 && k > 0; index--) {
    const below = binomial(index, k)
    if (left >= below) {
      left -= below
      kept[index] = true
      k--
    }
  }
  return kept
}
