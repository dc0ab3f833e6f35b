/**
 * Data flows one way through the folders: which may import which, and that nobody imports the entries. Also that a file
 * stays one that can be read at a sitting and says first what it is for.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const ROOMS = ['src', 'checkers', 'workloads', 'reports', 'bench', 'examples']

const GROUND = ['base', 'env', 'config', 'protocol']
const CLUSTER = [...GROUND, 'rpc', 'storage', 'raft', 'controller', 'coordinator', 'broker', 'client']
/** Folder -> folders that it may import beside itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  env: ['base', 'config'],
  config: ['base'],
  protocol: ['base', 'env'],
  history: ['base'],
  sim: ['base', 'env', 'config'],
  rpc: GROUND,
  storage: GROUND,
  raft: [...GROUND, 'rpc', 'storage'],
  controller: [...GROUND, 'rpc', 'storage', 'raft'],
  coordinator: [...GROUND, 'rpc', 'storage', 'raft', 'controller'],
  broker: [...GROUND, 'rpc', 'storage', 'raft', 'controller', 'coordinator'],
  client: [...GROUND, 'rpc'],
  nemesis: ['base', 'env', 'config'],
  plan: ['base', 'config', 'nemesis'],
  checkers: ['base', 'env', 'config', 'history'],
  workloads: ['base', 'env', 'config', 'protocol', 'client', 'history', 'checkers'],
  trial: [...CLUSTER, 'sim', 'nemesis', 'plan', 'history', 'checkers', 'workloads'],
  reports: ['base', 'env', 'history', 'checkers', 'plan', 'nemesis'],
  artifacts: ['base', 'config', 'protocol', 'sim', 'history', 'checkers', 'plan', 'workloads', 'trial', 'reports'],
  vitest: ['base', 'checkers', 'workloads', 'reports', 'plan', 'trial', 'artifacts'],
  cli: ['base', 'config', 'protocol', 'sim', 'history', 'nemesis', 'checkers', 'workloads', 'reports', 'plan', 'trial', 'artifacts'],
  index: ['base', 'config', 'history', 'checkers', 'workloads', 'trial'],
}

function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.ts')).map(entry => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter(path => !path.startsWith('reports/runs')).sort()
}

const files = ROOMS.flatMap(filesBelow)

/** `src/sim/kernel.ts` -> `sim`; `checkers/x/y.ts` -> `checkers`; `src/index.ts` -> `index`. */
function folderOf(path: string): string {
  const [first, second] = path.split('/')
  return first === 'src' ? second!.replace(/\.ts$/, '') : first!
}

function importsOf(path: string): string[] {
  const text = readFileSync(join(ROOT, path), 'utf8')
  return [...text.matchAll(/(?:^|\n)\s*(?:import|export)\b[^'"]*?from '(\.[^']+)'|import\('(\.[^']+)'\)/g)]
    .map(match => relative(ROOT, resolve(ROOT, dirname(path), match[1] ?? match[2]!)))
}

describe('the folders', () => {
  it('are all in the table', () => {
    expect([...new Set(files.map(folderOf))].filter(folder => folder !== 'bench' && folder !== 'examples' && MAY_IMPORT[folder] === undefined)).toEqual([])
    expect(files.length).toBeGreaterThan(200)
  })

  for (const [folder, allowed] of Object.entries(MAY_IMPORT)) {
    it(`${folder} imports only ${allowed.join(', ') || 'itself'}`, () => {
      const own = files.filter(path => folderOf(path) === folder)
      expect(own.length).toBeGreaterThan(0)
      const wrong = own.flatMap(path => importsOf(path).filter(target => folderOf(target) !== folder && !allowed.includes(folderOf(target))).map(target => `${path} imports ${target}`))
      expect(wrong).toEqual([])
    })
  }

  it('have no cycle', () => {
    const done = new Set<string>()
    const visit = (folder: string, path: readonly string[]): void => {
      expect(path, `${[...path, folder].join(' > ')}`).not.toContain(folder)
      if (done.has(folder)) return
      for (const next of MAY_IMPORT[folder] ?? []) visit(next, [...path, folder])
      done.add(folder)
    }
    for (const folder of Object.keys(MAY_IMPORT)) visit(folder, [])
  })
})

describe('a file', () => {
  const MOST_LINES = 400

  it('can be read at a sitting', () => {
    const long = files.filter(path => !path.includes('/generated/') && readFileSync(join(ROOT, path), 'utf8').split('\n').length > MOST_LINES)
    expect(long).toEqual([])
  })

  it('says first what it is for', () => {
    const silent = files.filter(path => !path.includes('/generated/') && !/^(?:#!.*\n)?\/\*\*/.test(readFileSync(join(ROOT, path), 'utf8')))
    expect(silent).toEqual([])
  })
})
