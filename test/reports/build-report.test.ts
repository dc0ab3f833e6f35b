/**
 * The report model of a failing trial says what the plan, the verdict and the trace say: what broke, how to see it again,
 * what the shrink left, messages and marks in the window that matters. And nothing of the machine or the clock.
 */
import { homedir, hostname, tmpdir } from 'node:os'
import { describe, expect, it } from 'vitest'
import { type ReportInput, buildReport } from '../../reports/build-report.ts'
import { ReportRecorder } from '../../reports/report-recorder.ts'
import { REPORT_SCHEMA, type ReportModel } from '../../reports/report-model.ts'
import type { Finding } from '../../checkers/contract.ts'
import { elementsOf } from '../../src/plan/elements.ts'
import { traceRun } from '../../src/artifacts/failure-report.ts'
import { TrialError } from '../../src/base/trial-error.ts'
import { request } from '../sim/world.ts'
import { findWorkload } from '../../workloads/index.ts'
import { SMALL } from '../plan/fixture.ts'
import { failingTrial } from './failing-trial.ts'

describe('the report of a failing trial', () => {
  it('tells the verdict in six parts', async () => {
    const { failure: { finding }, run: { model: { verdict } } } = await failingTrial()
    expect(finding.status).toBe('bad')
    expect(verdict).toMatchObject({ badge: 'SAFETY', anomaly: finding.anomaly, isAllowed: false, whatBroke: finding.title, whyImpossible: finding.contradiction, evidence: finding.evidence })
    expect(verdict.promise!.link).toMatch(/^https:/)
    expect(verdict.whatHappened.map(({ text }) => text)).toEqual(finding.steps.map(({ text }) => text))
    expect(verdict.whichFaults).toMatch(/tested\.$|^None: /)
    expect(verdict.howSure.join(' ')).toContain('run 2 times')
  })

  it('tells how to see it again', async () => {
    const { run: { model, token, result } } = await failingTrial()
    expect(model).toMatchObject({ schema: REPORT_SCHEMA, workload: 'produce-consume', reproduce: { token, command: `trial replay ${token}`, eventDigest: result.digests.events, historyDigest: result.digests.history } })
    expect(model.reproduce.vitest).toContain(`replayToken('${token}'`)
  })

  it('tells what is left of the plan', async () => {
    const { failure, run: { model, plan } } = await failingTrial()
    const [operations, , servers] = model.story.sizes
    expect(operations).toMatchObject({ before: String(failure.before.operations), after: String(plan.operations.length) })
    expect(Number(operations!.after)).toBeLessThan(Number(operations!.before))
    expect(servers!.after).toBe(String(plan.cluster.servers.length))
    expect(model.story.executions).toBe(failure.executions)
    expect(model.story.remaining.filter(({ kind }) => kind === 'operation').map(({ text }) => text)).toEqual(plan.operations.map(({ client, f, id }) => `${client}: ${f} #${id}`))
    expect(elementsOf(plan).length).toBeGreaterThanOrEqual(model.story.remaining.length)
  })

  it('draws hosts that exist, messages in order, and logs with their batches', async () => {
    const { run: { model: { diagram, partitions }, plan } } = await failingTrial()
    const names = new Set(diagram.hosts.map(({ name }) => name))
    const known = new Set([...plan.cluster.servers, ...plan.clients].map(({ host }) => host).concat('client-drain'))
    for (const name of names) expect(known.has(name)).toBe(true)
    expect(diagram.messages.length).toBeGreaterThan(0)
    expect(diagram.messages.length).toBeLessThanOrEqual(150)
    for (const { from, to, sentAt, arrivedAt, fate } of diagram.messages) {
      expect(names.has(from) && names.has(to)).toBe(true)
      expect(sentAt >= diagram.from && sentAt <= diagram.to).toBe(true)
      expect(fate === 'lost' ? arrivedAt === null : arrivedAt! > sentAt).toBe(true)
    }
    expect(diagram.marks.length).toBeLessThanOrEqual(120)
    const cells = partitions.flatMap(({ replicas }) => replicas.flatMap(replica => replica.cells))
    expect(cells.length).toBeGreaterThan(0)
    for (const { replicas } of partitions) for (const { logStart, highWatermark, end } of replicas) expect(logStart <= highWatermark && highWatermark <= end).toBe(true)
  })

  it('lists the history without empty polls, and the environment', async () => {
    const { run: { model, result } } = await failingTrial()
    expect(model.operations.length + model.operationsOmitted).toBe(result.history.length)
    expect(model.operations.some(({ f }) => f === 'send')).toBe(true)
    expect(model.operations.filter(({ f, value }) => f === 'poll' && value === '[["poll",{}]]')).toEqual([])
    expect(Object.fromEntries(model.environment)).toMatchObject({ defects: 'reads-beyond-high-watermark', mends: 'none' })
    expect(model.guarantees).toEqual(result.owed)
  })

  it('holds nothing of the machine or the clock, and is the same each time', async () => {
    const { failure, run: { model, plan, token, result } } = await failingTrial()
    const { finding, before, after, executions, cutShort, remaining } = failure
    const again = await traceRun({ plan, token, finding, expected: result.digests, before, after, executions, cutShort, remaining }, findWorkload(plan.workload)!)
    const text = JSON.stringify(model)
    expect(JSON.stringify(again.model)).toBe(text)
    expect(JSON.parse(text)).toEqual(model)
    for (const own of [process.cwd(), tmpdir(), homedir(), hostname()].filter(word => word.length > 3)) expect(text).not.toContain(own)
  })

  it('is refused when the run is another one', async () => {
    const { failure: { plan, finding, before, after }, run } = await failingTrial()
    const wrong = { events: '0000', history: run.result.digests.history }
    const attempt = traceRun({ plan, token: undefined, finding, expected: wrong, before, after, executions: 0, cutShort: false, remaining: [] }, findWorkload(plan.workload)!)
    await expect(attempt).rejects.toThrow(TrialError)
    await expect(attempt).rejects.toMatchObject({ code: 'determinism', hint: expect.stringContaining('--verify-determinism') })
  })
})

const FINDING: Finding = { anomaly: 'lost-write', checker: 'kafka-log', status: 'bad', title: 'Gone.', guarantee: null, evidence: null, steps: [{ text: 'sent', time: 1_000_000 }], contradiction: 'No.' }
const SIZE = { operations: 1, faults: 1, servers: 1, partitions: 1, virtualUs: 1_500_000 }

function built(o: Partial<ReportInput> = {}): ReportModel {
  return buildReport({
    plan: SMALL, finding: FINDING, findings: [FINDING], owed: [], checkers: [], history: [], marks: {}, digests: { events: 'e', history: 'h' }, firedFaults: [], token: undefined, planFile: 'repro.trial.json',
    build: 'b', reproduced: 1, before: SIZE, after: SIZE, executions: 0, cutShort: false, remaining: [], recorder: new ReportRecorder(id => `broker-${id}`), apiName: key => ['Produce', 'Fetch'][key]!, ...o,
  })
}

describe('building a report', () => {
  it('without a token names the plan file', () => {
    expect(built().reproduce).toMatchObject({ token: null, command: 'trial replay repro.trial.json' })
  })

  it('says which faults mattered, as far as that was tested', () => {
    const remaining = (...without: ('passes' | 'still fails' | 'not tested')[]) => without.map((each, id) => ({ element: { kind: 'fault' as const, id }, text: `plan text ${id}`, without: each }))
    const firedFaults = [{ id: 0, text: 'crash of broker-1' }]
    const sentence = (o: Partial<ReportInput>): string => built({ firedFaults, ...o }).verdict.whichFaults
    expect(sentence({})).toBe('1 faults fired; the plan was not shrunk.')
    expect(sentence({ remaining: [{ element: { kind: 'operation', id: 1 }, text: 'op', without: 'passes' }] })).toBe('None: it happens without any fault.')
    expect(sentence({ remaining: remaining('passes') })).toBe('One fault: crash of broker-1. Of these, removing any of them makes the run pass, as tested.')
    expect(sentence({ remaining: remaining('passes', 'still fails') })).toBe('2 faults: crash of broker-1; plan text 1. Of these, removing any of 1 of them makes the run pass, as tested.')
    expect(sentence({ remaining: remaining('not tested', 'not tested') })).toBe('2 faults: crash of broker-1; plan text 1. Of these, which are needed was not tested.')
  })

  it('counts what was seen but is no failure, with its source', () => {
    const allowed: Finding = { ...FINDING, anomaly: 'duplicate', status: 'allowed', title: 'Twice.' }
    const known: Finding = { ...FINDING, anomaly: 'unseen', status: 'known', title: 'Unseen.', known: { mend: 'm', link: 'https://x' } }
    expect(built({ findings: [FINDING, allowed, allowed, known] }).verdict.seenButAllowed).toEqual([
      { anomaly: 'duplicate', count: 2, status: 'allowed', note: 'Twice.' }, { anomaly: 'unseen', count: 1, status: 'known', note: 'Unseen. (https://x)' },
    ])
    expect(built({ finding: allowed, findings: [allowed] }).verdict).toMatchObject({ isAllowed: true, seenButAllowed: [], howSure: expect.arrayContaining([expect.stringContaining('as a witness')]) })
    expect(built({ finding: undefined }).verdict).toMatchObject({ badge: 'VALID', anomaly: 'valid', whatBroke: 'Nothing broke.' })
    expect(built({ finding: { ...FINDING, guarantee: 'liveness' } }).verdict.badge).toBe('LIVENESS')
  })

  it('draws what tells something: not fetches that arrived, nor what is outside the window', () => {
    const recorder = new ReportRecorder(id => `broker-${id}`)
    const send = (id: number, time: number, apiKey: number, arrivedAt: number | undefined): void => {
      recorder.frame('sent', time, id, 1, 'client-1', 'broker-1', { ...request(''), apiKey })
      if (arrivedAt !== undefined) recorder.frame('delivered', arrivedAt, id, 1, 'client-1', 'broker-1', { ...request(''), apiKey })
    }
    send(1, 100, 0, 200)
    send(2, 900_000, 0, 901_000)
    send(3, 900_100, 1, 901_100)
    send(4, 900_200, 1, undefined)
    send(5, 900_300, 0, 990_000)
    send(6, 1_400_000, 0, 1_400_100)
    recorder.process('stopped', 950_000, 'broker-1', 0, 'killed')
    recorder.finish(2_000_000)
    const { diagram } = built({ recorder })
    expect(diagram.messages.map(({ label, sentAt, fate }) => [label, sentAt, fate])).toEqual([['Produce', 900_000, 'delivered'], ['Fetch', 900_200, 'lost'], ['Produce', 900_300, 'late']])
    expect(diagram.hosts.map(({ name }) => name)).toEqual(['broker-1', 'client-1'])
    expect(diagram.spans).toEqual([{ host: 'broker-1', from: 950_000, to: 2_000_000, kind: 'down', text: 'killed' }])
    expect(diagram.omitted).toMatch(/^1 of 4 messages/)
  })
})
