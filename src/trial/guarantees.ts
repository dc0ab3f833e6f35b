/**
 * The guarantees, measured: a campaign a row. A row that is to hold must show nothing bad and must have reached the marks
 * without which it proves nothing; a row that is to be witnessed is searched for its anomaly, which is then shrunk.
 *
 * Time decides only how many trials a row gets, never what a trial does, and the counts are told.
 */
import type { DefectId } from '../config/defects.ts'
import { losesData } from '../nemesis/fault.ts'
import { DEFAULT_GENERATE_OPTIONS, type GenerateOptions } from '../plan/generate-options.ts'
import type { Plan } from '../plan/plan.ts'
import { addToTotals, type CampaignTotals, emptyTotals, runCampaign, type TrialSummary } from './campaign.ts'
import { GUARANTEE_ROWS, type GuaranteeRow } from './guarantee-rows.ts'
import type { Failure } from './judge-trial.ts'
import { WorkerPool } from './worker-pool.ts'

/** Executions that shrinking a witness may take. */
export const WITNESS_SHRINK_BUDGET = 60
/** Trials of a row that is to hold, time permitting. */
const HOLDING_TRIALS = 120
/** How many times its share of the time a row may take on a slow machine before it gives up. */
const PATIENCE = 20
/** Fewer prove nothing, however slow the machine. */
const LEAST_TRIALS = 20
/** Trials of a witness search at most. */
const SEARCH_TRIALS = 2_000
/** The smallest of so many witnesses is shown. */
const WITNESSES_WANTED = 2

export type RowVerdict =
  /** As expected. */
  | 'holds' | 'witnessed'
  /** A promise was broken. */
  | 'broken'
  /** No witness was found. */
  | 'missing'
  /** Nothing was broken, but too little happened to prove anything. */
  | 'unproven'

export interface RowOutcome {
  readonly row: GuaranteeRow
  readonly verdict: RowVerdict
  readonly totals: CampaignTotals
  /** The smallest witness, or the failure that breaks the row. */
  readonly witness: Failure | undefined
  /** Marks that were required and not reached. */
  readonly missedMarks: readonly string[]
  /** What else was measured, in sentences. */
  readonly notes: readonly string[]
}

export interface GuaranteesOptions {
  readonly baseSeed: string
  readonly rows: readonly GuaranteeRow[]
  readonly jobs: number
  /** Wall time for all rows together; a row that has not seen enough by its share goes on (see `PATIENCE`). */
  readonly timeMs: number
  /** Run every row that holds with its mechanism switched off, and expect it to break. */
  readonly withoutMechanism: boolean
  readonly signal?: AbortSignal
  readonly onProgress: (row: GuaranteeRow, totals: CampaignTotals) => void
  readonly onRow: (outcome: RowOutcome) => void
}

type RowOptions = GuaranteesOptions & { readonly pool: WorkerPool }

export function rowsToRun(ids: readonly string[]): readonly GuaranteeRow[] {
  return ids.length === 0 ? GUARANTEE_ROWS : GUARANTEE_ROWS.filter(({ id }) => ids.includes(id))
}

export async function measureGuarantees(options: GuaranteesOptions): Promise<RowOutcome[]> {
  const pool = new WorkerPool()
  try {
    return await measureRows({ ...options, pool })
  } finally {
    await pool.close()
  }
}

async function measureRows(options: RowOptions): Promise<RowOutcome[]> {
  const outcomes: RowOutcome[] = []
  const end = Date.now() + options.timeMs
  const rows = options.withoutMechanism ? options.rows.filter(({ without }) => without !== undefined) : options.rows
  for (const [index, row] of rows.entries()) {
    if (options.signal?.aborted === true) break
    const timeMs = Math.max(1_000, (end - Date.now()) / (rows.length - index))
    const outcome = options.withoutMechanism ? await breakRow(row, options, timeMs) : row.witnesses.length === 0 ? await holdRow(row, options, timeMs) : await witnessRow(row, options, timeMs)
    outcomes.push(outcome)
    options.onRow(outcome)
  }
  return outcomes
}

/** A row that is to hold. */
async function holdRow(row: GuaranteeRow, options: RowOptions, timeMs: number): Promise<RowOutcome> {
  const { totals, failures } = await campaign(row, options, {
    timeMs, trials: HOLDING_TRIALS, maxFailures: 1, enough: ({ trials, marks }) => trials >= (row.leastTrials ?? LEAST_TRIALS) && row.marks.every(mark => (marks[mark] ?? 0) > 0),
  })
  const missedMarks = row.marks.filter(mark => (totals.marks[mark] ?? 0) === 0)
  const broken = totals.invalid > 0
  return {
    row, totals, witness: smallest(failures), missedMarks, notes: notesOf(row, totals),
    verdict: broken ? 'broken' : missedMarks.length > 0 || totals.unknown > 0 || totals.trials === 0 ? 'unproven' : 'holds',
  }
}

/** A row whose anomaly is to be found. */
async function witnessRow(row: GuaranteeRow, options: RowOptions, timeMs: number): Promise<RowOutcome> {
  const began = Date.now()
  const { totals, failures } = await campaign(row, options, { timeMs, trials: SEARCH_TRIALS, maxFailures: WITNESSES_WANTED, witnesses: row.witnesses, enough: isWitnessed(row.witnesses) })
  const isPromised = ({ finding }: Failure): boolean => finding.status === 'bad' && !(row.mayBreak === true && row.witnesses.includes(finding.anomaly))
  const bad = failures.filter(isPromised)
  const fitting = failures.filter(failure => !isPromised(failure) && (row.onlyByLossyCrash !== true || hasLossyCrash(failure.plan)))
  const notes = notesOf(row, totals)
  let broken = bad.length > 0
  if (row.onlyByLossyCrash === true && !broken) {
    const within = await campaign(row, options, { timeMs: Math.max(1_000, timeMs - (Date.now() - began)), trials: HOLDING_TRIALS / 2, maxFailures: 1, beyondBudget: false, witnesses: row.witnesses, enough: ({ trials }) => trials >= LEAST_TRIALS })
    notes.push(`${within.totals.trials} more trials without a lossy crash: ${within.failures.length === 0 ? 'nothing lost' : 'lost all the same'}`)
    broken = within.failures.length > 0
    if (broken) bad.push(...within.failures)
    for (const other of failures) if (other.finding.status !== 'bad' && !hasLossyCrash(other.plan)) broken = true
  }
  const missedMarks = row.marks.filter(mark => (totals.marks[mark] ?? 0) === 0)
  const witness = smallest(broken ? (bad.length > 0 ? bad : failures) : fitting)
  return { row, totals, witness, missedMarks, notes, verdict: broken ? 'broken' : witness === undefined ? 'missing' : missedMarks.length > 0 ? 'unproven' : 'witnessed' }
}

/** A row that holds, without what makes it hold: it must break. */
async function breakRow(row: GuaranteeRow, options: RowOptions, timeMs: number): Promise<RowOutcome> {
  const without = row.without!
  const { totals, failures } = await campaign(row, options, {
    timeMs, trials: SEARCH_TRIALS, maxFailures: 1, witnesses: without.witnesses, defects: without.defects ?? [], checkers: ['black-box'], enough: isWitnessed(without.witnesses),
    ...(without.profile === undefined ? {} : { profile: without.profile }),
    ...(without.workload === undefined ? {} : { workload: without.workload }),
  })
  const witness = smallest(failures)
  return { row, totals, witness, missedMarks: [], notes: [without.what], verdict: witness === undefined ? 'missing' : 'witnessed' }
}

const isWitnessed = (witnesses: readonly string[]) => ({ anomalies }: CampaignTotals): boolean =>
  Object.keys(anomalies).some(name => witnesses.includes(name.split(':')[0]!))

interface Search {
  readonly enough: (totals: CampaignTotals) => boolean
  readonly timeMs: number
  readonly trials: number
  readonly maxFailures: number
  readonly witnesses?: readonly string[]
  readonly beyondBudget?: boolean
  readonly profile?: GenerateOptions['profile']
  readonly workload?: string
  readonly defects?: readonly DefectId[]
  readonly checkers?: readonly string[]
}

async function campaign(row: GuaranteeRow, options: RowOptions, search: Search): Promise<{ totals: CampaignTotals; failures: Failure[] }> {
  const failures: Failure[] = []
  const totals = emptyTotals()
  await runCampaign({
    generate: {
      ...DEFAULT_GENERATE_OPTIONS, workload: search.workload ?? row.workload ?? DEFAULT_GENERATE_OPTIONS.workload, profile: search.profile ?? row.profile, beyondBudget: search.beyondBudget ?? row.beyondBudget, defects: search.defects ?? [],
      ...(row.families === undefined ? {} : { families: row.families }),
    },
    baseSeed: `${options.baseSeed} ${row.id}`, trials: search.trials, jobs: options.jobs, pool: options.pool, timeMs: search.timeMs, patienceMs: (PATIENCE * options.timeMs) / options.rows.length, enough: search.enough, maxFailures: search.maxFailures,
    shrinkBudget: row.shrinkBudget ?? WITNESS_SHRINK_BUDGET, verifyEvery: 0,
    ...(search.witnesses === undefined ? {} : { witnesses: search.witnesses }),
    ...(search.checkers === undefined ? {} : { checkers: search.checkers }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onResult: (summary: TrialSummary) => {
      addToTotals(totals, summary)
      if (summary.failure !== undefined) failures.push(summary.failure)
      options.onProgress(row, totals)
    },
  })
  return { totals, failures }
}

function smallest(failures: readonly Failure[]): Failure | undefined {
  const size = ({ after }: Failure): number => after.faults * 4 + after.operations + after.servers
  return failures.reduce<Failure | undefined>((best, failure) => (best === undefined || size(failure) < size(best) ? failure : best), undefined)
}

function hasLossyCrash(plan: Plan): boolean {
  return plan.faults.some(({ action }) => losesData(action))
}

function notesOf(row: GuaranteeRow, { marks }: CampaignTotals): string[] {
  if (row.id === 'clock-skew') return [`${marks['timestamp-minutes-off'] ?? 0} batches had timestamps minutes off, ${marks['retention-at-skewed-clock'] ?? 0} segments were expired by a clock minutes off`]
  if (row.id === 'follower-reads') return [`consumers were sent to a follower ${marks['consumer-sent-to-follower'] ?? 0} times`]
  return []
}
