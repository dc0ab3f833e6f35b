/**
 * Plans that once failed, in `test/corpus`: each still gives the verdict that is written with it, twice, the second time in
 * another process.
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { corpusFiles, expectationOf } from '../../src/cli/commands/corpus.ts'
import { runExcused } from '../../src/trial/judge-trial.ts'
import { readPlanFile } from '../../src/trial/plan-file.ts'
import { findWorkload } from '../../workloads/index.ts'

const FOLDER = fileURLToPath(new URL('../corpus', import.meta.url))
const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))
const files = corpusFiles(FOLDER)

describe('the corpus', () => {
  it('is not empty', () => expect(files.length).toBeGreaterThan(0))

  for (const path of files) {
    const { plan, note, expect: expected } = readPlanFile(path)
    const name = path.slice(FOLDER.length + 1)
    it(`${name}: ${note ?? 'no note'}`, async () => {
      expect(expected, 'says what it must give').toBeDefined()
      const result = await runExcused(plan, findWorkload(plan.workload)!, {})
      expect(expectationOf(result)).toEqual(expected)
      const printed = execFileSync(process.execPath, [MAIN, 'corpus', 'run', name, '--dir', FOLDER, '--json'], { encoding: 'utf8' })
      expect(JSON.parse(printed)).toMatchObject([{ name: name.replace('.trial.json', ''), ok: true, digests: result.digests }])
    })
  }
})
