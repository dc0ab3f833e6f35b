/**
 * Workloads of users: reference producers feed the topics, the user's own `async` scripts consume them on machines that
 * crash and come back, and the user's check says whether what came out is right. The final drain and the checkers of the
 * history are ours, so that a fault of the cluster is not taken for one of the user's.
 */
import fc, { type Arbitrary } from 'fast-check'
import type { CheckContext, CheckResult, Finding } from '../checkers/contract.ts'
import type { GuaranteeId } from '../checkers/guarantees.ts'
import type { Task } from '../src/base/task.ts'
import { msToUs } from '../src/base/time.ts'
import { TrialError } from '../src/base/trial-error.ts'
import { DEFAULT_ADMIN_CONFIG, DEFAULT_CONSUMER_CONFIG, DEFAULT_PRODUCER_CONFIG, type AdminConfig, type ConsumerConfig, type ProducerConfig } from '../src/config/client.ts'
import type { ClientSpec, OperationDraft, PlanOperation, TopicSpec, WorkloadDraft, WorkloadShape } from '../src/config/workload.ts'
import type { History, Json } from '../src/history/operation.ts'
import { AsyncAdmin, AsyncConsumer, AsyncProducer } from './async-clients.ts'
import { runClient } from './client-script.ts'
import type { ClientContext, OpenOperation, Workload } from './contract.ts'
import { drainTopics } from './drain.ts'
import { type DatabaseTransaction, ExternalDatabase } from './external-database.ts'
import type { PayloadOf } from './records.ts'

/** What a user's script is given. One call is one life of the process: a crash ends it, a restart calls it again. */
export interface ScriptContext {
  /** Host name of its machine. */
  readonly host: string
  /** 0 for the first life of the process, then 1, 2, ... */
  readonly incarnation: number
  readonly topics: readonly TopicSpec[]
  /** All faults have healed and the producers are done: read on to the end of the topics, then return. */
  readonly isStopping: boolean
  /** Clients whose timeouts fit the cluster of the plan; give what your own configuration differs in. */
  consumer(config?: Partial<ConsumerConfig>): AsyncConsumer
  producer(config?: Partial<ProducerConfig>): AsyncProducer
  admin(config?: Partial<AdminConfig>): AsyncAdmin
  /** One atomic, durable transaction of a database that outlives this process. Rejects with what `work` throws. */
  transaction<T>(work: (tx: DatabaseTransaction) => T): Promise<T>
  /** Virtual milliseconds, on this machine's clock. Never use a real timer. */
  sleep(ms: number): Promise<void>
  /** Milliseconds since the epoch by this machine's wall clock, which may be skewed. */
  wallClock(): number
  /** Puts an operation of your own into the history. */
  record(f: string, value: Json): OpenOperation
}

/** What a user's check is given when the trial is over and the final drain has read every partition to its end. */
export interface FinishedTrial {
  readonly history: History
  /** Per `topic-partition` what the final drain read: offset, and id of the send (or a description of what is wrong). */
  readonly log: { readonly [key: string]: readonly { readonly offset: number; readonly id: Json }[] }
  /** The rows of the database. */
  readonly database: ReadonlyMap<string, unknown>
}

export interface UserFinding {
  /** A name of your own, such as `lost-order`; may be listed in `allowed`. */
  readonly anomaly: string
  /** One sentence. */
  readonly title: string
  /** Why that cannot be right. */
  readonly because?: string
  readonly evidence?: Json
}

export interface WorkloadDefinition {
  readonly name: string
  readonly describes?: string
  /** Default: one topic `events` with 3 partitions. */
  readonly topics?: readonly { readonly name: string; readonly partitions?: number; readonly configs?: Readonly<Record<string, string>> }[]
  /** Reference producers that feed the topics, and how they are configured. */
  readonly producers?: number
  readonly producerConfig?: Partial<ProducerConfig>
  /** How many records are sent in a trial, from and to. */
  readonly records?: readonly [number, number]
  /** What the record of send `id` says; must depend on nothing else. */
  readonly value?: (id: number, key: string | null) => string
  /** Your clients: each runs as a process on a machine of its own. */
  readonly clients: Readonly<Record<string, (context: ScriptContext) => Promise<void>>>
  readonly check?: (trial: FinishedTrial) => Iterable<UserFinding>
  /** Promises of the cluster without which a finding of `check` is `allowed`, not a failure; default: what was read stays. */
  readonly requires?: readonly GuaranteeId[]
  /** Checkers of the history; default: all that know Kafka's promises. */
  readonly checkers?: readonly string[]
  /** Anomalies that are none here. */
  readonly allowed?: readonly string[]
}

const KEYS = 20
const DATABASE = 'database'
/** Nothing expires before a script has read it, unless the definition says so. */
const KEEPS_ALL = { 'retention.ms': '604800000', 'retention.bytes': '-1' }
const NAME = /^[a-z][a-z0-9-]*$/

/** Makes a workload of your own, for `workloads` in `trial.config.ts` or `runTrials`. @throws TrialError('config') */
export function defineWorkload(definition: WorkloadDefinition): Workload {
  const { name, clients } = definition
  if (!NAME.test(name)) throw new TrialError('config', `workload name '${name}' is not usable`, 'use lower-case letters, digits and dashes')
  if (Object.keys(clients).length === 0) throw new TrialError('config', `workload '${name}' has no clients`, 'give at least one async function in `clients`')
  const [least, most] = definition.records ?? [20, 120]
  if (!(Number.isInteger(least) && Number.isInteger(most) && least >= 0 && least <= most)) {
    throw new TrialError('config', `workload '${name}' has records [${least}, ${most}]`, 'give the least and the most number of records, such as [20, 120]')
  }
  const value = definition.value ?? ((id: number, key: string | null): string => JSON.stringify({ id, key }))
  const payload: PayloadOf = (id, key) => value(id, key)
  return {
    name,
    describes: definition.describes ?? 'a workload of your own',
    draw: shape => draw(definition, shape, [least, most]),
    client: context => runScriptOrFeed(definition, context, payload),
    drain: context => drainTopics(context, payload),
    checkers: definition.checkers ?? ['kafka-log'],
    allowed: definition.allowed ?? [],
    isAsync: true,
    check: (history, context, outside) => judge(definition, history, context, outside),
  }
}

function feedersOf(definition: WorkloadDefinition): string[] {
  return Array.from({ length: definition.producers ?? 2 }, (_, index) => `client-${index + 1}`)
}

function draw(definition: WorkloadDefinition, shape: WorkloadShape, [least, most]: readonly [number, number]): Arbitrary<WorkloadDraft> {
  const { deliveryTimeoutMs: _, ...timeouts } = shape.clientTimeouts
  const topics = (definition.topics ?? [{ name: 'events' }]).map((topic): TopicSpec => ({
    name: topic.name,
    partitions: topic.partitions ?? 3,
    replicationFactor: shape.replicationFactor,
    configs: { 'min.insync.replicas': String(shape.minInsyncReplicas), 'unclean.leader.election.enable': String(shape.uncleanLeaderElection), ...KEEPS_ALL, ...topic.configs },
  }))
  const feeders = feedersOf(definition).map((host): ClientSpec => ({
    host,
    kind: 'producer',
    config: {
      ...shape.clientTimeouts, maxBlockMs: shape.clientTimeouts.deliveryTimeoutMs,
      acks: shape.pinned.acks ?? -1, enableIdempotence: shape.pinned.idempotence ?? true, ...definition.producerConfig,
    },
  }))
  const scripts = Object.keys(definition.clients).map((script, index) => ({
    script,
    spec: { host: `client-${feeders.length + index + 1}`, kind: 'consumer', config: { ...timeouts, autoOffsetReset: 'earliest', fetchMaxWaitMs: 100 } } satisfies ClientSpec,
  }))
  const starts = scripts.map(({ script, spec }): OperationDraft => ({ at: 0, client: spec.host, f: 'run', script }))
  const send = (): Arbitrary<OperationDraft> => fc.record({
    at: fc.integer({ min: 0, max: shape.chaosUs }),
    client: fc.constantFrom(...feeders.map(({ host }) => host)),
    f: fc.constant('send' as const),
    topic: fc.constantFrom(...topics.map(topic => topic.name)),
    partition: fc.constant(null),
    key: fc.option(fc.integer({ min: 0, max: KEYS }).map(n => `k${n}`), { nil: null, freq: 4 }),
    size: fc.constant(0),
  })
  const count = shape.operations > 0 ? { minLength: shape.operations, maxLength: shape.operations } : { minLength: least, maxLength: most }
  const sends = feeders.length === 0 ? fc.constant([]) : fc.array(send(), { ...count, size: 'max' })
  return sends.map(drawn => ({
    topics,
    clients: [...feeders, ...scripts.map(({ spec }) => spec)],
    operations: [...starts, ...drawn].sort((a, b) => a.at - b.at).map((draft, id) => ({ ...draft, id }) as PlanOperation),
  }))
}

function* runScriptOrFeed(definition: WorkloadDefinition, context: ClientContext, payload: PayloadOf): Task<void> {
  const run = context.operations.find(operation => operation.f === 'run')
  if (run === undefined) return yield* runClient(context, payload)
  const script = definition.clients[run.script]
  if (script === undefined) throw new TrialError('config', `workload '${definition.name}' has no client '${run.script}'`, 'the plan was made with another version of the workload')
  yield* context.edge.wrap(() => script(scriptContext(context, feedersOf(definition)))).wait()
}

function scriptContext({ env, edge, spec, topics, recorder, stop, outside, isBusy }: ClientContext, feeders: readonly string[]): ScriptContext {
  const timeouts = spec.config
  const clientId = spec.host
  const database = databaseOf(outside)
  const requestTimeoutMs = timeouts.requestTimeoutMs ?? DEFAULT_PRODUCER_CONFIG.requestTimeoutMs
  const deliveryTimeoutMs = 6 * requestTimeoutMs
  // Groups and transactions that lost somebody must go on before the trial is over.
  const membership = { sessionTimeoutMs: 2 * requestTimeoutMs, heartbeatIntervalMs: Math.max(1, Math.round(requestTimeoutMs / 5)), maxPollIntervalMs: 6 * requestTimeoutMs }
  const transactionTimeoutMs = 3 * requestTimeoutMs
  return {
    host: spec.host,
    incarnation: env.incarnation,
    topics,
    get isStopping() {
      return stop.isSettled && !feeders.some(isBusy)
    },
    consumer: config => new AsyncConsumer(env, edge, { ...DEFAULT_CONSUMER_CONFIG, clientId, ...membership, ...timeouts, ...config }),
    producer: config => new AsyncProducer(env, edge, { ...DEFAULT_PRODUCER_CONFIG, clientId, ...timeouts, deliveryTimeoutMs, maxBlockMs: deliveryTimeoutMs, transactionTimeoutMs, ...config }),
    admin: config => new AsyncAdmin(env, edge, { ...DEFAULT_ADMIN_CONFIG, clientId, ...timeouts, ...config }),
    transaction: work => edge.toPromise(database.transaction(env, work)),
    sleep: ms => edge.toPromise(env.sleep(msToUs(ms))),
    wallClock: () => env.wallClock(),
    record: (f, value) => recorder.invoke(f, value),
  }
}

function databaseOf(outside: Map<string, unknown>): ExternalDatabase {
  const existing = outside.get(DATABASE)
  if (existing instanceof ExternalDatabase) return existing
  const created = new ExternalDatabase()
  outside.set(DATABASE, created)
  return created
}

function judge(definition: WorkloadDefinition, history: History, context: CheckContext, outside: ReadonlyMap<string, unknown>): CheckResult {
  const checker = definition.name
  if (!context.drained) return { checker, verdict: 'unknown', findings: [], counts: {}, reason: 'the final drain did not reach the end, so the log is not known' }
  const database = outside.get(DATABASE)
  const missing = (definition.requires ?? ['read-stays']).find(one => !context.guarantees.owed.has(one))
  const findings = [...(definition.check?.({ history, log: drainedLog(history), database: database instanceof ExternalDatabase ? database.rows : new Map() }) ?? [])].map(({ anomaly, title, because, evidence }): Finding => ({
    anomaly, checker, status: missing === undefined ? 'bad' : 'allowed', title, guarantee: missing ?? null, evidence: evidence ?? null, steps: [], contradiction: because ?? 'The check of this workload says so.',
  }))
  const counts: { [anomaly: string]: number } = {}
  for (const { anomaly } of findings) counts[anomaly] = (counts[anomaly] ?? 0) + 1
  return { checker, verdict: findings.some(({ status }) => status === 'bad') ? 'invalid' : 'valid', findings: findings.slice(0, 8), counts, bad: missing === undefined ? { ...counts } : {} }
}

function drainedLog(history: History): FinishedTrial['log'] {
  const log: { [key: string]: { offset: number; id: Json }[] } = {}
  for (const operation of history) {
    if (operation.f !== 'poll' || operation.type !== 'ok' || operation['drain'] !== true || operation['replica'] !== undefined) continue
    const [[, records]] = operation.value as unknown as [['poll', { [key: string]: [number, Json][] }]]
    for (const [key, entries] of Object.entries(records)) for (const [offset, id] of entries) (log[key] ??= []).push({ offset, id })
  }
  return log
}
