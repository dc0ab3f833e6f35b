/**
 * `npm run campaign`: the faithful build over 2 000 default trials. Every one is valid, every coverage count reaches its
 * floor, and a second process that runs the same trials beside gives the same digests. Further flags go to both.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { differences, digestsOf } from './digests-of.mjs'

const given = process.argv.slice(2)
const flags = ['--seeds', '2000', '--seed', 'floors', '--jobs', '50%', '--no-shrink', '--progress', 'none', ...given]
const floors = given.includes('--seeds') ? [] : ['--require-marks', 'test/coverage-floors.json']
const folder = mkdtempSync(join(tmpdir(), 'kafka-trial-campaign-'))
try {
  const [first, second] = await Promise.all([
    digestsOf(process.execPath, [...flags, ...floors], join(folder, '1.jsonl'), 'inherit'),
    digestsOf(process.execPath, [...flags, '--quiet', '--report', 'never'], join(folder, '2.jsonl')),
  ])
  const differing = differences(first.digests, second.digests)
  console.log(`${first.digests.size} trials in two processes: ${differing.length === 0 ? 'the same digests' : `${differing.length} differ: ${differing.slice(0, 20).join(', ')}`}`)
  process.exitCode = first.code !== 0 ? first.code : differing.length > 0 || second.code !== 0 ? 3 : 0
} finally {
  rmSync(folder, { recursive: true, force: true })
}
