/** The page of a campaign: counts, and its failures clustered by anomaly and partition, a row a cluster. */
import { createHash } from 'node:crypto'
import { escapeHtml } from './escape.ts'
import { REPORT_CSS } from './style.ts'

export interface CampaignPage {
  readonly totals: { readonly trials: number; readonly valid: number; readonly invalid: number; readonly unknown: number; readonly known: number; readonly marks: { readonly [mark: string]: number } }
  readonly failures: readonly { readonly anomaly: string; readonly title: string; readonly workload: string; readonly seed: string; readonly command: string; readonly report: string | null }[]
  readonly undecided: readonly { readonly seed: string; readonly workload: string; readonly reason: string }[]
  readonly known: readonly { readonly anomaly: string; readonly mend: string; readonly link: string; readonly seed: string; readonly workload: string }[]
  readonly virtualSeconds: number
  readonly baseSeed: string
  readonly build: string
}

export function campaignHtml(page: CampaignPage): string {
  const hash = createHash('sha256').update(REPORT_CSS).digest('base64')
  const clusters = new Map<string, CampaignPage['failures'][number][]>()
  for (const failure of page.failures) {
    const key = `${failure.workload} ${failure.anomaly}`
    const cluster = clusters.get(key)
    if (cluster === undefined) clusters.set(key, [failure])
    else cluster.push(failure)
  }
  const rows = [...clusters.values()].sort((a, b) => b.length - a.length).map(cluster => {
    const [first] = cluster
    const name = escapeHtml(first!.anomaly)
    return `<tr><td>${cluster.length}</td><td>${first!.report === null ? name : `<a href="${escapeHtml(first!.report)}">${name}</a>`}</td><td>${escapeHtml(first!.workload)}</td><td>${escapeHtml(first!.title)}</td><td><code>${escapeHtml(first!.command)}</code></td><td>${cluster.map(({ seed }) => escapeHtml(seed)).join(', ')}</td></tr>`
  })
  const { totals } = page
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${hash}'">
<title>Kafka Trial: ${totals.trials} trials, ${totals.invalid} invalid</title>
<style>${REPORT_CSS}</style></head>
<body><header><strong>Kafka Trial</strong><span class="badge ${totals.invalid === 0 ? 'good' : 'bad'}">${totals.invalid === 0 ? 'valid' : 'invalid'}</span><span>${totals.trials} trials</span></header>
<main><h2>Campaign</h2><p>${totals.valid} valid, ${totals.invalid} invalid, ${totals.unknown} undecided, ${totals.known} with a known behaviour of Kafka; ${(page.virtualSeconds / 3600).toFixed(2)} virtual hours; base seed ${escapeHtml(page.baseSeed)}; build ${escapeHtml(page.build)}.</p>
${rows.length === 0 ? '' : `<h2>Failures</h2><div class="scroll" tabindex="0" role="region" aria-label="Failures"><table><tr><th scope="col">count</th><th scope="col">anomaly</th><th scope="col">workload</th><th scope="col">what broke</th><th scope="col">reproduce</th><th scope="col">seeds</th></tr>${rows.join('\n')}</table></div>`}
${page.undecided.length === 0 ? '' : `<h2>Undecided</h2><ul>${page.undecided.map(({ seed, workload, reason }) => `<li>${escapeHtml(workload)} seed ${escapeHtml(seed)}: ${escapeHtml(reason)}</li>`).join('')}</ul>`}
${page.known.length === 0 ? '' : `<h2>Known behaviours of Kafka</h2><ul>${page.known.map(({ seed, workload, anomaly, mend, link }) => `<li>${escapeHtml(workload)} seed ${escapeHtml(seed)}: ${escapeHtml(anomaly)} by <a href="${escapeHtml(link)}">${escapeHtml(mend)}</a></li>`).join('')}</ul>`}
<h2>Marks reached</h2><table>${Object.entries(totals.marks).map(([mark, count]) => `<tr><th scope="row">${escapeHtml(mark)}</th><td>${count}</td></tr>`).join('')}</table>
</main></body></html>
`
}
