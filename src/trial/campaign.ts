/**
 * Campaigns: many seeds over worker threads. Seeds go in, summaries come out, in whatever order they finish; results are
 * written as they come, and an interrupt lets the running trials finish. What is explored depends only on the base seed
 * and the count, never on the number of workers.
 */
import { availableParallelism } from 'node:os'
import type { Verdict } from '../../checkers/contract.ts'
import type { Workload } from '../../workloads/contract.ts'
import { type MendId } from '../config/defects.ts'
import type { GenerateOptions } from '../plan/generate-options.ts'
import { trialSeed } from '../plan/seed-random.ts'
import type { FromWorker, ToWorker } from './campaign-worker.ts'
import { addCounts, type MarkCounts } from './coverage.ts'
import type { Failure } from './judge-trial.ts'
import { WorkerPool } from './worker-pool.ts'

export interface CampaignJob {
  readonly index: number
  readonly seed: string
  readonly workload: string
}

/** What a worker is told once. */
export interface WorkerOptions {
  readonly generate: GenerateOptions
  readonly checkers?: readonly string[]
  readonly shrinkBudget: number
  /** Run every k-th trial twice and compare digests; 0: never. */
  readonly verifyEvery: number
  /** Module that registers more workloads (a user's config file). */
  readonly configFile?: string
  /** Anomalies that count as found although they are allowed (witness search of `trial guarantees`). */
  readonly witnesses?: readonly string[]
}

export interface TrialSummary {
  readonly index: number
  readonly seed: string
  readonly workload: string
  readonly verdict: Verdict
  readonly virtualUs: number
  readonly wallMs: number
  readonly events: number
  readonly digest: string
  readonly marks: MarkCounts
  /** Counts by anomaly and status, `lost-write:allowed`. */
  readonly anomalies: { readonly [anomalyAndStatus: string]: number }
  readonly known: readonly { readonly anomaly: string; readonly mend: MendId | string; readonly link: string }[]
  readonly owed: readonly string[]
  readonly reason?: string
  readonly failure?: Failure
  /** Set when a second run gave another digest. */
  readonly nondeterminism?: { readonly first: string; readonly second: string; readonly checkpoint: number }
  readonly crash?: string
}

export interface CampaignOptions extends WorkerOptions {
  readonly baseSeed: string
  /** Workloads that exist only in this thread: trials run here, one at a time. */
  readonly ownWorkloads?: readonly Workload[]
  /** Trials take turns; absent: that of `generate`. */
  readonly workloads?: readonly string[]
  /** This process takes every `of`-th trial, beginning with `index` (from 0). */
  readonly shard?: { readonly index: number; readonly of: number }
  /** How many trials in all, over all shards; Infinity: until something else ends it. */
  readonly trials: number
  readonly jobs: number
  /** Wall-clock budget in milliseconds; 0: none. Decides only how many seeds are tried, never what one does. */
  readonly timeMs: number
  /** Is this enough to stop when the time is up? If not it goes on, at most for `patienceMs` in all. */
  readonly enough?: (totals: CampaignTotals) => boolean
  readonly patienceMs?: number
  /** Threads to use and to leave running; absent: own ones, ended with the campaign. */
  readonly pool?: WorkerPool
  /** Stop after so many failures; 0: never. */
  readonly maxFailures: number
  readonly onResult: (summary: TrialSummary, totals: CampaignTotals) => void
  /** Stops handing out seeds when aborted. */
  readonly signal?: AbortSignal
}

export interface CampaignTotals {
  trials: number
  valid: number
  invalid: number
  unknown: number
  /** Trials that show a known behaviour of Kafka and nothing else; not among the valid ones. */
  known: number
  virtualUs: number
  events: number
  crashes: number
  nondeterminism: number
  readonly marks: MarkCounts
  readonly anomalies: MarkCounts
}

export function emptyTotals(): CampaignTotals {
  return { trials: 0, valid: 0, invalid: 0, unknown: 0, known: 0, virtualUs: 0, events: 0, crashes: 0, nondeterminism: 0, marks: {}, anomalies: {} }
}

export function addToTotals(totals: CampaignTotals, summary: TrialSummary): void {
  totals.trials++
  totals[summary.verdict === 'valid' && summary.known.length > 0 ? 'known' : summary.verdict]++
  totals.virtualUs += summary.virtualUs
  totals.events += summary.events
  if (summary.crash !== undefined) totals.crashes++
  if (summary.nondeterminism !== undefined) totals.nondeterminism++
  addCounts(totals.marks, summary.marks)
  addCounts(totals.anomalies, summary.anomalies)
}

/** Jobs for `--jobs`: a number, or a percentage of the processors. */
export function defaultJobs(): number {
  return Math.max(1, availableParallelism())
}

export async function runCampaign(options: CampaignOptions): Promise<CampaignTotals> {
  const totals = emptyTotals()
  const started = Date.now()
  const { index: first, of: stride } = options.shard ?? { index: 0, of: 1 }
  const workloads = options.workloads ?? [options.generate.workload]
  let next = first
  let failures = 0
  const isTimeUp = (): boolean => {
    const spent = Date.now() - started
    return options.timeMs > 0 && spent >= options.timeMs && (options.enough?.(totals) !== false || spent >= (options.patienceMs ?? 0))
  }
  const exhausted = (): boolean =>
    next >= options.trials || options.signal?.aborted === true || isTimeUp()
    || (options.maxFailures > 0 && failures >= options.maxFailures)
  const take = (): CampaignJob | undefined => {
    if (exhausted()) return undefined
    const index = next
    next += stride
    return { index, seed: trialSeed(options.baseSeed, index), workload: workloads[index % workloads.length]! }
  }
  const received = (summary: TrialSummary): void => {
    addToTotals(totals, summary)
    if (summary.failure !== undefined) failures++
    options.onResult(summary, totals)
  }
  const { generate, shrinkBudget, verifyEvery, checkers, configFile, witnesses } = options
  const workerOptions: WorkerOptions = {
    generate, shrinkBudget, verifyEvery,
    ...(checkers === undefined ? {} : { checkers }),
    ...(configFile === undefined ? {} : { configFile }),
    ...(witnesses === undefined ? {} : { witnesses }),
  }
  if (options.ownWorkloads !== undefined || import.meta.url.endsWith('.ts')) {
    // From source (our own tests) there is no compiled worker, and functions do not cross to one.
    const { createTrialRunner } = await import('./campaign-trial.ts')
    const runner = await createTrialRunner(workerOptions, options.ownWorkloads)
    for (let job = take(); job !== undefined; job = take()) {
      received(await runner(job))
      await new Promise(resolve => setImmediate(resolve))
    }
    return totals
  }
  const count = Math.min(Math.max(1, options.jobs), options.trials)
  const pool = options.pool ?? new WorkerPool()
  try {
    await Promise.all(Array.from({ length: count }, (_, place) => drive(pool, place, workerOptions, take, received)))
  } finally {
    if (options.pool === undefined) await pool.close()
  }
  return totals
}

/** A trial that takes longer on the wall clock is given up, with its worker: it hangs, or user code does. */
const HANGS_AFTER_MS = 180_000

/** Feeds the worker of a place with jobs; one that dies or hangs costs its trial and is replaced. */
function drive(pool: WorkerPool, place: number, options: WorkerOptions, take: () => CampaignJob | undefined, received: (summary: TrialSummary) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const launch = (): void => {
      const worker = pool.at(place)
      const send = (message: ToWorker): void => worker.postMessage(message)
      let job: CampaignJob | undefined
      let watchdog: NodeJS.Timeout | undefined
      const leave = (): void => {
        clearTimeout(watchdog)
        worker.off('message', answered)
        worker.off('error', failed)
      }
      const giveUp = (lost: CampaignJob, reason: string, crash?: string): void => {
        leave()
        received(lostTrial(lost, reason, crash))
        void pool.discard(place).then(launch, reject)
      }
      const hand = (): void => {
        clearTimeout(watchdog)
        job = take()
        if (job === undefined) {
          leave()
          resolve()
          return
        }
        const current = job
        watchdog = setTimeout(() => giveUp(current, `gave no answer for ${HANGS_AFTER_MS / 1000} s of wall time`), HANGS_AFTER_MS)
        send({ job })
      }
      const answered = (message: FromWorker): void => {
        if (message !== 'ready') received(message)
        hand()
      }
      const failed = (error: Error): void => {
        if (job !== undefined) return giveUp(job, 'the worker died', error.stack ?? error.message)
        // It is the set-up that fails, and would fail again.
        leave()
        void pool.discard(place).then(() => reject(error), reject)
      }
      worker.on('message', answered)
      worker.on('error', failed)
      send({ options })
    }
    launch()
  })
}

function lostTrial(job: CampaignJob, reason: string, crash: string | undefined): TrialSummary {
  return {
    ...job, verdict: 'unknown', virtualUs: 0, wallMs: 0, events: 0, digest: '', marks: {}, anomalies: {}, known: [], owed: [], reason,
    ...(crash === undefined ? {} : { crash }),
  }
}
