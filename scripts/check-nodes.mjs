/**
 * `npm run check:nodes`: the same plans give the same digests on other versions of Node. Gets them from the npm registry
 * into a temporary folder (package `node`), runs a sample with each and compares trial by trial.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const VERSIONS = ['22', '24']
const SAMPLE = ['--seeds', process.env.SAMPLE ?? '24', '--seed', 'nodes', '--no-shrink', '--report', 'never', '--progress', 'none', '--quiet']
const main = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'kafka-trial-nodes-'))

function digestsWith(node) {
  const out = join(folder, 'digests.jsonl')
  execFileSync(node, [main, 'run', ...SAMPLE, '--reporter', `jsonl=${out}`], { stdio: ['ignore', 'ignore', 'inherit'] })
  const digests = new Map(readFileSync(out, 'utf8').split('\n').filter(line => line !== '').map(line => JSON.parse(line)).filter(({ digest }) => digest !== undefined).map(({ index, digest }) => [index, digest]))
  rmSync(out)
  return digests
}

let differences = 0
try {
  const expected = digestsWith(process.execPath)
  console.log(`Node ${process.versions.node}: ${expected.size} trials`)
  if (expected.size === 0) throw new Error('no digests were written')
  for (const version of VERSIONS) {
    const prefix = join(folder, version)
    execFileSync('npm', ['install', '--silent', '--no-save', '--prefix', prefix, `node@${version}`], { stdio: ['ignore', 'ignore', 'inherit'] })
    const node = join(prefix, 'node_modules', 'node', 'bin', 'node')
    const actual = digestsWith(node)
    const other = [...expected].filter(([index, digest]) => actual.get(index) !== digest)
    differences += other.length
    console.log(`Node ${execFileSync(node, ['--version'], { encoding: 'utf8' }).trim().slice(1)}: ${actual.size} trials, ${other.length} differ${other.length === 0 ? '' : `: ${other.map(([index]) => index).join(', ')}`}`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = differences === 0 ? 0 : 3
