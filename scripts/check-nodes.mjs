/**
 * `npm run check:nodes`: the same plans give the same digests on other versions of Node. Gets them from the npm registry
 * into a temporary folder (package `node`), runs a sample with each and compares trial by trial.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { differences, digestsOf } from './digests-of.mjs'

const VERSIONS = ['22', '24']
const flags = ['--seeds', '24', '--seed', 'nodes', '--no-shrink', '--report', 'never', '--progress', 'none', '--quiet', ...process.argv.slice(2)]
const folder = mkdtempSync(join(tmpdir(), 'kafka-trial-nodes-'))
let differing = 0
try {
  const { digests: expected } = await digestsOf(process.execPath, flags, join(folder, 'here.jsonl'))
  console.log(`Node ${process.versions.node}: ${expected.size} trials`)
  if (expected.size === 0) throw new Error('no digests were written')
  for (const version of VERSIONS) {
    const prefix = join(folder, version)
    execFileSync('npm', ['install', '--silent', '--no-save', '--prefix', prefix, `node@${version}`], { stdio: ['ignore', 'ignore', 'inherit'] })
    const node = join(prefix, 'node_modules', 'node', 'bin', 'node')
    const { digests } = await digestsOf(node, flags, join(folder, `${version}.jsonl`))
    const other = differences(expected, digests)
    differing += other.length
    console.log(`Node ${execFileSync(node, ['--version'], { encoding: 'utf8' }).trim().slice(1)}: ${digests.size} trials, ${other.length} differ${other.length === 0 ? '' : `: ${other.join(', ')}`}`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exitCode = differing === 0 ? 0 : 3
