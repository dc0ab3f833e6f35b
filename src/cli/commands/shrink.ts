/** `trial shrink TOKEN|FILE|RUN`: fewer faults, operations, nodes, partitions; prints a new token. */
import type { Command } from 'commander'
import { terminalDigest } from '../../../reports/text/terminal-digest.ts'
import { traceRun } from '../../artifacts/failure-report.ts'
import { DEFAULT_OUT, planFileOf, toJson, writeArtifacts, writeWhole } from '../../artifacts/write-artifacts.ts'
import { reduce, runExcused } from '../../trial/judge-trial.ts'
import { firstBad } from '../../trial/trial-result.ts'
import { type CommonFlags, loadWorkloads, runAction, withCommonFlags } from '../command-context.ts'
import { ExitCode } from '../exit-code.ts'
import type { Output } from '../output.ts'
import { findReproduction } from '../../artifacts/reproduction.ts'
import { wholeNumber } from '../suggest.ts'

interface ShrinkFlags extends CommonFlags {
  readonly out: string
  readonly shrinkBudget: string
  readonly write?: string
  readonly anomaly?: string
}

export function addShrinkCommand(program: Command): void {
  withCommonFlags(program.command('shrink <token|file|run>').description('reduce a failing plan to a minimal story'))
    .option('--shrink-budget <N>', 'executions at most', '1000')
    .option('--anomaly <ID>', 'the anomaly to keep; default: the first that fails')
    .option('--out <DIR>', 'where the report goes', DEFAULT_OUT)
    .option('--write <FILE>', 'write the shrunk plan as a .trial.json file')
    .action((input: string, flags: ShrinkFlags) => runAction(flags, output => shrinkPlan(input, flags, output)))
}

async function shrinkPlan(input: string, flags: ShrinkFlags, output: Output): Promise<ExitCode> {
  const shrinkBudget = wholeNumber('--shrink-budget', flags.shrinkBudget, 1, 1_000_000)
  const { workloads } = await loadWorkloads(flags)
  const { plan, workload, origin } = await findReproduction(input, workloads)
  const first = await runExcused(plan, workload, {})
  const finding = flags.anomaly === undefined ? firstBad(first) : first.findings.find(({ anomaly }) => anomaly === flags.anomaly)
  if (finding === undefined) {
    output.line(flags.anomaly === undefined ? 'nothing fails here, so there is nothing to shrink' : `this plan does not show ${flags.anomaly}`)
    return ExitCode.Valid
  }
  const failure = await reduce(plan, origin, first, finding, workload, { shrinkBudget, onProgress: (kept, executions) => output.progress(`${kept} elements left after ${executions} executions`) })
  const run = await traceRun({ ...failure, expected: failure.result.digests }, workload)
  if (flags.write !== undefined) writeWhole(flags.write, toJson(planFileOf(run)))
  const path = writeArtifacts(run, flags.out, { trace: true })
  output.line(terminalDigest(run.model, path))
  const { before, after } = failure
  output.note(`  operations ${before.operations} > ${after.operations}, faults ${before.faults} > ${after.faults}, servers ${before.servers} > ${after.servers}, partitions ${before.partitions} > ${after.partitions}; ${failure.executions} executions${failure.cutShort ? ', cut short' : ''}`)
  for (const { text, without } of failure.remaining) output.note(`  ${without === 'passes' ? 'needed' : without}: ${text}`)
  return finding.status === 'bad' ? ExitCode.Invalid : ExitCode.Valid
}
