/**
 * When everything has healed, each transactional id of a trial must still be of use: an application that takes it over
 * commits, begins again at once and aborts before anything has left it, while the markers of the commit may still be under
 * way, and commits once more. Nobody else has the id by then, so nothing may fence it; but a request of a former owner may
 * arrive late, so it is taken over a few times.
 */
import type { Task } from '../src/base/task.ts'
import { US_PER_MS } from '../src/base/time.ts'
import { Producer } from '../src/client/producer.ts'
import type { TransactionOutcome } from '../src/client/transaction/transaction-outcome.ts'
import { DEFAULT_PRODUCER_CONFIG } from '../src/config/client.ts'
import type { ClientSpec } from '../src/config/workload.ts'
import type { Json } from '../src/history/operation.ts'
import type { DrainContext } from './contract.ts'
import { encodeRecord, type PayloadOf } from './records.ts'

const RETRY_MS = 50
const ATTEMPTS = 3
/** Longer than anything that takes its time after healing. */
const TIMEOUT_MS = 60_000
/** Values of its records: above those of all operations. */
const FIRST_VALUE = 2_000_000_000

type App = Extract<ClientSpec, { kind: 'app' }>

/** What went wrong in every attempt with one of the ids, as the producer was told; undefined: nothing. Does not return while one cannot be had. */
export function* useTransactionalIds(context: DrainContext, payload: PayloadOf): Task<string | undefined> {
  const ids = new Map<string, App>()
  for (const client of context.clients) if (client.kind === 'app' && typeof client.producer.transactionalId === 'string') ids.set(client.producer.transactionalId, client)
  let value = FIRST_VALUE
  for (const [transactionalId, app] of ids) {
    let refusal: string | undefined = ''
    for (let attempt = 1; attempt <= ATTEMPTS && refusal !== undefined; attempt++) {
      const name = `drain ${transactionalId}/${attempt}`
      const producer = new Producer(context.env, { ...DEFAULT_PRODUCER_CONFIG, clientId: 'drain', ...app.config, ...app.producer, bootstrapServers: context.bootstrapServers, transactionTimeoutMs: TIMEOUT_MS })
      refusal = yield* takeOver(context, producer, name, payload, () => value++)
      yield* producer.close(0)
    }
    if (refusal !== undefined) return `${transactionalId}: ${refusal}`
  }
  return undefined
}

function* takeOver(context: DrainContext, producer: Producer, name: string, payload: PayloadOf, nextValue: () => number): Task<string | undefined> {
  const { recorder, topics } = context
  const [topic] = topics
  if (topic === undefined) return undefined
  const invoked = recorder.invoke('init-transactions', { producer: name })
  const ready = yield* again(context, () => producer.initTransactions())
  if (!ready.ok) {
    invoked.info(ready.error)
    return `initTransactions: ${ready.error}`
  }
  invoked.ok(null)
  for (const end of ['commit', 'abort', 'commit'] as const) {
    const value = nextValue()
    const key = `${topic.name}-0`
    const transaction = recorder.invoke('txn', [['send', key, value]] satisfies Json, { producer: name, ends: end })
    const begun = producer.beginTransaction()
    const record = encodeRecord({ id: value, key: null, size: 0 }, payload)
    const sent = begun.ok ? producer.send({ topic: topic.name, partition: 0, key: null, value: record.value, headers: record.headers }) : undefined
    const ended = !begun.ok ? begun : yield* again(context, () => (end === 'commit' ? producer.commitTransaction() : producer.abortTransaction()))
    if (!ended.ok) {
      if (end === 'abort' || ended.definite) transaction.fail(ended.error)
      else transaction.info(ended.error)
      return `${end}: ${ended.error}`
    }
    if (end === 'abort') transaction.fail('aborted')
    else {
      const result = sent?.isSettled === true ? sent.result() : undefined
      transaction.ok([['send', key, [result?.ok === true ? result.offset : null, value]]])
    }
  }
  return undefined
}

function* again({ env }: DrainContext, call: () => Task<TransactionOutcome>): Task<TransactionOutcome> {
  for (;;) {
    const outcome = yield* call()
    if (outcome.ok || outcome.remedy !== 'retry') return outcome
    yield* env.sleep(RETRY_MS * US_PER_MS).wait()
  }
}
