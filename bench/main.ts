/**
 * `npm run bench`: prints one JSON object. Each measurement runs in a process of its own, so that peak memory and the
 * compiler's warmth are its own as well.
 *
 *   kernel    events a second of the kernel alone
 *   cluster   the standard trial: virtual seconds a wall second on one core, peak memory, events
 *   growth    wall time a record with 10 and 100 times the records, relative to once: by `rate` (the same 60 s) and by
 *             `duration` (10 and 100 times as long); the drain and the checkers are counted
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
import { benchKernel } from './kernel.ts'
import { STANDARD, standardTrial } from './standard-trial.ts'

interface Measured {
  readonly wallSeconds: number
  readonly virtualSeconds: number
  readonly events: number
  readonly records: number
  readonly verdict: string
  readonly peakMemoryMB: number
}

const clock = (): number => performance.now()
const round = (value: number, digits = 2): number => Number(value.toFixed(digits))

/** The standard trial with `times` the records, by rate or by duration; best of `runs`, after one warm-up. */
function measureTrial(by: 'rate' | 'duration', times: number, runs: number): Measured {
  const size = { seconds: STANDARD.seconds * (by === 'duration' ? times : 1), records: STANDARD.records * times }
  runPlan(standardTrial(STANDARD), produceConsume)
  let best = Number.POSITIVE_INFINITY
  let result = runPlan(standardTrial({ seconds: 1, records: 10 }), produceConsume)
  for (let run = 0; run < runs; run++) {
    const begin = clock()
    result = runPlan(standardTrial(size), produceConsume)
    best = Math.min(best, (clock() - begin) / 1000)
  }
  return {
    wallSeconds: best, virtualSeconds: result.virtualUs / 1e6, events: result.digests.eventCount, records: size.records, verdict: result.verdict,
    peakMemoryMB: Math.round(process.resourceUsage().maxRSS / 1024),
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
  standard: () => measureTrial('rate', 1, 5),
  'rate-10': () => measureTrial('rate', 10, 2),
  'rate-100': () => measureTrial('rate', 100, 1),
  'duration-10': () => measureTrial('duration', 10, 2),
  'duration-100': () => measureTrial('duration', 100, 1),
  trials: () => measureTrials(60),
}

function inOwnProcess<T>(name: string): T {
  return JSON.parse(execFileSync(process.execPath, ['--max-old-space-size=8192', fileURLToPath(import.meta.url), name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })) as T
}

function all(): unknown {
  const perRecord = ({ wallSeconds, records }: Measured): number => wallSeconds / records
  const standard = inOwnProcess<Measured>('standard')
  const sizes = Object.fromEntries(['rate-10', 'rate-100', 'duration-10', 'duration-100'].map(name => [name, inOwnProcess<Measured>(name)]))
  const growth = (name: string): number => round(perRecord(sizes[name]!) / perRecord(standard))
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
        rate: { x10: growth('rate-10'), x100: growth('rate-100'), x100OverX10: round(perRecord(sizes['rate-100']!) / perRecord(sizes['rate-10']!)) },
        duration: { x10: growth('duration-10'), x100: growth('duration-100') },
      },
      sizes: Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, { ...size, wallSeconds: round(size.wallSeconds), virtualSeconds: round(size.virtualSeconds, 1) }])),
    },
    trials: inOwnProcess('trials'),
  }
}

const [name] = process.argv.slice(2)
const measure = name === undefined ? all : MEASUREMENTS[name]
if (measure === undefined) {
  console.error(`error: there is no measurement called '${name ?? ''}'\nhint: known: ${Object.keys(MEASUREMENTS).join(', ')}; none: all of them`)
  process.exitCode = 64
} else console.log(JSON.stringify(measure(), null, name === undefined ? 2 : undefined))
