/** `trial list THINGS`: what exists. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { ANOMALIES } from '../../../checkers/anomalies.ts'
import { CHECKER_GROUPS, CHECKERS } from '../../../checkers/index.ts'
import { DEFAULT_OUT } from '../../artifacts/write-artifacts.ts'
import { BUGGIFY_SITES } from '../../config/buggify.ts'
import { DEFECTS, MENDS } from '../../config/defects.ts'
import { FAULT_DESCRIPTIONS, FAULT_TESTS } from '../../nemesis/describe-fault.ts'
import { FAULT_FAMILIES, type FaultFamily } from '../../nemesis/fault.ts'
import { PROFILES } from '../../plan/generate-options.ts'
import { API_CATALOGUE } from '../../trial/api-catalogue.ts'
import { CORE_MARKS } from '../../trial/coverage.ts'
import { type CommonFlags, loadWorkloads, runAction, withCommonFlags } from '../command-context.ts'
import { ExitCode } from '../exit-code.ts'
import { REPORTERS } from '../reporters.ts'
import { oneOf } from '../suggest.ts'
import { markdownTable, type Row, table } from '../table.ts'

interface ListFlags extends CommonFlags {
  readonly json?: boolean
  readonly markdown?: boolean
  readonly out: string
}

const LISTS: Readonly<Record<string, (flags: ListFlags) => Promise<{ readonly columns: readonly string[]; readonly rows: readonly Row[] }>>> = {
  workloads: async flags => ({ columns: ['name', 'describes', 'checkers'], rows: (await loadWorkloads(flags)).workloads.map(({ name, describes, checkers }) => [name, describes, checkers.join(' ')]) }),
  faults: async () => ({
    columns: ['kind', 'family', 'test', 'describes'],
    rows: (Object.keys(FAULT_FAMILIES) as FaultFamily[]).flatMap(family => FAULT_FAMILIES[family].map((kind): Row => [kind, family, FAULT_TESTS[kind], FAULT_DESCRIPTIONS[kind]])),
  }),
  apis: async () => ({
    columns: ['key', 'name', 'versions', 'served by', 'exercised by'],
    rows: API_CATALOGUE.map(({ key, name, versions, servedBy, test }) => [key, name, versions, servedBy.join(' ') || '-', test ?? '-']),
  }),
  defects: async () => ({ columns: ['id', 'area', 'depth', 'oracle', 'fixed in', 'mechanism'], rows: DEFECTS.map(({ id, area, depth, oracle, fixedIn, mechanism }) => [id, area, depth, oracle, fixedIn, mechanism]) }),
  mends: async () => ({ columns: ['id', 'known behaviour of Kafka 4.3.1', 'link'], rows: MENDS.map(({ id, mechanism, link }) => [id, mechanism, link]) }),
  checkers: async () => ({ columns: ['name', 'kind', 'describes'], rows: [...CHECKERS.map(({ name, kind, describes }): Row => [name, kind, describes]), ...Object.entries(CHECKER_GROUPS).map(([name, members]): Row => [name, 'group', members.join(' ')])] }),
  anomalies: async () => ({ columns: ['id', 'checker', 'title'], rows: ANOMALIES.map(({ id, checker, title }) => [id, checker, title]) }),
  configurations: async () => ({ columns: ['name', 'pins'], rows: Object.entries(PROFILES).map(([name, pins]) => [name, JSON.stringify(pins)]) }),
  buggify: async () => ({ columns: ['site', 'describes'], rows: BUGGIFY_SITES.map(({ id, describes }) => [id, describes]) }),
  marks: async () => ({ columns: ['mark'], rows: CORE_MARKS.map(mark => [mark]) }),
  reporters: async () => ({ columns: ['name'], rows: REPORTERS.map(name => [name]) }),
  runs: async flags => ({ columns: ['run', 'anomaly', 'what broke'], rows: storedRuns(flags.out) }),
}

export function addListCommand(program: Command): void {
  withCommonFlags(program.command('list <things>').description(`what exists: ${Object.keys(LISTS).join(', ')}`))
    .option('--json', 'print JSON')
    .option('--markdown', 'print a Markdown table, as in the README')
    .option('--out <DIR>', 'where runs are kept', DEFAULT_OUT)
    .action((things: string, flags: ListFlags) => runAction(flags, async output => {
      const list = LISTS[oneOf('list', things, Object.keys(LISTS))]!
      const { columns, rows } = await list(flags)
      if (flags.json === true) output.line(JSON.stringify(rows.map(row => Object.fromEntries(columns.map((column, index) => [column, row[index]]))), null, 2))
      else for (const line of flags.markdown === true ? markdownTable(columns, rows) : table(columns, rows)) output.line(line)
      return ExitCode.Valid
    }))
}

function storedRuns(out: string): Row[] {
  if (!existsSync(out)) return []
  return readdirSync(out, { withFileTypes: true }).filter(entry => entry.isDirectory() && !entry.name.startsWith('.')).map((entry): Row => {
    try {
      const verdict = JSON.parse(readFileSync(join(out, entry.name, 'verdict.json'), 'utf8')) as { anomaly?: string | null; finding?: { title?: string } | null }
      return [entry.name, verdict.anomaly ?? 'valid', verdict.finding?.title ?? '']
    } catch {
      return [entry.name, '?', 'its verdict.json cannot be read']
    }
  })
}
