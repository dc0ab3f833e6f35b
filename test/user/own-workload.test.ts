/**
 * A user's own consumer, tested as the example in `examples/trial.config.ts` shows: right, at most once, at least once.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { careless, eager, ordersToDatabase } from '../../examples/trial.config.ts'
import { defineWorkload } from '../../src/index.ts'
import { replayToken, runTrials } from '../../src/vitest/index.ts'

const out = mkdtempSync(join(tmpdir(), 'kafka-trial-'))
afterAll(() => rmSync(out, { recursive: true, force: true }))

/** Short trials in which processes die often: that is what tells the three apart. */
const CRASHES = { seed: 'own', families: ['crash'], faultRate: 'high', chaosMs: 3_000 } as const

async function failureOf(run: Promise<unknown>): Promise<string> {
  return run.then(() => '', (error: Error) => error.message)
}

const tokenIn = (message: string): string => /trial replay (\S+)/.exec(message)?.[1] ?? ''

describe('a consumer that keeps its offsets in its own database', () => {
  it('is exactly once when result and offset are written in one transaction, on the seeds that catch the other two', async () => {
    const totals = await runTrials({ workload: ordersToDatabase, ...CRASHES, seeds: 45, out })
    // Kafka's own known duplicates reach no database twice here, but are counted by themselves.
    expect([totals.trials, totals.invalid, totals.unknown]).toEqual([45, 0, 0])
  })

  it('loses an order when the offset is written first; the message has the token and the report', async () => {
    const message = await failureOf(runTrials({ workload: careless, ...CRASHES, seeds: 200, shrinkBudget: 60, out }))
    expect(message).toMatch(/^FAIL lost-order/)
    expect(message).toMatch(/process crash of client-3/)
    const report = /report +(\S+)/.exec(message)?.[1] ?? ''
    expect(readFileSync(report, 'utf8')).toContain('lost-order')
    const token = tokenIn(message)
    const again = await replayToken(token, { expect: 'lost-order', workloads: [careless], out })
    expect(again.verdict).toBe('invalid')
    await expect(replayToken(token, { expect: 'valid', workloads: [careless], out })).rejects.toThrow(/expected valid\nFAIL lost-order/)
    await expect(replayToken(token, { expect: 'lost-order' })).rejects.toThrow(/workload/)
  })

  it('duplicates an order when the offset is written last', async () => {
    const message = await failureOf(runTrials({ workload: eager, ...CRASHES, seeds: 200, shrinkBudget: 0, out }))
    expect(message).toMatch(/^FAIL duplicate-order/)
  })
})

describe('what a workload of one\'s own may do', () => {
  const one = { seed: 'x', seeds: 1, shrinkBudget: 0, families: [], out } as const

  it('sends, reads and records by itself', async () => {
    const seen: string[] = []
    const workload = defineWorkload({
      name: 'echo',
      producers: 0,
      topics: [{ name: 'echo', partitions: 1 }],
      clients: {
        async echo(context) {
          const producer = context.producer()
          const sent = await producer.send({ topic: 'echo', key: 'k', value: 'hello', headers: { 'x': 'y' } })
          await producer.flush()
          const consumer = context.consumer()
          consumer.assign([{ topic: 'echo', partition: 0 }])
          consumer.seekToBeginning('echo', 0)
          const records = []
          while (records.length === 0) records.push(...await consumer.poll(50))
          seen.push(`${sent.offset} ${String(records[0]!.key)} ${String(records[0]!.value)} ${String(records[0]!.headers['x'])} ${await consumer.position('echo', 0)} ${(await consumer.endOffsets([{ topic: 'echo', partition: 0 }])).join()}`)
          context.record('note', 'done').ok('well')
          consumer.close()
          await producer.close()
        },
      },
      checkers: [],
      * check({ history }) {
        if (!history.some(({ f, type }) => f === 'note' && type === 'ok')) yield { anomaly: 'no-note', title: 'nothing was recorded' }
      },
    })
    const totals = await runTrials({ workload, ...one })
    expect(totals.valid).toBe(1)
    expect(seen).toEqual(['0 k hello y 1 1'])
  })

  it('is undecided, and says why, when a script waits for something outside the simulation', async () => {
    const workload = defineWorkload({ name: 'waits', clients: { waits: () => new Promise(() => {}) } })
    expect(await failureOf(runTrials({ workload, ...one }))).toMatch(/waits for something outside the simulation/)
  })

  it('fails when a script throws, and names the client, not Kafka', async () => {
    const workload = defineWorkload({ name: 'throws', clients: { throws: () => Promise.reject(new Error('a bug of mine')) } })
    expect(await failureOf(runTrials({ workload, ...one }))).toMatch(/client-error.*a bug of mine/)
  })

  it('allows what the definition allows', async () => {
    const definition = { name: 'allows', clients: { idle: async () => {} }, check: () => [{ anomaly: 'mine', title: 'always' }] }
    expect(await failureOf(runTrials({ workload: defineWorkload(definition), ...one, profile: 'acks-all-min-2' }))).toMatch(/^FAIL mine/)
    const totals = await runTrials({ workload: defineWorkload({ ...definition, allowed: ['mine'] }), ...one, profile: 'acks-all-min-2' })
    expect(totals.anomalies).toMatchObject({ 'mine:allowed': 1 })
  })

  it('refuses definitions that make no sense', () => {
    expect(() => defineWorkload({ name: 'Bad Name', clients: { a: async () => {} } })).toThrow(/not usable/)
    expect(() => defineWorkload({ name: 'none', clients: {} })).toThrow(/no clients/)
    expect(() => defineWorkload({ name: 'odd', records: [5, 2], clients: { a: async () => {} } })).toThrow(/records/)
  })

  it('fails a campaign that stays below a floor, and one of an unknown workload', async () => {
    await expect(runTrials({ workload: 'produce-consume', ...one, requireMarks: { 'isr-shrink': 1_000_000 } })).rejects.toThrow(/coverage floor missed: isr-shrink/)
    await expect(runTrials({ workload: 'nonsense', ...one })).rejects.toThrow(/no workload called 'nonsense'/)
  })
})
