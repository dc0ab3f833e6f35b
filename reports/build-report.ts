/**
 * Builds the report model from a verdict, its plan and a traced run. The diagram shows the window that matters: from
 * shortly before the first event that the explanation names to the end of the chaos, at most 150 messages, the dull ones
 * (fetches, heartbeats, raft) left out first.
 */
import type { Finding } from '../checkers/contract.ts'
import { GUARANTEES } from '../checkers/guarantees.ts'
import { formatTime } from '../src/base/time.ts'
import type { Operation } from '../src/history/operation.ts'
import type { Plan } from '../src/plan/plan.ts'
import type { RemainingElement } from '../src/plan/shrink.ts'
import { type DiagramMark, type DiagramMessage, type DiagramSection, type OperationRow, REPORT_SCHEMA, type ReportModel } from './report-model.ts'
import type { RecordedMessage, ReportRecorder } from './report-recorder.ts'

export interface ReportSize {
  readonly operations: number
  readonly faults: number
  readonly servers: number
  readonly partitions: number
  readonly virtualUs: number
}

export interface ReportInput {
  readonly plan: Plan
  readonly finding: Finding | undefined
  readonly findings: readonly Finding[]
  readonly owed: readonly string[]
  readonly checkers: readonly string[]
  readonly history: readonly Operation[]
  readonly marks: { readonly [mark: string]: number }
  readonly digests: { readonly events: string; readonly history: string }
  readonly firedFaults: readonly { readonly id: number; readonly text: string }[]
  readonly token: string | undefined
  readonly planFile: string
  readonly build: string
  /** How often the plan was run and gave these digests. */
  readonly reproduced: number
  readonly before: ReportSize
  readonly after: ReportSize
  readonly executions: number
  readonly cutShort: boolean
  readonly remaining: readonly RemainingElement[]
  readonly recorder: ReportRecorder
  readonly apiName: (key: number) => string
}

const MOST_MESSAGES = 150
const MOST_OPERATIONS = 400

export function buildReport(input: ReportInput): ReportModel {
  const { finding, plan } = input
  const guarantee = GUARANTEES.find(({ id }) => id === finding?.guarantee)
  const command = `trial replay ${input.token ?? input.planFile}`
  const known = finding?.status === 'known'
  const others = new Map<string, { count: number; status: 'allowed' | 'known'; note: string }>()
  for (const other of input.findings) {
    if (other.status === 'bad' || other === finding) continue
    const entry = others.get(other.anomaly) ?? { count: 0, status: other.status, note: other.known === undefined ? other.title : `${other.title} (${other.known.link})` }
    others.set(other.anomaly, { ...entry, count: entry.count + 1 })
  }
  return {
    schema: REPORT_SCHEMA,
    workload: plan.workload,
    seed: plan.seed,
    verdict: {
      badge: finding === undefined ? 'VALID' : finding.guarantee === 'liveness' || finding.anomaly === 'no-progress' ? 'LIVENESS' : 'SAFETY',
      anomaly: finding?.anomaly ?? 'valid',
      isAllowed: finding?.status === 'allowed',
      whatBroke: finding?.title ?? 'Nothing broke.',
      promise: guarantee === undefined ? null : { text: guarantee.promise, link: guarantee.link },
      whatHappened: finding?.steps.map(step => ({ text: step.text, ...(step.time === undefined ? {} : { time: step.time }) })) ?? [],
      whyImpossible: finding?.contradiction ?? '',
      whichFaults: faultSentence(input),
      howSure: [
        `${finding?.checker ?? 'every checker'} judged the whole history; no operation was excluded.`,
        `The plan was run ${input.reproduced} times and gave the same event digest ${input.digests.events} each time.`,
        ...(finding?.status === 'allowed' ? ['This configuration allows the anomaly: it is shown as a witness, not as a failure.'] : []),
        ...(known ? ['Replaying the plan with the named mend removes the anomaly.'] : []),
      ],
      seenButAllowed: [...others.entries()].map(([anomaly, entry]) => ({ anomaly, ...entry })),
      evidence: finding?.evidence ?? null,
    },
    reproduce: {
      token: input.token ?? null,
      command,
      build: input.build,
      eventDigest: input.digests.events,
      historyDigest: input.digests.history,
      vitest: `import { replayToken } from 'kafka-trial/vitest'\n\nawait replayToken('${input.token ?? input.planFile}', { expect: 'valid' })`,
    },
    story: {
      sizes: [
        { what: 'client operations', before: String(input.before.operations), after: String(input.after.operations) },
        { what: 'faults, each lost or delayed message counted', before: String(input.before.faults), after: String(input.after.faults) },
        { what: 'servers', before: String(input.before.servers), after: String(input.after.servers) },
        { what: 'partitions', before: String(input.before.partitions), after: String(input.after.partitions) },
        { what: 'virtual time', before: formatTime(input.before.virtualUs), after: formatTime(input.after.virtualUs) },
      ],
      executions: input.executions,
      cutShort: input.cutShort,
      remaining: input.remaining.map(({ element, text, without }) => ({ kind: element.kind, text, without })),
    },
    diagram: diagramOf(input),
    partitions: input.recorder.partitionSections(),
    ...operationsOf(input.history),
    environment: [
      ['servers', plan.cluster.servers.map(server => `${server.host} (${server.roles.join('+')})`).join(', ')],
      ['topics', plan.topics.map(topic => `${topic.name}: ${topic.partitions} partitions, RF ${topic.replicationFactor}, ${Object.entries(topic.configs).map(([name, value]) => `${name}=${value}`).join(' ')}`).join('; ')],
      ['clients', plan.clients.map(client => `${client.host} (${client.kind})`).join(', ')],
      ['swarm', plan.swarm.join(', ')],
      ['defects', plan.defects.join(', ') || 'none: the faithful build'],
      ['mends', plan.mends.join(', ') || 'none'],
      ['interleaving', plan.interleaving.kind],
      ['latency', plan.latency.kind === 'constant' ? `${plan.latency.minUs} us` : `${plan.latency.minUs} to ${plan.latency.maxUs} us`],
    ],
    marks: Object.entries(input.marks),
    guarantees: input.owed,
    checkers: input.checkers,
  }
}

function faultSentence(input: ReportInput): string {
  const faults = input.remaining.filter(({ element }) => element.kind === 'fault' || element.kind === 'choice')
  if (input.remaining.length === 0) return `${input.firedFaults.length} faults fired; the plan was not shrunk.`
  if (faults.length === 0) return 'None: it happens without any fault.'
  const needed = faults.filter(({ without }) => without === 'passes').length
  const tested = faults.every(({ without }) => without === 'not tested') ? 'which are needed was not tested'
    : needed === faults.length
      ? 'removing any of them makes the run pass, as tested'
      : `removing any of ${needed} of them makes the run pass, as tested`
  const texts = faults.map(({ text, element }) => (element.kind === 'fault' ? input.firedFaults.find(({ id }) => id === element.id)?.text ?? text : text))
  return `${faults.length === 1 ? 'One fault' : `${faults.length} faults`}: ${texts.join('; ')}. Of these, ${tested}.`
}

const DULL = new Set(['Fetch', 'BrokerHeartbeat', 'Vote', 'BeginQuorumEpoch', 'EndQuorumEpoch', 'ApiVersions', 'Metadata', 'BrokerRegistration'])

function diagramOf(input: ReportInput): DiagramSection {
  const { recorder, plan, finding } = input
  const times = finding?.steps.flatMap(step => (step.time === undefined ? [] : [step.time])) ?? []
  const last = recorder.messages.at(-1)?.sentAt ?? 0
  const faultTimes = recorder.marks.filter(({ kind }) => kind === 'fault' || kind === 'crash').map(({ time }) => time)
  const anchors = [...times, ...faultTimes].sort((a, b) => a - b)
  const from = Math.max(0, (anchors[0] ?? 0) - 200_000)
  const to = Math.min(last, (anchors.at(-1) ?? last) + 300_000)
  const inWindow = recorder.messages.filter(message => message.sentAt >= from && message.sentAt <= to)
  const isDull = (message: RecordedMessage): boolean => DULL.has(input.apiName(message.apiKey)) && message.arrivedAt !== null && !message.held
  const telling = inWindow.filter(message => !isDull(message))
  const shown = telling.length > MOST_MESSAGES ? telling.slice(0, MOST_MESSAGES) : telling
  const messages = shown.map((message): DiagramMessage => ({
    from: message.from, to: message.to, sentAt: message.sentAt, arrivedAt: message.arrivedAt,
    label: `${input.apiName(message.apiKey)}${message.isResponse ? ' reply' : ''}`,
    fate: message.arrivedAt === null ? 'lost' : message.held || message.arrivedAt - message.sentAt > 50_000 ? 'late' : 'delivered',
  }))
  const order = [...plan.cluster.servers.map(server => server.host), ...plan.clients.map(client => client.host), 'client-drain']
  const used = new Set([...messages.flatMap(({ from: a, to: b }) => [a, b]), ...recorder.marks.filter(({ time }) => time >= from && time <= to).map(({ host }) => host)])
  const hosts = order.filter(host => used.has(host)).map(name => ({
    name, group: name.startsWith('client') ? 'client' as const : name.startsWith('controller') ? 'controller' as const : 'broker' as const,
  }))
  const named = new Set(hosts.map(({ name }) => name))
  const marks = recorder.marks.filter(mark => mark.time >= from && mark.time <= to && named.has(mark.host))
  return {
    hosts,
    messages: messages.filter(message => named.has(message.from) && named.has(message.to)),
    marks: thin(marks, 120),
    spans: recorder.spans.filter(span => named.has(span.host) && span.to >= from && span.from <= to),
    from,
    to,
    omitted: `${inWindow.length - shown.length} of ${inWindow.length} messages in the window are not drawn: fetches, heartbeats, metadata and raft traffic that arrived in time${telling.length > MOST_MESSAGES ? `, and what came after the first ${MOST_MESSAGES}` : ''}.`,
  }
}

/** Keeps faults and elections; drops the plentiful kinds first. */
function thin(marks: readonly DiagramMark[], most: number): DiagramMark[] {
  if (marks.length <= most) return [...marks]
  const telling = marks.filter(({ kind }) => kind !== 'client' && kind !== 'isr')
  return (telling.length <= most ? telling : telling.filter(({ kind }) => kind !== 'leader')).slice(0, most)
}

function operationsOf(history: readonly Operation[]): { operations: readonly OperationRow[]; operationsOmitted: number } {
  const rows: OperationRow[] = []
  let total = 0
  for (const operation of history) {
    total++
    const value = JSON.stringify(operation.value)
    if (operation.f === 'poll' && (operation.type === 'invoke' || value === '[["poll",{}]]')) continue
    rows.push({
      index: operation.index, time: operation.time, node: operation.node ?? '', process: String(operation.process), type: operation.type, f: operation.f,
      value: `${value.length > 300 ? `${value.slice(0, 300)}…` : value}${operation.error === undefined ? '' : ` ${operation.error}`}`,
    })
  }
  const shown = rows.slice(-MOST_OPERATIONS)
  return { operations: shown, operationsOmitted: total - shown.length }
}
