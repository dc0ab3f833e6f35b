/** The other forms of a report: the lines of a terminal, Markdown, JUnit XML that any parser takes. */
import { describe, expect, it } from 'vitest'
import { junitXml } from '../../reports/ci/junit.ts'
import { summaryMarkdown, terminalDigest } from '../../reports/text/terminal-digest.ts'
import { failingTrial } from './failing-trial.ts'
import { evilModel, model } from './model.ts'
import { problemsOfMarkup, tagsOf } from './well-formed.ts'

describe('the terminal digest', () => {
  it('is a few lines: what broke, the story, why, faults, how to see it again', () => {
    expect(terminalDigest(model(), 'reports/runs/x/report.html').split('\n')).toEqual([
      'FAIL lost-write  Record 17 is gone.   workload produce-consume',
      '  1. client-1 sends 17',
      '  2. broker-1 dies',
      '  why     It was acknowledged; however, it is gone.',
      '  faults  One fault: crash of broker-1.',
      '  repro   trial replay t2-ABC-12',
      '  report  reports/runs/x/report.html',
    ])
  })

  it('shows a witness as seen, and seven steps at most', () => {
    const { verdict } = model()
    const whatHappened = Array.from({ length: 20 }, (_, index) => ({ text: `step ${index}` }))
    const lines = terminalDigest({ ...model(), verdict: { ...verdict, isAllowed: true, whatHappened } }, 'r').split('\n')
    expect(lines[0]).toMatch(/^SEEN lost-write/)
    expect(lines.filter(line => /^ {2}\d\. /.test(line))).toHaveLength(7)
  })

  it('of a real failure names its token and its anomaly', async () => {
    const { failure, run } = await failingTrial()
    const lines = terminalDigest(run.model, 'r').split('\n')
    expect(lines[0]).toContain(`FAIL ${failure.finding.anomaly}  ${failure.finding.title}`)
    expect(lines).toContain(`  repro   trial replay ${run.token}`)
    expect(lines.length).toBeLessThanOrEqual(12)
  })
})

describe('the Markdown summary', () => {
  it('holds the verdict and the command', () => {
    const text = summaryMarkdown(model())
    expect(text).toMatch(/^## SAFETY: lost-write\n\n\*\*Record 17 is gone\.\*\*/)
    expect(text).toContain('What Kafka promises: It is not lost. ([source](https://kafka.apache.org/))')
    expect(text).toContain('1. client-1 sends 17\n2. broker-1 dies')
    expect(text).toContain('```\ntrial replay t2-ABC-12\n```')
  })

  it('lets no text become HTML', () => {
    const [before, command] = summaryMarkdown(evilModel()).split('```')
    expect(before).not.toMatch(/<(script|img)/)
    expect(command).toContain('trial replay')
  })
})

describe('JUnit XML', () => {
  const cases = [
    { name: '7 trials without a violation' },
    { name: 'produce-consume seed a', failure: { message: 'lost-write: gone', text: 'FAIL lost-write\n  1. sent' } },
    { name: 'produce-consume seed b', skipped: 'a checker ran out of budget' },
  ]

  it('counts cases, failures and skips', () => {
    const xml = junitXml('kafka-trial', cases)
    expect(problemsOfMarkup(xml)).toEqual([])
    expect(tagsOf(xml).map(({ name, attributes }) => [name, Object.fromEntries(attributes)])).toEqual([
      ['testsuites', {}],
      ['testsuite', { name: 'kafka-trial', tests: '3', failures: '1', skipped: '1' }],
      ['testcase', { classname: 'kafka-trial', name: '7 trials without a violation' }],
      ['testcase', { classname: 'kafka-trial', name: 'produce-consume seed a' }],
      ['failure', { message: 'lost-write: gone' }],
      ['testcase', { classname: 'kafka-trial', name: 'produce-consume seed b' }],
      ['skipped', { message: 'a checker ran out of budget' }],
    ])
    expect(xml).toContain('>FAIL lost-write\n  1. sent</failure>')
  })

  it('stays well-formed whatever the texts hold', () => {
    const evil = '<script>"\'&]]>\u0000\u001b[31m\u000b\uffff</failure>'
    const xml = junitXml(evil, [{ name: evil, failure: { message: evil, text: evil } }, { name: evil, skipped: evil }])
    expect(problemsOfMarkup(xml)).toEqual([])
    expect(tagsOf(xml).map(({ name }) => name)).toEqual(['testsuites', 'testsuite', 'testcase', 'failure', 'testcase', 'skipped'])
    expect(xml).toContain('&lt;script&gt;&quot;&apos;&amp;]]&gt;??[31m??&lt;/failure&gt;')
  })

  it('holds no time, so that it is the same each time', () => {
    expect(junitXml('s', cases)).toBe(junitXml('s', cases))
    expect(junitXml('s', [])).toMatch(/tests="0" failures="0"/)
    expect(junitXml('s', cases)).not.toMatch(/time(stamp)?=/)
  })
})
