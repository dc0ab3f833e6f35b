/**
 * `npm run bench:checkers`: prints JSON, a row a case. Each case is read and checked in cold processes of its own (three,
 * and the median stands), from a file that another process wrote.
 *
 *   --only TEXT      cases whose name contains it
 *   --repeats N      cold processes a case
 *   --list           names only
 *
 * Ends with 1 when a verdict is not the expected one. A missed aim is shown, not failed: machines differ.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Case } from './case.ts'
import { ISOLATION_CASES } from './isolation-cases.ts'
import { LINEARIZABILITY_CASES } from './linearizability-cases.ts'
import { type Measured, measureCase, writeCase } from './measure-case.ts'

const CASES: readonly Case[] = [...LINEARIZABILITY_CASES, ...ISOLATION_CASES]

interface Row {
  readonly name: string
  readonly operations: number
  readonly medianMs: number
  readonly cpuMs: number
  readonly parseMs: number
  readonly peakMemoryMB: number
  readonly verdict: string
  readonly detail?: Measured['detail']
  readonly aim?: Case['aim']
  readonly missed?: readonly string[]
}

const round = (value: number): number => Number(value.toFixed(value < 10 ? 2 : 1))
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

function inOwnProcess(...words: readonly string[]): string {
  return execFileSync(process.execPath, [fileURLToPath(import.meta.url), ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 26 })
}

function rowOf(one: Case, repeats: number): Row {
  const folder = mkdtempSync(join(tmpdir(), 'bench-checkers-'))
  try {
    const path = join(folder, 'history.jsonl')
    inOwnProcess('--write', one.name, path)
    const runs = Array.from({ length: repeats }, () => JSON.parse(inOwnProcess('--measure', one.name, path)) as Measured)
    const [first] = runs
    const medianMs = median(runs.map(run => run.checkMs))
    const parseMs = median(runs.map(run => run.parseMs))
    const peakMemoryMB = median(runs.map(run => run.peakMemoryMB))
    const { aim } = one
    const missed = [
      ...(aim?.medianMs !== undefined && medianMs > aim.medianMs ? ['medianMs'] : []),
      ...(aim?.endToEndMs !== undefined && medianMs + parseMs > aim.endToEndMs ? ['endToEndMs'] : []),
      ...(aim?.peakMemoryMB !== undefined && peakMemoryMB > aim.peakMemoryMB ? ['peakMemoryMB'] : []),
    ]
    return {
      name: one.name, operations: one.operations, medianMs: round(medianMs), cpuMs: round(median(runs.map(run => run.cpuMs))), parseMs: round(parseMs), peakMemoryMB, verdict: first!.verdict,
      ...(first!.detail === undefined ? {} : { detail: first!.detail }),
      ...(aim === undefined ? {} : { aim }), ...(missed.length === 0 ? {} : { missed }),
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Per series: time at each size, and how many times the time grows between neighbours. */
function growthOf(cases: readonly Case[], rows: readonly Row[]): { [series: string]: unknown } {
  const growth: { [series: string]: unknown } = {}
  for (const name of new Set(cases.flatMap(({ series }) => series?.name ?? []))) {
    const points = cases.flatMap((one, i) => (one.series?.name === name ? [{ at: one.series.at, medianMs: rows[i]!.medianMs }] : []))
    const by = cases.find(({ series }) => series?.name === name)!.series!.by
    growth[name] = { by, points, factors: points.slice(1).map(({ medianMs }, i) => round(medianMs / points[i]!.medianMs)) }
  }
  return growth
}

function ratiosOf(cases: readonly Case[], rows: readonly Row[]): { [name: string]: number } {
  return Object.fromEntries(cases.flatMap(({ name, comparedWith }, i) => {
    const other = cases.findIndex(one => one.name === comparedWith)
    return other === -1 ? [] : [[name, round(rows[i]!.medianMs / rows[other]!.medianMs)]]
  }))
}

function caseNamed(name: string): Case {
  const found = CASES.find(one => one.name === name)
  if (found === undefined) throw new Error(`there is no case ${name}`)
  return found
}

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string' }, repeats: { type: 'string', default: '3' }, list: { type: 'boolean' }, write: { type: 'string' }, measure: { type: 'string' } },
})

if (flags.write !== undefined) writeCase(caseNamed(flags.write), positionals[0]!)
else if (flags.measure !== undefined) console.log(JSON.stringify(measureCase(caseNamed(flags.measure), positionals[0]!)))
else if (flags.list === true) for (const { name } of CASES) console.log(name)
else {
  const cases = CASES.filter(({ name }) => name.includes(flags.only ?? ''))
  const rows: Row[] = []
  console.log('{"cases":[')
  for (const [i, one] of cases.entries()) {
    const row = rowOf(one, Number(flags.repeats))
    rows.push(row)
    console.log(`${JSON.stringify(row)}${i + 1 < cases.length ? ',' : ''}`)
    if (row.verdict !== one.expect) {
      console.error(`error: ${one.name} is ${one.expect}, and the checker said ${row.verdict}`)
      process.exitCode = 1
    }
  }
  console.log(`],"ratios":${JSON.stringify(ratiosOf(cases, rows))},"growth":{`)
  console.log(Object.entries(growthOf(cases, rows)).map(([name, growth]) => `${JSON.stringify(name)}:${JSON.stringify(growth)}`).join(',\n'))
  console.log('}}')
}
