/** `trial guarantees`: what each configuration really gives, measured, with witnesses. */
import type { Command } from 'commander'
import { toJson, writeWhole } from '../../artifacts/write-artifacts.ts'
import { buildId } from '../../trial/build-id.ts'
import { type CampaignTotals, defaultJobs } from '../../trial/campaign.ts'
import { GUARANTEE_ROWS, type GuaranteeRow } from '../../trial/guarantee-rows.ts'
import { measureGuarantees, type RowOutcome, rowsToRun, type RowVerdict } from '../../trial/guarantees.ts'
import { type CommonFlags, packageVersion, runAction, withCommonFlags } from '../command-context.ts'
import { ExitCode, strongest } from '../exit-code.ts'
import { onInterrupt } from '../interrupt.ts'
import type { Output } from '../output.ts'
import { duration, oneOf, wholeNumber } from '../suggest.ts'

interface GuaranteesFlags extends CommonFlags {
  readonly seed: string
  readonly time: string
  readonly row?: string[]
  readonly jobs?: string
  readonly json?: string | boolean
  readonly withoutMechanism?: boolean
}

export function addGuaranteesCommand(program: Command): void {
  withCommonFlags(program.command('guarantees').description('what each configuration really gives, measured, with a token for every no'))
    .option('--seed <SEED>', 'where witnesses are searched from', '1')
    .option('--time <TIME>', 'wall time to aim at; a row that has not seen enough by its share takes longer', '80s')
    .option('--row <ID...>', `only these rows: ${GUARANTEE_ROWS.map(({ id }) => id).join(', ')}`)
    .option('--jobs <N>', 'worker threads; default: all processors')
    .option('--json [FILE]', 'print, or write, the outcome as JSON')
    .option('--without-mechanism', 'switch off what makes each row hold, and show that it then breaks')
    .addHelpText('after', '\nExit codes: 0 every expectation is met, 1 a promised row is broken, 2 a witness is missing or a row proves nothing.\n')
    .action((flags: GuaranteesFlags) => runAction(flags, output => guarantees(flags, output)))
}

const WORDS: Readonly<Record<RowVerdict, string>> = { holds: 'HOLDS', witnessed: 'WITNESSED', broken: 'BROKEN', missing: 'NO WITNESS', unproven: 'UNPROVEN' }

async function guarantees(flags: GuaranteesFlags, output: Output): Promise<ExitCode> {
  const timeMs = duration('--time', flags.time)
  const ids = (flags.row ?? []).flatMap(text => text.split(',')).map(id => oneOf('row', id, GUARANTEE_ROWS.map(row => row.id)))
  const jobs = flags.jobs === undefined ? defaultJobs() : wholeNumber('--jobs', flags.jobs, 1, 1_024)
  const quiet = flags.json === true
  output.note(`kafka-trial ${packageVersion()}, build ${buildId()}: the guarantees of Kafka 4.3, measured from seed ${flags.seed}${flags.withoutMechanism === true ? ', each with its mechanism switched off' : ''}`)
  output.note('Every row simulates whole clusters (brokers, KRaft quorum, clients) under crashes, partitions, disk loss and clock skew.')
  const interrupt = onInterrupt(output)
  const started = Date.now()
  const outcomes = await measureGuarantees({
    baseSeed: flags.seed, rows: rowsToRun(ids), jobs, timeMs, withoutMechanism: flags.withoutMechanism === true, signal: interrupt.signal,
    onProgress: (row, totals) => output.progress(progress(row, totals)),
    onRow: outcome => {
      if (!quiet) for (const line of rowLines(outcome, flags.withoutMechanism === true, output)) output.line(line)
    },
  }).finally(() => interrupt.done())
  const trials = outcomes.reduce((sum, { totals }) => sum + totals.trials, 0)
  const hours = outcomes.reduce((sum, { totals }) => sum + totals.virtualUs, 0) / 3.6e9
  const met = outcomes.filter(({ verdict }) => verdict === 'holds' || verdict === 'witnessed').length
  if (flags.json !== undefined) {
    const text = toJson({ seed: flags.seed, build: buildId(), met, rows: outcomes.map(rowJson) })
    if (flags.json === true) output.line(text.trimEnd())
    else if (typeof flags.json === 'string') writeWhole(flags.json, text)
  }
  if (!quiet) {
    output.line()
    output.line(`${met} of ${outcomes.length} expectations met; ${trials} trials, ${hours.toFixed(2)} virtual hours in ${((Date.now() - started) / 1000).toFixed(0)} s. See a witness again: trial replay TOKEN`)
  }
  if (interrupt.code !== undefined) return interrupt.code
  return strongest(...outcomes.map(({ verdict, totals }) =>
    totals.crashes > 0 ? ExitCode.Internal : verdict === 'broken' ? ExitCode.Invalid : verdict === 'missing' || verdict === 'unproven' ? ExitCode.Unknown : ExitCode.Valid), ExitCode.Valid)
}

function progress(row: GuaranteeRow, totals: CampaignTotals): string {
  return `${row.configuration}: ${totals.trials} trials, ${(totals.virtualUs / 1e6).toFixed(0)} virtual seconds`
}

function rowLines({ row, verdict, totals, witness, missedMarks, notes }: RowOutcome, isBroken: boolean, output: Output): string[] {
  const good = verdict === 'holds' || verdict === 'witnessed'
  const lines = [
    '',
    `${output.style(good ? 'green' : 'red', WORDS[verdict].padEnd(10))} ${output.style('bold', row.configuration)}`,
    `  claim     ${row.claim}`,
    `  expected  ${isBroken ? `breaks without its mechanism: ${row.without?.what}` : row.expected}`,
    `  run       ${totals.trials} trials, ${(totals.virtualUs / 3.6e9).toFixed(2)} virtual hours`,
    `  seen      ${seen(totals)}`,
  ]
  if (!isBroken) for (const note of notes) lines.push(`  measured  ${note}`)
  for (const mark of missedMarks) lines.push(`  missing   ${mark} was never reached`)
  if (witness !== undefined) {
    const { after } = witness
    lines.push(`  witness   ${witness.token ?? `seed ${witness.plan.seed} (too large for a token)`}`)
    lines.push(`            ${witness.finding.anomaly}: ${witness.finding.title}`)
    lines.push(`            ${after.operations} operations, ${after.faults} faults, ${after.servers} servers after ${witness.executions} executions${witness.cutShort ? ' (shrinking cut short)' : ''}`)
  }
  return lines
}

function seen(totals: CampaignTotals): string {
  const counts: Record<string, number> = {}
  for (const [name, count] of Object.entries(totals.anomalies)) counts[name.replace(':', ' ')] = count
  const text = Object.entries(counts).map(([name, count]) => `${count} ${name}`).join(', ')
  return `${text === '' ? 'nothing amiss' : text}${totals.unknown > 0 ? `; ${totals.unknown} trials undecided` : ''}`
}

function rowJson({ row, verdict, totals, witness, missedMarks, notes }: RowOutcome): object {
  return {
    id: row.id, configuration: row.configuration, claim: row.claim, expected: row.expected, verdict, trials: totals.trials, virtualHours: totals.virtualUs / 3.6e9,
    seen: totals.anomalies, missedMarks, notes,
    witness: witness === undefined ? null : { token: witness.token ?? null, anomaly: witness.finding.anomaly, title: witness.finding.title, size: witness.after, executions: witness.executions, cutShort: witness.cutShort },
  }
}
