/** Plan files: what was written comes back, and whatever else is given is refused in one sentence with a hint. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { toJson, writeWhole } from '../../src/artifacts/write-artifacts.ts'
import { TrialError } from '../../src/base/trial-error.ts'
import { parsePlanFile, readPlanFile } from '../../src/trial/plan-file.ts'
import { SMALL, drawnPlans } from './fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'plan-file-'))
afterAll(() => rmSync(folder, { recursive: true }))

const FILE = { format: 1, build: 'abc', plan: SMALL, digests: { events: '1', history: '2', eventCount: 3 }, checkpoints: ['1'] }

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
    const { format: _, seed: _seed, wire: _wire, beyondBudget: _beyond, ...needed } = SMALL
    for (const field of Object.keys(needed)) {
      const plan: Record<string, unknown> = { ...SMALL }
      delete plan[field]
      expect(refusal(JSON.stringify({ ...FILE, plan })), field).toMatchObject({ code: 'input', message: expect.stringContaining(`plan.${field} `) })
      expect(refusal(JSON.stringify({ ...FILE, plan: { ...SMALL, [field]: true } })), field).toMatchObject({ code: 'input' })
    }
    expect(refusal(JSON.stringify({ ...FILE, plan: { ...SMALL, cluster: { ...SMALL.cluster, servers: [] } } })).message).toContain('plan.cluster.servers is empty')
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
