/**
 * `npm run bench`: prints one JSON object. Each measurement runs in a process of its own, so that peak memory and the
 * compiler's warmth are its own as well.
 *
 *   kernel    events a second of the kernel alone
 *   cluster   the standard trial: virtual seconds a wall second on one core, peak memory, events
 *   growth    wall time a record with 10 and 100 times the records, relative to once: by `rate` (the same 60 s) and by
 *             `duration` (10 and 100 times as long); the drain and the checkers are counted
 *   costs     processor time of the standard trial with invariants, coverage, messages as bytes, interleavings and each codec of
 *             batches, relative to without
 *   groups    a group of 1000 members over 3000 partitions, by each protocol, until every partition has its owner
 *   transactions  the standard transactional trial: virtual seconds a processor second, and growth by transactions
 *   trials    what a campaign runs: default trials a second and virtual seconds a wall second, one core
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { produceConsume } from '../workloads/produce-consume.ts'
import { WORKLOADS } from '../workloads/index.ts'
import { DEFAULT_GENERATE_OPTIONS } from '../src/plan/generate-options.ts'
import { generatePlan } from '../src/plan/generate-plan.ts'
import { trialSeed } from '../src/plan/seed-random.ts'
import { runPlan } from '../src/trial/run-plan.ts'
import type { TrialResult } from '../src/trial/trial-result.ts'
import { measureCosts } from './costs.ts'
import { benchGroups } from './groups.ts'
import { benchKernel } from './kernel.ts'
import { STANDARD, standardTrial } from './standard-trial.ts'
import { benchTransactions } from './transactions.ts'

interface Measured {
  readonly wallSeconds: number
  readonly virtualSeconds: number
  readonly events: number
  readonly records: number
  readonly verdict: string
  readonly peakMemoryMB: number
  /** Wall time a record, relative to the standard trial. */
  readonly growth: number
}

const clock = (): number => performance.now()
const round = (value: number, digits = 2): number => Number(value.toFixed(digits))

/** Mean of runs of the standard trial that together take at least `seconds`, and what the last of them gave. */
function standardRuns(seconds: number): { readonly mean: number; readonly best: number; readonly result: TrialResult } {
  const times: number[] = []
  for (const begin = clock(); ;) {
    const from = clock()
    const result = runPlan(standardTrial(STANDARD), produceConsume)
    times.push((clock() - from) / 1000)
    if (clock() - begin >= seconds * 1000) return { mean: times.reduce((sum, time) => sum + time, 0) / times.length, best: Math.min(...times), result }
  }
}

function measureStandard(): Measured {
  standardRuns(2)
  const { best, result } = standardRuns(5)
  return measured(best, result, STANDARD.records, 1)
}

/**
 * A trial with `times` the records, by rate or by duration, between two rows of standard trials: a machine whose speed
 * changes from minute to minute would else be taken for growth.
 */
function measureGrowth(by: 'rate' | 'duration', times: number): Measured {
  const size = { seconds: STANDARD.seconds * (by === 'duration' ? times : 1), records: STANDARD.records * times }
  standardRuns(2)
  const before = standardRuns(5).mean
  const from = clock()
  const result = runPlan(standardTrial(size), produceConsume)
  const wall = (clock() - from) / 1000
  const peak = process.resourceUsage().maxRSS
  const after = standardRuns(5).mean
  return { ...measured(wall, result, size.records, wall / times / ((before + after) / 2)), peakMemoryMB: Math.round(peak / 1024) }
}

function measured(wallSeconds: number, result: TrialResult, records: number, growth: number): Measured {
  return {
    wallSeconds: round(wallSeconds), virtualSeconds: round(result.virtualUs / 1e6, 1), events: result.digests.eventCount, records, verdict: result.verdict,
    peakMemoryMB: Math.round(process.resourceUsage().maxRSS / 1024), growth: round(growth),
  }
}

function measureTrials(count: number): { readonly trialsPerSecond: number; readonly virtualSecondsPerWallSecond: number } {
  let virtualUs = 0
  let begin = 0
  for (let index = -10; index < count; index++) {
    if (index === 0) begin = clock()
    const workload = WORKLOADS[Math.abs(index) % WORKLOADS.length]!
    const result = runPlan(generatePlan(trialSeed('bench', Math.abs(index)), { ...DEFAULT_GENERATE_OPTIONS, workload: workload.name }, workload), workload)
    if (index >= 0) virtualUs += result.virtualUs
  }
  const seconds = (clock() - begin) / 1000
  return { trialsPerSecond: round(count / seconds), virtualSecondsPerWallSecond: round(virtualUs / 1e6 / seconds, 1) }
}

const MEASUREMENTS: Readonly<Record<string, () => unknown>> = {
  kernel: () => benchKernel(clock),
  standard: measureStandard,
  'rate-10': () => measureGrowth('rate', 10),
  'rate-100': () => measureGrowth('rate', 100),
  'duration-10': () => measureGrowth('duration', 10),
  'duration-100': () => measureGrowth('duration', 100),
  costs: () => measureCosts(() => process.cpuUsage().user / 1000),
  trials: () => measureTrials(60),
  groups: () => benchGroups(),
  transactions: () => benchTransactions(),
}

function inOwnProcess<T>(name: string): T {
  return JSON.parse(execFileSync(process.execPath, ['--max-old-space-size=8192', fileURLToPath(import.meta.url), name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })) as T
}

function all(): unknown {
  const standard = inOwnProcess<Measured>('standard')
  const sizes = Object.fromEntries(['rate-10', 'rate-100', 'duration-10', 'duration-100'].map(name => [name, inOwnProcess<Measured>(name)]))
  const growth = (name: string): number => sizes[name]!.growth
  return {
    kernel: { eventsPerSecond: inOwnProcess<{ eventsPerSecond: number }>('kernel').eventsPerSecond },
    cluster: {
      virtualSecondsPerWallSecond: round(standard.virtualSeconds / standard.wallSeconds, 1),
      eventsPerSecond: Math.round(standard.events / standard.wallSeconds),
      eventsPerVirtualSecond: Math.round(standard.events / standard.virtualSeconds),
      peakMemoryMB: standard.peakMemoryMB,
      verdict: standard.verdict,
      growth: {
        x10: Math.max(growth('rate-10'), growth('duration-10')), x100: Math.max(growth('rate-100'), growth('duration-100')),
        rate: { x10: growth('rate-10'), x100: growth('rate-100') },
        duration: { x10: growth('duration-10'), x100: growth('duration-100') },
      },
      sizes,
    },
    costs: inOwnProcess('costs'),
    trials: inOwnProcess('trials'),
    groups: inOwnProcess('groups'),
    transactions: inOwnProcess('transactions'),
  }
}

const [name] = process.argv.slice(2)
const measure = name === undefined ? all : MEASUREMENTS[name]
if (measure === undefined) {
  console.error(`error: there is no measurement called '${name ?? ''}'\nhint: known: ${Object.keys(MEASUREMENTS).join(', ')}; none: all of them`)
  process.exitCode = 64
} else console.log(JSON.stringify(measure(), null, name === undefined ? 2 : undefined))
