/** `trial replay TOKEN|FILE|RUN`: one deterministic run with full trace and report; the digest is verified. */
import type { Command } from 'commander'
import { summaryMarkdown, terminalDigest } from '../../../reports/text/terminal-digest.ts'
import { traceRun } from '../../artifacts/failure-report.ts'
import { DEFAULT_OUT, planFileOf, toJson, writeArtifacts, writeWhole } from '../../artifacts/write-artifacts.ts'
import { firstDifference } from '../../trial/campaign-trial.ts'
import { sizeOf } from '../../trial/judge-trial.ts'
import { elementsOf } from '../../plan/elements.ts'
import type { Plan } from '../../plan/plan.ts'
import { describeElement, type RemainingElement } from '../../plan/shrink.ts'
import { CHECKPOINT_EVERY } from '../../sim/digest.ts'
import type { MendId } from '../../config/defects.ts'
import { type CommonFlags, loadWorkloads, runAction, withCommonFlags } from '../command-context.ts'
import { ExitCode, strongest } from '../exit-code.ts'
import { mendIds } from '../generate-flags.ts'
import type { Output } from '../output.ts'
import { findReproduction, type Reproduction } from '../../artifacts/reproduction.ts'

interface ReplayFlags extends CommonFlags {
  readonly out: string
  readonly report: boolean
  readonly trace: string
  readonly mend?: string[]
  readonly write?: string
  readonly markdown?: boolean
}

export function addReplayCommand(program: Command): void {
  withCommonFlags(program.command('replay <token|file|run>').description('run one plan again, verify its digest, write its report'))
    .option('--out <DIR>', 'where reports go', DEFAULT_OUT)
    .option('--no-report', 'write no report')
    .option('--trace <KIND>', 'full or off: keep the trace beside the report', 'full')
    .option('--mend <ID...>', 'switch known behaviours of Kafka off: does the anomaly go away?')
    .option('--write <FILE>', 'write the plan with its digests as a .trial.json file')
    .option('--markdown', 'print the verdict as Markdown')
    .addHelpText('after', '\nExit code 1: the anomaly that the token or file stands for shows again. 3: the run differs from what the token or file says.\n')
    .action((input: string, flags: ReplayFlags) => runAction(flags, output => replay(input, flags, output)))
}

async function replay(input: string, flags: ReplayFlags, output: Output): Promise<ExitCode> {
  const { workloads } = await loadWorkloads(flags)
  const reproduction = await findReproduction(input, workloads)
  const mends: readonly MendId[] = mendIds(flags.mend ?? [])
  const plan = mends.length === 0 ? reproduction.plan : { ...reproduction.plan, mends }
  const size = sizeOf(plan, 0)
  const run = await traceRun({ plan, token: mends.length === 0 ? reproduction.token : undefined, before: size, after: size, executions: 0, cutShort: false, remaining: remainingOf(plan), choose: findings => findings.find(({ anomaly }) => reproduction.isWitness?.(anomaly) === true) }, reproduction.workload)
  const { result } = run
  const fidelity = mends.length > 0 ? ExitCode.Valid : compareDigests(reproduction, result.digests, result.checkpoints, output)
  output.note(`${plan.workload}, seed ${plan.seed}: ${result.verdict}; event digest ${result.digests.events}, history digest ${result.digests.history}, ${result.digests.eventCount} events, ${(result.virtualUs / 1e6).toFixed(3)} virtual seconds`)
  for (const finding of result.findings.filter(({ status }) => status !== 'bad').slice(0, 8)) output.note(`  ${finding.status}: ${finding.anomaly}: ${finding.title}${finding.known === undefined ? '' : ` (${finding.known.link})`}`)
  if (flags.write !== undefined) writeWhole(flags.write, toJson(planFileOf(run)))
  const path = flags.report ? writeArtifacts(run, flags.out, { trace: flags.trace !== 'off' }) : '(not written)'
  if (run.finding !== undefined) output.line(flags.markdown === true ? summaryMarkdown(run.model) : terminalDigest(run.model, path))
  else if (flags.report) output.note(`report ${path}`)
  const isWitnessed = run.finding !== undefined && reproduction.isWitness?.(run.finding.anomaly) === true
  if (isWitnessed && run.finding?.status === 'allowed') output.note('  The configuration allows this: the token is a witness of what it does not promise.')
  const verdict = result.verdict === 'invalid' || isWitnessed ? ExitCode.Invalid : result.verdict === 'unknown' ? ExitCode.Unknown : ExitCode.Valid
  // A run that is not the one that was named outranks what it shows.
  return fidelity === ExitCode.Determinism ? fidelity : strongest(verdict)
}

/** A token or file does not say what shrinking tried: `trial shrink` tries again. */
function remainingOf(plan: Plan): readonly RemainingElement[] {
  if (plan.choices.mode !== 'explicit') return []
  return elementsOf(plan).map(element => ({ element, text: describeElement(plan, element), without: 'not tested' }))
}

function compareDigests(expected: Reproduction, digests: Parameters<Reproduction['matchesEvents']>[0], checkpoints: readonly string[], output: Output): ExitCode {
  if (expected.sameBuild === undefined) return ExitCode.Valid
  if (expected.sameBuild) {
    if (expected.matchesEvents(digests) && expected.matchesHistory(digests)) return ExitCode.Valid
    output.line(`the run differs: event digest ${digests.events}, expected ${expected.expectedEvents ?? 'another'}`)
    if (expected.checkpoints !== undefined) {
      const index = firstDifference(expected.checkpoints, checkpoints)
      output.line(`first divergent checkpoint: ${index}, after event ${index * CHECKPOINT_EVERY}; \`trial diff\` names the event when both runs are at hand`)
    }
    return ExitCode.Determinism
  }
  output.line(`other build: event digests are not comparable; the history ${expected.matchesHistory(digests) ? 'is the same' : 'differs'}`)
  return ExitCode.Valid
}
