/** `trial diff A B`: the first divergence of two runs: event, state, verdict. */
import type { Command } from 'commander'
import { eventText, firstDifferentEvent } from '../../artifacts/trace-lines.ts'
import { formatOperation } from '../../history/json-lines.ts'
import { ColumnarTrace } from '../../sim/columnar-trace.ts'
import { runTrial } from '../../trial/run-plan.ts'
import type { TrialResult } from '../../trial/trial-result.ts'
import { type CommonFlags, loadWorkloads, runAction, withCommonFlags } from '../command-context.ts'
import { ExitCode } from '../exit-code.ts'
import type { Output } from '../output.ts'
import { findReproduction } from '../../artifacts/reproduction.ts'
import { wholeNumber } from '../suggest.ts'

interface DiffFlags extends CommonFlags {
  readonly context: string
}

export function addDiffCommand(program: Command): void {
  withCommonFlags(program.command('diff <a> <b>').description('run two plans and show where they first differ'))
    .option('--context <N>', 'events shown before the difference', '5')
    .addHelpText('after', '\nExit code 0: the runs are the same. 3: they differ.\n')
    .action((a: string, b: string, flags: DiffFlags) => runAction(flags, output => diff(a, b, flags, output)))
}

async function diff(a: string, b: string, flags: DiffFlags, output: Output): Promise<ExitCode> {
  const context = wholeNumber('--context', flags.context, 0, 1_000)
  const { workloads } = await loadWorkloads(flags)
  const traced = async (input: string): Promise<{ trace: ColumnarTrace; result: TrialResult }> => {
    const { plan, workload } = await findReproduction(input, workloads)
    const trace = new ColumnarTrace()
    return { trace, result: await runTrial(plan, workload, { trace }) }
  }
  const [left, right] = [await traced(a), await traced(b)]
  output.line(`a: ${left.result.verdict}, event digest ${left.result.digests.events}, history digest ${left.result.digests.history}, ${left.trace.length} events`)
  output.line(`b: ${right.result.verdict}, event digest ${right.result.digests.events}, history digest ${right.result.digests.history}, ${right.trace.length} events`)
  const row = firstDifferentEvent(left.trace, right.trace)
  if (row === undefined) {
    output.line(left.result.digests.events === right.result.digests.events ? 'the runs are the same' : 'the traces are the same; the digests differ in something that no trace event tells')
    return left.result.digests.events === right.result.digests.events ? ExitCode.Valid : ExitCode.Determinism
  }
  output.line(`first different event: ${row}`)
  for (let i = Math.max(0, row - context); i < row; i++) output.line(`    ${eventText(left.trace.at(i))}`)
  output.line(`  a ${row < left.trace.length ? eventText(left.trace.at(row)) : '(ended)'}`)
  output.line(`  b ${row < right.trace.length ? eventText(right.trace.at(row)) : '(ended)'}`)
  const index = firstDifferentOperation(left.result, right.result)
  if (index === undefined) output.line('clients saw the same')
  else {
    output.line(`first different operation of the histories: ${index}`)
    for (const [name, { history }] of [['a', left.result], ['b', right.result]] as const) output.line(`  ${name} ${history[index] === undefined ? '(ended)' : formatOperation(history[index])}`)
  }
  return ExitCode.Determinism
}

function firstDifferentOperation(a: TrialResult, b: TrialResult): number | undefined {
  const length = Math.max(a.history.length, b.history.length)
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.history[i], b.history[i]]
    if (x === undefined || y === undefined || formatOperation(x) !== formatOperation(y)) return i
  }
  return undefined
}
