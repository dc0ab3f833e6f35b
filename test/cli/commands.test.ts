/** What the short commands print: lists, explanations, a verdict over a history, and what would be run. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ANOMALIES } from '../../checkers/anomalies.ts'
import { DEFECTS } from '../../src/config/defects.ts'
import { FAULT_KINDS } from '../../src/nemesis/fault.ts'
import { DEFAULT_GENERATE_OPTIONS } from '../../src/plan/generate-options.ts'
import { encodeToken } from '../../src/plan/token.ts'
import { EXIT_CODE_MEANINGS, ExitCode, exitCodeOf, strongest } from '../../src/cli/exit-code.ts'
import { closest } from '../../src/cli/suggest.ts'
import { TrialError } from '../../src/base/trial-error.ts'
import { buildBitsOf } from '../../src/trial/resolve-token.ts'
import { drawn } from '../plan/fixture.ts'
import { WORKLOADS } from '../../workloads/index.ts'
import { type Outcome, emptyFolder, filesIn, removeFolders, trials } from './run-cli.ts'

afterAll(removeFolders)

const cwd = emptyFolder()

/** The outcome of each command line. */
async function all<const T extends readonly (readonly string[])[]>(folder: string, ...lines: T): Promise<{ [K in keyof T]: Outcome }> {
  return await trials(lines.map(args => ({ cwd: folder, args }))) as { [K in keyof T]: Outcome }
}

describe('trial list', () => {
  it('prints tables and JSON', async () => {
    const [workloads, defects, faults, anomalies] = await all(cwd, ['list', 'workloads'], ['list', 'defects', '--json'], ['list', 'faults', '--json'], ['list', 'anomalies'])
    expect(workloads).toMatchObject({ code: 0, stderr: '' })
    expect(workloads.stdout.split('\n').map(line => line.split(' ')[0])).toEqual(['name', ...WORKLOADS.map(({ name }) => name), ''])
    expect((JSON.parse(defects.stdout) as { id: string }[]).map(({ id }) => id)).toEqual(DEFECTS.map(({ id }) => id))
    expect((JSON.parse(faults.stdout) as { kind: string }[]).map(({ kind }) => kind).sort()).toEqual([...FAULT_KINDS].sort())
    for (const { id } of ANOMALIES) expect(anomalies.stdout).toMatch(new RegExp(`^${id} `, 'm'))
  })
})

describe('the README', () => {
  it('has the tables that the command prints', async () => {
    const [faults, apis] = await all(cwd, ['list', 'faults', '--markdown'], ['list', 'apis', '--markdown'])
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
    for (const { stdout } of [faults, apis]) expect(readme).toContain(stdout.trim())
  })
})

describe('trial explain', () => {
  it('knows anomalies, defects, faults and exit codes', async () => {
    const [anomaly, defect, fault, exit] = await all(cwd, ['explain', 'lost-write'], ['explain', 'KIP-101'], ['explain', 'clog'], ['explain', '3'])
    expect(anomaly).toMatchObject({ code: 0, stdout: expect.stringMatching(/^lost-write: [\s\S]*It breaks: [\s\S]*For example:[\s\S]*A false alarm would be: /) })
    expect(defect.stdout).toContain('Switch it on: trial run --defect KIP-101')
    expect(fault.stdout).toMatch(/^clog: one directed path/)
    expect(exit.stdout).toBe(`exit code 3: ${EXIT_CODE_MEANINGS[3]}\n`)
  })

  it('tells what a token holds', async () => {
    const plan = drawn(0, { brokers: 3, operations: 30 })
    const token = encodeToken({ options: { ...DEFAULT_GENERATE_OPTIONS, brokers: 3, operations: 30 }, seed: plan.seed, materialised: 'no', subset: undefined, witnessBits: 0, eventBits: 0, historyBits: 0, buildBits: buildBitsOf() ^ 1 })
    const [explained] = await all(cwd, ['explain', token])
    const { code, stdout } = explained
    expect(code).toBe(0)
    expect(stdout).toContain(`workload produce-consume, seed ${plan.seed}, configuration any; made by another build`)
    expect(stdout.match(/^fault: /gm) ?? []).toHaveLength(plan.faults.length)
    expect(stdout).toContain(`${plan.operations.length} client operations`)
  })
})

describe('trial check', () => {
  const lines: readonly (readonly [process: number, type: string, f: string, value: unknown])[] = [
    [0, 'invoke', 'send', [['send', 'a-0', 1]]], [0, 'ok', 'send', [['send', 'a-0', [0, 1]]]],
    [0, 'invoke', 'send', [['send', 'a-0', 2]]], [0, 'ok', 'send', [['send', 'a-0', [1, 2]]]],
    [0, 'invoke', 'send', [['send', 'a-0', 3]]], [0, 'ok', 'send', [['send', 'a-0', [2, 3]]]],
    [1, 'invoke', 'poll', [['poll']]], [1, 'ok', 'poll', [['poll', { 'a-0': [[0, 1], [2, 3]] }]]],
  ]
  const lost = lines.map(([process, type, f, value], index) => `${JSON.stringify({ index, time: index, process, type, f, value })}\n`).join('')

  it('judges a history by the configuration given', async () => {
    writeFileSync(join(cwd, 'lost.jsonl'), lost)
    writeFileSync(join(cwd, 'fine.jsonl'), lost.replace('[[0,1],[2,3]]', '[[0,1],[1,2],[2,3]]'))
    const [bad, fine, allowed, json] = await all(cwd, ['check', 'lost.jsonl'], ['check', 'fine.jsonl'], ['check', 'lost.jsonl', '--acks', '0'], ['check', 'lost.jsonl', '--json'])
    expect(fine).toMatchObject({ code: 0, stdout: expect.stringMatching(/^valid: 8 operations, guarantees enforced: .*no-loss/) })
    expect(bad.code).toBe(1)
    expect(bad.stdout).toMatch(/^invalid: 8 operations/)
    expect(bad.stdout).toContain('lost-write: Acknowledged record 2 on a-0 disappeared.')
    expect(allowed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^valid: [\s\S]* 1 lost-write \(allowed by this configuration\)/) })
    expect(JSON.parse(json.stdout)).toMatchObject({ verdict: 'invalid', operations: 8 })
  })
})

describe('trial run', () => {
  it('--list and --print-config run nothing, and say the same for the same seed', async () => {
    const folder = emptyFolder()
    const [a, b, config, none] = await all(folder, ['run', '--list', '--seeds', '4', '--seed', 'x'], ['run', '--list', '--seeds', '4', '--seed', 'x'],
      ['run', '--print-config', '--seed', 'x', '--ops', '12', '--defect', 'KIP-101,KIP-279'], ['run', '--seeds', '0', '--report', 'never'])
    expect(a.stdout).toBe(b.stdout)
    expect(a.stdout.trimEnd().split('\n')).toHaveLength(4)
    expect(JSON.parse(config.stdout)).toMatchObject({ baseSeed: 'x', trials: 100, generate: { operations: 12, defects: ['KIP-101', 'KIP-279'] } })
    expect([a.code, config.code, none.code]).toEqual([0, 0, 4])
    expect(filesIn(folder)).toEqual([])
  })
})

describe('help', () => {
  it('lists every exit code', async () => {
    const [help] = await all(cwd, ['--help'])
    const { code, stdout } = help
    expect(code).toBe(0)
    for (const [number, meaning] of Object.entries(EXIT_CODE_MEANINGS)) expect(stdout).toContain(`${number.padStart(3)}  ${meaning}`)
  })
})

describe('exit codes', () => {
  it('outrank one another: 70, 1, 3, 2, 4, 0', () => {
    const order = [ExitCode.Internal, ExitCode.Invalid, ExitCode.Determinism, ExitCode.Unknown, ExitCode.NothingRun, ExitCode.Valid]
    for (let i = 0; i < order.length; i++) expect(strongest(...order.slice(i).reverse())).toBe(order[i])
    expect(Object.keys(EXIT_CODE_MEANINGS).map(Number).sort()).toEqual(Object.values(ExitCode).sort())
  })

  it('follow from what went wrong', () => {
    const codes = (['usage', 'config', 'token', 'input', 'determinism', 'nothing-run', 'internal'] as const).map(code => exitCodeOf(new TrialError(code, 'x')))
    expect(codes).toEqual([64, 64, 64, 64, 3, 4, 70])
    expect(exitCodeOf(new Error('x'))).toBe(70)
  })
})

describe('suggestions', () => {
  it('are near, or none', () => {
    expect(closest('lost-writ', ['lost-write', 'duplicate'])).toBe('lost-write')
    expect(closest('LOST-WRITE', ['lost-write'])).toBe('lost-write')
    expect(closest('xyz', ['lost-write', 'duplicate'])).toBeUndefined()
  })
})
