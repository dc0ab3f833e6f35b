/**
 * `npm run check:wire`: the same trials with messages as objects and as bytes, in two processes beside each other, have the
 * same digests and verdicts. Further flags go to both (`-- --seeds 200`).
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { differences, digestsOf } from './digests-of.mjs'

const flags = ['--seeds', '1000', '--seed', 'wire', '--jobs', '1', '--no-shrink', '--report', 'never', '--progress', 'none', '--quiet', ...process.argv.slice(2)]
const folder = mkdtempSync(join(tmpdir(), 'kafka-trial-wire-'))
try {
  const [objects, bytes] = await Promise.all(['objects', 'bytes'].map(wire => digestsOf(process.execPath, [...flags, '--wire', wire], join(folder, `${wire}.jsonl`))))
  const differing = differences(objects.digests, bytes.digests)
  console.log(`${objects.digests.size} trials with messages as objects and as bytes: ${differing.length === 0 ? 'the same digests' : `${differing.length} differ: ${differing.slice(0, 20).join(', ')}`}`)
  process.exitCode = differing.length > 0 || objects.digests.size === 0 || objects.code !== bytes.code ? 3 : objects.code
} finally {
  rmSync(folder, { recursive: true, force: true })
}
