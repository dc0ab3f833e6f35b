/**
 * Runs the built command line in a process of its own, in an empty folder of its own. `npm test` builds before the tests
 * run; without a build they fail here, and say so.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const BATCH = fileURLToPath(new URL('./batch.mjs', import.meta.url))
const MAIN = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url))

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CommandLine {
  readonly cwd: string
  readonly args: readonly string[]
}

const folders: string[] = []

/** For `afterAll` of every file that makes folders. */
export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}

/** An empty folder, there until `removeFolders`. */
export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'trial-cli-'))
  folders.push(folder)
  return folder
}

/** `interrupt`: once it has read the input it gets a SIGINT, as of Ctrl-C. */
function run(cwd: string, args: readonly string[], input = '', interrupt = false): Promise<Outcome> {
  if (!existsSync(MAIN)) throw new Error('there is no build: run `npm run build` first')
  const { TRIAL_PROFILE: _, FORCE_COLOR: _colour, ...env } = process.env
  const child = spawn(process.execPath, args, { cwd, env: { ...env, NO_COLOR: '1' }, timeout: 55_000, killSignal: 'SIGKILL' })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', text => { stdout += text })
  child.stderr.setEncoding('utf8').on('data', text => { stderr += text })
  child.stdin.end(input)
  if (interrupt) child.stdin.on('finish', () => setTimeout(() => child.kill('SIGINT'), 1_000))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => resolve({ code, stdout, stderr }))
  })
}

/** One command line in a process of its own. */
export function trial(cwd: string, ...args: readonly string[]): Promise<Outcome> {
  return run(cwd, [MAIN, ...args])
}

/** One that is interrupted a second after it has read all of its input, which is longer than what a pipe holds. */
export function interruptedTrial(cwd: string, input: string, ...args: readonly string[]): Promise<Outcome> {
  return run(cwd, [MAIN, ...args], input, true)
}

/** Several command lines, one after the other in one process: much faster. */
export async function trials(lines: readonly CommandLine[]): Promise<readonly Outcome[]> {
  const { code, stdout, stderr } = await run(tmpdir(), [BATCH, MAIN], JSON.stringify(lines))
  if (code !== 0) throw new Error(`the batch ended with ${code}: ${stderr}`)
  return JSON.parse(stdout) as readonly Outcome[]
}

/** Names of everything in a folder, `/`-separated. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1).replaceAll('\\', '/')).sort()
}
