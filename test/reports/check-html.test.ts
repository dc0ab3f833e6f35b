/**
 * The page of `trial check --report`: a timeline in which the bars of a process do not overlap and the order runs forward, a
 * cycle with every arrow, no script, nothing from outside, everything escaped, the same bytes every time.
 */
import { describe, expect, it } from 'vitest'
import type { CheckResult, Finding } from '../../checkers/contract.ts'
import { checkPage, cycleOf, timelineOf } from '../../reports/check-page.ts'
import { checkHtml } from '../../reports/html/check-html.ts'
import { h } from '../checkers/collections/recorded-history.ts'

const HISTORY = h('1 write 1 ok', '2 write 2 invoke', '3 read invoke', '4 write 3 info', '2 write 2 ok', '3 read 2 ok', '1 cas [9,5] fail', '5 read invoke', '1 write 4 ok', '5 read 1 ok', '1 read 4 ok')
const READ = HISTORY.findIndex(({ process, type }) => process === 5 && type === 'invoke')
const COUNTEREXAMPLE = counterexample({ key: null, impossible: { index: READ }, why: 'Nobody can have read 1 any more.', against: [{ index: 2 }], prefix: { length: 3, end: [0, 2, 3] }, states: ['4', '<script>alert(1)</script>'] })
function counterexample(evidence: Finding['evidence']): Finding {
  return { anomaly: 'nonlinearizable', checker: 'linearizable', status: 'bad', guarantee: null, title: '', steps: [], contradiction: '', evidence }
}
const EVIL = '</text><script>alert(1)</script>'

const CYCLE: Finding = {
  anomaly: 'reorder', checker: 'x', status: 'bad', guarantee: null, title: 'Three transactions each come before the next.', contradiction: 'T1 < T1.', steps: [{ text: 'T1 < T2' }],
  evidence: {
    transactions: ['T1', 'T2', 'T3'].map((name, at) => ({ name, process: at, invoked: at * 2, value: [['append', 'x', at], ['r', EVIL, [1, 2]]] })),
    steps: [{ from: 'T1', to: 'T2', type: 'ww', because: 'a' }, { from: 'T2', to: 'T3', type: 'wr', because: EVIL }, { from: 'T3', to: 'T1', type: 'rw', because: 'c' }],
  },
}
const RESULT: CheckResult = { checker: 'x', verdict: 'invalid', findings: [CYCLE, { ...CYCLE, evidence: { odd: EVIL } }], counts: { reorder: 2, [EVIL]: 1 }, bad: { reorder: 2 } }

function page(): string {
  const timelines = [timelineOf(HISTORY, COUNTEREXAMPLE)!]
  return checkHtml(checkPage({ file: `h${EVIL}.edn`, verdict: 'invalid', judged: 'model register', operations: HISTORY.length, notes: [EVIL], timelines }, [RESULT]))
}

describe('a timeline', () => {
  const timeline = timelineOf(HISTORY, COUNTEREXAMPLE)!

  it('has what is explained, in order, what is impossible, and what runs beside it', () => {
    expect(timeline.operations.map(({ index, role, order }) => [index, role, order])).toEqual([
      [0, 'prefix', 1], [2, 'against', 2], [3, 'prefix', 3], [4, 'open', null], [READ, 'impossible', null], [11, 'later', null],
    ])
    expect(timeline.operations.map(({ text }) => text)).toEqual(['write 1', 'write 2', 'read → 2', 'write 3', 'read → 1', 'write 4'])
    expect(timeline).toMatchObject({ explained: 3, omitted: 0, key: null })
  })

  it('leaves out what failed, and what is far away when there is too much', () => {
    const long = h(...Array.from({ length: 500 }, (_, at) => `1 write ${at} ok`), '2 read 7 ok')
    const drawn = timelineOf(long, counterexample({ key: 'k', impossible: { index: 1_000 }, why: '', against: [{ index: 14 }], prefix: { length: 500, end: Array.from({ length: 64 }, (_, at) => 872 + at * 2) }, states: [] }))!
    expect(drawn.operations).toHaveLength(24)
    expect(drawn.omitted).toBe(502 - 24)
    expect(drawn.operations.at(-2)!.order).toBe(500)
    expect(drawn.operations.map(({ index }) => index)).toEqual([14, ...Array.from({ length: 22 }, (_, at) => 956 + at * 2), 1_000])
  })

  it('draws the bars of a process one after the other', () => {
    const bars = [...page().matchAll(/<g class="bar \w+"><rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)"/g)].map(([, x, y, width]) => ({ y, from: Number(x), to: Number(x) + Number(width) }))
    expect(bars).toHaveLength(6)
    for (const y of new Set(bars.map(one => one.y))) {
      const lane = bars.filter(one => one.y === y)
      for (let i = 1; i < lane.length; i++) expect(lane[i]!.from).toBeGreaterThanOrEqual(lane[i - 1]!.to)
    }
  })

  it('puts the points of the order from left to right, each on its bar', () => {
    const points = [...page().matchAll(/<g class="point"><circle cx="([\d.]+)"/g)].map(([, x]) => Number(x))
    expect(points).toHaveLength(3)
    expect(points).toEqual([...points].sort((a, b) => a - b))
  })
})

describe('the page', () => {
  it('shows the cycle with every transaction and arrow, and other findings in words', () => {
    const html = page()
    expect(html.match(/<g class="transaction">/g)).toHaveLength(3)
    for (const type of ['ww', 'wr', 'rw']) expect(html).toContain(`<g class="edge ${type}">`)
    expect(html).toContain('T1 &lt; T2 (<code>ww</code>), because a.')
    expect(html).toContain('&quot;odd&quot;')
    expect(cycleOf({ ...CYCLE, evidence: { transactions: 3, steps: [] } })).toBeUndefined()
    expect(cycleOf({ ...CYCLE, evidence: null })).toBeUndefined()
  })

  it('draws cycles of any length', () => {
    for (const length of [2, 3, 12, 40]) {
      const names = Array.from({ length }, (_, at) => `T${at + 1}`)
      const evidence = { transactions: names.map((name, at) => ({ name, process: at, invoked: at, value: [] })), steps: names.map((name, at) => ({ from: name, to: names[(at + 1) % length]!, type: 'rw', because: 'x' })) }
      const html = checkHtml(checkPage({ file: 'f', verdict: 'invalid', judged: '', operations: 1, notes: [], timelines: [] }, [{ ...RESULT, findings: [{ ...CYCLE, evidence }] }]))
      expect(html.match(/<g class="transaction">/g)).toHaveLength(Math.min(12, length))
      expect(html).not.toMatch(/NaN|Infinity|undefined/)
    }
  })

  it('has no script, asks for nothing, and escapes whatever a history contains', () => {
    const html = page()
    expect(html).not.toMatch(/<script|<img|<iframe|javascript:|<link| on\w+=/i)
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(html).toMatch(/Content-Security-Policy" content="default-src 'none'; style-src 'sha256-[^']+'"/)
    expect(html).not.toMatch(/NaN|undefined/)
    expect(page()).toBe(html)
  })
})
