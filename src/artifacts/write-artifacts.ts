/**
 * What a failing trial leaves on disk, a folder a failure below `reports/runs`. A folder appears whole or not at all: it is
 * written beside its place and moved there. Nothing in it but the trace depends on the machine or the clock.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { junitXml } from '../../reports/ci/junit.ts'
import { renderHtml } from '../../reports/html/render-html.ts'
import { summaryMarkdown, terminalDigest } from '../../reports/text/terminal-digest.ts'
import { TrialError } from '../base/trial-error.ts'
import { formatHistory } from '../history/json-lines.ts'
import { PLAN_FORMAT } from '../plan/plan.ts'
import { buildId } from '../trial/build-id.ts'
import type { PlanFile } from '../trial/plan-file.ts'
import { PLAN_FILE, type TracedRun } from './failure-report.ts'
import { traceLines } from './trace-lines.ts'

export const DEFAULT_OUT = 'reports/runs'
const KEEP_RUNS = 100
const KEEP_BYTES = 1_000_000_000
const KEEP_MS = 30 * 24 * 3_600_000

export function planFileOf({ plan, result }: Pick<TracedRun, 'plan' | 'result'>): PlanFile {
  return { format: PLAN_FORMAT, build: buildId(), plan, digests: result.digests, checkpoints: result.checkpoints }
}

export const toJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

/** Writes a file so that it is there whole or not at all. @throws TrialError('usage') when the path cannot be written */
export function writeWhole(path: string, content: string | Uint8Array): void {
  const draft = `${path}.${process.pid}.tmp`
  try {
    writeFileSync(draft, content)
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw new TrialError('usage', `cannot write '${path}': ${reasonOf(error)}`, 'give the path of a file in a folder that exists and can be written')
  }
}

export function reasonOf(error: unknown): string {
  const code = (error as { readonly code?: unknown }).code
  return typeof code === 'string' ? code : error instanceof Error ? error.message : String(error)
}

/** Makes sure that results can be written before time is spent on them. @throws TrialError('usage') */
export function prepareOut(out: string): void {
  try {
    makeFolders(resolve(out))
  } catch (error) {
    throw new TrialError('usage', `cannot write to '${out}': ${reasonOf(error)}`, 'give a folder that can be written')
  }
}

/** As `mkdir -p`. Node's own never returns where a folder that exists cannot hold another, as below /proc. */
function makeFolders(folder: string): void {
  const parent = dirname(folder)
  if (!existsSync(parent)) makeFolders(parent)
  try {
    mkdirSync(folder)
  } catch (error) {
    if (!existsSync(folder) || !statSync(folder).isDirectory()) throw error
  }
}

/** Writes the folder of a run; returns the path of its report. @throws TrialError('usage') */
export function writeArtifacts(run: TracedRun, out: string, options: { readonly trace: boolean }): string {
  const name = run.token ?? `seed-${run.plan.seed}`
  prepareOut(out)
  const folder = join(out, name)
  const report = join(folder, 'report.html')
  const draft = join(out, `.${name}.${process.pid}.tmp`)
  const { model, result, finding } = run
  const files: Record<string, string | Uint8Array> = {
    'report.html': renderHtml(model),
    'verdict.json': toJson({ verdict: result.verdict, anomaly: finding?.anomaly ?? null, token: run.token ?? null, finding: finding ?? null, findings: result.findings, owed: result.owed, digests: result.digests, marks: result.marks, faults: result.faults }),
    'history.jsonl': [...formatHistory(result.history)].join(''),
    'plan.json': toJson(run.plan),
    [PLAN_FILE]: toJson(planFileOf(run)),
    'report.json': toJson(model),
    'summary.md': summaryMarkdown(model),
    'junit.xml': junitXml('kafka-trial', [{ name: `${run.plan.workload} seed ${run.plan.seed}`, ...(finding === undefined ? {} : { failure: { message: finding.title, text: terminalDigest(model, report) } }) }]),
    ...(options.trace ? { 'trace.jsonl.gz': gzipSync(`${[...traceLines(run.trace)].join('\n')}\n`, { level: 6 }) } : {}),
  }
  try {
    mkdirSync(draft, { recursive: true })
    for (const [file, content] of Object.entries(files)) writeFileSync(join(draft, file), content)
    rmSync(folder, { recursive: true, force: true })
    renameSync(draft, folder)
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    throw new TrialError('usage', `cannot write '${folder}': ${reasonOf(error)}`, 'give a folder that can be written')
  }
  writeWhole(join(out, 'latest'), `${name}\n`)
  return report
}

/** Deletes the oldest runs beyond 100 runs, 1 GB or 30 days. `now` in milliseconds. */
export function pruneRuns(out: string, now: number): void {
  if (!existsSync(out)) return
  const runs = readdirSync(out, { withFileTypes: true }).filter(entry => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => {
    const folder = join(out, name)
    const bytes = readdirSync(folder, { withFileTypes: true }).reduce((sum, file) => (file.isFile() ? sum + statSync(join(folder, file.name)).size : sum), 0)
    return { folder, bytes, at: statSync(folder).mtimeMs }
  }).sort((a, b) => b.at - a.at)
  let bytes = 0
  runs.forEach((run, index) => {
    bytes += run.bytes
    if (index > 0 && (index >= KEEP_RUNS || bytes > KEEP_BYTES || now - run.at > KEEP_MS)) rmSync(run.folder, { recursive: true, force: true })
  })
}
