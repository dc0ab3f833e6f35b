/**
 * Feeds fast-check with randomness rooted in `seedrandom`, instead of its own 32-bit integer seeds whose neighbours are
 * correlated: any string is a seed, and the state is four full words.
 */
import { type Arbitrary, Random } from 'fast-check'
import seedrandom from 'seedrandom'
import { mix } from '../base/random.ts'

/** xoshiro128** over words drawn from seedrandom; satisfies pure-rand's generator interface. */
class SeededGenerator {
  private readonly words: Int32Array

  constructor(words: Int32Array) {
    this.words = words
  }

  clone(): SeededGenerator {
    return new SeededGenerator(this.words.slice())
  }

  next(): number {
    const s = this.words
    const result = Math.imul(rotateLeft(Math.imul(s[1]!, 5), 7), 9) | 0
    const t = s[1]! << 9
    s[2]! ^= s[0]!
    s[3]! ^= s[1]!
    s[1]! ^= s[2]!
    s[0]! ^= s[3]!
    s[2]! ^= t
    s[3] = rotateLeft(s[3]!, 11)
    return result
  }

  getState(): readonly number[] {
    return [...this.words]
  }
}

function rotateLeft(x: number, k: number): number {
  return (x << k) | (x >>> (32 - k))
}

/** The root key of a world and a fast-check source, both decided by the seed's text alone. */
export function rootOf(seed: string): { readonly rootKey: number; readonly random: Random } {
  // seedrandom cycles a short key, so that '1' and '11' would be one seed: the length goes first.
  const source = seedrandom(`${seed.length}:${seed}`)
  const words = Int32Array.from({ length: 4 }, () => source.int32())
  if (words.every(word => word === 0)) words[0] = 1
  return { rootKey: source.int32() >>> 0, random: new Random(new SeededGenerator(words)) }
}

/** One value of an arbitrary, unbiased: swarm options are drawn, not edge cases. */
export function drawOne<T>(arbitrary: Arbitrary<T>, random: Random): T {
  return arbitrary.generate(random, undefined).value
}

/** The seed of the n-th trial of a campaign. */
export function trialSeed(base: string, index: number): string {
  const source = seedrandom(`${base.length}:${base}#${index}`)
  const high = mix(source.int32(), index) & 0xffff
  return (high * 0x100000000 + (source.int32() >>> 0)).toString(36)
}
