/** `trial report RUN`: renders a stored report again, in another format. */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { junitXml } from '../../../reports/ci/junit.ts'
import { renderHtml } from '../../../reports/html/render-html.ts'
import { REPORT_SCHEMA, type ReportModel } from '../../../reports/report-model.ts'
import { summaryMarkdown, terminalDigest } from '../../../reports/text/terminal-digest.ts'
import { DEFAULT_OUT, reasonOf, toJson, writeWhole } from '../../artifacts/write-artifacts.ts'
import { TrialError } from '../../base/trial-error.ts'
import { type CommonFlags, runAction, withCommonFlags } from '../command-context.ts'
import { ExitCode } from '../exit-code.ts'
import { oneOf } from '../suggest.ts'

interface ReportFlags extends CommonFlags {
  readonly format: string
  readonly write?: string
}

const FORMATS = ['text', 'html', 'markdown', 'json', 'junit'] as const

export function addReportCommand(program: Command): void {
  withCommonFlags(program.command('report [run]').description('render a stored report again; default: the latest run'))
    .option('--format <FORMAT>', FORMATS.join(', '), 'text')
    .option('--write <FILE>', 'write to a file instead of standard output')
    .action((run: string | undefined, flags: ReportFlags) => runAction(flags, async output => {
      const format = oneOf('format', flags.format, FORMATS)
      const { model, folder } = readReport(run)
      const text = render(model, format, join(folder, 'report.html'))
      if (flags.write === undefined) output.line(text.trimEnd())
      else writeWhole(flags.write, text)
      return ExitCode.Valid
    }))
}

/** @throws TrialError('input') */
function readReport(run: string | undefined): { model: ReportModel; folder: string } {
  try {
    const folder = run === undefined ? join(DEFAULT_OUT, readFileSync(join(DEFAULT_OUT, 'latest'), 'utf8').trim()) : statSync(run).isDirectory() ? run : join(run, '..')
    const file = run !== undefined && !statSync(run).isDirectory() ? run : join(folder, 'report.json')
    const model = JSON.parse(readFileSync(file, 'utf8')) as Partial<ReportModel> | null
    if (model === null || typeof model !== 'object' || model.verdict === undefined || model.schema === undefined) throw new TrialError('input', `'${file}' holds no report`, 'give the folder of a run below reports/runs')
    if (model.schema !== REPORT_SCHEMA) throw new TrialError('input', `'${file}' has report schema ${model.schema}, this version reads ${REPORT_SCHEMA}`, 'make it again with `trial replay`')
    return { model: model as ReportModel, folder }
  } catch (error) {
    if (error instanceof TrialError) throw error
    throw new TrialError('input', `cannot read a report from '${run ?? DEFAULT_OUT}': ${reasonOf(error)}`, 'give the folder of a run below reports/runs')
  }
}

function render(model: ReportModel, format: (typeof FORMATS)[number], path: string): string {
  switch (format) {
    case 'text': return terminalDigest(model, path)
    case 'html': return renderHtml(model)
    case 'markdown': return summaryMarkdown(model)
    case 'json': return toJson(model)
    case 'junit': return junitXml('kafka-trial', [{ name: `${model.workload} seed ${model.seed}`, ...(model.verdict.badge === 'VALID' ? {} : { failure: { message: model.verdict.whatBroke, text: terminalDigest(model, path) } }) }])
  }
}
