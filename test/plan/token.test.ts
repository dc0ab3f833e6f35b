/**
 * Tokens: whatever plan is named comes back, elements removed and all; pasted badly they still work or are refused, and
 * what is wrong is said in one sentence with a hint.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TrialError } from '../../src/base/trial-error.ts'
import { DEFECTS, type DefectId, MENDS, type MendId } from '../../src/config/defects.ts'
import { elementsOf, keepElements } from '../../src/plan/elements.ts'
import { ALL_FAMILIES, DEFAULT_GENERATE_OPTIONS, type GenerateOptions, PROFILE_NAMES } from '../../src/plan/generate-options.ts'
import { generatePlan } from '../../src/plan/generate-plan.ts'
import { rankSubset, unrankSubset } from '../../src/plan/subset-code.ts'
import { type TokenContent, decodeToken, encodeToken, witnessBitsOf } from '../../src/plan/token.ts'
import { findWorkload } from '../../workloads/index.ts'
import { WORKLOAD_NAMES } from './fixture.ts'

const options: fc.Arbitrary<GenerateOptions> = fc.record({
  workload: fc.constantFrom(...WORKLOAD_NAMES),
  profile: fc.constantFrom(...PROFILE_NAMES),
  operations: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 60_000 })),
  chaosMs: fc.oneof(fc.constant(0), fc.integer({ min: 100, max: 3_600_000 })),
  families: fc.subarray([...ALL_FAMILIES]),
  faultRate: fc.constantFrom('low' as const, 'normal' as const, 'high' as const),
  defects: fc.subarray(DEFECTS.map(({ id }) => id as DefectId)),
  mends: fc.subarray(MENDS.map(({ id }) => id as MendId)),
  wire: fc.constantFrom('objects' as const, 'bytes' as const),
  beyondBudget: fc.boolean(),
  brokers: fc.constantFrom(0, 3, 4, 5, 9),
})
const seed = fc.bigInt({ min: 0n, max: (1n << 48n) - 1n }).map(value => value.toString(36))
const content: fc.Arbitrary<TokenContent> = fc.record({
  options,
  seed,
  materialised: fc.constantFrom('no' as const, 'constant-latency' as const, 'drawn-latency' as const),
  subset: fc.option(fc.array(fc.boolean(), { maxLength: 200, size: 'max' }).map(rankSubset), { nil: undefined }),
  witnessBits: fc.integer({ min: 0, max: 4_095 }),
  eventBits: fc.integer({ min: 0, max: (1 << 20) - 1 }),
  historyBits: fc.integer({ min: 0, max: (1 << 12) - 1 }),
  buildBits: fc.integer({ min: 0, max: (1 << 16) - 1 }),
})

const PLAIN: TokenContent = {
  options: DEFAULT_GENERATE_OPTIONS, seed: '2hym49lfxf', materialised: 'no', subset: undefined, witnessBits: 0, eventBits: 0xbcde5, historyBits: 0x123, buildBits: 0x4567,
}
const TOKEN = encodeToken(PLAIN)

function refusal(text: string, workloads: readonly string[] = WORKLOAD_NAMES): TrialError {
  try {
    decodeToken(text, workloads)
  } catch (error) {
    expect(error).toBeInstanceOf(TrialError)
    return error as TrialError
  }
  throw new Error(`'${text}' was taken`)
}

describe('a token', () => {
  it('gives back everything that went in', () => {
    fc.assert(fc.property(content, given => {
      const token = encodeToken(given)
      expect(token).toMatch(/^t2-[0-9A-HJKMNP-TV-Z]+-[0-9A-HJKMNP-TV-Z]{3}$/)
      expect(decodeToken(token, WORKLOAD_NAMES)).toEqual(given)
    }), { seed: 2, numRuns: 300 })
  })

  it('names a plan with elements removed', () => {
    fc.assert(fc.property(seed, fc.constantFrom(...WORKLOAD_NAMES), fc.constantFrom('high' as const, 'normal' as const), fc.infiniteStream(fc.integer({ min: 0, max: 99 })), (text, workload, faultRate, draws) => {
      const given: GenerateOptions = { ...DEFAULT_GENERATE_OPTIONS, workload, faultRate }
      const plan = generatePlan(text, given, findWorkload(workload)!)
      const elements = elementsOf(plan)
      // Servers and partitions stay often enough that most plans can run.
      const kept = elements.map(({ kind }) => draws.next().value! < (kind === 'server' || kind === 'partition' ? 80 : 10))
      const token = encodeToken({ ...PLAIN, options: given, seed: text, subset: rankSubset(kept) })
      const decoded = decodeToken(token, WORKLOAD_NAMES)
      const again = generatePlan(decoded.seed, decoded.options, findWorkload(decoded.options.workload)!)
      expect(again).toEqual(plan)
      const flags = unrankSubset(elements.length, decoded.subset!.size, decoded.subset!.rank)!
      expect(keepElements(again, elementsOf(again), flags)).toEqual(keepElements(plan, elements, kept))
      expect(flags).toEqual(kept)
    }), { seed: 3, numRuns: 40 })
  })

  it('is short: defaults cost next to nothing', () => {
    expect(TOKEN.length).toBeLessThan(36)
    const kept = Array.from({ length: 320 }, (_, index) => index % 23 === 0)
    expect(encodeToken({ ...PLAIN, subset: rankSubset(kept) }).length).toBeLessThan(60)
  })

  it('survives a bad paste', () => {
    const token = Array.from({ length: 200 }, (_, eventBits) => encodeToken({ ...PLAIN, eventBits })).find(text => /0.*1|1.*0/.test(text.slice(3)))!
    const given = decodeToken(token, WORKLOAD_NAMES)
    const spoilt = [token.toLowerCase(), ` ${token}\n`, `${token.slice(0, 12)}\n  ${token.slice(12)}`, token.replace(/-/g, ''), `${token.slice(0, 9)}-${token.slice(9)}`,
      token.replace(/0/g, 'o'), token.replace(/(?<=-.*)1/g, 'l'), token.replace(/(?<=-.*)1/g, 'I')]
    for (const text of spoilt) expect(decodeToken(text, WORKLOAD_NAMES), text).toEqual(given)
  })

  it('that is none is refused by what is wrong with it', () => {
    for (const text of ['', 'hello', 't2', '9Q4ZT7M2C0XRK3', 't2-AB%C-12', 'tx-ABC-12']) {
      expect(refusal(text)).toMatchObject({ code: 'token', message: `'${text}' is not a token`, hint: expect.stringContaining('t2-') })
    }
    for (const text of ['t2-', 't2-AB', 't2-0-000', 't2-UUUU-ABC', `t2-${TOKEN}`]) expect(refusal(text)).toMatchObject({ code: 'token', message: expect.stringContaining('checksum'), hint: expect.stringContaining('copy the whole word') })
  })

  it('of another format is refused as such', () => {
    expect(refusal(TOKEN.replace('t2', 't1'))).toMatchObject({ code: 'token', message: 'token format t1 is not understood by this version, which reads t2', hint: expect.stringContaining('version of kafka-trial') })
  })

  it('with a letter changed, missing, added or swapped is refused, but for the odd one', () => {
    const letters = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
    const word = TOKEN.slice(3)
    const wrong = new Set<string>()
    for (let i = 0; i < word.length; i++) {
      for (const letter of letters) {
        wrong.add(word.slice(0, i) + letter + word.slice(i + 1))
        wrong.add(word.slice(0, i) + letter + word.slice(i))
      }
      wrong.add(word.slice(0, i))
      wrong.add(word.slice(0, i) + word.slice(i + 1))
      wrong.add(word.slice(0, i) + word.slice(i + 1, i + 2) + word.slice(i, i + 1) + word.slice(i + 2))
    }
    const same = (text: string): boolean => text.replace(/-/g, '') === word.replace(/-/g, '')
    const tried = [...wrong].filter(text => !same(text))
    const taken = tried.filter(text => {
      try {
        decodeToken(`t2-${text}`, WORKLOAD_NAMES)
        return true
      } catch (error) {
        if (!(error instanceof TrialError) || error.code !== 'token' || error.hint === undefined) throw error
        return false
      }
    })
    expect(tried.length).toBeGreaterThan(1_500)
    // Ten bits of checksum let one in 1 024 through; its digest will not agree.
    expect(taken.length).toBeLessThan(tried.length / 300)
  })

  it('of a workload that is not here, or could be two, is refused', () => {
    expect(refusal(TOKEN, ['user-actions'])).toMatchObject({ code: 'token', message: expect.stringContaining('workload that is not known here'), hint: expect.stringContaining('user-actions') })
    expect(refusal(TOKEN, [])).toMatchObject({ code: 'token' })
    expect(refusal(TOKEN, ['produce-consume', 'produce-consume'])).toMatchObject({ code: 'token', message: expect.stringContaining('could name the workloads'), hint: expect.stringContaining('.trial.json') })
  })

  it('never drops what does not fit', () => {
    expect(() => encodeToken({ ...PLAIN, eventBits: 1 << 20 })).toThrow(expect.objectContaining({ code: 'internal' }))
    expect(() => encodeToken({ ...PLAIN, options: { ...PLAIN.options, operations: 70_000 } })).toThrow(expect.objectContaining({ code: 'internal' }))
    expect(() => encodeToken({ ...PLAIN, subset: { size: 5_000, rank: 0n } })).toThrow(expect.objectContaining({ code: 'internal' }))
  })

  it('names a witness by bits that are never 0', () => {
    const names = Array.from({ length: 5_000 }, (_, index) => `anomaly-${index}`)
    const bits = names.map(witnessBitsOf)
    expect(Math.min(...bits)).toBeGreaterThan(0)
    expect(Math.max(...bits)).toBeLessThan(4_096)
    expect(witnessBitsOf('lost-write')).not.toBe(witnessBitsOf('duplicate'))
  })
})
