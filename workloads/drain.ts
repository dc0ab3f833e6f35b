/**
 * The final drain: after everything healed, a fresh reader reads every partition from its first to its last offset,
 * twice asks where the end is, and is done when it has read up to an end that no longer moves. Its fetches wait less at
 * the broker than any plan's request timeout, or a fetch that finds nothing would count as a lost connection. Then every
 * in-sync replica is read as well (see read-replicas.ts).
 *
 * A topic that the plan creates anew may still be deleted while it is read, by a request that arrives late: then the drain
 * begins again with what is there, and says in the end which topic ids it has read.
 */
import type { Task } from '../src/base/task.ts'
import { Admin } from '../src/client/admin.ts'
import type { ConsumerRecord } from '../src/client/completed-fetch.ts'
import { Consumer } from '../src/client/consumer.ts'
import { DEFAULT_ADMIN_CONFIG, DEFAULT_CONSUMER_CONFIG, type ConsumerConfig } from '../src/config/client.ts'
import { recordedPoll } from './client-script.ts'
import type { DrainContext, DrainResult } from './contract.ts'
import { describeAtLast } from './metadata-operations.ts'
import { readReplicas } from './read-replicas.ts'
import type { PayloadOf } from './records.ts'
import { settledTopics } from './settled-topics.ts'
import type { SettledTopic } from './settled-topics.ts'
import { recreatedTopics } from './topic-incarnations.ts'

export type IsolationLevel = ConsumerConfig['isolationLevel']

/** How long offsets of a topic are asked for before a look whether it still exists. */
const GIVE_UP_MS = 2_000

export function* drainTopics(context: DrainContext, payload: PayloadOf, isolationLevel: IsolationLevel = 'read_uncommitted', each?: (record: ConsumerRecord) => void): Task<DrainResult> {
  const { env, recorder, operations } = context
  const recreated = recreatedTopics(operations)
  const isFixed = recreated.size === 0 && !operations.some(({ f }) => f === 'create-partitions')
  const common = { ...context.clients[0]?.config, clientId: 'drain', bootstrapServers: context.bootstrapServers, clientRack: null }
  const admin = new Admin(env, { ...DEFAULT_ADMIN_CONFIG, ...common, ...(recreated.size > 0 ? { defaultApiTimeoutMs: GIVE_UP_MS } : {}) })
  const consumer = new Consumer(env, { ...DEFAULT_CONSUMER_CONFIG, ...common, fetchMaxWaitMs: 100, autoOffsetReset: 'earliest', isolationLevel })
  for (;;) {
    const topics = isFixed ? context.topics.map(({ name, partitions }) => ({ name, partitions, topicId: '' })) : yield* settledTopics(context, admin, recreated)
    const result = yield* drainOnce(context, payload, topics, admin, consumer, recreated, each)
    if (result === undefined) continue
    yield* describeAtLast(context, admin)
    consumer.close()
    yield* readReplicas(context, admin, payload, result.end, isolationLevel)
    if (recreated.size > 0) {
      const now = yield* settledTopics(context, admin, recreated)
      const read = topics.filter(({ name, topicId }) => recreated.has(name) && now.some(topic => topic.topicId === topicId))
      recorder.invoke('describe-topic-ids', null, { drain: true }).ok(Object.fromEntries(read.map(({ name, topicId }) => [name, topicId])))
    }
    return result
  }
}

/** undefined when a topic is no longer there. */
function* drainOnce(
  context: DrainContext, payload: PayloadOf, topics: readonly SettledTopic[], admin: Admin, consumer: Consumer, recreated: ReadonlySet<string>,
  each: ((record: ConsumerRecord) => void) | undefined,
): Task<DrainResult | undefined> {
  const { recorder } = context
  const partitions = topics.flatMap(topic => Array.from({ length: topic.partitions }, (_, partition) => ({ topic: topic.name, partition })))
  const keys = partitions.map(({ topic, partition }) => `${topic}-${partition}`)
  const logStart: { [key: string]: number } = {}
  recorder.invoke('assign', Object.fromEntries(keys.map(key => [key, 'earliest'])), { drain: true }).ok(null)
  consumer.assign(partitions)
  for (const { topic, partition } of partitions) consumer.seekToBeginning(topic, partition)
  const read = new Map<string, number>()
  let end: { [key: string]: number } = {}
  context.awaits(keys)
  for (;;) {
    const ends = yield* offsets(admin, partitions, 'latest')
    const starts = yield* offsets(admin, partitions, 'earliest')
    if (ends !== undefined && starts !== undefined) {
      const same = keys.every((key, index) => end[key] === ends[index])
      keys.forEach((key, index) => {
        end[key] = ends[index]!
        logStart[key] = starts[index]!
      })
      end = { ...end }
      const unread = keys.filter(key => (read.get(key) ?? 0) < end[key]! && end[key] !== logStart[key])
      context.awaits(unread)
      if (same && unread.length === 0) return { complete: true, logStart, end }
    } else if (recreated.size > 0) {
      const now = yield* settledTopics(context, admin, recreated)
      if (topics.some(({ name, topicId }) => recreated.has(name) && !now.some(topic => topic.topicId === topicId))) return undefined
    }
    let quiet = 0
    while (quiet < 2) {
      const count = yield* recordedPoll(context.env, recorder, consumer, payload, 50, recreated, { drain: true }, each)
      quiet = count === 0 ? quiet + 1 : 0
      for (const { topic, partition } of partitions) {
        const position = consumer.currentPosition(topic, partition)
        if (position !== undefined) read.set(`${topic}-${partition}`, position)
      }
      if (keys.every(key => end[key] !== undefined && (read.get(key) ?? 0) >= end[key]!)) break
    }
  }
}

function* offsets(admin: Admin, partitions: readonly { topic: string; partition: number }[], which: 'latest' | 'earliest'): Task<number[] | undefined> {
  const answers = yield* admin.listOffsets(partitions.map(({ topic, partition }) => ({ topic, partition, which })))
  const found: number[] = []
  for (const answer of answers) {
    if (!answer.ok) return undefined
    found.push(answer.value.offset)
  }
  return found.length === partitions.length ? found : undefined
}
