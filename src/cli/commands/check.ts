/** `trial check HISTORY`: checkers over a recorded history, ours or a real cluster's. */
import { writeFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { DELIVERY_SEMANTICS, type DeliverySemantics } from '../../../checkers/collections/exactly-once-checker.ts'
import { DEFAULT_MODEL, findModel } from '../../../checkers/isolation/consistency-models.ts'
import { VERSION_ORDERS } from '../../../checkers/isolation/register-versions.ts'
import { LINEARIZABLE } from '../../../checkers/linearizability/linearizability-checker.ts'
import { MODELS } from '../../../checkers/linearizability/models.ts'
import { TrialError } from '../../base/trial-error.ts'
import { HISTORY_FORMATS, type HistoryFormat } from '../../history/history-reader.ts'
import { reasonOf } from '../../artifacts/write-artifacts.ts'
import type { CheckOutcome, CheckRequest } from '../check/check-request.ts'
import { guaranteeConfig, type KafkaFlags, logStartOf, withKafkaFlags } from '../check/kafka-flags.ts'
import { pageOf } from '../check/page-of.ts'
import { printCheck } from '../check/print-check.ts'
import { runCheck } from '../check/run-check.ts'
import { checkerNames, DEFAULT_CHECKER, selectCheckers } from '../check/select-checkers.ts'
import { type CommonFlags, runAction, withCommonFlags } from '../command-context.ts'
import { ExitCode } from '../exit-code.ts'
import { onInterrupt } from '../interrupt.ts'
import type { Output } from '../output.ts'
import { duration, oneOf, wholeNumber } from '../suggest.ts'

interface CheckFlags extends CommonFlags, KafkaFlags {
  readonly checker?: string[]
  readonly model?: string
  readonly engine?: string
  readonly json?: boolean
  readonly budget?: string
  readonly time?: string
  readonly report?: string
  readonly format?: string
  readonly independent?: boolean
  readonly anyTimes?: boolean
  readonly linearizable?: boolean
  readonly duplicates?: boolean
  readonly consistencyModel?: string
  readonly versionOrders?: string[]
  readonly semantics: DeliverySemantics
  readonly total?: string
  readonly accounts?: string[]
  readonly negativeBalances?: boolean
}

const EXAMPLES = `
Examples:
  trial check history.edn --model cas-register       is there one order that explains it?
  trial check history.edn --checker list-append      cycles of transactions, as Elle finds them
  trial check history.jsonl --acks all               Kafka: loss, duplicates, order (the default checker)
  trial check history.edn --checker bank --total 100 --json --report bank.html

Exit codes: 0 valid, 1 invalid, 2 unknown. Histories are JSON Lines, one object a line:
  {"index":0,"time":0,"process":0,"type":"invoke","f":"write","value":1}
or EDN, as Jepsen writes them. A path of - reads standard input.
`

export function addCheckCommand(program: Command): void {
  withKafkaFlags(withCommonFlags(program.command('check <history>').description('judge a recorded history (JSON Lines or EDN) of this or a real cluster'))
    .option('--checker <NAME...>', `which checkers: ${checkerNames().join(', ')}; default: ${DEFAULT_CHECKER}`)
    .option('--model <NAME>', `linearizable: of what (${Object.keys(MODELS).join(', ')})`)
    .option('--engine <NAME>', 'linearizable: auto, search or monitor; default: auto')
    .option('--json', 'print the result as JSON')
    .option('--budget <STEPS>', 'steps of search at most; the same number gives the same verdict everywhere')
    .option('--time <DURATION>', 'end after this time with what is known, such as 10s')
    .option('--report <FILE>', 'write a page that shows what was found')
    .addOption(new Option('--format <FORMAT>', 'of the history; default: told by its first bytes').choices(HISTORY_FORMATS))
    .option('--independent', 'values are tuples [key, value], each key is judged by itself; default: told by looking')
    .option('--no-independent', 'a value [a, b] is one value')
    .option('--any-times', 'times may go back; the order of the lines is what counts')
    .option('--consistency-model <NAME>', `list-append, rw-register: what transactions are owed; default: ${DEFAULT_MODEL}`)
    .option('--version-orders <NAME...>', `rw-register: what may be assumed of the order of versions: ${VERSION_ORDERS.join(', ')}`)
    .option('--linearizable', 'set-full: stale reads are violations')
    .option('--duplicates', 'total-queue: a message may come out more than once')
    .addOption(new Option('--semantics <NAME>', 'exactly-once: what the pipeline owes').default('exactly-once').choices(DELIVERY_SEMANTICS))
    .option('--total <N>', 'bank: what all balances add up to; default: what most reads show')
    .option('--accounts <NAME...>', 'bank: which accounts there are; default: those that most reads show')
    .option('--negative-balances', 'bank: accounts may be overdrawn'))
    .addHelpText('after', EXAMPLES)
    .action((path: string, flags: CheckFlags) => runAction(flags, output => check(path, flags, output)))
}

async function check(path: string, flags: CheckFlags, output: Output): Promise<ExitCode> {
  const request = requestOf(path, flags)
  // Names are looked up before anything is read.
  for (const { make } of selectCheckers(request)) make(false)
  const timeMs = flags.time === undefined ? undefined : duration('--time', flags.time)
  const interrupt = onInterrupt(output, flags.json === true ? '' : 'interrupted: what is known follows')
  try {
    const outcome = await runCheck(request, { timeMs, interrupt: interrupt.signal })
    printCheck(request, outcome, flags.json === true, output)
    if (flags.report !== undefined) writePage(flags.report, outcome.page ?? pageOf(request, outcome, []))
    return interrupt.code ?? exitCodeFor(outcome)
  } finally {
    interrupt.done()
  }
}

function exitCodeFor({ verdict }: CheckOutcome): ExitCode {
  return verdict === 'valid' ? ExitCode.Valid : verdict === 'invalid' ? ExitCode.Invalid : ExitCode.Unknown
}

function writePage(path: string, page: string): void {
  try {
    writeFileSync(path, page)
  } catch (error) {
    throw new TrialError('input', `cannot write '${path}': ${reasonOf(error)}`, 'name a file in a folder that exists')
  }
}

/** @throws TrialError('usage') */
function requestOf(path: string, flags: CheckFlags): CheckRequest {
  const named = (flags.checker ?? []).flatMap(text => text.split(',')).filter(name => name !== '')
  const { total } = flags
  if (total !== undefined && !/^-?\d{1,1000}$/.test(total)) throw new TrialError('usage', `--total takes a whole number, not '${total}'`, 'for example --total 100')
  return {
    path,
    format: flags.format as HistoryFormat | undefined,
    times: flags.anyTimes === true ? 'any' : 'rising',
    checkers: named.length > 0 ? named : [flags.model === undefined ? DEFAULT_CHECKER : LINEARIZABLE],
    model: flags.model,
    engine: flags.engine === undefined ? undefined : oneOf('engine', flags.engine, ['auto', 'search', 'monitor'] as const),
    steps: flags.budget === undefined ? undefined : wholeNumber('--budget', flags.budget, 1, Number.MAX_SAFE_INTEGER),
    independent: flags.independent,
    guarantees: guaranteeConfig(flags),
    consistencyModel: flags.consistencyModel === undefined ? undefined : findModel(flags.consistencyModel),
    versionOrders: flags.versionOrders?.flatMap(text => text.split(',')).map(name => oneOf('version order', name, VERSION_ORDERS)),
    drained: flags.drained,
    logStart: logStartOf(flags.logStart ?? []),
    linearizableSets: flags.linearizable === true,
    duplicates: flags.duplicates === true ? 'allowed' : 'forbidden',
    semantics: flags.semantics,
    total,
    accounts: flags.accounts?.flatMap(text => text.split(',')),
    negativeBalances: flags.negativeBalances === true,
    page: flags.report !== undefined,
  }
}
