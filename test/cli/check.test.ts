/**
 * `trial check` as a user meets it: exit codes, models and checkers by name, Jepsen's histories, and input that means harm:
 * an error or a verdict, never a crash, never a wrong verdict.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emptyFolder, filesIn, interruptedTrial, type Outcome, removeFolders, trial, trials } from './run-cli.ts'

afterAll(removeFolders)

type Line = readonly [process: number, type: string, f: string, value: unknown]
const jsonl = (...lines: readonly Line[]): string => lines.map(([process, type, f, value], index) => `${JSON.stringify({ index, time: index, process, type, f, value })}\n`).join('')
const did = (process: number, f: string, asked: unknown, answer: unknown): Line[] => [[process, 'invoke', f, asked], [process, 'ok', f, answer]]

const GOOD = jsonl(...did(0, 'write', 1, 1), ...did(1, 'read', null, 1))
const STALE = jsonl(...did(0, 'write', 1, 1), ...did(0, 'write', 2, 2), ...did(1, 'read', null, 1))
/** As Knossos has it: no times, no indices, a list, a comment, an operation that never ended. */
const KNOSSOS = `({:type :invoke, :f :write, :value 0, :process 0}
 {:type :ok, :f :write, :value 0, :process 0}
 ; concurrently write 4 and read something else
 {:type :invoke, :f :read, :value nil, :process 1}
 {:type :invoke, :f :cas, :value [0 4], :process 2}
 {:type :ok, :f :read, :value READ, :process 1}
 {:process :nemesis, :type :info, :f :start, :value "cut off #{n1}"})`
const TUPLES = (read: number): string => `{:process 0, :type :invoke, :f :write, :value [:x 1]}
{:process 0, :type :ok, :f :write, :value [:x 1]}
{:process 1, :type :invoke, :f :write, :value ["x" 2]}
{:process 1, :type :ok, :f :write, :value ["x" 2]}
{:process 0, :type :invoke, :f :read, :value [:x nil]}
{:process 0, :type :ok, :f :read, :value [:x ${read}]}`
const CYCLE = `{:process 0, :type :invoke, :f :txn, :value [[:append :x 1] [:append :y 1]]}
{:process 1, :type :invoke, :f :txn, :value [[:append :x 2] [:append :y 2]]}
{:process 0, :type :ok, :f :txn, :value [[:append :x 1] [:append :y 1]]}
{:process 1, :type :ok, :f :txn, :value [[:append :x 2] [:append :y 2]]}
{:process 0, :type :invoke, :f :txn, :value [[:r :x nil] [:r :y nil]]}
{:process 0, :type :ok, :f :txn, :value [[:r :x [1 2]] [:r :y [2 1]]]}`
const BIG = 2n ** 64n
const BIG_READ = (plus: bigint): string => `{"process":0,"type":"invoke","f":"write","value":${BIG}}\n{"process":0,"type":"ok","f":"write","value":${BIG}}\n{"process":1,"type":"invoke","f":"read","value":null}\n{"process":1,"type":"ok","f":"read","value":${BIG + plus}}\n`
const DEEP = (open: string, close: string): string => `{"process":0,"type":"invoke","f":"write","value":${open.repeat(100_000)}${close.repeat(100_000)}}\n`
const MANY = (last: number): string => `${Array.from({ length: 60_000 }, (_, process) => `{"process":${process * 1_000},"type":"invoke","f":"write","value":${process}}\n`).join('')}{"process":7,"type":"invoke","f":"read","value":null}\n{"process":7,"type":"ok","f":"read","value":${last}}\n`
const PROTO = (read: string): string => jsonl(...did(0, 'write', ['__proto__', 1], ['__proto__', 1]), ...did(0, 'write', ['constructor', 2], ['constructor', 2]), ...did(1, 'read', ['__proto__', null], ['__proto__', JSON.parse(read)]))

interface Case {
  readonly file: string | Buffer
  readonly args: readonly string[]
  readonly code: 0 | 1 | 2 | 64
  readonly says?: RegExp
}

const CASES: Readonly<Record<string, Case>> = {
  'a register': { file: GOOD, args: ['--model', 'register'], code: 0, says: /^valid: 4 operations, model register\n$/ },
  'a stale read': { file: STALE, args: ['--model', 'register'], code: 1, says: /nonlinearizable: The answer of "read -> 1"/ },
  'a stale read, by the search': { file: STALE, args: ['--model', 'register', '--engine', 'search'], code: 1 },
  'a budget of one step': { file: STALE, args: ['--model', 'cas-register', '--budget', '1'], code: 2, says: /^unknown:[\s\S]*budget was used up after \d+ steps/ },
  'carriage returns and a byte order mark': { file: `\uFEFF${STALE.replaceAll('\n', '\r\n')}`, args: ['--model', 'register'], code: 1 },
  'a history of Knossos': { file: KNOSSOS.replace('READ', '4'), args: ['--model', 'cas-register'], code: 0 },
  'a history of Knossos that is wrong': { file: KNOSSOS.replace('READ', '3'), args: ['--model', 'cas-register'], code: 1 },
  'a write that definitely failed': { file: jsonl([0, 'invoke', 'write', 1], [0, 'fail', 'write', 1], ...did(1, 'read', null, 1)), args: ['--model', 'register'], code: 1 },
  'a write of unknown fate, seen late and then not': { file: jsonl([0, 'invoke', 'write', 1], [0, 'info', 'write', 1], ...did(1, 'read', null, null), ...did(1, 'read', null, 1), ...did(1, 'read', null, null)), args: ['--model', 'register'], code: 1 },
  'independent keys': { file: TUPLES(1), args: ['--model', 'register'], code: 0, says: /keys judged apart/ },
  'a stale read of one key': { file: TUPLES(2), args: ['--model', 'register'], code: 1 },
  'a set of EDN': { file: '{:process 0 :type :invoke :f :add :value 1}{:process 0 :type :ok :f :add :value 1}{:process 0 :type :invoke :f :read :value nil}{:process 0 :type :ok :f :read :value #{1}}', args: ['--model', 'set'], code: 0 },
  'the same set by its checker, lost': { file: '{:process 0 :type :invoke :f :add :value 1}{:process 0 :type :ok :f :add :value 1}{:process 0 :type :invoke :f :read :value nil}{:process 0 :type :ok :f :read :value #{}}', args: ['--checker', 'set-full'], code: 1, says: /lost-element/ },
  'a write cycle': { file: CYCLE, args: ['--checker', 'list-append'], code: 1, says: /G0/ },
  'a write cycle, which every level forbids': { file: CYCLE, args: ['--checker', 'list-append', '--consistency-model', 'monotonic-atomic-view'], code: 1 },
  'integers beyond 2^53': { file: BIG_READ(0n), args: ['--model', 'register'], code: 0 },
  'integers beyond 2^53, off by one': { file: BIG_READ(1n), args: ['--model', 'register'], code: 1 },
  'deep lists': { file: DEEP('[', ']'), args: ['--model', 'register'], code: 64, says: /'h', line 1: nested more than 64 levels deep/ },
  'deep objects': { file: DEEP('{"a":', '}').replace(/:\}/, ':1}'), args: ['--model', 'register'], code: 64, says: /line 1: nested more than 64/ },
  'deep EDN': { file: `{:process 0 :type :invoke :f :write :value ${'#{'.repeat(50_000)}`, args: ['--model', 'register'], code: 64, says: /line 1: nested more than 64/ },
  'many processes': { file: MANY(59_999), args: ['--model', 'register'], code: 0 },
  'many processes, and a value from nowhere': { file: MANY(60_000), args: ['--model', 'register'], code: 1 },
  'keys named like properties': { file: PROTO('1'), args: ['--model', 'register'], code: 0, says: /keys judged apart/ },
  'keys named like properties, a stale read': { file: PROTO('2'), args: ['--model', 'register'], code: 1 },
  'a field named __proto__': { file: GOOD.replaceAll('"index"', '"__proto__":{"type":"fail"},"index"'), args: ['--model', 'register'], code: 0 },
  'bytes that are no UTF-8': { file: Buffer.concat([Buffer.from(GOOD), Buffer.from('{"process":2,"type":"invoke","f":"write","value":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}\n')]), args: ['--model', 'register'], code: 64, says: /line 5: not UTF-8/ },
  'zero bytes': { file: Buffer.alloc(1000), args: ['--model', 'register'], code: 64, says: /line 1: not JSON/ },
  'an empty file': { file: '', args: ['--model', 'register'], code: 2, says: /no operation of any client/ },
  'an empty vector': { file: '[]', args: ['--checker', 'bank'], code: 2 },
  'a file cut off in the middle of a line': { file: STALE.slice(0, -20), args: ['--model', 'register'], code: 64, says: /line 6: not JSON/ },
  'a file cut off between two lines': { file: GOOD.slice(0, GOOD.lastIndexOf('{')), args: ['--model', 'register'], code: 0 },
  'EDN cut off': { file: KNOSSOS.slice(0, -5), args: ['--model', 'register'], code: 64, says: /line 7: it ends in the middle of an operation/ },
  'an operation that the model does not know': { file: jsonl(...did(0, 'frobnicate', 1, 1)), args: ['--model', 'register'], code: 64, says: /frobnicate/ },
  'an unknown model': { file: GOOD, args: ['--model', 'regster'], code: 64, says: /did you mean 'register'\?/ },
  'a checker that needs a model': { file: GOOD, args: ['--checker', 'linearizable'], code: 64, says: /needs a model/ },
  'an unknown checker': { file: GOOD, args: ['--checker', 'bnak'], code: 64, says: /did you mean 'bank'\?/ },
}

describe('trial check', () => {
  const names = Object.keys(CASES)
  let outcomes: readonly Outcome[] = []
  beforeAll(async () => {
    const lines = names.map(name => {
      const cwd = emptyFolder()
      writeFileSync(join(cwd, 'h'), CASES[name]!.file)
      return { cwd, args: ['check', 'h', ...CASES[name]!.args] }
    })
    // Two by turns, so that one slow start does not hold up all.
    const half = Math.ceil(lines.length / 2)
    outcomes = (await Promise.all([trials(lines.slice(0, half)), trials(lines.slice(half))])).flat()
  }, 120_000)

  it.each(names.map((name, index) => [name, index] as const))('%s', (name, index) => {
    const { code, says } = CASES[name]!
    const outcome = outcomes[index]!
    expect({ code: outcome.code, text: `${outcome.stdout}${outcome.stderr}` }).toEqual({ code, text: says === undefined ? expect.any(String) : expect.stringMatching(says) })
    expect(outcome.stderr).not.toMatch(/internal error|\n\s+at /)
    if (code !== 64) expect(outcome.stdout).toMatch(/^(valid|invalid|unknown): \d+ operations/)
  })

  it('writes a page, and prints JSON', async () => {
    const cwd = emptyFolder()
    writeFileSync(join(cwd, 'stale.jsonl'), STALE.replaceAll('"value":2', '"value":"<script>"'))
    writeFileSync(join(cwd, 'cycle.edn'), CYCLE)
    const [stale, cycle] = await trials([
      { cwd, args: ['check', 'stale.jsonl', '--model', 'register', '--report', 'stale.html', '--json'] },
      { cwd, args: ['check', 'cycle.edn', '--checker', 'list-append', '--report', 'cycle.html', '--json'] },
    ])
    expect(JSON.parse(stale!.stdout)).toMatchObject({ verdict: 'invalid', operations: 6, model: 'register', results: [{ checker: 'linearizable', counts: { nonlinearizable: 1 } }] })
    expect(JSON.parse(cycle!.stdout)).toMatchObject({ verdict: 'invalid', results: [{ checker: 'list-append' }] })
    expect(readFileSync(join(cwd, 'stale.html'), 'utf8')).toMatch(/<svg[\s\S]*class="bar impossible"/)
    expect(readFileSync(join(cwd, 'stale.html'), 'utf8')).not.toContain('<script')
    expect(readFileSync(join(cwd, 'cycle.html'), 'utf8')).toMatch(/<g class="edge ww">/)
  }, 60_000)

  it('ends in time with what is known', async () => {
    const cwd = emptyFolder()
    // 64 compare-and-sets of unknown fate, and reads that would take more of them.
    const open = Array.from({ length: 64 }, (_, at): Line => [at + 1, 'invoke', 'cas', [at % 8, (at + 1 + (at % 7)) % 8]])
    const reads = Array.from({ length: 120 }, (_, at) => did(0, 'read', null, (at * 3) % 8)).flat()
    writeFileSync(join(cwd, 'hard.jsonl'), jsonl(...did(0, 'write', 0, 0), ...open, ...reads))
    // A value that nobody ever writes is impossible however often they happen.
    writeFileSync(join(cwd, 'never.jsonl'), jsonl(...did(0, 'write', 0, 0), ...open, ...reads.slice(0, 80), ...did(0, 'read', null, 99)))
    const never = await trial(cwd, 'check', 'never.jsonl', '--model', 'cas-register', '--json')
    expect(JSON.parse(never.stdout)).toMatchObject({ verdict: 'invalid', results: [{ findings: [{ evidence: { first: false, prefix: null, impossible: { output: 99 } } }] }] })
    const from = Date.now()
    const { code, stdout } = await trial(cwd, 'check', 'hard.jsonl', '--model', 'cas-register', '--time', '2s')
    expect(code).toBe(2)
    expect(stdout).toMatch(/^unknown: \d+ operations[\s\S]*the time was up/)
    expect(Date.now() - from).toBeLessThan(30_000)
    const [a, b] = await trials([1, 2].map(() => ({ cwd, args: ['check', 'hard.jsonl', '--model', 'cas-register', '--budget', '2000', '--json'] })))
    expect(a).toEqual(b)
    expect(a!.code).toBe(2)
  }, 90_000)

  it('writes what is known when it is interrupted', async () => {
    const cwd = emptyFolder()
    const open = Array.from({ length: 64 }, (_, at): Line => [at + 1, 'invoke', 'cas', [at % 8, (at + 1 + (at % 7)) % 8]])
    const reads = Array.from({ length: 120 }, (_, at) => did(0, 'read', null, (at * 3) % 8)).flat()
    const hard = jsonl(...did(0, 'write', 0, 0), ...open, ...reads).replace('\n', '\n'.repeat(2 << 20))
    const { code, stdout } = await interruptedTrial(cwd, hard, 'check', '-', '--model', 'cas-register', '--budget', '9000000000', '--json')
    expect(code).toBe(130)
    const told = JSON.parse(stdout)
    expect(told).toMatchObject({ verdict: 'unknown', operations: 306, interrupted: { why: 'interrupt' } })
    expect(told.interrupted.doing).toMatch(/linearizable: judging 306 operations|explained/)
  }, 60_000)

  it('takes a million processes, in little memory', async () => {
    const cwd = emptyFolder()
    const lines: string[] = []
    for (let process = 0; process < 1_000_000; process++) lines.push(`{"process":${process},"type":"invoke","f":"write","value":${process}}\n`)
    lines.push('{"process":7,"type":"ok","f":"write","value":7}\n', '{"process":1000000,"type":"invoke","f":"read","value":null}\n', '{"process":1000000,"type":"ok","f":"read","value":999999}\n')
    writeFileSync(join(cwd, 'many.jsonl'), lines.join(''))
    const { code, stdout } = await trial(cwd, 'check', 'many.jsonl', '--model', 'register', '--json')
    expect({ code, told: JSON.parse(stdout) }).toMatchObject({ code: 0, told: { verdict: 'valid', operations: 1_000_003 } })
  }, 60_000)
})

describe('trial convert', () => {
  it('writes what it read, in the other format', async () => {
    const cwd = emptyFolder()
    writeFileSync(join(cwd, 'cycle.edn'), CYCLE)
    const [there, back, again] = await trials([['convert', 'cycle.edn', 'a.jsonl'], ['convert', 'a.jsonl', 'b.edn'], ['convert', 'b.edn', 'c.txt', '--format', 'jsonl']].map(args => ({ cwd, args })))
    expect([there!.code, back!.code, again!.code]).toEqual([0, 0, 0])
    expect(readFileSync(join(cwd, 'c.txt'), 'utf8')).toBe(readFileSync(join(cwd, 'a.jsonl'), 'utf8'))
    expect(readFileSync(join(cwd, 'b.edn'), 'utf8').split('\n')[0]).toBe('{:index 0, :time 0, :process 0, :type :invoke, :f :txn, :value [[:append :x 1] [:append :y 1]]}')
    writeFileSync(join(cwd, 'bad.jsonl'), 'nonsense\n')
    const [bad] = await trials([{ cwd, args: ['convert', 'bad.jsonl', 'out.edn'] }])
    expect(bad).toMatchObject({ code: 64, stderr: expect.stringContaining('line 1: not JSON') })
    expect(filesIn(cwd)).not.toContain('out.edn')
  }, 60_000)
})
