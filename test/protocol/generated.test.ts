import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'

// KAFKA_SCHEMAS names the folder with messages/ and records/ of Kafka 4.3.1, which is not part of this repository.
const schemas = process.env['KAFKA_SCHEMAS']

it.skipIf(schemas === undefined)('is what the generator makes of the schemas', () => {
  const folder = mkdtempSync(join(tmpdir(), 'protocol-'))
  try {
    execFileSync(process.execPath, ['scripts/generate-protocol.mjs', schemas!, folder])
    expect(readdirSync(folder).sort()).toEqual(readdirSync('src/protocol/generated').sort())
    for (const name of readdirSync(folder)) {
      // Not toEqual: a difference of 250 kB helps nobody.
      expect(readFileSync(join(folder, name), 'utf8') === readFileSync(join('src/protocol/generated', name), 'utf8'), name).toBe(true)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})
