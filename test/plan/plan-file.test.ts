/** Plan files: what was written comes back, and whatever else is given is refused in one sentence with a hint. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { toJson, writeWhole } from '../../src/artifacts/write-artifacts.ts'
import { TrialError } from '../../src/base/trial-error.ts'
import { DEFAULT_GENERATE_OPTIONS } from '../../src/plan/generate-options.ts'
import { generatePlan } from '../../src/plan/generate-plan.ts'
import { parsePlanFile, readPlanFile } from '../../src/trial/plan-file.ts'
import { defineWorkload } from '../../workloads/define-workload.ts'
import { copyExactlyOnce } from '../../workloads/pipeline-workload.ts'
import { shareQueue } from '../../workloads/share-queue.ts'
import { SMALL, drawnPlans } from './fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'plan-file-'))
afterAll(() => rmSync(folder, { recursive: true }))

const FILE = { format: 1, build: 'abc', plan: SMALL, digests: { events: '1', history: '2', eventCount: 3 }, checkpoints: ['1'] }

// What a damaged file holds has no type.
type Damaged = any // eslint-disable-line @typescript-eslint/no-explicit-any

function refusal(text: string): TrialError {
  try {
    parsePlanFile(text, 'x.trial.json')
  } catch (error) {
    expect(error).toBeInstanceOf(TrialError)
    return error as TrialError
  }
  throw new Error('it was taken')
}

describe('a plan file', () => {
  it('gives back what was written', () => {
    const path = join(folder, 'whole.trial.json')
    for (const plan of [SMALL, ...drawnPlans(4)]) {
      writeWhole(path, toJson({ ...FILE, plan }))
      expect(readPlanFile(path)).toEqual({ ...FILE, plan })
    }
  })

  it('needs no digests', () => {
    expect(parsePlanFile(JSON.stringify({ format: 1, build: 'abc', plan: SMALL }), 'x')).toEqual({ format: 1, build: 'abc', plan: SMALL })
  })

  it('cut off anywhere is refused', () => {
    const text = toJson(FILE).trimEnd()
    for (let end = 0; end < text.length; end += 97) {
      expect(refusal(text.slice(0, end))).toMatchObject({ code: 'input', message: expect.stringMatching(/^'x\.trial\.json' is not JSON: /), hint: expect.stringContaining('cut off') })
    }
  })

  it.each(['null', '3', '"text"', '[]', '{}', '{"format":1,"plan":null}', '{"format":1,"plan":7}'])('that is %s holds no plan', text => {
    expect(refusal(text)).toMatchObject({ code: 'input', message: "'x.trial.json' holds no plan: the field `plan` is missing", hint: expect.stringContaining('format, build, plan and digests') })
  })

  it('without one of the fields of a plan is refused by its name', () => {
    const { format: _, seed: _seed, beyondBudget: _beyond, ...needed } = SMALL
    for (const field of Object.keys(needed)) {
      const plan: Record<string, unknown> = { ...SMALL }
      delete plan[field]
      expect(refusal(JSON.stringify({ ...FILE, plan })), field).toMatchObject({ code: 'input', message: expect.stringContaining(`plan.${field} `) })
      expect(refusal(JSON.stringify({ ...FILE, plan: { ...SMALL, [field]: true } })), field).toMatchObject({ code: 'input' })
    }
    expect(refusal(JSON.stringify({ ...FILE, plan: { ...SMALL, cluster: { ...SMALL.cluster, servers: [] } } })).message).toContain('plan.cluster.servers is empty')
  })

  it('of any plan that is drawn is taken', () => {
    for (const plan of [...drawnPlans(60), ...drawnPlans(20, { faultRate: 'high', profile: 'clock-skew' })]) expect(parsePlanFile(JSON.stringify({ ...FILE, plan }), 'x').plan).toEqual(plan)
    for (const workload of [shareQueue, copyExactlyOnce]) {
      const drawn = generatePlan('1', { ...DEFAULT_GENERATE_OPTIONS, workload: workload.name }, workload)
      expect(parsePlanFile(JSON.stringify({ ...FILE, plan: drawn }), 'x').plan).toEqual(drawn)
    }
    const mine = defineWorkload({ name: 'mine', clients: { copy: () => Promise.resolve() } })
    const plan = generatePlan('1', { ...DEFAULT_GENERATE_OPTIONS, workload: 'mine' }, mine)
    expect(plan.operations.map(({ f }) => f)).toContain('run')
    expect(parsePlanFile(JSON.stringify({ ...FILE, plan }), 'x').plan).toEqual(plan)
  })

  it.each<[string, (plan: Damaged) => void]>([
    ['plan.cluster.servers[0] is not sound', plan => { plan.cluster.servers[0] = {} }],
    ['plan.cluster.servers[1] is not sound', plan => { plan.cluster.servers[1].roles = 'broker' }],
    ['plan.cluster.servers has no broker or no controller', plan => { plan.cluster.servers.pop() }],
    ['plan.cluster.server.quorumElectionTimeoutMs is not a number', plan => { delete plan.cluster.server }],
    ['plan.cluster.server.logSegmentBytes is not a number', plan => { plan.cluster.server.logSegmentBytes = '1' }],
    ['plan.topics is empty', plan => { plan.topics = [] }],
    ['plan.topics[1] is not sound', plan => { plan.topics[1].partitions = 0 }],
    ['plan.topics[0] is not sound', plan => { plan.topics[0].replicationFactor = 3 }],
    ['plan.clients[0] is not sound', plan => { delete plan.clients[0].config }],
    ['plan.clients[0] is not sound', plan => { plan.clients[0] = { host: 'client-1', kind: 'share', deliveryLimit: 5, lockMs: 1, isReadCommitted: false, config: {} } }],
    ['plan.cluster.server.share is not sound', plan => { plan.cluster.server.share = { groupShareMaxSize: '1' } }],
    ['plan.operations[0] is not sound', plan => { plan.operations[0] = null }],
    ['plan.operations[1] is not sound', plan => { plan.operations[1].f = 'constructor' }],
    ['plan.operations[2] is not sound', plan => { plan.operations[2].client = 'nobody' }],
    ['plan.operations[3] is not sound', plan => { plan.operations[3].at = -1 }],
    ['plan.operations[6] is not sound', plan => { plan.operations[6].spec = {} }],
    ['plan.faults[0] is not sound', plan => { plan.faults[0].when = {} }],
    ['plan.faults[1] is not sound', plan => { plan.faults[1].action.target = { role: 'boss', pick: 0 } }],
    ['plan.faults[1] is not sound', plan => { delete plan.faults[1].action.durationUs }],
    ['plan.faults[1] is not sound', plan => { plan.faults[1].action = { kind: 'partition', shape: 'star', direction: 'both', target: { host: 'broker-1' }, durationUs: 1 } }],
    ['plan.defects[0] is not sound', plan => { plan.defects = ['toString'] }],
    ['plan.mends[0] is not sound', plan => { plan.mends = [1] }],
    ['plan.latency or plan.fsync is not sound', plan => { plan.latency.minUs = null }],
    ['plan.interleaving is not sound', plan => { plan.interleaving.kind = 'always' }],
    ['plan.choices is not sound', plan => { plan.choices = { mode: 'explicit' } }],
    ['plan.timing is not sound', plan => { plan.timing.chaosUs = '1' }],
    ['plan.wire is neither objects nor bytes', plan => { plan.wire = 'paper' }],
  ])('is refused since %s', (problem, damage) => {
    const plan = structuredClone(SMALL) as Damaged
    damage(plan)
    expect(refusal(JSON.stringify({ ...FILE, plan }))).toMatchObject({ code: 'input', message: `'x.trial.json' holds no plan: ${problem}` })
  })

  it('of another format is refused as such', () => {
    expect(refusal(JSON.stringify({ ...FILE, format: 2 }))).toMatchObject({ code: 'input', message: "'x.trial.json' has plan format 2, this version reads 1", hint: expect.stringContaining('version of kafka-trial') })
    expect(refusal(JSON.stringify({ plan: SMALL })).message).toContain('plan format undefined')
  })

  it('that is not there, or is a folder, is refused', () => {
    for (const path of [join(folder, 'none'), folder]) {
      expect(() => readPlanFile(path)).toThrow(expect.objectContaining({ name: 'TrialError', code: 'input', message: `cannot read '${path}'`, hint: expect.stringContaining('.trial.json') }))
    }
    writeFileSync(join(folder, 'binary'), new Uint8Array([0, 255, 1]))
    expect(() => readPlanFile(join(folder, 'binary'))).toThrow(expect.objectContaining({ code: 'input' }))
  })
})
