/** A failure as the terminal shows it, and as a test's error message carries it. */
import type { ReportModel } from '../report-model.ts'

export function terminalDigest(model: ReportModel, reportPath: string): string {
  const { verdict, reproduce } = model
  return [
    `${verdict.isAllowed ? 'SEEN' : 'FAIL'} ${verdict.anomaly}  ${verdict.whatBroke}   workload ${model.workload}`,
    ...verdict.whatHappened.slice(0, 7).map((step, index) => `  ${index + 1}. ${step.text}`),
    `  why     ${verdict.whyImpossible}`,
    `  faults  ${verdict.whichFaults}`,
    `  repro   ${reproduce.command}`,
    `  report  ${reportPath}`,
  ].join('\n')
}

/** Markdown of S1, for job summaries. */
export function summaryMarkdown(model: ReportModel): string {
  const { verdict, reproduce } = model
  const quote = (text: string): string => text.replace(/[<>]/g, character => (character === '<' ? '&lt;' : '&gt;'))
  return [
    `## ${verdict.badge}: ${quote(verdict.anomaly)}`, '', `**${quote(verdict.whatBroke)}**`, '',
    verdict.promise === null ? '' : `What Kafka promises: ${quote(verdict.promise.text)} ([source](${verdict.promise.link}))`, '',
    ...verdict.whatHappened.map((step, index) => `${index + 1}. ${quote(step.text)}`), '',
    `Why that is impossible: ${quote(verdict.whyImpossible)}`, '', `Which faults mattered: ${quote(verdict.whichFaults)}`, '',
    '```', reproduce.command, '```', '',
  ].join('\n')
}
