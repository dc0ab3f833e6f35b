/** `trial check HISTORY.jsonl`: checkers over a stored history, ours or a real cluster's. */
import { createReadStream } from 'node:fs'
import type { Command } from 'commander'
import { mergeVerdicts, runCheckers } from '../../../checkers/compose.ts'
import { type GuaranteeConfig, guaranteesFor } from '../../../checkers/guarantees.ts'
import { findChecker } from '../../../checkers/index.ts'
import { TrialError } from '../../base/trial-error.ts'
import { HistoryReader } from '../../history/json-lines.ts'
import type { History } from '../../history/operation.ts'
import { reasonOf, toJson } from '../../artifacts/write-artifacts.ts'
import { type CommonFlags, runAction, withCommonFlags } from '../command-context.ts'
import { ExitCode } from '../exit-code.ts'
import type { Output } from '../output.ts'
import { oneOf, wholeNumber } from '../suggest.ts'

interface CheckFlags extends CommonFlags {
  readonly checker: string[]
  readonly json?: boolean
  readonly acks: string
  readonly replicationFactor: string
  readonly minInsyncReplicas: string
  readonly unclean?: boolean
  readonly idempotence: boolean
  readonly retries: boolean
  readonly maxInFlight: string
  readonly isolation: string
  readonly followerReads?: boolean
  readonly lossyCrashes: string
  readonly drained: boolean
  readonly logStart?: string[]
}

export function addCheckCommand(program: Command): void {
  withCommonFlags(program.command('check <history>').description('judge a recorded history (JSON Lines) of this or a real cluster'))
    .option('--checker <NAME...>', 'which checkers', ['kafka-log'])
    .option('--json', 'print the result as JSON')
    .option('--acks <ACKS>', '0, 1 or all: the weakest of the producers', 'all')
    .option('--replication-factor <N>', 'of the topics', '3')
    .option('--min-insync-replicas <N>', 'the smallest in force', '2')
    .option('--unclean', 'unclean leader election was enabled')
    .option('--no-idempotence', 'producers were not idempotent')
    .option('--no-retries', 'producers did not retry')
    .option('--max-in-flight <N>', 'max.in.flight.requests.per.connection', '5')
    .option('--isolation <LEVEL>', 'read_uncommitted or read_committed', 'read_uncommitted')
    .option('--follower-reads', 'consumers read from followers')
    .option('--lossy-crashes <N>', 'brokers that had lost unsynced data at a time, at most', '0')
    .option('--no-drained', 'the history does not end with a read of every partition to its end')
    .option('--log-start <KEY=OFFSET...>', 'first offset that retention has left, such as orders-0=120')
    .addHelpText('after', '\nExit codes: 0 valid, 1 invalid, 2 undecided. One JSON object a line: {"index":0,"time":0,"process":0,"type":"invoke","f":"send","value":[["send","orders-0",1]]}\n')
    .action((path: string, flags: CheckFlags) => runAction(flags, output => check(path, flags, output)))
}

async function check(path: string, flags: CheckFlags, output: Output): Promise<ExitCode> {
  const checkers = flags.checker.flatMap(text => text.split(',')).map(findChecker)
  const guarantees = guaranteesFor(configOf(flags))
  const logStart = logStartOf(flags.logStart ?? [])
  const history = await readHistory(path)
  const results = runCheckers(checkers, history, { guarantees, drained: flags.drained, logStart })
  const verdict = mergeVerdicts(results.map(result => result.verdict))
  if (flags.json === true) output.line(toJson({ verdict, operations: history.length, owed: [...guarantees.owed], results }).trimEnd())
  else {
    output.line(`${verdict}: ${history.length} operations, guarantees enforced: ${[...guarantees.owed].join(', ')}`)
    for (const result of results) {
      if (result.reason !== undefined) output.line(`  undecided: ${result.reason}`)
      for (const [anomaly, count] of Object.entries(result.counts)) output.line(`  ${count} ${anomaly}${(result.bad?.[anomaly] ?? 0) > 0 ? '' : ' (allowed by this configuration)'}`)
      for (const finding of result.findings.filter(({ status }) => status === 'bad')) {
        output.line(`\n${finding.anomaly}: ${finding.title}`)
        finding.steps.forEach((step, index) => output.line(`  ${index + 1}. ${step.text}${step.operation === undefined ? '' : ` (operation ${step.operation})`}`))
        output.line(`  ${finding.contradiction}`)
      }
    }
  }
  return verdict === 'valid' ? ExitCode.Valid : verdict === 'invalid' ? ExitCode.Invalid : ExitCode.Unknown
}

async function readHistory(path: string): Promise<History> {
  const reader = new HistoryReader()
  const stream = createReadStream(path, { encoding: 'utf8', highWaterMark: 1 << 20 })
  try {
    for await (const chunk of stream) reader.push(chunk as string)
    return reader.end()
  } catch (error) {
    if (error instanceof TrialError) throw new TrialError(error.code, `'${path}', ${error.message}`, error.hint)
    throw new TrialError('input', `cannot read '${path}': ${reasonOf(error)}`, 'give the path of a JSON Lines history')
  }
}

function configOf(flags: CheckFlags): GuaranteeConfig {
  const acks = oneOf('value of --acks', flags.acks === '-1' ? 'all' : flags.acks, ['0', '1', 'all'] as const)
  return {
    acks: acks === 'all' ? -1 : acks === '1' ? 1 : 0,
    replicationFactor: wholeNumber('--replication-factor', flags.replicationFactor, 1, 100),
    minInsyncReplicas: wholeNumber('--min-insync-replicas', flags.minInsyncReplicas, 1, 100),
    uncleanLeaderElection: flags.unclean === true,
    idempotence: flags.idempotence,
    retries: flags.retries,
    maxInFlight: wholeNumber('--max-in-flight', flags.maxInFlight, 1, 1_000_000),
    isolation: oneOf('isolation level', flags.isolation, ['read_uncommitted', 'read_committed'] as const),
    followerReads: flags.followerReads === true,
    lossyCrashes: wholeNumber('--lossy-crashes', flags.lossyCrashes, 0, 1_000),
    cleanup: 'delete',
  }
}

function logStartOf(texts: readonly string[]): { [key: string]: number } {
  return Object.fromEntries(texts.map(text => {
    const at = text.lastIndexOf('=')
    if (at < 1) throw new TrialError('usage', `--log-start takes KEY=OFFSET, not '${text}'`, 'for example --log-start orders-0=120')
    return [text.slice(0, at), wholeNumber('--log-start', text.slice(at + 1), 0, Number.MAX_SAFE_INTEGER)]
  }))
}
