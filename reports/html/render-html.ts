/**
 * The HTML report: one offline file, static text and SVG, no script at all, so that it survives mail previews, strict
 * content policies and `lynx`. Byte-identical for the same model.
 */
import { createHash } from 'node:crypto'
import { formatTime } from '../../src/base/time.ts'
import type { ReportModel } from '../report-model.ts'
import { escapeHtml, link } from './escape.ts'
import { partitionLogHtml } from './partition-log-html.ts'
import { spaceTimeSvg } from './space-time-svg.ts'
import { REPORT_CSS } from './style.ts'

function s1(model: ReportModel): string {
  const { verdict } = model
  const steps = verdict.whatHappened.map(step => `<li>${step.time === undefined ? '' : `<time>${formatTime(step.time)}</time> `}${escapeHtml(step.text)}</li>`).join('\n')
  const allowed = verdict.seenButAllowed.map(({ anomaly, count, status, note }) => `<li><code>${escapeHtml(anomaly)}</code> × ${count} (${status}) ${escapeHtml(note)}</li>`).join('')
  return `<section id="verdict"><h2>1. Verdict</h2>
<p class="lead"><span class="badge ${verdict.badge === 'VALID' ? 'good' : 'bad'}">${verdict.badge}</span> ${escapeHtml(verdict.whatBroke)}</p>
<dl class="six">
<dt>What Kafka promises</dt><dd>${verdict.promise === null ? 'No guarantee of this configuration is concerned.' : `${escapeHtml(verdict.promise.text)} (${link(verdict.promise.link, 'source')})`}</dd>
<dt>What happened</dt><dd><ol>${steps}</ol></dd>
<dt>Why that is impossible</dt><dd>${escapeHtml(verdict.whyImpossible)}</dd>
<dt>Which faults mattered</dt><dd>${escapeHtml(verdict.whichFaults)}</dd>
<dt>How sure are we</dt><dd><ul>${verdict.howSure.map(text => `<li>${escapeHtml(text)}</li>`).join('')}</ul></dd>
${allowed === '' ? '' : `<dt>Seen but allowed</dt><dd><ul>${allowed}</ul></dd>`}
</dl>
<details><summary>Evidence as data</summary><pre>${escapeHtml(JSON.stringify(verdict.evidence, null, 2))}</pre></details></section>`
}

function s2(model: ReportModel): string {
  const { reproduce } = model
  return `<section id="reproduce"><h2>2. Reproduce</h2>
<pre>${escapeHtml(reproduce.command)}</pre>
<table><tr><th scope="row">token</th><td><code>${reproduce.token === null ? 'too long for a token: use the file beside this report' : escapeHtml(reproduce.token)}</code></td></tr>
<tr><th scope="row">build</th><td><code>${escapeHtml(reproduce.build)}</code></td></tr>
<tr><th scope="row">event digest</th><td><code>${escapeHtml(reproduce.eventDigest)}</code></td></tr>
<tr><th scope="row">history digest</th><td><code>${escapeHtml(reproduce.historyDigest)}</code></td></tr>
<tr><th scope="row">workload, seed</th><td><code>${escapeHtml(`${model.workload}, ${model.seed}`)}</code></td></tr></table>
<p>Pin it as a regression test:</p><pre>${escapeHtml(reproduce.vitest)}</pre></section>`
}

function s3(model: ReportModel): string {
  const { story } = model
  const rows = story.sizes.map(({ what, before, after }) => `<tr><th scope="row">${escapeHtml(what)}</th><td>${escapeHtml(before)}</td><td>${escapeHtml(after)}</td></tr>`).join('')
  const remaining = story.remaining.map(({ text, kind, without }) =>
    `<tr><td>${escapeHtml(kind)}</td><td>${escapeHtml(text)}</td><td class="${without === 'passes' ? 'passes' : 'still'}">${without}</td></tr>`).join('\n')
  return `<section id="story"><h2>3. Minimal story</h2>
<table><tr><td></td><th scope="col">before</th><th scope="col">after</th></tr>${rows}</table>
<p>${story.executions} executions${story.cutShort ? '; cut short by its budget, so it may not be minimal' : '; nothing more can be removed'}.</p>
<table><tr><th scope="col">kind</th><th scope="col">what remains</th><th scope="col">without it</th></tr>${remaining}</table></section>`
}

function diagram(model: ReportModel): string {
  return `<section id="space-time"><h2>4. Space-time</h2>
<p>Hosts are columns, time runs downward (compressed where nothing happens). Solid: delivered; dashed with a hollow head: late; ending in ×: never arrived. Hatched: down; dotted: paused; tinted: cut off, slow or skewed. ★ leader, ◆ ISR change, ✂ truncation, ⚡ fault, ✖ crash. ${escapeHtml(model.diagram.omitted)}</p>
<div class="scroll" tabindex="0" role="region" aria-label="Space-time diagram">${spaceTimeSvg(model.diagram)}</div></section>`
}

function operations(model: ReportModel): string {
  const rows = model.operations.map(row =>
    `<tr><td>${row.index}</td><td><time>${formatTime(row.time)}</time></td><td>${escapeHtml(row.node)}</td><td>${escapeHtml(row.process)}</td><td>${escapeHtml(row.type)}</td><td>${escapeHtml(row.f)}</td><td class="mono">${escapeHtml(row.value)}</td></tr>`).join('\n')
  return `<section id="operations"><h2>6. Operations</h2><p>${model.operationsOmitted === 0 ? 'The whole history but empty polls.' : `${model.operationsOmitted} operations omitted (empty polls and those far from the anomaly).`}</p>
<div class="scroll" tabindex="0" role="region" aria-label="Operations"><table><tr><th scope="col">#</th><th scope="col">time</th><th scope="col">node</th><th scope="col">process</th><th scope="col">type</th><th scope="col">f</th><th scope="col">value</th></tr>${rows}</table></div></section>`
}

function environment(model: ReportModel): string {
  return `<section id="environment"><h2>7. Environment and coverage</h2><div class="columns">
<table><caption>Plan</caption>${model.environment.map(([name, value]) => `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`).join('')}</table>
<table><caption>Marks reached</caption>${model.marks.map(([mark, count]) => `<tr><th scope="row">${escapeHtml(mark)}</th><td>${count}</td></tr>`).join('')}</table></div>
<p>Guarantees enforced: ${escapeHtml(model.guarantees.join(', ') || 'none')}. Checkers: ${escapeHtml(model.checkers.join(', '))}. Report schema ${model.schema}.</p></section>`
}

export function renderHtml(model: ReportModel): string {
  const hash = createHash('sha256').update(REPORT_CSS).digest('base64')
  const { verdict, reproduce } = model
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${hash}'; img-src data:">
<title>${escapeHtml(`${verdict.anomaly}: ${verdict.whatBroke}`)}</title>
<style>${REPORT_CSS}</style></head>
<body><header><strong>Kafka Trial</strong><span class="badge ${verdict.badge === 'VALID' || verdict.isAllowed ? 'good' : 'bad'}">${verdict.isAllowed ? 'allowed' : verdict.badge === 'VALID' ? 'valid' : verdict.badge === 'UNKNOWN' ? 'unknown' : 'invalid'}</span><span>${escapeHtml(verdict.anomaly)}</span><span>${escapeHtml(model.workload)}</span><code>${escapeHtml(reproduce.token ?? '')}</code></header>
<main><nav aria-label="Sections"><a href="#verdict">1 Verdict</a><a href="#reproduce">2 Reproduce</a><a href="#story">3 Minimal story</a><a href="#space-time">4 Space-time</a><a href="#logs">5 Partition logs</a><a href="#operations">6 Operations</a><a href="#environment">7 Environment</a></nav>
${s1(model)}
${s2(model)}
${s3(model)}
${diagram(model)}
<section id="logs"><h2>5. Partition logs</h2><p>A lane a replica, a cell a batch: its offsets and leader epoch. Struck through: truncated. Hover for producer, sequence and content.</p>${model.partitions.map(partitionLogHtml).join('\n')}</section>
${operations(model)}
${environment(model)}
</main></body></html>
`
}
