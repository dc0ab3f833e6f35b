/**
 * A consume-transform-produce application: reads a topic as a member of a group and hands what it polls to a sink, which
 * writes the outputs and remembers how far it came. How the two are tied together is what makes the delivery semantics.
 *
 * The last instance runs when everything has healed and the others are gone: it goes on until the whole input is processed,
 * so that what has no output then never will have one.
 */
import type { Task } from '../src/base/task.ts'
import { type Micros, US_PER_MS } from '../src/base/time.ts'
import { partitionName } from '../src/base/partition-name.ts'
import { Admin } from '../src/client/admin.ts'
import type { ConsumerRecord } from '../src/client/completed-fetch.ts'
import type { OffsetToCommit } from '../src/client/group/group-metadata.ts'
import type { TopicPartition } from '../src/client/topic-partition.ts'
import { DEFAULT_ADMIN_CONFIG, type ConsumerConfig, type ProducerConfig } from '../src/config/client.ts'
import type { Env } from '../src/env/env.ts'
import type { Json } from '../src/history/operation.ts'
import { ApiError } from '../src/protocol/api-error.ts'
import type { ClientRecorder, OpenOperation } from './contract.ts'
import { GroupMember } from './group-member.ts'
import type { PayloadOf } from './records.ts'

/** One instance of an application. */
export interface Instance {
  readonly env: Env
  readonly recorder: ClientRecorder
  /** Unique in a trial: host, and incarnation after the first. */
  readonly name: string
  readonly producer: Partial<ProducerConfig>
  readonly consumer: Partial<ConsumerConfig>
  readonly outside: Map<string, unknown>
  /** Offsets in transactions are committed as the member that it is, not just in the name of the group. */
  readonly sendsGroupMetadata: boolean
  readonly input: string
  readonly payload: PayloadOf
  /** How long its work on the records of one poll takes, between what it writes first and what it writes last. */
  readonly workUs: Micros
  /** Commits after every record, and takes a refusal for the loss of its partitions: what is left of the poll is dropped. */
  readonly commitsEach: boolean
}

/** What an instance must do next. `rewind`: what was polled is not processed, go back to where processing is. `restart`: begin anew. */
export type Step = 'on' | 'rewind' | 'restart'

export interface Sink {
  /** Before anything is polled. */
  open?(): Task<Step>
  /** Where processing of newly assigned partitions begins; absent: where the group committed. */
  positions?(partitions: readonly TopicPartition[]): Task<readonly OffsetToCommit[]>
  /** Writes the outputs of these records, in order, and remembers the new positions. */
  process(records: readonly ConsumerRecord[], member: GroupMember): Task<Step>
  /** What was processed of partitions that are given up, if that is not yet remembered. */
  revoked?(partitions: readonly TopicPartition[], member: GroupMember): Task<void>
  close?(): Task<void>
}

const POLL_MS = 60
const RESTART_MS = 300
/** How long leaving the group may take before the process goes all the same. */
const CLOSE_MS = 1_000

export function inputKey({ topic, partition, offset }: { readonly topic: string; readonly partition: number; readonly offset: number }): Json {
  return [partitionName(topic, partition), offset]
}

export function* work({ env, workUs }: Instance): Task<void> {
  if (workUs > 0) yield* env.sleep(workUs).wait()
}

/** One attempt at the output of each record, open until somebody knows what became of it. */
export function recordOutputs(recorder: ClientRecorder, records: readonly ConsumerRecord[]): readonly OpenOperation[] {
  return records.map(record => recorder.invoke('output', inputKey(record)))
}

/** The positions after these records. */
export function positionsAfter(records: readonly ConsumerRecord[]): OffsetToCommit[] {
  const last = new Map<string, OffsetToCommit>()
  for (const { topic, partition, offset, leaderEpoch } of records) last.set(partitionName(topic, partition), { topic, partition, offset: offset + 1, leaderEpoch })
  return [...last.values()]
}

/** Runs until `isOver`, beginning anew after what cannot be mended. */
export function* runInstance(instance: Instance, makeSink: (instance: Instance) => Sink, isOver: (member: GroupMember) => Task<boolean>): Task<void> {
  for (let attempt = 0; ; attempt++) {
    const name = attempt === 0 ? instance.name : `${instance.name}/${attempt + 1}`
    if (yield* runOnce({ ...instance, name }, makeSink, isOver)) return
    yield* instance.env.sleep(RESTART_MS * US_PER_MS).wait()
  }
}

/** True when it is over, false when it must begin anew. */
function* runOnce(instance: Instance, makeSink: (instance: Instance) => Sink, isOver: (member: GroupMember) => Task<boolean>): Task<boolean> {
  const { env, recorder, name, consumer: config, input, payload } = instance
  const sink = makeSink(instance)
  let step: Step = sink.open === undefined ? 'on' : yield* sink.open()
  const member: GroupMember = new GroupMember(env, recorder, {
    name, config, topics: [input], payload,
    listener: {
      *onAssigned(partitions) {
        if (sink.positions !== undefined) member.seek(yield* sink.positions(partitions))
      },
      *onRevoked(partitions) {
        if (sink.revoked !== undefined) yield* sink.revoked(partitions, member)
      },
    },
  })
  let over = false
  while (step !== 'restart' && !over) {
    const records = yield* member.poll(POLL_MS)
    step = member.isStuck ? 'restart' : records.length === 0 ? 'on' : yield* sink.process(records, member)
    if (step === 'rewind' && !(yield* rewind(sink, member))) step = 'restart'
    over = yield* isOver(member)
  }
  yield* member.consumer.shutDown(CLOSE_MS)
  if (sink.close !== undefined) yield* sink.close()
  return over
}

/** Back to where processing is: what was polled since has no effect. False when nobody tells where that is. */
function* rewind(sink: Sink, member: GroupMember): Task<boolean> {
  const { assignment } = member.consumer
  const known = new Map<string, number>()
  if (sink.positions !== undefined) for (const { topic, partition, offset } of yield* sink.positions(assignment)) known.set(partitionName(topic, partition), offset)
  else {
    try {
      for (const [key, committed] of yield* member.consumer.committed(assignment)) known.set(key, committed?.offset ?? 0)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return false
    }
  }
  const mine = new Set(member.consumer.assignment.map(({ topic, partition }) => partitionName(topic, partition)))
  member.seek(assignment.flatMap(({ topic, partition }) => {
    const key = partitionName(topic, partition)
    return mine.has(key) ? [{ topic, partition, offset: known.get(key) ?? 0 }] : []
  }))
  return true
}

/** For the last instance: is everything that lies in the input processed? */
export function untilProcessed(env: Env, input: TopicPartition[], bootstrapServers: readonly string[], timeouts: object): (member: GroupMember) => Task<boolean> {
  const admin = new Admin(env, { ...DEFAULT_ADMIN_CONFIG, ...timeouts, clientId: 'drain-input', bootstrapServers })
  return function* (member) {
    const mine = new Set(member.consumer.assignment.map(({ topic, partition }) => partitionName(topic, partition)))
    if (input.some(({ topic, partition }) => !mine.has(partitionName(topic, partition)))) return false
    const ends = yield* admin.listOffsets(input.map(({ topic, partition }) => ({ topic, partition, which: 'latest' as const })))
    return input.every(({ topic, partition }, index) => {
      const end = ends[index]
      return end?.ok === true && (member.consumer.currentPosition(topic, partition) ?? -1) >= end.value.offset
    })
  }
}
