/**
 * Shows that the tests of the checkers can fail: each line of `checker-mutations.json` spoils one rule in a copy of the
 * tree, and the tests that it names must then fail.
 *
 *   npm run mutate:checkers -- [--only TEXT] [--jobs N]
 *
 * A mutation: {file, find, replace, tests, what}; `find` stands in the file exactly once. `tests`: files of vitest, by
 * spaces. `equivalent: true`: it changes nothing that can be seen, and the tests must pass. Ends with 1 when a mutation
 * survives, or no longer fits the code.
 */
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const { values: flags } = parseArgs({ options: { only: { type: 'string', default: '' }, jobs: { type: 'string', default: '1' } } })
const mutations = JSON.parse(readFileSync(join(ROOT, 'scripts/checker-mutations.json'), 'utf8')).filter(one => `${one.file} ${one.what}`.includes(flags.only))

const copy = () => {
  const tree = mkdtempSync(join(tmpdir(), 'mutate-checkers-'))
  for (const name of ['src', 'checkers', 'workloads', 'reports', 'bench', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts']) cpSync(join(ROOT, name), join(tree, name), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(tree, 'node_modules'))
  return tree
}

const run = (tree, tests) => new Promise(done => {
  const child = spawn(process.execPath, [join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--bail', '1', ...tests.split(' ')], {
    cwd: tree, stdio: 'ignore', timeout: 600_000, env: { ...process.env, ISOLATION_HISTORIES: '2000', LINEARIZABILITY_HISTORIES: process.env.LINEARIZABILITY_HISTORIES ?? '30000' },
  })
  child.on('close', code => done(code))
})

let failures = 0
const judge = async (tree, { file, find, replace, tests, what, equivalent = false }) => {
  const path = join(tree, file)
  const text = readFileSync(path, 'utf8')
  if (text.split(find).length !== 2) {
    failures++
    console.log(`STALE     ${file}: '${find}' does not stand there once`)
    return
  }
  writeFileSync(path, text.replace(find, () => replace))
  const survived = (await run(tree, tests)) === 0
  writeFileSync(path, text)
  if (survived !== equivalent) failures++
  console.log(`${survived ? (equivalent ? 'same     ' : 'SURVIVED ') : equivalent ? 'DIFFERS  ' : 'killed   '} ${file}: ${what}`)
}

const todo = [...mutations]
await Promise.all(Array.from({ length: Number(flags.jobs) }, async () => {
  const tree = copy()
  try {
    for (let one = todo.shift(); one !== undefined; one = todo.shift()) await judge(tree, one)
  } finally {
    rmSync(tree, { recursive: true })
  }
}))
console.log(`${mutations.length} mutations, ${failures} not as they should be`)
process.exitCode = failures === 0 && mutations.length > 0 ? 0 : 1
