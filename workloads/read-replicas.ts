/**
 * Reads every in-sync replica of every partition, as kafka-replica-verification does: a follower serves whoever asks it,
 * up to its own high watermark (KIP-392). Replicas that keep different records show here, to plain reads, even if nobody
 * that kept the wrong ones is ever elected. What a follower does not serve in time proves nothing and is left out.
 */
import type { Task } from '../src/base/task.ts'
import type { Admin } from '../src/client/admin.ts'
import { Consumer } from '../src/client/consumer.ts'
import { DEFAULT_CONSUMER_CONFIG, type ConsumerConfig } from '../src/config/client.ts'
import { recordedPoll } from './client-script.ts'
import type { DrainContext } from './contract.ts'
import type { PayloadOf } from './records.ts'
import { recreatedTopics } from './topic-incarnations.ts'

/** A follower learns the high watermark a fetch later than the leader: polls without an answer before it is given up. */
const PATIENCE = 6
const POLL_MS = 50

export function* readReplicas(context: DrainContext, admin: Admin, payload: PayloadOf, end: { readonly [key: string]: number }, isolationLevel: ConsumerConfig['isolationLevel']): Task<void> {
  const cluster = yield* admin.describeCluster()
  if (!cluster.ok) return
  const followed = cluster.value.topics.flatMap(topic => topic.partitions.flatMap(({ partition, leaderId, isr }) =>
    ((end[`${topic.name}-${partition}`] ?? 0) > 0 ? isr.filter(id => id !== leaderId).map(id => ({ id, topic: topic.name, partition })) : [])))
  const brokers = [...new Set(followed.map(({ id }) => id))].sort((a, b) => a - b)
  for (const broker of brokers) yield* readReplica(context, broker, followed.filter(({ id }) => id === broker), payload, end, isolationLevel)
}

function* readReplica(
  { env, recorder, clients, bootstrapServers, operations }: DrainContext, broker: number, partitions: readonly { topic: string; partition: number }[], payload: PayloadOf,
  end: { readonly [key: string]: number }, isolationLevel: ConsumerConfig['isolationLevel'],
): Task<void> {
  const timeouts = clients[0]?.config ?? {}
  const consumer = new Consumer(env, {
    ...DEFAULT_CONSUMER_CONFIG, ...timeouts, clientId: `drain-${broker}`, bootstrapServers, clientRack: null, fetchMaxWaitMs: POLL_MS,
    autoOffsetReset: 'earliest', isolationLevel, readReplica: broker,
  })
  const extra = { drain: true, replica: broker }
  recorder.invoke('assign', Object.fromEntries(partitions.map(({ topic, partition }) => [`${topic}-${partition}`, 'earliest'])), extra).ok(null)
  consumer.assign(partitions)
  for (const { topic, partition } of partitions) consumer.seekToBeginning(topic, partition)
  const isRead = ({ topic, partition }: { topic: string; partition: number }): boolean => (consumer.currentPosition(topic, partition) ?? 0) >= end[`${topic}-${partition}`]!
  const recreated = recreatedTopics(operations)
  for (let quiet = 0; quiet < PATIENCE && !partitions.every(isRead);) {
    const count = yield* recordedPoll(env, recorder, consumer, payload, POLL_MS, recreated, extra)
    quiet = count === 0 ? quiet + 1 : 0
  }
  consumer.close()
}
