/**
 * `npm run campaign`: the faithful build over 3 200 default trials, 2 000 of plain producing and consuming and 1 200 of
 * idempotence, groups, transactions, compaction and share groups. Every one is valid, every coverage count reaches its floor, and a second process
 * that runs the same trials beside gives the same digests. Further flags go to all; with --seeds floors are not asked for.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { differences, digestsOf } from './digests-of.mjs'

const CAMPAIGNS = [
  { workloads: ['produce-consume', 'user-actions'], seeds: '2000', floors: 'test/coverage-floors.json' },
  {
    workloads: ['idempotent', 'transactions', 'bank', 'copy-exactly-once', 'copy-idempotent', 'outbox', 'outbox-commit-after', 'outbox-commit-before', 'rebalance', 'offsets', 'compacted-table', 'share-queue'],
    seeds: '1200', floors: 'test/coverage-floors-coordinators.json',
  },
]

const given = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'kafka-trial-campaign-'))
try {
  for (const { workloads, seeds, floors } of CAMPAIGNS) {
    const flags = [...workloads, '--seeds', seeds, '--seed', 'floors', '--jobs', '50%', '--no-shrink', '--progress', 'none', ...given]
    const required = given.includes('--seeds') ? [] : ['--require-marks', floors]
    const [first, second] = await Promise.all([
      digestsOf(process.execPath, [...flags, ...required], join(folder, '1.jsonl'), 'inherit'),
      digestsOf(process.execPath, [...flags, '--quiet', '--report', 'never'], join(folder, '2.jsonl')),
    ])
    const differing = differences(first.digests, second.digests)
    console.log(`${first.digests.size} trials in two processes: ${differing.length === 0 ? 'the same digests' : `${differing.length} differ: ${differing.slice(0, 20).join(', ')}`}`)
    const code = first.code !== 0 ? first.code : differing.length > 0 || second.code !== 0 ? 3 : 0
    if (code !== 0) process.exitCode = code
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
