/**
 * The page of `trial check --report`: one offline file without a script, everything in it escaped. Byte-identical for the
 * same history.
 */
import { createHash } from 'node:crypto'
import { findAnomaly } from '../../checkers/anomalies.ts'
import type { Finding } from '../../checkers/contract.ts'
import type { CheckPage, CyclePicture, Timeline } from '../check-page.ts'
import { cycleSvg } from './cycle-svg.ts'
import { escapeHtml, link } from './escape.ts'
import { REPORT_CSS } from './style.ts'
import { timelineSvg } from './timeline-svg.ts'

const CSS = `${REPORT_CSS}
.picture { overflow:auto; border:1px solid var(--line); border-radius:.4rem; padding:.5rem } .picture svg { display:block }
.legend { display:flex; flex-wrap:wrap; gap:.25rem 1.25rem; color:var(--soft); font-size:.9em; margin:.5rem 0 }
svg .lane { stroke:var(--line); stroke-width:1 } svg .bar rect { fill:var(--panel); stroke:var(--soft); stroke-width:1.2 } svg .bar text { font-size:11.5px; font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace }
svg .bar.prefix rect { stroke:var(--blue) } svg .bar.open rect { stroke-dasharray:5 4 } svg .bar.against rect { stroke:var(--orange); stroke-width:2.5 } svg .bar.impossible rect { stroke:var(--bad); stroke-width:2.5 } svg .bar.impossible rect.wrong { fill:url(#wrong) } svg .bar.impossible text { fill:var(--bad); font-weight:700 } svg .bar.later rect { stroke:var(--line) }
svg #wrong .hatch { stroke:var(--bad); stroke-width:1.5; stroke-opacity:.55 } svg .point circle { fill:var(--bg); stroke:var(--blue); stroke-width:1.5 } svg .point text { font-size:10px } svg .order { fill:none; stroke:var(--blue); stroke-width:1.2; stroke-dasharray:2 3 }
svg .transaction rect { fill:var(--panel); stroke:var(--soft); stroke-width:1.2 } svg .micro { font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace; font-size:11px }
svg .edge path { fill:none; stroke:var(--blue); stroke-width:1.8 } svg .edge.rw path { stroke:var(--bad); stroke-dasharray:7 4 } svg .edge.ww path { stroke:var(--good) } svg .edge.realtime path, svg .edge.process path { stroke:var(--soft); stroke-dasharray:2 4 } svg .head { fill:var(--fg) } svg .plate { fill:var(--bg); stroke:var(--line) }
`

function timelineSection(timeline: Timeline, nth: number): string {
  const { key, impossible, why, states, explained, omitted, operations } = timeline
  const ordered = operations.filter(({ order }) => order !== null).sort((a, b) => a.order! - b.order!).slice(-20)
  return `<section class="timeline"><h2>${nth}. ${key === null ? 'The history' : `Key ${escapeHtml(key)}`} cannot be put in order</h2>
<p class="lead">${escapeHtml(impossible.text)} of process ${escapeHtml(String(impossible.process))} (operation ${impossible.index}) is impossible.</p>
<p>${escapeHtml(why)}</p>
<div class="picture" tabindex="0" role="region" aria-label="Timeline">${timelineSvg(timeline)}</div>
<p class="legend"><span>① … explained, in this order</span><span>✗ impossible</span><span>! contradicts it</span><span>? dashed: outcome unknown, may take effect at any later time</span>${omitted > 0 ? `<span>${omitted} operations further away are not drawn</span>` : ''}</p>
<div class="columns"><div><h3>An order of what can be explained</h3>${explained === null ? '<p>None was looked for: the reason above suffices.</p>' : `<p>${explained} operations; the last of those drawn:</p><ol class="plain">${ordered.map(one => `<li><span class="mono">${one.order}. ${escapeHtml(one.text)}</span> (process ${escapeHtml(String(one.process))}, operation ${one.index})</li>`).join('')}</ol>`}</div>
<div><h3>States in which it was tried</h3>${states.length === 0 ? '<p>None.</p>' : `<ul>${states.slice(0, 20).map(state => `<li class="mono">${escapeHtml(state)}</li>`).join('')}</ul>${states.length > 20 ? `<p>and ${states.length - 20} more</p>` : ''}`}</div></div></section>`
}

function cycleSection(cycle: CyclePicture, nth: number): string {
  return `<section class="cycle"><h2>${nth}. ${escapeHtml(cycle.anomaly)}: ${escapeHtml(findAnomaly(cycle.anomaly)?.title ?? 'a cycle')}</h2>
<p class="lead">${escapeHtml(cycle.title)}</p>
<div class="picture" tabindex="0" role="region" aria-label="Cycle">${cycleSvg(cycle)}</div>
<p class="legend"><span>ww: the next version</span><span>wr: read what was written</span><span>rw dashed: overwrote what was read</span><span>process, realtime dotted: one ended before the other began</span>${cycle.omitted > 0 ? `<span>${cycle.omitted} more transactions are not drawn</span>` : ''}</p>
<h3>Transactions</h3><table>${cycle.transactions.map(({ heading, text }) => `<tr><th scope="row">${escapeHtml(heading)}</th><td class="mono">${escapeHtml(text)}</td></tr>`).join('')}</table>
<h3>Why each precedes the next</h3><ol>${cycle.edges.map(({ from, to, type, because }) => `<li>${escapeHtml(from)} &lt; ${escapeHtml(to)} (<code>${escapeHtml(type)}</code>), because ${escapeHtml(because)}.</li>`).join('')}</ol>
<p class="alert" role="note">${escapeHtml(cycle.contradiction)}</p></section>`
}

function findingSection(finding: Finding, nth: number): string {
  const anomaly = findAnomaly(finding.anomaly)
  return `<section class="finding"><h2>${nth}. ${escapeHtml(finding.anomaly)}: ${escapeHtml(anomaly?.title ?? '')}</h2>
<p class="lead">${escapeHtml(finding.title)}${finding.status === 'bad' ? '' : ' (allowed)'}</p>
<ol>${finding.steps.map(({ text, operation }) => `<li>${escapeHtml(text)}${operation === undefined ? '' : ` <small>operation ${operation}</small>`}</li>`).join('')}</ol>
<p class="alert" role="note">${escapeHtml(finding.contradiction)}</p>
${anomaly === undefined ? '' : `<p>${escapeHtml(anomaly.definition)}${anomaly.link === undefined ? '' : ` (${link(anomaly.link, 'source')})`} A false alarm would be: ${escapeHtml(anomaly.falseAlarm)}</p>`}
<details><summary>Evidence as data</summary><pre>${escapeHtml(JSON.stringify(finding.evidence, null, 2))}</pre></details></section>`
}

export function checkHtml(page: CheckPage): string {
  const hash = createHash('sha256').update(CSS).digest('base64')
  let nth = 0
  const sections = [...page.timelines.map(one => timelineSection(one, ++nth)), ...page.cycles.map(one => cycleSection(one, ++nth)), ...page.findings.map(one => findingSection(one, ++nth))]
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${hash}'">
<title>${escapeHtml(`${page.verdict}: ${page.file}`)}</title>
<style>${CSS}</style></head>
<body><header><strong>Kafka Trial</strong><span class="badge ${page.verdict === 'valid' ? 'good' : 'bad'}">${page.verdict}</span><span>${escapeHtml(page.file)}</span><span>${escapeHtml(page.judged)}</span><span>${page.operations} operations</span></header>
<main>${page.notes.map(note => `<p class="alert" role="note">${escapeHtml(note)}</p>`).join('\n')}
${page.counts.length === 0 ? '' : `<h2>What was seen</h2><table><tr><th scope="col">anomaly</th><th scope="col">count</th><th scope="col"></th></tr>${page.counts.map(({ anomaly, count, bad }) => `<tr><td><code>${escapeHtml(anomaly)}</code></td><td>${count}</td><td>${bad ? 'violation' : 'allowed'}</td></tr>`).join('')}</table>`}
${sections.join('\n')}
${sections.length > 0 ? '' : `<p class="lead">${page.verdict === 'valid' ? 'Nothing was found.' : 'Nothing was decided.'}</p>`}
</main></body></html>
`
}
