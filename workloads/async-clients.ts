/**
 * The reference clients as users' `async` code sees them: promises instead of tasks, Buffers instead of bytes. Everything
 * they await comes from the simulation, through the edge; a killed process's promises never settle.
 */
import { partitionName } from '../src/base/partition-name.ts'
import { Future, type Task } from '../src/base/task.ts'
import { Admin } from '../src/client/admin.ts'
import type { ListedOffset, OffsetSpec } from '../src/client/topic-calls.ts'
import type { AdminResult } from '../src/client/admin-call.ts'
import type { ConsumerRecord as ReadRecord } from '../src/client/completed-fetch.ts'
import { Consumer, type PollResult } from '../src/client/consumer.ts'
import type { CommittedOffset } from '../src/client/group/committed-offsets.ts'
import type { GroupMetadata, OffsetToCommit } from '../src/client/group/group-metadata.ts'
import { Producer } from '../src/client/producer.ts'
import type { TopicPartition } from '../src/client/topic-partition.ts'
import type { TransactionOutcome } from '../src/client/transaction/transaction-outcome.ts'
import type { SendResult } from '../src/client/send-result.ts'
import { type AdminConfig, type ConsumerConfig, DEFAULT_ADMIN_CONFIG, type ProducerConfig } from '../src/config/client.ts'
import type { Env } from '../src/env/env.ts'
import type { Edge } from './contract.ts'

export interface ConsumedRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly leaderEpoch: number
  /** Milliseconds. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer | null>>
}

export interface RecordToSend {
  readonly topic: string
  readonly partition?: number
  readonly key?: string | Uint8Array | null
  readonly value: string | Uint8Array | null
  readonly headers?: Readonly<Record<string, string | Uint8Array | null>>
}

/** Kafka's name of an error, as a client gave it. */
export class KafkaError extends Error {
  override readonly name = 'KafkaError'
  readonly error: string
  /** False: what was asked for may have happened all the same. */
  readonly definite: boolean

  constructor(error: string, definite: boolean) {
    super(definite ? error : `${error} (it may have happened all the same)`)
    this.error = error
    this.definite = definite
  }
}

const encoder = new TextEncoder()
const bytes = (data: string | Uint8Array | null): Uint8Array | null => (typeof data === 'string' ? encoder.encode(data) : data)
const buffer = (data: Uint8Array | null): Buffer | null => (data === null ? null : Buffer.from(data.buffer, data.byteOffset, data.byteLength))

/** Runs a task as a thread of the process; a promise of what it returns. */
export function promiseOf<T>(env: Env, edge: Edge, name: string, task: Task<T>): Promise<T> {
  const done = new Future<T>()
  env.spawn(name, (function* (): Task<void> {
    try {
      done.complete(yield* task)
    } catch (error) {
      done.fail(error)
    }
  })())
  return edge.toPromise(done)
}

/** What the application must do next: abort the transaction, close the producer, or make the same call again. */
export class TransactionError extends KafkaError {
  readonly remedy: 'abort' | 'close' | 'retry'

  constructor({ error, remedy, definite }: TransactionOutcome & { readonly ok: false }) {
    super(error, definite)
    this.remedy = remedy
  }
}

/** Told of rebalances inside `poll`, `unsubscribe` and `shutDown`, which wait for what it does, such as a commit. */
export interface AsyncRebalanceListener {
  onPartitionsAssigned?(partitions: readonly TopicPartition[]): Promise<void> | void
  onPartitionsRevoked?(partitions: readonly TopicPartition[]): Promise<void> | void
  /** Absent: lost partitions count as revoked. */
  onPartitionsLost?(partitions: readonly TopicPartition[]): Promise<void> | void
}

export class AsyncConsumer {
  private readonly env: Env
  private readonly edge: Edge
  private readonly consumer: Consumer
  private readonly config: ConsumerConfig
  private admin: AsyncAdmin | undefined = undefined

  constructor(env: Env, edge: Edge, config: ConsumerConfig) {
    this.env = env
    this.edge = edge
    this.config = config
    this.consumer = new Consumer(env, config)
  }

  assign(partitions: readonly { readonly topic: string; readonly partition: number }[]): void {
    this.consumer.assign(partitions)
  }

  /** Joins the group of `groupId` in the next polls; topics by name, or all whose whole name matches. */
  subscribe(topics: readonly string[] | RegExp, listener: AsyncRebalanceListener = {}): void {
    const tell = (callback: ((partitions: readonly TopicPartition[]) => Promise<void> | void) | undefined) => (
      (partitions: readonly TopicPartition[]): Task<void> | undefined => (callback === undefined ? undefined : this.edge.wrap(async () => callback.call(listener, partitions)).wait())
    )
    this.consumer.subscribe(topics, {
      onPartitionsAssigned: tell(listener.onPartitionsAssigned),
      onPartitionsRevoked: tell(listener.onPartitionsRevoked),
      onPartitionsLost: tell(listener.onPartitionsLost ?? listener.onPartitionsRevoked),
    })
  }

  unsubscribe(): Promise<void> {
    return promiseOf(this.env, this.edge, 'unsubscribe', this.consumer.unsubscribe())
  }

  /** What is assigned, in order. */
  get assignment(): readonly TopicPartition[] {
    return this.consumer.assignment
  }

  /** Membership, for `sendOffsetsToTransaction` of a producer. */
  groupMetadata(): GroupMetadata {
    return this.consumer.groupMetadata()
  }

  /** Commits, without arguments all positions, and retries what can be. Rejects with KafkaError. */
  async commit(offsets?: readonly OffsetToCommit[]): Promise<void> {
    const outcome = await promiseOf(this.env, this.edge, 'commit', this.consumer.commitSync(offsets))
    if (!outcome.ok) throw new KafkaError(outcome.error, outcome.definite)
  }

  /** One attempt; `onDone` is called in a later call of this consumer, without an error when it is committed. */
  commitAsync(offsets?: readonly OffsetToCommit[], onDone: (error?: KafkaError) => void = () => {}): void {
    this.consumer.commitAsync(offsets, outcome => {
      // The user's code runs at the edge, not on the consumer's stack.
      this.env.spawn('commit-callback', this.edge.wrap(async () => onDone(outcome.ok ? undefined : new KafkaError(outcome.error, outcome.definite))).wait())
    })
  }

  /** What is committed, one a partition in order; null where nothing is. */
  async committed(partitions: readonly TopicPartition[]): Promise<readonly (CommittedOffset | null)[]> {
    const found = await promiseOf(this.env, this.edge, 'committed', this.consumer.committed(partitions))
    return partitions.map(({ topic, partition }) => found.get(partitionName(topic, partition)) ?? null)
  }

  seek(topic: string, partition: number, offset: number): void {
    this.consumer.seek(topic, partition, offset)
  }

  seekToBeginning(topic: string, partition: number): void {
    this.consumer.seekToBeginning(topic, partition)
  }

  seekToEnd(topic: string, partition: number): void {
    this.consumer.seekToEnd(topic, partition)
  }

  pause(topic: string, partition: number): void {
    this.consumer.pause(topic, partition)
  }

  resume(topic: string, partition: number): void {
    this.consumer.resume(topic, partition)
  }

  /** Offset of the record that the next poll begins with. Rejects with the client's error when there is none in time. */
  position(topic: string, partition: number): Promise<number> {
    return promiseOf(this.env, this.edge, 'position', this.consumer.position(topic, partition))
  }

  /** One past the last record that may be read, for each partition, in order. Rejects with KafkaError when one cannot be told. */
  async endOffsets(partitions: readonly { readonly topic: string; readonly partition: number }[]): Promise<readonly number[]> {
    this.admin ??= new AsyncAdmin(this.env, this.edge, { ...DEFAULT_ADMIN_CONFIG, ...this.config })
    const found = await this.admin.listOffsets(partitions.map(({ topic, partition }) => ({ topic, partition, which: 'latest' })))
    return found.map(({ offset }) => offset)
  }

  /** Records, or none after `timeoutMs`. Rejects with KafkaError, after which polling may go on. */
  async poll(timeoutMs: number): Promise<readonly ConsumedRecord[]> {
    const result: PollResult = await promiseOf(this.env, this.edge, 'poll', this.consumer.poll(timeoutMs))
    if (result.error !== undefined) throw new KafkaError(result.error, true)
    return result.records.map(consumed)
  }

  /** Commits (auto-commit), leaves the group unless static, and closes. */
  async shutDown(timeoutMs = 30_000): Promise<void> {
    await promiseOf(this.env, this.edge, 'shut-down', this.consumer.shutDown(timeoutMs))
    this.admin?.close()
  }

  /** Ends it at once, as if the process had died: nothing is committed, the group finds out by the session. */
  close(): void {
    this.consumer.close()
    this.admin?.close()
  }
}

function consumed(record: ReadRecord): ConsumedRecord {
  return {
    ...record,
    key: buffer(record.key),
    value: buffer(record.value),
    headers: Object.fromEntries(record.headers.map(({ key, value }) => [key, buffer(value)])),
  }
}

export class AsyncProducer {
  private readonly env: Env
  private readonly edge: Edge
  private readonly producer: Producer

  constructor(env: Env, edge: Edge, config: ProducerConfig) {
    this.env = env
    this.edge = edge
    this.producer = new Producer(env, config)
  }

  /**
   * Where the record lies; offset -1 under acks=0. Rejects with KafkaError. Within a transaction nobody need wait for it: the
   * commit fails when a record did.
   */
  send(record: RecordToSend): Promise<{ readonly topic: string; readonly partition: number; readonly offset: number }> {
    const sent = this.deliver(record)
    sent.catch(() => {})
    return sent
  }

  private async deliver(record: RecordToSend): Promise<{ readonly topic: string; readonly partition: number; readonly offset: number }> {
    const { topic, partition, key = null, value, headers = {} } = record
    const result: SendResult = await this.edge.toPromise(this.producer.send({
      topic, key: bytes(key), value: bytes(value),
      headers: Object.entries(headers).map(([name, data]) => ({ key: name, value: bytes(data) })),
      ...(partition === undefined ? {} : { partition }),
    }))
    if (!result.ok) throw new KafkaError(result.error, result.definite)
    return { topic: result.topic, partition: result.partition, offset: result.offset }
  }

  /** Once, before the first transaction: fences older instances of the transactionalId. Rejects with TransactionError, as the calls below. */
  initTransactions(): Promise<void> {
    return this.outcome('init-transactions', this.producer.initTransactions())
  }

  beginTransaction(): void {
    const outcome = this.producer.beginTransaction()
    if (!outcome.ok) throw new TransactionError(outcome)
  }

  sendOffsetsToTransaction(offsets: readonly OffsetToCommit[], group: GroupMetadata): Promise<void> {
    return this.outcome('send-offsets', this.producer.sendOffsetsToTransaction(offsets, group))
  }

  /** Sends what was taken and commits it. A definite error says that nothing is committed. */
  commitTransaction(): Promise<void> {
    return this.outcome('commit-transaction', this.producer.commitTransaction())
  }

  abortTransaction(): Promise<void> {
    return this.outcome('abort-transaction', this.producer.abortTransaction())
  }

  private async outcome(name: string, call: Task<TransactionOutcome>): Promise<void> {
    const outcome = await promiseOf(this.env, this.edge, name, call)
    if (!outcome.ok) throw new TransactionError(outcome)
  }

  flush(): Promise<void> {
    return promiseOf(this.env, this.edge, 'flush', this.producer.flush())
  }

  close(timeoutMs = 0): Promise<void> {
    return promiseOf(this.env, this.edge, 'close', this.producer.close(timeoutMs))
  }
}

export class AsyncAdmin {
  private readonly env: Env
  private readonly edge: Edge
  private readonly admin: Admin

  constructor(env: Env, edge: Edge, config: AdminConfig) {
    this.env = env
    this.edge = edge
    this.admin = new Admin(env, config)
  }

  /** Rejects with KafkaError when one of them cannot be told. */
  async listOffsets(specs: readonly OffsetSpec[]): Promise<readonly ListedOffset[]> {
    const results: AdminResult<ListedOffset>[] = await promiseOf(this.env, this.edge, 'list-offsets', this.admin.listOffsets(specs))
    return results.map(result => {
      if (!result.ok) throw new KafkaError(result.error, true)
      return result.value
    })
  }

  close(): void {
    this.admin.close()
  }
}
