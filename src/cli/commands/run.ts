/** `trial run [workload...]`: explores seeds until a budget is spent. */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { selectCheckers } from '../../../checkers/index.ts'
import { reportFailure, type ReportedFailure } from '../../artifacts/report-failure.ts'
import { DEFAULT_OUT, prepareOut, pruneRuns } from '../../artifacts/write-artifacts.ts'
import type { Workload } from '../../../workloads/contract.ts'
import { TrialError } from '../../base/trial-error.ts'
import { generatePlan } from '../../plan/generate-plan.ts'
import { trialSeed } from '../../plan/seed-random.ts'
import { buildId } from '../../trial/build-id.ts'
import { type CampaignTotals, defaultJobs, runCampaign, type TrialSummary } from '../../trial/campaign.ts'
import { type MarkCounts, missedFloors } from '../../trial/coverage.ts'
import { summarise } from '../campaign-summary.ts'
import { type CommonFlags, loadWorkloads, packageVersion, runAction, withCommonFlags } from '../command-context.ts'
import { ExitCode, strongest } from '../exit-code.ts'
import { type GenerateFlags, generateOptionsOf, withGenerateFlags } from '../generate-flags.ts'
import { onInterrupt } from '../interrupt.ts'
import type { Output } from '../output.ts'
import { type CampaignOutcome, createReporter, type Reporter, REPORTERS } from '../reporters.ts'
import { mergeSettings } from '../settings.ts'
import { duration, oneOf, wholeNumber } from '../suggest.ts'

interface RunFlags extends CommonFlags, GenerateFlags {
  readonly seeds: string
  readonly seed?: string
  readonly time?: string
  readonly untilFailure?: boolean
  readonly maxFailures?: string
  readonly jobs?: string
  readonly shard?: string
  readonly checkers?: string[]
  readonly shrink: boolean
  readonly shrinkBudget: string
  readonly verifyDeterminism?: string | boolean
  readonly requireMarks?: string
  readonly unknown: string
  readonly reporter: string[]
  readonly addReporter?: string[]
  readonly out: string
  readonly report: string
  readonly trace: string
  readonly profile?: string
  readonly list?: boolean
  readonly printConfig?: boolean
}

export function addRunCommand(program: Command): void {
  const command = program.command('run').argument('[workload...]', 'what to run; default: every workload that ships').description('explore seeds until a budget is spent')
  withGenerateFlags(withCommonFlags(command))
    .option('--seeds <N>', 'number of trials', '100')
    .option('--seed <SEED>', 'base seed: any text, or @git for the commit of this folder; default: random, and printed')
    .option('--time <TIME>', 'stop handing out seeds after this long, such as 10m')
    .option('--until-failure', 'go on until the first failure')
    .option('-x, --max-failures <N>', 'stop after N failures')
    .option('--jobs <N>', 'worker threads, a number or a percentage of the processors; default: all')
    .option('--shard <I/N>', 'run the I-th of N parts of the same campaign')
    .option('--checkers <NAMES...>', 'checkers and groups (all, black-box, invariants); default: all')
    .option('--no-shrink', 'do not shrink failures')
    .option('--shrink-budget <N>', 'executions that shrinking a failure may take', '400')
    .option('--verify-determinism [K]', 'run every K-th trial twice (default: every one) and compare digests')
    .option('--require-marks <FILE>', 'JSON of marks and least counts; exit code 4 when a campaign stays below')
    .option('--unknown <WHAT>', 'what an undecided trial means: fail, warn or ignore', 'fail')
    .option('--reporter <NAME...>', `${REPORTERS.join(', ')}; NAME=PATH writes a file`, ['pretty'])
    .option('--add-reporter <NAME...>', 'one more reporter beside the default ones')
    .option('--out <DIR>', 'where reports go', DEFAULT_OUT)
    .option('--report <WHEN>', 'on-failure or never', 'on-failure')
    .option('--trace <KIND>', 'full or off: keep traces beside reports', 'full')
    .option('--profile <NAME>', 'dev, ci, nightly or one of the config file')
    .option('--list', 'print what would be run, and run nothing')
    .option('--print-config', 'print the settings after merging, and run nothing')
    .addHelpText('after', '\nExamples:\n  trial run --seeds 1000\n  trial run produce-consume --defect KAFKA-7128 --until-failure\n  trial run --profile ci --reporter junit=results.xml\n')
    .action((names: string[], flags: RunFlags) => runAction(flags, output => run(command, names, flags, output)))
}

async function run(command: Command, names: readonly string[], given: RunFlags, output: Output): Promise<ExitCode> {
  const { file, config, workloads: available } = await loadWorkloads(given)
  const flags = mergeSettings(command, given, config, process.env)
  const workloads = (names.length === 0 ? available : names.map(name => available.find(one => one.name === oneOf('workload', name, available.map(each => each.name)))!))
  const generate = generateOptionsOf(flags, workloads[0]!.name)
  const trials = flags.untilFailure === true || (flags.time !== undefined && command.getOptionValueSource('seeds') === 'default') ? Number.POSITIVE_INFINITY : wholeNumber('--seeds', flags.seeds, 0, 1_000_000_000)
  const timeMs = flags.time === undefined ? 0 : duration('--time', flags.time)
  const baseSeed = baseSeedOf(flags.seed)
  const shard = shardOf(flags.shard)
  const jobs = jobsOf(flags.jobs)
  const checkers = flags.checkers?.flatMap(text => text.split(','))
  selectCheckers(checkers ?? ['all'])
  const floors = flags.requireMarks === undefined ? undefined : readFloors(flags.requireMarks)
  const unknown = oneOf('meaning of unknown', flags.unknown, ['fail', 'warn', 'ignore'] as const)
  const reportWhen = oneOf('value of --report', flags.report, ['on-failure', 'never'] as const)
  const keepTrace = oneOf('kind of trace', flags.trace, ['full', 'off'] as const) === 'full'
  const shrinkBudget = flags.shrink ? wholeNumber('--shrink-budget', flags.shrinkBudget, 0, 1_000_000) : 0
  const verifyEvery = flags.verifyDeterminism === undefined || flags.verifyDeterminism === false ? 0 : flags.verifyDeterminism === true ? 1 : wholeNumber('--verify-determinism', String(flags.verifyDeterminism), 1, 1_000_000)
  const reporters = [...flags.reporter, ...(flags.addReporter ?? [])].flatMap(text => text.split(',')).map(spec => createReporter(spec, output))
  for (const workload of workloads) generatePlan(trialSeed(baseSeed, 0), { ...generate, workload: workload.name }, workload)

  if (flags.printConfig === true) {
    output.line(JSON.stringify({ workloads: workloads.map(({ name }) => name), baseSeed, trials: Number.isFinite(trials) ? trials : 'until stopped', timeMs, jobs, shard, checkers: checkers ?? ['all'], shrinkBudget, verifyEvery, generate, out: flags.out, configFile: file ?? null }, null, 2))
    return ExitCode.Valid
  }
  if (flags.list === true) return listTrials(baseSeed, Math.min(trials, 1_000), workloads, generate, output)
  if (reportWhen === 'on-failure') prepareOut(flags.out)

  output.note(`kafka-trial ${packageVersion()}, build ${buildId()}, Node ${process.versions.node}`)
  output.note(`base seed ${baseSeed}; ${Number.isFinite(trials) ? `${trials} trials` : 'until stopped'} of ${workloads.map(({ name }) => name).join(', ')}; ${jobs} workers${shard === undefined ? '' : `; shard ${shard.index + 1} of ${shard.of}`}`)
  output.note(`faults ${generate.families.join(',') || 'none'} at ${generate.faultRate} rate; configuration ${generate.profile}; defects ${generate.defects.join(',') || 'none'}; mends ${generate.mends.join(',') || 'none'}; wire ${generate.wire}${generate.beyondBudget ? '; beyond the survivability budget' : ''}`)

  const started = Date.now()
  const failures: ReportedFailure[] = []
  const undecided: { seed: string; workload: string; reason: string }[] = []
  const known: CampaignOutcome['known'][number][] = []
  const pending: Promise<void>[] = []
  let harnessBroke = false
  const interrupt = onInterrupt(output)
  const record = async (summary: TrialSummary): Promise<void> => {
    const failure = await reportFailure(summary.failure!, workloads.find(({ name }) => name === summary.workload)!, {
      out: flags.out, write: reportWhen === 'on-failure', trace: keepTrace, ...(checkers === undefined ? {} : { checkers }),
    })
    failures.push(failure)
    for (const reporter of reporters) reporter.onFailure?.(failure)
  }
  const totals = await runCampaign({
    generate, shrinkBudget, verifyEvery, baseSeed, trials, jobs, timeMs, workloads: workloads.map(({ name }) => name), signal: interrupt.signal,
    maxFailures: flags.untilFailure === true ? 1 : flags.maxFailures === undefined ? 0 : wholeNumber('--max-failures', flags.maxFailures, 1, 1_000_000),
    ...(shard === undefined ? {} : { shard }),
    ...(checkers === undefined ? {} : { checkers }),
    ...(file === undefined ? {} : { configFile: file }),
    onResult: (summary, sums) => {
      for (const reporter of reporters) reporter.onResult?.(summary, sums)
      if (summary.failure !== undefined) pending.push(record(summary))
      for (const { anomaly, mend, link } of summary.known) known.push({ seed: summary.seed, workload: summary.workload, anomaly, mend, link })
      if (summary.verdict === 'unknown') {
        undecided.push({ seed: summary.seed, workload: summary.workload, reason: summary.reason ?? 'unknown' })
        if (summary.crash !== undefined) {
          harnessBroke = true
          output.line(`the harness failed on seed ${summary.seed} of ${summary.workload}: ${given.verbose === true ? summary.crash : summary.crash.split('\n')[0]}`)
        } else if (unknown !== 'ignore') output.line(`undecided: seed ${summary.seed} of ${summary.workload}: ${summary.reason ?? ''}`)
      }
      if (summary.nondeterminism !== undefined) output.line(`NONDETERMINISM seed ${summary.seed} of ${summary.workload}: digests ${summary.nondeterminism.first} and ${summary.nondeterminism.second} differ, first at checkpoint ${summary.nondeterminism.checkpoint}`)
      output.progress(progressLine(sums, trials, started))
    },
  }).finally(() => interrupt.done())
  await Promise.all(pending)
  const outcome: CampaignOutcome = { totals, failures, undecided, known, wallSeconds: (Date.now() - started) / 1000, baseSeed, build: buildId() }
  for (const reporter of reporters) finish(reporter, outcome)
  if (reportWhen === 'on-failure') pruneRuns(flags.out, Date.now())
  summarise(outcome, output)
  const missed = missedFloors(totals.marks, floors ?? {})
  for (const line of missed) output.line(line)
  if (interrupt.code !== undefined) return interrupt.code
  return strongest(
    harnessBroke ? ExitCode.Internal : ExitCode.Valid,
    totals.invalid > 0 ? ExitCode.Invalid : ExitCode.Valid,
    totals.nondeterminism > 0 ? ExitCode.Determinism : ExitCode.Valid,
    totals.unknown > 0 && unknown === 'fail' ? ExitCode.Unknown : ExitCode.Valid,
    totals.trials === 0 || missed.length > 0 ? ExitCode.NothingRun : ExitCode.Valid,
  )
}

function finish(reporter: Reporter, outcome: CampaignOutcome): void {
  reporter.onEnd?.(outcome)
}

function listTrials(baseSeed: string, trials: number, workloads: readonly Workload[], generate: ReturnType<typeof generateOptionsOf>, output: Output): ExitCode {
  for (let index = 0; index < trials; index++) {
    const workload = workloads[index % workloads.length]!
    const seed = trialSeed(baseSeed, index)
    const plan = generatePlan(seed, { ...generate, workload: workload.name }, workload)
    output.line(`${seed} ${workload.name}: ${plan.operations.length} operations, ${plan.faults.length} faults; ${plan.swarm.join(', ')}`)
  }
  return trials === 0 ? ExitCode.NothingRun : ExitCode.Valid
}

function progressLine(totals: CampaignTotals, trials: number, started: number): string {
  const seconds = Math.max(0.001, (Date.now() - started) / 1000)
  return `${totals.trials}${Number.isFinite(trials) ? `/${trials}` : ''} trials, ${(totals.trials / seconds).toFixed(1)}/s, ${(totals.virtualUs / 1e6 / seconds).toFixed(0)} virtual s/s, ${totals.invalid} failures, ${totals.unknown} undecided`
}

function baseSeedOf(seed: string | undefined): string {
  if (seed === undefined) return randomBytes(6).toString('hex')
  if (seed === '@git') {
    try {
      return execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
    } catch {
      throw new TrialError('usage', '--seed @git needs a git repository with a commit', 'give a text instead, such as --seed 42')
    }
  }
  if (seed === '') throw new TrialError('usage', '--seed takes a text', 'for example --seed 42')
  return seed
}

function shardOf(text: string | undefined): { index: number; of: number } | undefined {
  if (text === undefined) return undefined
  const match = /^(\d+)\/(\d+)$/.exec(text)
  const [index, of] = [Number(match?.[1]), Number(match?.[2])]
  if (match === null || index < 1 || index > of) throw new TrialError('usage', `--shard takes I/N with I from 1 to N, not '${text}'`, 'for example --shard 1/4')
  return { index: index - 1, of }
}

function jobsOf(text: string | undefined): number {
  if (text === undefined) return defaultJobs()
  if (!text.endsWith('%')) return wholeNumber('--jobs', text, 1, 1_024)
  return Math.max(1, Math.floor((defaultJobs() * wholeNumber('--jobs', text.slice(0, -1), 1, 400)) / 100))
}

/** @throws TrialError('input' | 'config') */
export function readFloors(path: string): MarkCounts {
  let parsed: unknown
  try {
    parsed = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new TrialError('input', `cannot read marks from '${path}': ${error instanceof Error ? error.message : String(error)}`, 'it is a JSON object of marks and least counts: {"isr-shrink": 10}')
  }
  const isFloor = (value: unknown): value is number => typeof value === 'number' && value >= 0
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed) || !Object.values(parsed).every(isFloor)) {
    throw new TrialError('config', `'${path}' is no object of marks and least counts`, 'for example {"isr-shrink": 10}')
  }
  return parsed as MarkCounts
}
