/**
 * How many trials it takes to find each historical defect: median over base seeds, once by what clients see (white-box
 * invariants off) and once by the invariants alone. `npm run detect` for the shallow ones and a rotating subset,
 * `npm run detect:nightly` for all with 30 minutes each.
 */
import { Command } from 'commander'
import { type Defect, type DefectId, DEFECTS, HISTORICAL_DEFECTS, isDefectId } from '../src/config/defects.ts'
import { TrialError } from '../src/base/trial-error.ts'
import { duration, wholeNumber } from '../src/cli/suggest.ts'
import { defaultJobs } from '../src/trial/campaign.ts'
import { detect, type Detection } from '../src/trial/detect.ts'
import { WorkerPool } from '../src/trial/worker-pool.ts'

interface Flags {
  readonly defect?: string[]
  readonly seeds: string
  readonly time: string
  readonly subset?: string
  readonly oracle: string
  readonly maxDepth: string
  readonly requiredDepth: string
  readonly json?: boolean
}

const ORACLES = { 'black-box': ['black-box'], 'white-box': ['invariants'] } as const
type Oracle = keyof typeof ORACLES

interface Row {
  readonly defect: string
  readonly depth: number
  readonly oracle: Oracle
  /** Trials to detect, one a base seed; null: missed in the time given. */
  readonly trials: readonly (number | null)[]
  /** Infinity (null in JSON) when most base seeds missed it. */
  readonly median: number
  readonly tried: number
  readonly anomalies: readonly string[]
  readonly busySeconds: number
}

function median(values: readonly (number | null)[]): number {
  const sorted = values.map(value => value ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.POSITIVE_INFINITY
}

const pool = new WorkerPool()

async function measure(defect: Defect, oracle: Oracle, seeds: number, timeMs: number): Promise<Row> {
  const found: Detection[] = []
  for (let seed = 1; seed <= seeds; seed++) {
    found.push(await detect(defect.id as DefectId, { baseSeed: `detect-${seed}`, checkers: ORACLES[oracle], timeMs: timeMs / seeds, trials: Number.POSITIVE_INFINITY, jobs: defaultJobs(), pool }))
  }
  return {
    defect: defect.id, depth: defect.depth, oracle, trials: found.map(({ trials }) => trials ?? null), median: median(found.map(({ trials }) => trials ?? null)),
    tried: found.reduce((sum, { tried }) => sum + tried, 0), anomalies: [...new Set(found.flatMap(({ anomaly }) => anomaly ?? []))],
    busySeconds: Math.round(found.reduce((sum, { busyMs }) => sum + busyMs, 0) / 1000),
  }
}

/** The shallow ones always; of the deep ones those whose turn it is. */
function chosen(flags: Flags): readonly Defect[] {
  if (flags.defect !== undefined) {
    for (const id of flags.defect) if (!isDefectId(id)) throw new TrialError('usage', `there is no defect called '${id}'`, `known: ${DEFECTS.map(defect => defect.id).join(', ')}`)
    return DEFECTS.filter(({ id }) => flags.defect?.includes(id) === true)
  }
  const most = wholeNumber('--max-depth', flags.maxDepth, 1, 5)
  const all = HISTORICAL_DEFECTS.filter(({ depth }) => depth <= most)
  if (flags.subset === undefined) return all
  const deep = all.filter(({ depth }) => depth > 2)
  const turn = wholeNumber('--subset', flags.subset, 0, 1_000_000_000)
  return [...all.filter(({ depth }) => depth <= 2), ...(deep.length === 0 ? [] : [deep[turn % deep.length]!, deep[(turn + 1) % deep.length]!])]
}

async function main(flags: Flags): Promise<number> {
  const seeds = wholeNumber('--seeds', flags.seeds, 1, 100)
  const timeMs = duration('--time', flags.time)
  const oracles = flags.oracle === 'both' ? (Object.keys(ORACLES) as Oracle[]) : [flags.oracle as Oracle]
  if (!oracles.every(oracle => Object.hasOwn(ORACLES, oracle))) throw new TrialError('usage', `there is no oracle called '${flags.oracle}'`, 'black-box, white-box or both')
  const required = wholeNumber('--required-depth', flags.requiredDepth, 0, 5)
  let missed = 0
  if (flags.json !== true) console.log('defect       depth  oracle     trials to detect (median)  each base seed             seen as')
  for (const defect of chosen(flags)) {
    for (const oracle of oracles) {
      const row = await measure(defect, oracle, seeds, timeMs)
      const isMiss = row.trials.every(trials => trials === null)
      // Liveness is judged once everything has healed, which most defects of liveness survive: a miss of one is reported only.
      if (isMiss && oracle === 'black-box' && defect.depth <= required && defect.oracle.includes('S')) missed++
      if (flags.json === true) console.log(JSON.stringify(row))
      else {
        const middle = isMiss ? `MISS in ${row.tried} trials` : Number.isFinite(row.median) ? String(row.median) : `more than half missed`
        console.log(`${row.defect.padEnd(12)} ${String(row.depth).padEnd(6)} ${oracle.padEnd(10)} ${middle.padEnd(26)} ${row.trials.map(trials => trials ?? '-').join(', ').padEnd(26)} ${row.anomalies.join(', ')}`)
      }
    }
  }
  return missed
}

const program = new Command('detection')
  .description('trials until each historical defect is found; exit code 1 when a required one is missed by what clients see')
  .option('--defect <ID...>', 'only these')
  .option('--seeds <N>', 'base seeds', '5')
  .option('--time <TIME>', 'wall time a defect and oracle, shared by the base seeds', '120s')
  .option('--subset <TURN>', 'depth 1 and 2, and two of the deeper ones, by turns')
  .option('--oracle <NAME>', 'black-box, white-box or both', 'both')
  .option('--max-depth <N>', 'nothing deeper', '5')
  .option('--required-depth <N>', 'a miss of a safety defect up to this depth is a failure; others are reported', '2')
  .option('--json', 'one JSON line a row')
program.action(async (flags: Flags) => {
  try {
    process.exitCode = (await main(flags)) > 0 ? 1 : 0
  } catch (error) {
    if (!(error instanceof TrialError)) throw error
    console.error(`error: ${error.message}\nhint: ${error.hint ?? ''}`)
    process.exitCode = 64
  } finally {
    await pool.close()
  }
})
await program.parseAsync()
