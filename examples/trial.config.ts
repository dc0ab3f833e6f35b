/**
 * An example to copy: is a consumer of yours exactly-once into your database? Run it with
 *
 *   npx trial run --config examples/trial.config.ts orders-to-database
 *   npx trial run --config examples/trial.config.ts orders-to-database-careless    finds lost orders
 *
 * In your own project, import from 'kafka-trial' instead of the path below.
 */
import { defineConfig, defineWorkload, KafkaError, type FinishedTrial, type ScriptContext, type UserFinding } from '../src/index.ts'

const TOPIC = 'orders'
const PARTITIONS = [0, 1].map(partition => ({ topic: TOPIC, partition }))

type Apply = (context: ScriptContext, key: string, order: string, next: number) => Promise<void>

/** The code under test: reads orders and writes each of them to the database, wherever its last life came to. */
function consumer(apply: Apply): (context: ScriptContext) => Promise<void> {
  return async context => {
    const kafka = context.consumer()
    kafka.assign(PARTITIONS)
    const next = await context.transaction(tx => PARTITIONS.map(({ partition }) => count(tx.get(`offset/${TOPIC}-${partition}`))))
    PARTITIONS.forEach(({ topic, partition }, index) => kafka.seek(topic, partition, next[index]!))
    for (;;) {
      try {
        if (context.isStopping && (await kafka.endOffsets(PARTITIONS)).every((end, index) => next[index]! >= end)) break
        for (const record of await kafka.poll(100)) {
          await apply(context, `${TOPIC}-${record.partition}`, String(record.value), record.offset + 1)
          next[record.partition] = record.offset + 1
        }
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
      }
    }
    kafka.close()
  }
}

const count = (value: unknown): number => Number(value ?? 0)

/** Result and offset in one transaction: exactly once. */
const together: Apply = (context, key, order, next) => context.transaction(tx => {
  tx.put(`order/${order}`, count(tx.get(`order/${order}`)) + 1)
  tx.put(`offset/${key}`, next)
})

/** The offset first: at most once, what was not written when the process died is lost. */
const offsetFirst: Apply = async (context, key, order, next) => {
  await context.transaction(tx => tx.put(`offset/${key}`, next))
  await context.transaction(tx => tx.put(`order/${order}`, count(tx.get(`order/${order}`)) + 1))
}

/** The offset last: at least once, what was written when the process died is written again. */
const offsetLast: Apply = async (context, key, order, next) => {
  await context.transaction(tx => tx.put(`order/${order}`, count(tx.get(`order/${order}`)) + 1))
  await context.transaction(tx => tx.put(`offset/${key}`, next))
}

const orderOf = (id: number): string => `order-${id}`

/** Every order in the log is in the database once. */
function* eachOrderOnce({ log, database }: FinishedTrial): Iterable<UserFinding> {
  const inLog = new Map<string, number>()
  for (const { id } of Object.values(log).flat()) inLog.set(orderOf(Number(id)), (inLog.get(orderOf(Number(id))) ?? 0) + 1)
  for (const [order, times] of inLog) {
    const written = count(database.get(`order/${order}`))
    if (written < times) yield { anomaly: 'lost-order', title: `${order} is in the log and was not written to the database.`, because: `The log holds it ${times} times, the database counted ${written}.` }
    if (written > times) yield { anomaly: 'duplicate-order', title: `${order} was written to the database more than once.`, because: `The log holds it ${times} times, the database counted ${written}.` }
  }
}

const orders = (name: string, apply: Apply): ReturnType<typeof defineWorkload> => defineWorkload({
  name,
  describes: 'a consumer that keeps its offsets in its own database',
  topics: [{ name: TOPIC, partitions: PARTITIONS.length }],
  value: orderOf,
  clients: { writer: consumer(apply) },
  check: eachOrderOnce,
})

export const ordersToDatabase = orders('orders-to-database', together)
export const careless = orders('orders-to-database-careless', offsetFirst)
export const eager = orders('orders-to-database-eager', offsetLast)

export default defineConfig({ workloads: [ordersToDatabase, careless, eager] })
