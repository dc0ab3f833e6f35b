/**
 * Whatever a user gets wrong: one sentence on standard error, a hint, exit code 64, no stack, and nothing written.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeToken } from '../../src/plan/token.ts'
import { DEFAULT_GENERATE_OPTIONS } from '../../src/plan/generate-options.ts'
import { SMALL } from '../plan/fixture.ts'
import { type Outcome, emptyFolder, filesIn, removeFolders, trial, trials } from './run-cli.ts'

afterAll(removeFolders)

const TOKEN = encodeToken({ options: DEFAULT_GENERATE_OPTIONS, seed: 'abc', materialised: 'no', subset: undefined, witnessBits: 0, eventBits: 1, historyBits: 1, buildBits: 1 })
const OTHER_WORKLOAD = encodeToken({ options: { ...DEFAULT_GENERATE_OPTIONS, workload: 'mine' }, seed: 'abc', materialised: 'no', subset: undefined, witnessBits: 0, eventBits: 1, historyBits: 1, buildBits: 1 })
const INVOKE = '{"index":0,"time":0,"process":0,"type":"invoke","f":"send","value":[["send","a-0",1]]}\n'
const SELF = (change: object): string => JSON.stringify({ format: 1, build: 'b', plan: { ...SMALL, ...change } })

interface Case {
  readonly args: readonly string[]
  /** What the sentence says. */
  readonly says: RegExp
  readonly hint?: RegExp
  readonly files?: Readonly<Record<string, string>>
}

const CASES: Readonly<Record<string, Case>> = {
  'an unknown command': { args: ['frobnicate'], says: /unknown command 'frobnicate'/, hint: /trial --help/ },
  'an unknown flag': { args: ['run', '--sedes', '3'], says: /unknown option '--sedes'/, hint: /--help/ },
  'a flag without its value': { args: ['run', '--seeds'], says: /'--seeds <N>' argument missing/ },
  'a missing argument': { args: ['replay'], says: /missing required argument 'token\|file\|run'/ },
  'an argument too many': { args: ['explain', 'duplicate', 'twice'], says: /too many arguments/ },
  'an unknown workload': { args: ['run', 'produce-consum', '--seeds', '1'], says: /there is no workload called 'produce-consum'/, hint: /did you mean 'produce-consume'\?/ },
  'an unknown defect': { args: ['run', '--seeds', '1', '--defect', 'KAFKA-712'], says: /there is no defect called 'KAFKA-712'/, hint: /did you mean 'KAFKA-7128'\?/ },
  'an unknown mend': { args: ['run', '--seeds', '1', '--mend', 'x'], says: /there is no mend called 'x'/, hint: /known: KAFKA-14359/ },
  'an unknown family of faults': { args: ['run', '--seeds', '1', '--faults', 'crash,fire'], says: /there is no family of faults called 'fire'/, hint: /partition/ },
  'an unknown configuration': { args: ['run', '--seeds', '1', '--configuration', 'acks-3'], says: /there is no configuration called 'acks-3'/, hint: /did you mean 'acks-0'|did you mean 'acks-1'/ },
  'an unknown checker': { args: ['run', '--seeds', '1', '--checkers', 'kafka-lgo'], says: /checker kafka-lgo/, hint: /kafka-log/ },
  'an unknown reporter': { args: ['run', '--seeds', '1', '--reporter', 'jsno=x'], says: /there is no reporter called 'jsno'/, hint: /did you mean 'json'\?/ },
  'an unknown profile': { args: ['run', '--seeds', '1', '--profile', 'cii'], says: /there is no profile called 'cii'/, hint: /did you mean 'ci'\?/ },
  'an unknown list': { args: ['list', 'workload'], says: /there is no list called 'workload'/, hint: /did you mean 'workloads'\?/ },
  'nothing to explain': { args: ['explain', 'lost-writ'], says: /there is nothing called 'lost-writ'/, hint: /did you mean 'lost-write'\?/ },
  'a number that is none': { args: ['run', '--seeds', '1e'], says: /--seeds takes a whole number/, hint: /for example --seeds/ },
  'a number out of range': { args: ['run', '--seeds', '1', '--nodes', '10'], says: /--nodes takes a whole number from 1 to 9, not '10'/, hint: /for example --nodes/ },
  'a time that is none': { args: ['run', '--seeds', '1', '--sim-time', 'soon'], says: /--sim-time takes a duration such as 30s or 10m, not 'soon'/ },
  'a time too short': { args: ['run', '--seeds', '1', '--sim-time', '1ms'], says: /--sim-time lies between/, hint: /--sim-time 10s/ },
  'a shard that is none': { args: ['run', '--seeds', '1', '--shard', '5/4'], says: /--shard takes I\/N/, hint: /--shard 1\/4/ },
  'options that contradict each other': { args: ['run', '--seeds', '1', '--nodes', '2', '--configuration', 'acks-1'], says: /2 brokers cannot hold 3 replicas/, hint: /more brokers/ },
  'a reporter\'s file in no folder': { args: ['run', '--seeds', '1', '--reporter', 'json=none/x.json'], says: /cannot write 'none\/x\.json': ENOENT/, hint: /folder that exists/ },
  'a reporter without a path': { args: ['run', '--seeds', '1', '--reporter', 'json='], says: /reporter json needs a path/, hint: /json=results\.json/ },
  'an output folder that is a file': { args: ['run', '--seeds', '1', '--out', 'taken'], files: { taken: 'x' }, says: /cannot write to 'taken': EEXIST/, hint: /a folder that can be written/ },
  'an output folder below a file': { args: ['run', '--seeds', '1', '--out', 'taken/deep/er'], files: { taken: 'x' }, says: /cannot write to 'taken\/deep\/er': ENOTDIR/, hint: /a folder that can be written/ },
  'an output folder where none can be made': { args: ['run', '--seeds', '1', '--out', '/proc/nowhere/deep'], says: /cannot write to '\/proc\/nowhere\/deep': E/, hint: /a folder that can be written/ },
  'marks that cannot be read': { args: ['run', '--seeds', '1', '--require-marks', 'none.json'], says: /cannot read marks from 'none\.json'/, hint: /isr-shrink/ },
  'marks that are none': { args: ['run', '--seeds', '1', '--require-marks', 'm.json'], files: { 'm.json': '{"isr-shrink":"many"}' }, says: /no object of marks/, hint: /isr-shrink/ },
  'a config file that is not there': { args: ['run', '--seeds', '1', '--config', 'none.ts'], says: /config file 'none\.ts' does not exist/, hint: /trial\.config\.ts/ },
  'a config file with a mistake': { args: ['run', '--seeds', '1'], files: { 'trial.config.ts': 'export default {' }, says: /config file '.*trial\.config\.ts' failed to load/, hint: /defineConfig/ },
  'a config file with an unknown key': { args: ['run', '--seeds', '1'], files: { 'trial.config.ts': 'export default { seeds: 3 }' }, says: /unknown key 'seeds'/, hint: /known keys: run/ },
  'a config file with an unknown setting': { args: ['run', '--seeds', '1'], files: { 'trial.config.ts': 'export default { run: { seedz: 3 } }' }, says: /sets 'seedz'/, hint: /did you mean 'seeds'\?/ },
  'what is neither token nor file': { args: ['replay', 'nothing'], says: /'nothing' is neither a token nor a file/, hint: /\.trial\.json/ },
  'a token with a wrong letter': { args: ['replay', `${TOKEN.slice(0, 8)}${TOKEN[8] === 'A' ? 'B' : 'A'}${TOKEN.slice(9)}`], says: /the checksum of token '.*' does not match/, hint: /copy the whole word/ },
  'a token cut off': { args: ['replay', TOKEN.slice(0, -4)], says: /checksum/, hint: /copy the whole word/ },
  'a token of another format': { args: ['explain', TOKEN.replace('t2', 't7')], says: /token format t7 is not understood/, hint: /version of kafka-trial/ },
  'a token of a workload that is not here': { args: ['shrink', OTHER_WORKLOAD], says: /names a workload that is not known here/, hint: /config file/ },
  'a plan file cut off': { args: ['replay', 'x.trial.json'], files: { 'x.trial.json': SELF({}).slice(0, 500) }, says: /'x\.trial\.json' is not JSON/, hint: /cut off/ },
  'a plan file without a plan': { args: ['shrink', 'x.trial.json'], files: { 'x.trial.json': '{"format":1}' }, says: /'x\.trial\.json' holds no plan/, hint: /format, build, plan and digests/ },
  'a plan file of another format': { args: ['diff', 'x.trial.json', 'x.trial.json'], files: { 'x.trial.json': JSON.stringify({ format: 9, plan: SMALL }) }, says: /plan format 9/, hint: /version of kafka-trial/ },
  'a plan file of an unknown workload': { args: ['replay', 'x.trial.json'], files: { 'x.trial.json': SELF({ workload: 'mine' }) }, says: /workload 'mine' is not known here/, hint: /--config/ },
  'a folder that is no run': { args: ['replay', 'empty'], files: { 'empty/file': '' }, says: /'empty' is neither a token nor a file/, hint: /\.trial\.json/ },
  'a history that is not there': { args: ['check', 'none.jsonl'], says: /cannot read 'none\.jsonl': ENOENT/, hint: /JSON Lines/ },
  'a history that is a folder': { args: ['check', 'empty'], files: { 'empty/file': '' }, says: /cannot read 'empty': EISDIR/, hint: /JSON Lines/ },
  'a history with a nonsense line': { args: ['check', 'h.jsonl'], files: { 'h.jsonl': `${INVOKE}nonsense\n` }, says: /'h\.jsonl', line 2: not JSON: nonsense/, hint: /one JSON object a line/ },
  'a history with a line that is no operation': { args: ['check', 'h.jsonl'], files: { 'h.jsonl': `${INVOKE}[1,2]\n` }, says: /line 2: not an operation/, hint: /One JSON object a line/ },
  'a history that goes back in time': { args: ['check', 'h.jsonl'], files: { 'h.jsonl': `${INVOKE.replace('"time":0', '"time":9')}${INVOKE.replace('"index":0', '"index":1').replace('"process":0', '"process":1')}` }, says: /line 2: time goes backwards/, hint: /--any-times/ },
  'a history of a process that does two things at once': { args: ['check', 'h.jsonl'], files: { 'h.jsonl': `${INVOKE}${INVOKE.replace('"index":0', '"index":1')}` }, says: /line 2: process 0 invokes send while its send/, hint: /one operation at a time/ },
  'a log start that is none': { args: ['check', 'h.jsonl', '--log-start', 'a-0'], files: { 'h.jsonl': INVOKE }, says: /--log-start takes KEY=OFFSET, not 'a-0'/, hint: /orders-0=120/ },
  'no report to render': { args: ['report'], says: /cannot read a report from 'reports\/runs'/, hint: /folder of a run/ },
  'a report that is none': { args: ['report', 'x.json'], files: { 'x.json': '{}' }, says: /holds no report/, hint: /folder of a run/ },
  'a corpus folder that cannot be made': { args: ['corpus', 'add', TOKEN, '--dir', 'taken/corpus'], files: { taken: 'x' }, says: /cannot write to 'taken\/corpus': ENOTDIR/, hint: /a folder that can be written/ },
}

/** A folder with the files of a case. */
function folderOf({ files = {} }: Case): string {
  const cwd = emptyFolder()
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(cwd, path)), { recursive: true })
    writeFileSync(join(cwd, path), content)
  }
  return cwd
}

function expectRefused({ says, hint, files = {} }: Case, { code, stdout, stderr }: Outcome, cwd: string): void {
  const lines = stderr.trimEnd().split('\n')
  expect({ code, stderr }).toEqual({ code: 64, stderr: expect.stringMatching(/^error: /) })
  expect(lines[0]).toMatch(says)
  if (hint !== undefined) expect(stderr).toMatch(new RegExp(`\\nhint: .*(?:${hint.source})`))
  expect(lines.length).toBeLessThanOrEqual(3)
  expect(stderr).not.toMatch(/\n\s+at |node:internal|internal error/)
  expect(stdout).toBe('')
  expect(filesIn(cwd)).toEqual(Object.keys(files).sort())
}

describe('the command line refuses', () => {
  const names = Object.keys(CASES)
  const folders = names.map(name => folderOf(CASES[name]!))
  let outcomes: readonly Outcome[] = []
  beforeAll(async () => {
    outcomes = await trials(names.map((name, index) => ({ cwd: folders[index]!, args: CASES[name]!.args })))
  }, 60_000)

  it.each(names.map((name, index) => [name, index] as const))('%s', (name, index) => {
    expectRefused(CASES[name]!, outcomes[index]!, folders[index]!)
  })

  // The same in processes of their own, where exit codes and streams are real.
  it.each(['an unknown flag', 'a token with a wrong letter', 'a plan file cut off', 'a history with a nonsense line', 'an output folder where none can be made'])('%s, as a process', async name => {
    const cwd = folderOf(CASES[name]!)
    expectRefused(CASES[name]!, await trial(cwd, ...CASES[name]!.args), cwd)
  })
})
