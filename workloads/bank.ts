/**
 * Money moves between accounts that lie in several partitions: each transfer is one transaction of two records, and a
 * read_committed reader adds them up. Kafka promises no snapshot across partitions, so the reader takes its picture at the
 * boundaries of transactions: when of every transfer that it has seen it has seen both halves. Then, and in the end, the
 * total is what it was.
 */
import fc, { type Arbitrary } from 'fast-check'
import type { Task } from '../src/base/task.ts'
import { US_PER_MS } from '../src/base/time.ts'
import { decodeUtf8, encodeUtf8 } from '../src/base/utf8.ts'
import type { ConsumerRecord } from '../src/client/completed-fetch.ts'
import { Consumer } from '../src/client/consumer.ts'
import { DEFAULT_CONSUMER_CONFIG } from '../src/config/client.ts'
import type { ClientSpec, OperationDraft, PlanOperation, WorkloadDraft, WorkloadShape } from '../src/config/workload.ts'
import { recordedPoll, waitUntil } from './client-script.ts'
import type { ClientContext, ClientRecorder, Workload } from './contract.ts'
import { drainTopics } from './drain.ts'
import { plainPayload } from './records.ts'
import { TransactionalInstance, type Transacted, transact, transactedValue } from './transact.ts'
import { scaledMs, transactionalApp } from './transactions.ts'

const TOPIC = 'accounts'
const ACCOUNTS = ['ann', 'bob', 'cid', 'dee', 'eve']
const OPENING_BALANCE = 100
/** Header of a record: which transfer, which account, and by how much it changes. */
const CHANGE = 'change'
const POLL_MS = 50

interface Change {
  readonly transfer: number
  readonly account: string
  readonly amount: number
}

function partitionOf(account: string, partitions: number): number {
  return ACCOUNTS.indexOf(account) % partitions
}

/** Adds changes up, and knows whether they are whole transfers. */
class Ledger {
  private readonly balances = new Map(ACCOUNTS.map(account => [account, OPENING_BALANCE]))
  /** Transfers of which one half was seen. */
  private readonly halves = new Set<number>()

  take(record: Pick<ConsumerRecord, 'headers'>): void {
    const header = record.headers.find(({ key }) => key === CHANGE)?.value
    if (header === undefined || header === null) return
    const { transfer, account, amount } = JSON.parse(decodeUtf8(header)) as Change
    this.balances.set(account, (this.balances.get(account) ?? 0) + amount)
    if (!this.halves.delete(transfer)) this.halves.add(transfer)
  }

  get isWhole(): boolean {
    return this.halves.size === 0
  }

  read(recorder: ClientRecorder): void {
    recorder.invoke('read', null).ok(Object.fromEntries(this.balances))
  }
}

function draw(shape: WorkloadShape): Arbitrary<WorkloadDraft> {
  return fc.record({ partitions: fc.constantFrom(2, 3, 3), apps: fc.integer({ min: 1, max: shape.closeUp ? 2 : 3 }) }).chain(({ partitions, apps: count }) => {
    const timeoutMs = scaledMs(shape, 1_500)
    const apps = Array.from({ length: count }, (_, index) => transactionalApp(shape, `client-${index + 1}`, `teller-${index + 1}`, timeoutMs))
    const { deliveryTimeoutMs: _, ...timeouts } = shape.clientTimeouts
    const reader: ClientSpec = { host: `client-${count + 1}`, kind: 'consumer', config: { ...timeouts, autoOffsetReset: 'earliest', fetchMaxWaitMs: 100, isolationLevel: 'read_committed' } }
    const transfer: Arbitrary<OperationDraft> = fc.record({
      at: fc.integer({ min: 0, max: shape.chaosUs }), client: fc.constantFrom(...apps.map(({ host }) => host)), f: fc.constant('transfer' as const),
      accounts: fc.shuffledSubarray(ACCOUNTS, { minLength: 2, maxLength: 2 }), amount: fc.integer({ min: 1, max: 50 }),
    }).map(({ accounts: [from, to], ...rest }) => ({ ...rest, from: from!, to: to! }))
    const many = shape.operations > 0 ? { minLength: shape.operations, maxLength: shape.operations } : shape.closeUp ? { minLength: 5, maxLength: 25 } : { minLength: 15, maxLength: 70 }
    return fc.array(transfer, { ...many, size: 'max' }).map((transfers): WorkloadDraft => {
      const consume: OperationDraft = { at: 0, client: reader.host, f: 'consume', topic: TOPIC, partitions: Array.from({ length: partitions }, (__, index) => index), from: 'earliest' }
      return {
        topics: [{
          name: TOPIC, partitions, replicationFactor: shape.replicationFactor,
          configs: { 'min.insync.replicas': String(shape.minInsyncReplicas), 'unclean.leader.election.enable': String(shape.uncleanLeaderElection), 'retention.ms': '604800000', 'retention.bytes': '-1' },
        }],
        clients: [...apps, reader],
        operations: [consume, ...transfers].sort((a, b) => a.at - b.at).map((draft, id) => ({ ...draft, id }) as PlanOperation),
        settleMs: 2 * timeoutMs,
      }
    })
  })
}

function* runTeller(context: ClientContext): Task<void> {
  const { env, recorder, stop, topics } = context
  const begin = env.now()
  const instance = new TransactionalInstance(context)
  const partitions = topics.find(({ name }) => name === TOPIC)?.partitions ?? 1
  for (const operation of context.operations) {
    if (operation.f !== 'transfer') continue
    yield* waitUntil(env, begin, operation.at)
    if (stop.isSettled || !(yield* instance.ready(() => stop.isSettled))) break
    const { id, from, to, amount } = operation
    const moved = recorder.invoke('transfer', { from, to, amount })
    const sends = [[from, -amount], [to, amount]].map(([account, change], index): Transacted => ({
      topic: TOPIC, partition: partitionOf(account as string, partitions), key: account as string, value: transactedValue(id, index),
      headers: [{ key: CHANGE, value: encodeUtf8(JSON.stringify({ transfer: id, account: account as string, amount: change as number } satisfies Change)) }],
    }))
    const end = yield* transact(context, instance, { sends, end: 'commit', openUs: 0 }, plainPayload)
    if (end === 'ok') moved.ok(null)
    else if (end === 'fail') moved.fail('aborted')
    else moved.info('unknown')
  }
  yield* instance.close()
}

/** Reads from the beginning; what it saw before a crash is read again by the next process, which begins with nothing. */
function* runReader(context: ClientContext): Task<void> {
  const { env, spec, recorder, stop, operations, recreated } = context
  const consume = operations.find(({ f }) => f === 'consume')
  if (spec.kind !== 'consumer' || consume?.f !== 'consume') return
  const consumer = new Consumer(env, { ...DEFAULT_CONSUMER_CONFIG, clientId: spec.host, ...spec.config })
  const ledger = new Ledger()
  const assigned = consume.partitions.map(partition => ({ topic: TOPIC, partition }))
  recorder.invoke('assign', Object.fromEntries(assigned.map(({ topic, partition }) => [`${topic}-${partition}`, 'earliest']))).ok(null)
  consumer.assign(assigned)
  for (const { topic, partition } of assigned) consumer.seekToBeginning(topic, partition)
  ledger.read(recorder)
  while (!stop.isSettled) {
    const count = yield* recordedPoll(env, recorder, consumer, plainPayload, POLL_MS, recreated, {}, record => ledger.take(record))
    if (count > 0 && ledger.isWhole) ledger.read(recorder)
    if (count > 0) yield* env.sleep(US_PER_MS).wait()
  }
  consumer.close()
}

export const BANK_TOTAL = ACCOUNTS.length * OPENING_BALANCE

export const bank: Workload = {
  name: 'bank',
  describes: 'transfers between accounts on several partitions, each a transaction: at the boundaries of transactions the total is conserved',
  draw,
  client: context => (context.spec.kind === 'app' ? runTeller(context) : runReader(context)),
  *drain(context) {
    const ledger = new Ledger()
    const seen = new Set<string>()
    const result = yield* drainTopics(context, plainPayload, 'read_committed', record => {
      const place = `${record.partition}@${record.offset}`
      if (!seen.has(place)) ledger.take(record)
      seen.add(place)
    })
    if (result.complete) ledger.read(context.recorder)
    return result
  },
  checkers: ['kafka-log', 'bank'],
  requires: ['no-loss', 'read-stays', 'no-duplicate'],
}
