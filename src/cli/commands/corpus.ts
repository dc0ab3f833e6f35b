/**
 * `trial corpus`: regression plans in `test/corpus`, a `.trial.json` file each with a note and the verdict that is expected.
 * They are run by every test run; a plan whose digests are of another build is judged by its verdict alone.
 */
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Command } from 'commander'
import { planFileOf, prepareOut, toJson, writeWhole } from '../../artifacts/write-artifacts.ts'
import { TrialError } from '../../base/trial-error.ts'
import { buildId } from '../../trial/build-id.ts'
import { runExcused } from '../../trial/judge-trial.ts'
import { readPlanFile } from '../../trial/plan-file.ts'
import type { TrialResult } from '../../trial/trial-result.ts'
import { type CommonFlags, loadWorkloads, runAction, withCommonFlags } from '../command-context.ts'
import { ExitCode, strongest } from '../exit-code.ts'
import type { Output } from '../output.ts'
import { findReproduction } from '../../artifacts/reproduction.ts'

const DEFAULT_CORPUS = 'test/corpus'
const SUFFIX = '.trial.json'

interface CorpusFlags extends CommonFlags {
  readonly dir: string
  readonly note?: string
  readonly name?: string
  readonly json?: boolean
}

export function addCorpusCommand(program: Command): void {
  const corpus = program.command('corpus').description('regression plans: add, run, prune')
  withCommonFlags(corpus.command('add <token|file|run>').description('keep a plan, with the verdict that it gives now'))
    .option('--dir <DIR>', 'folder of the corpus', DEFAULT_CORPUS)
    .option('--note <TEXT>', 'what it is a regression test of')
    .option('--name <NAME>', 'file name; default: workload and seed')
    .action((input: string, flags: CorpusFlags) => runAction(flags, output => add(input, flags, output)))
  withCommonFlags(corpus.command('run [names...]').description('run the plans and compare verdicts'))
    .option('--dir <DIR>', 'folder of the corpus', DEFAULT_CORPUS)
    .option('--json', 'print JSON')
    .action((names: string[], flags: CorpusFlags) => runAction(flags, output => runAll(names, flags, output)))
  withCommonFlags(corpus.command('prune').description('rename away plans that can no longer be read'))
    .option('--dir <DIR>', 'folder of the corpus', DEFAULT_CORPUS)
    .action((flags: CorpusFlags) => runAction(flags, output => prune(flags, output)))
}

async function add(input: string, flags: CorpusFlags, output: Output): Promise<ExitCode> {
  const { workloads } = await loadWorkloads(flags)
  const { plan, workload } = await findReproduction(input, workloads)
  const result = await runExcused(plan, workload, {})
  const name = flags.name ?? `${plan.workload}-${plan.seed}`
  if (!/^[\w.-]+$/.test(name)) throw new TrialError('usage', `'${name}' cannot be a file name`, 'use letters, digits, dots and dashes')
  prepareOut(flags.dir)
  const path = join(flags.dir, `${name}${SUFFIX}`)
  writeWhole(path, toJson({ ...(flags.note === undefined ? {} : { note: flags.note }), expect: expectationOf(result), ...planFileOf({ plan, result }), checkpoints: undefined }))
  output.line(`${path}: ${describe(expectationOf(result))}`)
  return ExitCode.Valid
}

async function runAll(names: readonly string[], flags: CorpusFlags, output: Output): Promise<ExitCode> {
  const { workloads } = await loadWorkloads(flags)
  const paths = names.length > 0 ? names.map(name => (existsSync(name) ? name : join(flags.dir, name.endsWith(SUFFIX) ? name : `${name}${SUFFIX}`))) : corpusFiles(flags.dir)
  if (paths.length === 0) {
    output.line(`no plans in '${flags.dir}'`)
    return ExitCode.NothingRun
  }
  let code: ExitCode = ExitCode.Valid
  const outcomes: object[] = []
  for (const path of paths) {
    const file = readPlanFile(path)
    const { plan, workload } = await findReproduction(path, workloads)
    const result = await runExcused(plan, workload, {})
    const seen = expectationOf(result)
    const isExpected = file.expect === undefined || describe(file.expect) === describe(seen)
    const isSameBuild = file.digests !== undefined && file.build === buildId()
    const isFaithful = !isSameBuild || file.digests?.events === result.digests.events
    outcomes.push({ name: basename(path, SUFFIX), ok: isExpected && isFaithful, ...seen, digests: result.digests })
    if (flags.json !== true) output.line(`${isExpected && isFaithful ? 'ok  ' : 'FAIL'} ${basename(path, SUFFIX)}: ${describe(seen)}${isExpected ? '' : `, expected ${describe(file.expect!)}`}${isFaithful ? '' : `; event digest ${result.digests.events} instead of ${file.digests!.events}`}${isSameBuild ? '' : ' (other build)'}`)
    code = strongest(code, isExpected ? ExitCode.Valid : ExitCode.Invalid, isFaithful ? ExitCode.Valid : ExitCode.Determinism)
  }
  if (flags.json === true) output.line(JSON.stringify(outcomes))
  return code
}

async function prune(flags: CorpusFlags, output: Output): Promise<ExitCode> {
  const { workloads } = await loadWorkloads(flags)
  for (const path of corpusFiles(flags.dir)) {
    try {
      await findReproduction(path, workloads)
    } catch (error) {
      rmSync(`${path}.unreadable`, { force: true })
      renameSync(path, `${path}.unreadable`)
      output.line(`${path}: renamed to .unreadable: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return ExitCode.Valid
}

export function corpusFiles(dir: string): string[] {
  return existsSync(dir) ? readdirSync(dir).filter(name => name.endsWith(SUFFIX)).sort().map(name => join(dir, name)) : []
}

export interface Expectation {
  readonly verdict: string
  readonly anomalies: readonly string[]
  readonly known: readonly string[]
}

export function expectationOf(result: TrialResult): Expectation {
  const named = (status: string): string[] => [...new Set(result.findings.filter(finding => finding.status === status).map(({ anomaly }) => anomaly))].sort()
  return { verdict: result.verdict, anomalies: named('bad'), known: named('known') }
}

const describe = ({ verdict, anomalies, known }: Expectation): string =>
  `${verdict}${anomalies.length === 0 ? '' : ` (${anomalies.join(', ')})`}${known.length === 0 ? '' : ` with known ${known.join(', ')}`}`
