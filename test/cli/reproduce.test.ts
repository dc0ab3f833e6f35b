/**
 * A failure travels from `trial run` through its token into other processes: the same digest, the same anomaly, the
 * documented exit codes, whole files. A healthy campaign writes its results and nothing else.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Outcome, emptyFolder, filesIn, removeFolders, trial, trials } from './run-cli.ts'

afterAll(removeFolders)

const SMALL = ['--seed', 'd', '--jobs', '1', '--ops', '40', '--sim-time', '2s', '--nodes', '3']
const BROKEN = ['--defect', 'reads-beyond-high-watermark', '--configuration', 'acks-1', '--faults', 'partition,crash', '--fault-rate', 'high']
const ARTIFACTS = ['history.jsonl', 'junit.xml', 'plan.json', 'report.html', 'report.json', 'repro.trial.json', 'summary.md', 'trace.jsonl.gz', 'verdict.json']

interface Results {
  readonly trials: number
  readonly valid: number
  readonly invalid: number
  readonly unknown: number
  readonly baseSeed: string
  readonly failures: readonly { readonly token: string; readonly anomaly: string; readonly digest: string; readonly report: string }[]
}

const resultsIn = (path: string): Results => JSON.parse(readFileSync(path, 'utf8')) as Results

describe('a healthy campaign', () => {
  it('of two trials says what it did and exits with 0', async () => {
    const cwd = emptyFolder()
    const { code, stdout, stderr } = await trial(cwd, 'run', '--seeds', '2', '--workload', 'produce-consume', ...SMALL).then(async first => {
      // The workload is an argument; as a flag it is a mistake like any other.
      expect(first).toMatchObject({ code: 64, stderr: expect.stringContaining("unknown option '--workload'") })
      return trial(cwd, 'run', 'produce-consume', '--seeds', '2', ...SMALL, '--reporter', 'json=results.json')
    })
    expect({ code, stderr: stderr.replace(/^\d+\/2 trials.*\n/gm, '') }).toEqual({ code: 0, stderr: '' })
    expect(resultsIn(join(cwd, 'results.json'))).toMatchObject({ trials: 2, valid: 2, invalid: 0, unknown: 0, failures: [], undecided: [], baseSeed: 'd' })
    expect(stdout).toContain('base seed d; 2 trials of produce-consume; 1 workers')
    expect(stdout).toMatch(/\n2 trials: 2 valid, 0 invalid, 0 undecided, 0 known; [\d.]+ virtual hours in [\d.]+ s\n$/)
    expect(filesIn(cwd)).toEqual(['results.json'])
  })
})

describe('a failure', () => {
  const cwd = emptyFolder()
  let outcome: Outcome
  let results: Results
  beforeAll(async () => {
    outcome = await trial(cwd, 'run', 'produce-consume', '--seeds', '40', '--max-failures', '1', ...SMALL, ...BROKEN, '--shrink-budget', '6', '--reporter', 'json=results.json', 'junit=results.xml', 'pretty', '--out', 'out')
    results = resultsIn(join(cwd, 'results.json'))
  }, 60_000)

  it('ends the campaign with 1, a digest on the terminal and a whole folder', () => {
    expect(outcome.code).toBe(1)
    expect(results.invalid).toBe(1)
    const [{ token, anomaly, report }] = results.failures as [Results['failures'][number]]
    expect(outcome.stdout).toContain(`FAIL ${anomaly}  `)
    expect(outcome.stdout).toContain(`\n  repro   trial replay ${token}\n  report  ${report}\n`)
    expect(filesIn(cwd)).toEqual(['out/latest', ...ARTIFACTS.map(name => `out/${token}/${name}`), 'results.json', 'results.xml'].sort())
    expect(readFileSync(join(cwd, 'out/latest'), 'utf8')).toBe(`${token}\n`)
    expect(readFileSync(join(cwd, 'results.xml'), 'utf8')).toContain(`<failure message="${anomaly}: `)
    const trace = gunzipSync(readFileSync(join(cwd, `out/${token}/trace.jsonl.gz`))).toString().trimEnd().split('\n')
    for (const line of [trace[0]!, trace.at(-1)!]) expect(JSON.parse(line)).toHaveProperty('time')
  })

  it('replays in another process with the same digest and the same bytes of report', async () => {
    const [{ token, anomaly, digest }] = results.failures as [Results['failures'][number]]
    const { code, stdout } = await trial(cwd, 'replay', ` ${token.slice(0, 20)}\n  ${token.slice(20).toLowerCase()}`, '--out', 'again')
    expect(code).toBe(1)
    expect(stdout).toContain(`event digest ${digest},`)
    expect(stdout).toContain(`FAIL ${anomaly}  `)
    const [first, second] = ['out', 'again'].map(out => readFileSync(join(cwd, out, token, 'history.jsonl'), 'utf8'))
    expect(second).toBe(first)
  })

  it('goes on from its token and from its folder: explain, report, check, corpus', async () => {
    const [{ token, anomaly, digest }] = results.failures as [Results['failures'][number]]
    const run = `out/${token}`
    const [explained, text, junit, checked, added, corpus] = await trials([
      ['explain', token], ['report', run], ['report', run, '--format', 'junit', '--write', 'again.xml'], ['check', `${run}/history.jsonl`, '--json', '--acks', '1', '--no-idempotence'],
      ['corpus', 'add', run, '--dir', 'corpus', '--note', 'why'], ['corpus', 'run', '--dir', 'corpus'],
    ].map(args => ({ cwd, args })))
    expect(explained).toMatchObject({ code: 0, stdout: expect.stringMatching(/made by this build\ndefects reads-beyond-high-watermark; /) })
    expect(text).toMatchObject({ code: 0, stdout: expect.stringMatching(new RegExp(`^FAIL ${anomaly}  [\\s\\S]*repro   trial replay ${token}\n`)) })
    expect([junit!.code, readFileSync(join(cwd, 'again.xml'), 'utf8')]).toEqual([0, readFileSync(join(cwd, run, 'junit.xml'), 'utf8')])
    expect(checked!.code).toBe(1)
    expect(added).toMatchObject({ code: 0, stdout: expect.stringMatching(new RegExp(`invalid \\(.*${anomaly}`)) })
    expect(corpus).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ok {3}produce-consume-\w+: invalid/) })
    const [file] = filesIn(join(cwd, 'corpus'))
    expect(JSON.parse(readFileSync(join(cwd, 'corpus', file!), 'utf8'))).toMatchObject({ note: 'why', digests: { events: digest } })
  })

  it('that does not reproduce is told by exit code 3, whatever it shows', async () => {
    const [{ token }] = results.failures as [Results['failures'][number]]
    const file = JSON.parse(readFileSync(join(cwd, `out/${token}/repro.trial.json`), 'utf8')) as { digests: { events: string }; plan: { rootKey: number } }
    writeFileSync(join(cwd, 'other.trial.json'), JSON.stringify({ ...file, plan: { ...file.plan, rootKey: file.plan.rootKey ^ 1 } }))
    writeFileSync(join(cwd, 'elsewhere.trial.json'), JSON.stringify({ ...file, build: 'another', digests: { ...file.digests, events: '0' } }))
    const [other, elsewhere, same] = await trials([['replay', 'other.trial.json', '--no-report'], ['replay', 'elsewhere.trial.json', '--no-report'], ['replay', `out/${token}`, '--no-report']].map(args => ({ cwd, args })))
    expect(other).toMatchObject({ code: 3, stdout: expect.stringMatching(/^the run differs: event digest \w+, expected \w+\nfirst divergent checkpoint: \d+/) })
    expect(elsewhere).toMatchObject({ code: 1, stdout: expect.stringMatching(/^other build: event digests are not comparable; the history is the same\n/) })
    expect(same!.code).toBe(1)
  })
})
