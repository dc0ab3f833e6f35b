/**
 * Campaigns through the compiled code: what is explored depends on the base seed alone, not on workers or shards; two
 * campaigns can share their threads; a campaign stops when it should; a verdict of a trial is counted once.
 */
import { afterAll, describe, expect, it } from 'vitest'
import type { runCampaign as RunCampaign, CampaignOptions, CampaignTotals, TrialSummary } from '../../src/trial/campaign.ts'
import { addToTotals, emptyTotals } from '../../src/trial/campaign.ts'
import type { WorkerPool as Pool } from '../../src/trial/worker-pool.ts'
import { DEFAULT_GENERATE_OPTIONS } from '../../src/plan/generate-options.ts'

const DIST = '../../dist/src/trial'
const { runCampaign } = await import(`${DIST}/campaign.js`) as { runCampaign: typeof RunCampaign }
const { WorkerPool } = await import(`${DIST}/worker-pool.js`) as { WorkerPool: new () => Pool }
const pool = new WorkerPool()
afterAll(() => pool.close())

async function campaign(options: Partial<CampaignOptions>): Promise<{ totals: CampaignTotals; digests: string[]; summaries: TrialSummary[] }> {
  const summaries: TrialSummary[] = []
  const totals = await runCampaign({
    generate: { ...DEFAULT_GENERATE_OPTIONS, chaosMs: 500, operations: 10 }, baseSeed: 'campaign', workloads: ['produce-consume', 'user-actions'], trials: 6, jobs: 2, timeMs: 0,
    maxFailures: 0, shrinkBudget: 0, verifyEvery: 0, pool, onResult: summary => void summaries.push(summary), ...options,
  })
  return { totals, summaries, digests: summaries.map(({ index, seed, workload, digest }) => `${index} ${seed} ${workload} ${digest}`).sort() }
}

describe('a campaign', () => {
  it('explores the same with one worker, with two, and in shards', async () => {
    const two = await campaign({})
    expect(two.totals.trials).toBe(6)
    expect(new Set(two.digests).size).toBe(6)
    expect((await campaign({ jobs: 1 })).digests).toEqual(two.digests)
    const [first, second] = [await campaign({ shard: { index: 0, of: 2 } }), await campaign({ shard: { index: 1, of: 2 } })]
    expect([...first.digests, ...second.digests].sort()).toEqual(two.digests)
    expect((await campaign({ baseSeed: 'other' })).digests).not.toEqual(two.digests)
  })

  it('stops at the first failure, keeps its token, and takes a finding that is asked for as one', async () => {
    const { totals, summaries } = await campaign({ trials: 200, jobs: 1, maxFailures: 1, witnesses: ['unconfirmed-loss'], generate: { ...DEFAULT_GENERATE_OPTIONS, profile: 'acks-0' }, workloads: ['produce-consume'] })
    const failing = summaries.filter(({ failure }) => failure !== undefined)
    expect(failing).toHaveLength(1)
    expect(totals.trials).toBeLessThan(200)
    expect(totals.invalid).toBe(0)
    expect(failing[0]!.failure!.finding).toMatchObject({ anomaly: 'unconfirmed-loss', status: 'allowed' })
    expect(failing[0]!.failure!.token).toMatch(/^t2-/)
  })

  it('stops when its time is up, but not before it has done enough', async () => {
    expect((await campaign({ trials: 10_000, timeMs: 1, jobs: 1 })).totals.trials).toBeLessThanOrEqual(1)
    const patient = await campaign({ trials: 10_000, timeMs: 1, patienceMs: 60_000, jobs: 1, enough: ({ trials }) => trials >= 3 })
    expect(patient.totals.trials).toBe(3)
    expect((await campaign({ trials: 10_000, timeMs: 1, patienceMs: 300, jobs: 1, enough: () => false })).totals.trials).toBeLessThan(1_000)
  })

  it('stops when it is told to', async () => {
    const stop = new AbortController()
    const { totals } = await campaign({ trials: 10_000, jobs: 1, signal: stop.signal, onResult: () => stop.abort() })
    expect(totals.trials).toBe(1)
  })

  it('tells what a worker cannot be set up for', async () => {
    await expect(campaign({ configFile: '/does/not/exist.ts' })).rejects.toThrow(/does not exist/)
    expect((await campaign({ trials: 1 })).totals.trials).toBe(1)
  })
})

describe('totals', () => {
  const summary = { index: 0, seed: 's', workload: 'w', verdict: 'valid', virtualUs: 5, wallMs: 1, events: 7, digest: '', marks: { a: 2 }, anomalies: {}, known: [], owed: [] } as const

  it('count each trial once; a known behaviour is not valid', () => {
    const totals = emptyTotals()
    addToTotals(totals, summary)
    addToTotals(totals, { ...summary, known: [{ anomaly: 'duplicate', mend: 'KAFKA-14034', link: '' }] })
    addToTotals(totals, { ...summary, verdict: 'invalid', known: [{ anomaly: 'duplicate', mend: 'KAFKA-14034', link: '' }] })
    addToTotals(totals, { ...summary, verdict: 'unknown', crash: 'x' })
    expect(totals).toMatchObject({ trials: 4, valid: 1, known: 1, invalid: 1, unknown: 1, crashes: 1, virtualUs: 20, events: 28, marks: { a: 8 } })
  })
})
