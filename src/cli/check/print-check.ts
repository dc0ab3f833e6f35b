/** What `trial check` prints: the verdict first, then what was found, in words; or all of it as JSON. */
import type { CheckResult } from '../../../checkers/contract.ts'
import { guaranteesFor } from '../../../checkers/guarantees.ts'
import { toJson } from '../../artifacts/write-artifacts.ts'
import type { Output } from '../output.ts'
import type { CheckOutcome, CheckRequest } from './check-request.ts'

const CUT = { time: 'the time was up', interrupt: 'it was interrupted', memory: 'memory ran out' } as const

export function printCheck(request: CheckRequest, outcome: CheckOutcome, json: boolean, output: Output): void {
  const { verdict, operations, results, cut } = outcome
  const ofKafka = request.checkers.some(name => name.startsWith('kafka'))
  const owed = [...guaranteesFor(request.guarantees).owed]
  if (json) {
    output.line(toJson({
      verdict, operations, ...(ofKafka ? { owed } : {}), ...(request.model === undefined ? {} : { model: request.model }), independent: outcome.independent,
      ...(cut === undefined ? {} : { interrupted: { why: cut.why, doing: cut.doing } }), results,
    }).trimEnd())
    return
  }
  const judged = request.model === undefined ? `checker ${request.checkers.join(', ')}` : `model ${request.model}`
  output.line(`${output.style(verdict === 'valid' ? 'green' : verdict === 'invalid' ? 'red' : 'yellow', verdict)}: ${operations} operations, ${ofKafka ? `guarantees enforced: ${owed.join(', ')}` : judged}${outcome.independent ? ', keys judged apart' : ''}`)
  if (cut !== undefined) output.line(`  ended early, ${CUT[cut.why]}${results.some(({ reason }) => reason === cut.doing) ? '' : `; ${cut.doing}`}`)
  for (const result of results) printResult(result, output)
}

function printResult(result: CheckResult, output: Output): void {
  if (result.reason !== undefined) output.line(`  undecided: ${result.reason}`)
  for (const [anomaly, count] of Object.entries(result.counts)) {
    if (count > 0) output.line(`  ${count} ${anomaly}${(result.bad?.[anomaly] ?? 0) > 0 ? '' : ' (allowed by this configuration)'}`)
  }
  for (const finding of result.findings.filter(({ status }) => status === 'bad')) {
    output.line(`\n${finding.anomaly}: ${finding.title}`)
    finding.steps.forEach((step, index) => output.line(`  ${index + 1}. ${step.text}${step.operation === undefined ? '' : ` (operation ${step.operation})`}`))
    output.line(`  ${finding.contradiction}`)
  }
}
