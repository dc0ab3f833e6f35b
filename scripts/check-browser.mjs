/**
 * `npm run check:browser`: opens the report of a real failure in Chromium. It must show its sections, log nothing on the
 * console, and ask for nothing outside itself.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const SECTIONS = ['verdict', 'reproduce', 'story', 'space-time', 'logs', 'operations', 'environment']
const main = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url))
const chromium = [process.env.CHROMIUM, 'chromium', 'chromium-browser', 'google-chrome'].filter(Boolean).find(name => spawnSync(name, ['--version']).status === 0)
if (chromium === undefined) {
  console.error('error: no Chromium was found\nhint: install Debian\'s package `chromium`, or name one in the variable CHROMIUM')
  process.exit(64)
}
const out = mkdtempSync(join(tmpdir(), 'kafka-trial-browser-'))
const problems = []
try {
  const run = spawnSync(process.execPath, [main, 'run', 'produce-consume', '--defect', 'KAFKA-5494', '--checkers', 'black-box', '--seed', 'browser', '--until-failure', '--shrink-budget', '60', '--out', out, '--progress', 'none', '--quiet'], { encoding: 'utf8' })
  if (run.status !== 1) throw new Error(`no failing trial to show: exit code ${run.status}\n${run.stdout}${run.stderr}`)
  const page = pathToFileURL(join(out, readFileSync(join(out, 'latest'), 'utf8').trim(), 'report.html')).href
  const shown = spawnSync(chromium, ['--headless', '--no-sandbox', '--disable-gpu', '--enable-logging=stderr', '--virtual-time-budget=2000', '--dump-dom', page], { encoding: 'utf8', maxBuffer: 1 << 28 })
  if (shown.status !== 0) problems.push(`Chromium ended with ${shown.status}`)
  for (const id of SECTIONS) if (!shown.stdout.includes(`<section id="${id}"`)) problems.push(`section ${id} is missing`)
  if (!/<svg[^>]*>/.test(shown.stdout)) problems.push('there is no diagram')
  for (const line of shown.stderr.split('\n')) if (/:CONSOLE[:(]/.test(line)) problems.push(`console: ${line}`)
  const asked = [...shown.stdout.matchAll(/\b(?:src|data)="(?!data:|#)([^"]+)"|<link[^>]+href="([^"]+)"/g)].map(match => match[1] ?? match[2])
  for (const url of asked) problems.push(`asks for ${url}`)
} catch (error) {
  problems.push(error instanceof Error ? error.message : String(error))
} finally {
  rmSync(out, { recursive: true, force: true })
}
for (const problem of problems) console.error(problem)
console.log(problems.length === 0 ? `the report shows ${SECTIONS.length} sections, a diagram, and nothing on the console` : `${problems.length} problems`)
process.exitCode = problems.length === 0 ? 0 : 1
