/**
 * The client script that our workloads share: producers send without waiting for one another's acknowledgements,
 * consumers poll until told to stop, admins change topics. Every operation is recorded as invoke and completion.
 */
import { all, Future, type Task } from '../src/base/task.ts'
import { US_PER_MS } from '../src/base/time.ts'
import { Admin } from '../src/client/admin.ts'
import type { ConsumerRecord } from '../src/client/completed-fetch.ts'
import { Consumer } from '../src/client/consumer.ts'
import { Producer } from '../src/client/producer.ts'
import { DEFAULT_ADMIN_CONFIG, DEFAULT_CONSUMER_CONFIG, DEFAULT_PRODUCER_CONFIG } from '../src/config/client.ts'
import { DEFAULT_SERVER_CONFIG } from '../src/config/cluster.ts'
import type { PlanOperation, TopicSpec } from '../src/config/workload.ts'
import type { Env } from '../src/env/env.ts'
import type { Json } from '../src/history/operation.ts'
import type { ClientContext, ClientRecorder } from './contract.ts'
import { finish } from './finish-operation.ts'
import { runPartitionOperation } from './partition-operations.ts'
import { encodeRecord, type PayloadOf, type SendOperation, valueOf } from './records.ts'
import { logName } from './topic-incarnations.ts'

/** Waits until `at` microseconds after `begin` on this machine's monotonic clock. */
export function* waitUntil(env: Env, begin: number, at: number): Task<void> {
  const left = begin + at - env.now()
  if (left > 0) yield* env.sleep(left).wait()
}

export function* runClient(context: ClientContext, payload: PayloadOf): Task<void> {
  switch (context.spec.kind) {
    case 'producer': return yield* runProducer(context, payload)
    case 'consumer': return yield* runConsumer(context, payload)
    case 'admin': return yield* runAdmin(context)
    case 'share':
    case 'app':
  }
}

function* runProducer(context: ClientContext, payload: PayloadOf): Task<void> {
  const { env, spec, recorder } = context
  if (spec.kind !== 'producer') return
  const producer = new Producer(env, { ...DEFAULT_PRODUCER_CONFIG, clientId: spec.host, ...spec.config })
  const begin = env.now()
  const open: Future<void>[] = []
  let sequence = 0
  const name = env.incarnation === 0 ? spec.host : `${spec.host}#${env.incarnation}`
  for (const operation of context.operations) {
    if (operation.f !== 'send') continue
    yield* waitUntil(env, begin, operation.at)
    const record = encodeRecord(operation, payload)
    const partition = operation.partition === null ? {} : { partition: operation.partition }
    const key = operation.partition === null ? operation.topic : `${operation.topic}-${operation.partition}`
    const invoked = recorder.invoke('send', [['send', key, operation.id]], { producer: name, sequence: sequence++, ...rowOf(operation, context.topics) })
    const settled = new Future<void>()
    open.push(settled)
    const sent = producer.send({ topic: operation.topic, ...partition, key: record.key, value: record.value, headers: record.headers })
    sent.onSettled(() => {
      const result = sent.result()
      if (result.ok && result.offset >= 0) invoked.ok([['send', logName(context.recreated, result), [result.offset, operation.id]]])
      else if (result.ok) invoked.info('acks=0')
      else if (result.definite) invoked.fail(result.error)
      else invoked.info(result.error)
      settled.complete()
    })
  }
  yield* all(open)
  yield* producer.close(0)
}

export function isCompacted(topic: string, topics: readonly TopicSpec[]): boolean {
  return topics.find(({ name }) => name === topic)?.configs['cleanup.policy']?.includes('compact') === true
}

/** What a checker of compacted topics must know of a send. */
function rowOf({ topic, key, tombstone }: SendOperation, topics: readonly TopicSpec[]): { readonly [key: string]: Json } {
  if (key === null || !isCompacted(topic, topics)) return {}
  const retention = topics.find(({ name }) => name === topic)?.configs['delete.retention.ms']
  return { recordKey: key, ...(tombstone === true ? { deleteRetentionMs: Number(retention ?? DEFAULT_SERVER_CONFIG.logCleanerDeleteRetentionMs) } : {}) }
}

function* runConsumer(context: ClientContext, payload: PayloadOf): Task<void> {
  const { env, spec, recorder } = context
  if (spec.kind !== 'consumer') return
  const consumer = new Consumer(env, { ...DEFAULT_CONSUMER_CONFIG, clientId: spec.host, ...spec.config })
  const begin = env.now()
  const assigned: { topic: string; partition: number }[] = []
  for (const operation of context.operations) {
    yield* pollUntil(context, consumer, payload, begin + operation.at, assigned.length > 0)
    if (operation.f === 'consume') {
      for (const partition of operation.partitions) assigned.push({ topic: operation.topic, partition })
      const invoked = recorder.invoke('assign', Object.fromEntries(assigned.map(({ topic, partition }) => [`${topic}-${partition}`, operation.from])))
      consumer.assign(assigned)
      for (const partition of operation.partitions) {
        if (operation.from === 'earliest') consumer.seekToBeginning(operation.topic, partition)
        else consumer.seekToEnd(operation.topic, partition)
      }
      invoked.ok(null)
    } else if (operation.f === 'rewind') {
      const again = assigned.filter(({ topic }) => topic === operation.topic)
      const invoked = recorder.invoke('seek', Object.fromEntries(again.map(({ topic, partition }) => [`${topic}-${partition}`, 'earliest'])))
      for (const { topic, partition } of again) consumer.seekToBeginning(topic, partition)
      invoked.ok(null)
    }
  }
  yield* pollUntil(context, consumer, payload, Number.POSITIVE_INFINITY, assigned.length > 0)
  consumer.close()
}

const POLL_MS = 100

function* pollUntil(context: ClientContext, consumer: Consumer, payload: PayloadOf, until: number, assigned: boolean): Task<void> {
  const { env, recorder, stop } = context
  while (env.now() < until && !stop.isSettled) {
    if (!assigned) {
      yield* env.sleep(Math.min(POLL_MS * US_PER_MS, until - env.now())).wait()
      continue
    }
    yield* recordedPoll(env, recorder, consumer, payload, Math.min(POLL_MS, Math.max(1, Math.ceil((until - env.now()) / US_PER_MS))), context.recreated, isolationOf(context))
  }
}

/** What a checker must know of a reader of what may be aborted. */
function isolationOf({ spec }: ClientContext): { readonly [key: string]: Json } {
  return spec.kind === 'consumer' && spec.config.isolationLevel === 'read_uncommitted' ? { isolation: 'read_uncommitted' } : {}
}

type Records = { [key: string]: [number, Json][] }

/** One recorded poll; returns how many records came. */
export function* recordedPoll(
  env: Env, recorder: ClientRecorder, consumer: Consumer, payload: PayloadOf, timeoutMs: number, recreated: ReadonlySet<string>, extra: { readonly [key: string]: Json },
  each?: (record: ConsumerRecord) => void,
): Task<number> {
  const invoked = recorder.invoke('poll', [['poll']], extra)
  const result = yield* consumer.poll(timeoutMs)
  const records: Records = {}
  for (const record of result.records) {
    (records[logName(recreated, record)] ??= []).push([record.offset, valueOf(record, payload)])
    each?.(record)
  }
  if (result.error !== undefined) invoked.fail(result.error)
  else invoked.ok([['poll', records]])
  if (result.resets.length > 0) {
    const reset = recorder.invoke('reset', Object.fromEntries(result.resets.map(({ topic, partition, from }) => [`${topic}-${partition}`, from])))
    reset.ok(Object.fromEntries(result.resets.map(({ topic, partition, to, reason }) => [`${topic}-${partition}`, { to, reason }])))
  }
  if (result.error === 'CORRUPT_MESSAGE') yield* readAgain(env, consumer, timeoutMs)
  return result.records.length
}

/**
 * A consumer keeps a batch that fails its CRC and throws at every poll until it is told to go elsewhere. An application
 * that will not skip records waits and reads them again, by leaving the partitions and coming back to where it was.
 */
function* readAgain(env: Env, consumer: Consumer, afterMs: number): Task<void> {
  yield* env.sleep(afterMs * US_PER_MS).wait()
  const { assignment } = consumer
  const positions = assignment.map(({ topic, partition }) => consumer.currentPosition(topic, partition))
  consumer.assign(assignment.filter((_, index) => positions[index] === undefined))
  consumer.assign(assignment)
  assignment.forEach(({ topic, partition }, index) => {
    const position = positions[index]
    if (position !== undefined) consumer.seek(topic, partition, position)
  })
}

function* runAdmin(context: ClientContext): Task<void> {
  const { env, spec } = context
  if (spec.kind !== 'admin') return
  const admin = new Admin(env, { ...DEFAULT_ADMIN_CONFIG, clientId: spec.host, ...spec.config })
  const begin = env.now()
  for (const operation of context.operations) {
    if (context.stop.isSettled) return
    yield* waitUntil(env, begin, operation.at)
    yield* runAdminOperation(context, admin, operation)
  }
}

function* runAdminOperation(context: ClientContext, admin: Admin, operation: PlanOperation): Task<void> {
  const { recorder } = context
  switch (operation.f) {
    case 'list-offsets': {
      const key = `${operation.topic}-${operation.partition}`
      const invoked = recorder.invoke('list-offsets', [key, operation.which])
      const [answer] = yield* admin.listOffsets([{ topic: operation.topic, partition: operation.partition, which: operation.which }])
      if (answer?.ok === true) invoked.ok([key, operation.which, answer.value.offset])
      else invoked.fail(answer?.error ?? 'no answer')
      return
    }
    case 'create-topic': {
      const { spec } = operation
      const invoked = recorder.invoke('create-topic', { topic: spec.name, partitions: spec.partitions })
      const [result] = yield* admin.createTopics([{ name: spec.name, numPartitions: spec.partitions, replicationFactor: spec.replicationFactor, configs: spec.configs }])
      finish(invoked, result)
      return
    }
    case 'delete-topic': {
      const invoked = recorder.invoke('delete-topic', { topic: operation.topic })
      const [result] = yield* admin.deleteTopics([operation.topic])
      finish(invoked, result)
      return
    }
    case 'alter-config': {
      const invoked = recorder.invoke('alter-config', { topic: operation.topic, name: operation.name, value: operation.value })
      const [result] = yield* admin.incrementalAlterConfigs([{ topic: operation.topic, entries: [{ name: operation.name, value: operation.value }] }])
      finish(invoked, result)
      return
    }
    default: return yield* runPartitionOperation(context, admin, operation)
  }
}
