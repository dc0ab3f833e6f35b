/**
 * Reporters of a campaign: for people (pretty, line, dot), for machines (json, jsonl, junit) and for what people read
 * elsewhere (github annotations, markdown, agent, html). Several may run at once, each to a file or to standard output.
 */
import { accessSync, appendFileSync, constants } from 'node:fs'
import { dirname } from 'node:path'
import { junitXml } from '../../reports/ci/junit.ts'
import { campaignHtml } from '../../reports/html/campaign-html.ts'
import { TrialError } from '../base/trial-error.ts'
import type { ReportedFailure } from '../artifacts/report-failure.ts'
import { reasonOf, toJson, writeWhole } from '../artifacts/write-artifacts.ts'
import type { CampaignTotals, TrialSummary } from '../trial/campaign.ts'
import type { Output } from './output.ts'
import { oneOf } from './suggest.ts'

export interface CampaignOutcome {
  readonly totals: CampaignTotals
  readonly failures: readonly ReportedFailure[]
  /** Trials without a verdict: seed and why. */
  readonly undecided: readonly { readonly seed: string; readonly workload: string; readonly reason: string }[]
  /** Known behaviours of Kafka that were seen, each excused by its mechanism and its mend. */
  readonly known: readonly { readonly seed: string; readonly workload: string; readonly anomaly: string; readonly mend: string; readonly link: string }[]
  readonly wallSeconds: number
  readonly baseSeed: string
  readonly build: string
}

export interface Reporter {
  onResult?(summary: TrialSummary, totals: CampaignTotals): void
  onFailure?(failure: ReportedFailure): void
  onEnd?(outcome: CampaignOutcome): void
}

export const REPORTERS = ['pretty', 'line', 'dot', 'json', 'jsonl', 'junit', 'github', 'markdown', 'agent', 'html'] as const
export type ReporterName = (typeof REPORTERS)[number]

/** Annotations that GitHub shows at most. */
const MOST_ANNOTATIONS = 5

/** `name` or `name=path`. @throws TrialError('usage') */
export function createReporter(spec: string, output: Output): Reporter {
  const at = spec.indexOf('=')
  const name = oneOf('reporter', at < 0 ? spec : spec.slice(0, at), REPORTERS)
  const path = at < 0 ? undefined : spec.slice(at + 1)
  if (path !== undefined && path !== '') checkWritable(path)
  if (path === '') throw new TrialError('usage', `reporter ${name} needs a path after '='`, `for example --reporter ${name}=results.${name}`)
  const emit = (text: string): void => {
    if (path === undefined) output.line(text.replace(/\n$/, ''))
    else writeWhole(path, text)
  }
  switch (name) {
    case 'pretty': return { onFailure: failure => output.line(`\n${output.style('red', failure.text.split('\n')[0]!)}\n${failure.text.split('\n').slice(1).join('\n')}`) }
    case 'line': return { onFailure: failure => output.line(`FAIL ${failure.anomaly} ${failure.title} ${failure.command}`) }
    case 'dot': return { onResult: summary => process.stdout.write({ valid: '.', invalid: 'F', unknown: '?' }[summary.verdict]), onEnd: () => output.line() }
    case 'json': return { onEnd: outcome => emit(toJson(jsonOf(outcome))) }
    case 'jsonl': return jsonLines(path, output)
    case 'junit': return { onEnd: outcome => emit(junitOf(outcome)) }
    case 'github': return { onEnd: outcome => emit(githubOf(outcome)) }
    case 'markdown': return { onEnd: outcome => emit(markdownOf(outcome)) }
    case 'agent': return { onEnd: outcome => emit(agentOf(outcome)) }
    case 'html': return { onEnd: outcome => emit(campaignHtml({ ...outcome, virtualSeconds: outcome.totals.virtualUs / 1e6 })) }
  }
}

/** Results must not be lost at the end for want of a folder. @throws TrialError('usage') */
function checkWritable(path: string): void {
  try {
    accessSync(dirname(path), constants.W_OK)
  } catch (error) {
    throw new TrialError('usage', `cannot write '${path}': ${reasonOf(error)}`, 'give the path of a file in a folder that exists and can be written')
  }
}

function jsonLines(path: string | undefined, output: Output): Reporter {
  if (path !== undefined) writeWhole(path, '')
  return {
    onResult: summary => {
      const { failure, ...rest } = summary
      const line = JSON.stringify({ ...rest, ...(failure === undefined ? {} : { failure: { token: failure.token ?? null, anomaly: failure.finding.anomaly, title: failure.finding.title } }) })
      if (path === undefined) output.line(line)
      else try {
        appendFileSync(path, `${line}\n`)
      } catch (error) {
        throw new TrialError('usage', `cannot write '${path}': ${reasonOf(error)}`)
      }
    },
  }
}

export function jsonOf({ totals, failures, wallSeconds, baseSeed, build, undecided, known }: CampaignOutcome): object {
  return {
    trials: totals.trials, valid: totals.valid, invalid: totals.invalid, unknown: totals.unknown, known: totals.known,
    virtualSeconds: totals.virtualUs / 1e6, wallSeconds,
    failures: failures.map(({ token, anomaly, digest, workload, seed, title, report }) => ({ token, anomaly, digest, workload, seed, title, report })),
    undecided, knownBehaviours: known, baseSeed, build, marks: totals.marks, anomalies: totals.anomalies,
  }
}

function junitOf({ totals, failures, undecided, known }: CampaignOutcome): string {
  const cases = [
    { name: `${totals.valid} trials without a violation` },
    ...failures.map(failure => ({ name: `${failure.workload} seed ${failure.seed}`, failure: { message: `${failure.anomaly}: ${failure.title}`, text: failure.text } })),
    ...undecided.map(({ seed, workload, reason }) => ({ name: `${workload} seed ${seed}`, skipped: reason })),
    ...known.map(({ seed, workload, anomaly, mend, link }) => ({ name: `${workload} seed ${seed}`, skipped: `known: ${anomaly} by ${mend}, ${link}` })),
  ]
  return junitXml('kafka-trial', cases)
}

function githubOf({ failures }: CampaignOutcome): string {
  const escape = (text: string): string => text.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A')
  const lines = failures.slice(0, MOST_ANNOTATIONS).map(failure => `::error title=${escape(failure.anomaly)}::${escape(failure.text)}`)
  if (failures.length > MOST_ANNOTATIONS) lines.push(`::error::and ${failures.length - MOST_ANNOTATIONS} more`)
  return `${lines.join('\n')}\n`
}

function markdownOf({ totals, failures, undecided, known }: CampaignOutcome): string {
  const cell = (text: string): string => text.replace(/[|\\]/g, '\\$&').replace(/</g, '&lt;').replace(/\n/g, ' ')
  return [
    `## Kafka Trial: ${totals.trials} trials, ${totals.invalid} invalid, ${totals.unknown} undecided, ${totals.known} known`, '',
    `${(totals.virtualUs / 3.6e9).toFixed(2)} virtual hours.`, '',
    ...(failures.length === 0 ? [] : ['| anomaly | what broke | reproduce |', '|---|---|---|', ...failures.map(failure => `| ${cell(failure.anomaly)} | ${cell(failure.title)} | \`${cell(failure.command)}\` |`), '']),
    ...undecided.map(({ seed, reason }) => `- undecided: seed ${seed}: ${cell(reason)}`),
    ...known.map(({ seed, anomaly, mend, link }) => `- known behaviour of Kafka: seed ${seed}: ${cell(anomaly)} by [${cell(mend)}](${link})`),
    '',
  ].join('\n')
}

/** Short and complete, for a program that reads text. */
function agentOf(outcome: CampaignOutcome): string {
  const { totals, failures } = outcome
  return [
    `trials=${totals.trials} valid=${totals.valid} invalid=${totals.invalid} unknown=${totals.unknown} known=${totals.known} baseSeed=${outcome.baseSeed}`,
    ...failures.flatMap(failure => [`--- ${failure.workload} seed=${failure.seed}`, failure.text]),
    '',
  ].join('\n')
}
