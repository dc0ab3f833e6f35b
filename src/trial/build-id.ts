/**
 * The identity of a build: a hash of its sources, the same whether it runs compiled (read from `build-id.json`, written
 * by the build) or from source (computed). Tokens carry 16 bits of it, so that replay can say "other build".
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folders whose code decides what a trial does. */
const DECIDING_FOLDERS = ['src', 'checkers', 'workloads']

function sourcesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? sourcesBelow(path) : path.endsWith('.ts') && !path.endsWith('.d.ts') ? [path] : []
  })
}

/** Hash of the sources below a project root, 16 hex digits. */
export function hashSources(root: string): string {
  const hash = createHash('sha256')
  for (const folder of DECIDING_FOLDERS) {
    for (const path of sourcesBelow(join(root, folder)).sort()) {
      hash.update(path.slice(root.length).replaceAll('\\', '/'))
      hash.update(readFileSync(path))
    }
  }
  return hash.digest('hex').slice(0, 16)
}

let cached: string | undefined

export function buildId(): string {
  if (cached !== undefined) return cached
  const here = fileURLToPath(import.meta.url)
  const root = fileURLToPath(new URL('../../', import.meta.url))
  cached = here.endsWith('.ts') ? hashSources(root) : (JSON.parse(readFileSync(join(root, 'build-id.json'), 'utf8')) as { id: string }).id
  return cached
}
