/**
 * What a campaign prints at its end: coverage marks, a table of faults by what happened under them, what was seen but
 * allowed, and the totals.
 */
import { FAULT_KINDS } from '../nemesis/fault.ts'
import { CORE_MARKS, type MarkCounts } from '../trial/coverage.ts'
import { FAULT_EVENTS, firedMark, isFaultMark, underMark } from '../trial/fault-coverage.ts'
import type { Output } from './output.ts'
import type { CampaignOutcome } from './reporters.ts'
import { table } from './table.ts'

/** Prints what was reached, what was seen and how it ended. */
export function summarise({ totals, known, wallSeconds }: CampaignOutcome, output: Output): void {
  output.note()
  output.note('coverage:')
  const names = [...CORE_MARKS, ...Object.keys(totals.marks).filter(mark => !(CORE_MARKS as readonly string[]).includes(mark) && !isFaultMark(mark)).sort()]
  for (const mark of names) output.note(`  ${String(totals.marks[mark] ?? 0).padStart(8)}  ${mark}`)
  for (const line of faultTable(totals.marks)) output.note(line)
  const seen = Object.entries(totals.anomalies).filter(([name]) => !name.endsWith(':bad'))
  if (seen.length > 0) output.note('seen but not failed:')
  for (const [name, count] of seen) output.note(`  ${String(count).padStart(8)}  ${name.replace(':', ', ')}`)
  const mends = new Map(known.map(({ mend, link }) => [mend, link]))
  for (const [mend, link] of mends) output.line(`known: ${known.filter(one => one.mend === mend).length} findings by ${mend}, ${link}`)
  output.line(`${totals.trials} trials: ${totals.valid} valid, ${totals.invalid} invalid, ${totals.unknown} undecided, ${totals.known} known; ${(totals.virtualUs / 3.6e9).toFixed(3)} virtual hours in ${wallSeconds.toFixed(1)} s`)
}

/** A row a kind of fault that fired: how often, and what happened while it lasted. */
function faultTable(marks: MarkCounts): string[] {
  const kinds = FAULT_KINDS.filter(kind => (marks[firedMark(kind)] ?? 0) > 0)
  if (kinds.length === 0) return []
  const rows = kinds.map(kind => [kind, marks[firedMark(kind)] ?? 0, ...FAULT_EVENTS.map(event => marks[underMark(event, kind)] ?? 0)])
  return ['', ...table(['fault', 'fired', ...FAULT_EVENTS.map(event => `x ${event}`)], rows).map(line => `  ${line}`)]
}
