/** A user's application on groups and transactions: copies records exactly once, in `async` code. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { KafkaError, TransactionError, defineWorkload } from '../../src/index.ts'
import { runTrials } from '../../src/vitest/index.ts'

const out = mkdtempSync(join(tmpdir(), 'kafka-trial-'))
afterAll(() => rmSync(out, { recursive: true, force: true }))
const one = { seed: 'x', seeds: 1, shrinkBudget: 0, families: [], out } as const

it('copies in transactions, commits with its group, and learns of rebalances, commits and zombies', async () => {
  const seen: string[] = []
  const workload = defineWorkload({
    name: 'copy',
    producers: 0,
    topics: [{ name: 'in', partitions: 2 }, { name: 'out', partitions: 1 }],
    clients: {
      async copier(context) {
        const feeder = context.producer()
        for (let i = 0; i < 6; i++) await feeder.send({ topic: 'in', partition: i % 2, value: `v${i}` })
        const consumer = context.consumer({ groupId: 'copiers', enableAutoCommit: false, autoOffsetReset: 'earliest', isolationLevel: 'read_committed' })
        consumer.subscribe(/i./, {
          async onPartitionsAssigned(partitions) {
            seen.push(`assigned ${partitions.length}`)
          },
          async onPartitionsRevoked(partitions) {
            await consumer.commit()
            seen.push(`revoked ${partitions.length}`)
          },
        })
        const producer = context.producer({ transactionalId: 'copier' })
        await producer.initTransactions()
        let copied = 0
        while (copied < 6) {
          const records = await consumer.poll(100)
          if (records.length === 0) continue
          producer.beginTransaction()
          for (const { value } of records) void producer.send({ topic: 'out', value: String(value) })
          await producer.sendOffsetsToTransaction(records.map(({ topic, partition, offset }) => ({ topic, partition, offset: offset + 1 })), consumer.groupMetadata())
          await producer.commitTransaction()
          copied += records.length
        }
        producer.beginTransaction()
        void producer.send({ topic: 'out', value: 'never' })
        await producer.abortTransaction()
        seen.push(`assignment ${consumer.assignment.length}`)
        const committed = await consumer.committed([{ topic: 'in', partition: 0 }, { topic: 'in', partition: 1 }, { topic: 'out', partition: 0 }])
        seen.push(`committed ${committed.map(each => each?.offset ?? 'none').join()}`)
        consumer.commitAsync([{ topic: 'in', partition: 0, offset: 2 }], error => {
          seen.push(`async ${error?.error ?? 'ok'}`)
        })
        await consumer.poll(200)
        const heir = context.producer({ transactionalId: 'copier' })
        await heir.initTransactions()
        producer.beginTransaction()
        const lost = await producer.send({ topic: 'out', value: 'zombie' }).catch((error: unknown) => (error instanceof KafkaError ? error.error : 'odd'))
        const end = await producer.commitTransaction().catch((error: unknown) => (error instanceof TransactionError ? `${error.error} ${error.remedy} ${error.definite}` : 'odd'))
        seen.push(`${String(lost)}, then ${end}`)
        await consumer.shutDown()
        await producer.close()
      },
    },
    checkers: [],
    * check({ log }) {
      const values = (log['out-0'] ?? []).map(({ id }) => String(id))
      if (values.length === 0) yield { anomaly: 'nothing', title: 'nothing was copied' }
    },
  })
  const totals = await runTrials({ workload, ...one })
  expect(seen).toEqual(['assigned 2', 'assignment 2', 'committed 3,3,none', 'async ok', 'PRODUCER_FENCED, then PRODUCER_FENCED close true', 'revoked 2'])
  expect(totals.valid).toBe(1)
})
