/**
 * `trial selftest`: the canary. Historical defects must be caught by what clients see, with white-box invariants off, and
 * the faithful build must stay clean on the same seeds. A run that misses a defect has lost its eyes.
 */
import type { Command } from 'commander'
import { HISTORICAL_DEFECTS } from '../../config/defects.ts'
import { detect } from '../../trial/detect.ts'
import { defaultJobs, runCampaign } from '../../trial/campaign.ts'
import { WorkerPool } from '../../trial/worker-pool.ts'
import { DEFAULT_GENERATE_OPTIONS } from '../../plan/generate-options.ts'
import { WORKLOADS } from '../../../workloads/index.ts'
import { type CommonFlags, runAction, withCommonFlags } from '../command-context.ts'
import { ExitCode, strongest } from '../exit-code.ts'
import { defectIds } from '../generate-flags.ts'
import type { Output } from '../output.ts'
import { duration, wholeNumber } from '../suggest.ts'

interface SelftestFlags extends CommonFlags {
  readonly defect?: string[]
  readonly all?: boolean
  readonly time: string
  readonly seed: string
  readonly jobs?: string
  readonly clean: string
}

export function addSelftestCommand(program: Command): void {
  withCommonFlags(program.command('selftest').description('known defects must be caught, and the faithful build must stay clean'))
    .option('--defect <ID...>', 'which defects; default: those of depth 1 and 2')
    .option('--all', 'every defect')
    .option('--time <TIME>', 'wall time for each defect', '120s')
    .option('--seed <SEED>', 'base seed', 'selftest')
    .option('--jobs <N>', 'worker threads; default: all processors')
    .option('--clean <N>', 'trials of the faithful build', '200')
    .action((flags: SelftestFlags) => runAction(flags, output => selftest(flags, output)))
}

async function selftest(flags: SelftestFlags, output: Output): Promise<ExitCode> {
  const timeMs = duration('--time', flags.time)
  const jobs = flags.jobs === undefined ? defaultJobs() : wholeNumber('--jobs', flags.jobs, 1, 1_024)
  const clean = wholeNumber('--clean', flags.clean, 1, 1_000_000)
  const defects = flags.defect !== undefined ? defectIds(flags.defect) : defectIds(HISTORICAL_DEFECTS.filter(({ depth }) => flags.all === true || depth <= 2).map(({ id }) => id))
  const totals = await runCampaign({
    generate: DEFAULT_GENERATE_OPTIONS, workloads: WORKLOADS.map(({ name }) => name), baseSeed: flags.seed, trials: clean, jobs, timeMs: 0, maxFailures: 0,
    shrinkBudget: 0, verifyEvery: 0, onResult: (_, sums) => output.progress(`faithful build: ${sums.trials}/${clean} trials`),
  })
  const isClean = totals.invalid === 0 && totals.unknown === 0
  output.line(`${isClean ? 'ok  ' : 'FAIL'} faithful build: ${totals.trials} trials, ${totals.invalid} invalid, ${totals.unknown} undecided`)
  const pool = new WorkerPool()
  let code: ExitCode = totals.crashes > 0 ? ExitCode.Internal : isClean ? ExitCode.Valid : ExitCode.Invalid
  for (const defect of defects) {
    const found = await detect(defect, { baseSeed: flags.seed, pool, checkers: ['black-box'], timeMs, trials: Number.POSITIVE_INFINITY, jobs, onTrial: trials => output.progress(`${defect}: ${trials} trials`) })
    output.line(found.trials === undefined ? `MISS ${defect}: not seen in ${found.tried} trials` : `ok   ${defect}: trial ${found.trials}, ${found.anomaly}`)
    if (found.trials === undefined) code = strongest(code, ExitCode.Invalid)
  }
  await pool.close()
  return code
}
