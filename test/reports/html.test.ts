/**
 * The HTML report stands alone: no script, no request, well-formed, every text escaped wherever it comes from, and the
 * same bytes for the same model.
 */
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { campaignHtml } from '../../reports/html/campaign-html.ts'
import { escapeHtml, link } from '../../reports/html/escape.ts'
import { renderHtml } from '../../reports/html/render-html.ts'
import type { ReportModel } from '../../reports/report-model.ts'
import { failingTrial } from './failing-trial.ts'
import { evilModel, model } from './model.ts'
import { problemsOfMarkup, tagsOf } from './well-formed.ts'

const VOID = ['meta', 'img', 'br', 'link', 'input', 'hr']

/** What a browser would fetch or run. */
function reaches(html: string): string[] {
  const found: string[] = []
  for (const { name, attributes } of tagsOf(html)) {
    if (['script', 'iframe', 'object', 'embed', 'link', 'base', 'img', 'form', 'image', 'use', 'foreignObject', 'audio', 'video'].includes(name)) found.push(name)
    for (const [attribute, value] of attributes) {
      if (attribute.startsWith('on')) found.push(`${name} ${attribute}`)
      if (['src', 'srcset', 'action', 'background', 'poster', 'data', 'xlink:href', 'style'].includes(attribute)) found.push(`${name} ${attribute}`)
      if (attribute === 'href' && !(name === 'a' && /^(#|https:\/\/)/.test(value))) found.push(`${name} href=${value}`)
    }
  }
  const css = /<style>([\s\S]*?)<\/style>/.exec(html)![1]!
  return [...found, ...[...css.matchAll(/@import|url\((?!#)[^)]*\)/g)].map(([text]) => text)]
}

function expectSelfContained(html: string): void {
  expect(html).toMatch(/^<!doctype html>\n/)
  expect(reaches(html)).toEqual([])
  expect(problemsOfMarkup(html.replace(/^<!doctype html>/, '').replace(/<style>[\s\S]*?<\/style>/, ''), VOID)).toEqual([])
  const css = /<style>([\s\S]*?)<\/style>/.exec(html)![1]!
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)![1]!
  expect(policy).toContain("default-src 'none'")
  expect(policy).toContain(`style-src 'sha256-${createHash('sha256').update(css).digest('base64')}'`)
}

describe('the report', () => {
  it('of a real failure is self-contained', async () => {
    const { run } = await failingTrial()
    const html = renderHtml(run.model)
    expectSelfContained(html)
    expect(html.length).toBeLessThan(5_000_000)
    expect(html).toContain(escapeHtml(run.model.verdict.whatBroke))
    expect(html).toContain(run.token!)
    for (const section of ['verdict', 'reproduce', 'story', 'space-time', 'logs', 'operations', 'environment']) expect(html).toContain(`<section id="${section}">`)
  })

  it('shows what the model holds', () => {
    const html = renderHtml(model())
    expectSelfContained(html)
    for (const text of [
      'lost-write: Record 17 is gone.', 'client-1 sends 17', '1.500000s', 'It was acknowledged; however, it is gone.', 'One fault: crash of broker-1.', 'trial replay t2-ABC-12', 'The plan was run twice.',
      '<code>duplicate</code> × 2 (allowed) retries', 'href="https://kafka.apache.org/"', 'offset 1: broker-1 has content ff', '3 of 6 messages are not drawn.', '5 operations omitted', 'isr-shrink', 'durability', 'Produce reply', 'never arrived',
    ]) expect(html).toContain(text)
    // A lost message, a crash, a truncated batch differ by more than colour.
    expect(html).toMatch(/class="message lost".*[\s\S]*?×/)
    expect(html).toContain('✖')
    expect(html).toMatch(/class="cell epoch1 ghost control divergent"/)
  })

  it('is the same bytes for the same model', () => {
    expect(renderHtml(structuredClone(model()))).toBe(renderHtml(model()))
  })

  it('escapes every text', () => {
    const evil = evilModel()
    const html = renderHtml(evil)
    expectSelfContained(html)
    expect(html).not.toContain('<script')
    expect(html).not.toContain('<img')
    for (const character of ['\u0000', '\u202e']) expect(html).not.toContain(character)
    // It is all there, to be read.
    expect(html.match(/&lt;script&gt;/g)!.length).toBeGreaterThan(50)
    // Nothing but the attacks has been added to the tags of the tame report.
    expect(tagsOf(html).map(({ name }) => name)).toEqual(tagsOf(renderHtml(model())).map(({ name }) => name))
  })

  it('of a history with a key named <script> shows the key', () => {
    const rows: ReportModel['operations'] = [{ index: 0, time: 0, node: 'client-1', process: '0', type: 'ok', f: 'send', value: JSON.stringify([['send', '<script>-0', [0, '</table>']]]) }]
    const html = renderHtml({ ...model(), operations: rows })
    expectSelfContained(html)
    expect(html).toContain('&lt;script&gt;-0')
    expect(html).not.toContain('<script>-0')
  })

  it('has a badge that says what it is', () => {
    const badge = (o: Partial<ReportModel['verdict']>): string => / class="badge [^"]*">([^<]*)</.exec(renderHtml({ ...model(), verdict: { ...model().verdict, ...o } }))![1]!
    expect([badge({}), badge({ isAllowed: true }), badge({ badge: 'VALID' }), badge({ badge: 'UNKNOWN' }), badge({ badge: 'LIVENESS' })]).toEqual(['invalid', 'allowed', 'valid', 'unknown', 'invalid'])
  })
})

describe('escaping', () => {
  it('leaves nothing that HTML or a reader could take for something else', () => {
    expect(escapeHtml(`<a href="x" id='y'>&amp;\u0000\u001b\u0085\u202e\u2066\ttab\n`)).toBe('&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;amp;\\u0000\\u001b\\u0085\\u202e\\u2066\ttab\n')
    expect(escapeHtml('λ – “ok” 🙂')).toBe('λ – “ok” 🙂')
  })

  it('makes links of web addresses only', () => {
    expect(link('https://a.b/?c="d"&e', '<t>')).toBe('<a href="https://a.b/?c=&quot;d&quot;&amp;e">&lt;t&gt;</a>')
    for (const url of ['javascript:alert(1)', 'data:text/html,x', ' https://a.b', '//a.b', 'file:///etc/passwd']) expect(link(url, 'text')).toBe('text')
  })
})

describe('the page of a campaign', () => {
  const page = (text: string) => campaignHtml({
    totals: { trials: 10, valid: 7, invalid: 2, unknown: 1, known: 4, marks: { [`${text}mark`]: 3 } },
    failures: ['a', 'b'].map(seed => ({ anomaly: `${text}lost-write`, title: `${text}gone`, workload: `${text}w`, seed: text + seed, command: `${text}trial replay t1`, report: null })),
    undecided: [{ seed: `${text}u`, workload: 'w', reason: `${text}budget` }],
    known: [{ anomaly: `${text}unseen`, mend: `${text}KAFKA-1`, link: 'https://issues.apache.org/jira/browse/KAFKA-1', seed: `${text}k`, workload: `${text}w` }],
    virtualSeconds: 7_200,
    baseSeed: `${text}base`,
    build: 'b',
  })

  it('clusters failures, is self-contained and escapes everything', () => {
    const tame = page('')
    expectSelfContained(tame)
    expect(tame).toContain('<td>2</td><td>lost-write</td>')
    expect(tame).toContain('7 valid, 2 invalid, 1 undecided, 4 with a known behaviour of Kafka; 2.00 virtual hours; base seed base')
    const evil = page('<script>"\'&')
    expectSelfContained(evil)
    expect(tagsOf(evil).map(({ name }) => name)).toEqual(tagsOf(tame).map(({ name }) => name))
  })
})

describe('the parser of these tests', () => {
  it('refuses what is not well-formed', () => {
    expect(problemsOfMarkup('<?xml version="1.0"?>\n<a b="c"><d/>x &amp; y</a>')).toEqual([])
    for (const bad of ['<a>', '</a>', '<a><b></a></b>', '<a b=c></a>', '<a>x & y</a>', '<a b="<"></a>x <', '<a b="&nbsp;"></a>', '<a b="1" b="2"></a>', '<a>\u0001</a>']) expect(problemsOfMarkup(bad), bad).not.toEqual([])
    expect(reaches('<style>a{background:url(https://x/)}</style><p onclick="x"><img src="y"><a href="javascript:1">')).toHaveLength(5)
  })
})
