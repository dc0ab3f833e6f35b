/**
 * The reference producer (KafkaProducer): chooses partitions, waits for metadata and memory at most max.block.ms, and
 * hands records to the accumulator in the order of the calls.
 *
 * Unlike Kafka, `send` never blocks its caller: a record that must wait for metadata or memory waits in a queue, behind
 * those that came before it. Idempotence with other acks than all, no retries or more than five in flight is refused, as in
 * Kafka.
 */
import { Future } from '../base/task.ts'
import type { Task } from '../base/task.ts'
import { msToUs } from '../base/time.ts'
import type { Micros, Millis } from '../base/time.ts'
import { TrialError } from '../base/trial-error.ts'
import type { ProducerConfig } from '../config/client.ts'
import type { Env } from '../env/env.ts'
import { ErrorCode, errorName } from '../protocol/errors.ts'
import { partitionForKey } from '../protocol/murmur2.ts'
import type { RecordInput } from '../protocol/records/record-batch.ts'
import type { BrokerRpc } from './broker-rpc.ts'
import { ClusterMetadata } from './cluster-metadata.ts'
import { connectBrokers } from './connect.ts'
import { IdempotentState } from './idempotent-state.ts'
import { upperBoundSize } from './producer-batch.ts'
import { RecordAccumulator } from './record-accumulator.ts'
import type { SendResult } from './send-result.ts'
import { Sender } from './sender.ts'
import type { PartitionChoices } from './sticky-partitioner.ts'
import { Wakeup } from './wakeup.ts'

export interface ProducerRecord {
  readonly topic: string
  readonly partition?: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers?: readonly { readonly key: string; readonly value: Uint8Array | null }[]
  /** Milliseconds; the wall clock of this machine when absent. */
  readonly timestamp?: number
}

interface PendingSend {
  readonly record: ProducerRecord
  readonly future: Future<SendResult>
  readonly deadline: Micros
  /** Its number in the round-robin partitioner's count, once taken. */
  turn?: number
}

function checkConfig(config: ProducerConfig): void {
  if (!config.enableIdempotence) return
  if (config.acks !== -1) throw new TrialError('config', `enable.idempotence needs acks=all, not acks=${config.acks}.`)
  if (config.retries === 0) throw new TrialError('config', 'enable.idempotence needs retries.')
  if (config.maxInFlightRequestsPerConnection > 5) {
    throw new TrialError('config', 'enable.idempotence allows at most 5 requests in flight a connection.')
  }
}

export class Producer {
  private readonly env: Env
  private readonly config: ProducerConfig
  private readonly rpc: BrokerRpc
  private readonly metadata: ClusterMetadata
  private readonly accumulator: RecordAccumulator
  private readonly sender: Sender
  private readonly senderWakeup: Wakeup
  private readonly appenderWakeup: Wakeup
  private readonly stopped = new Future<void>()
  private pending: PendingSend[] = []
  private isAppending = false
  private readonly roundRobin = new Map<string, number>()

  /** Starts its tasks at once. @throws TrialError for a contradictory configuration */
  constructor(env: Env, config: ProducerConfig, rpc: BrokerRpc = connectBrokers(env, config, config.maxInFlightRequestsPerConnection)) {
    checkConfig(config)
    this.env = env
    this.config = config
    this.rpc = rpc
    this.metadata = new ClusterMetadata(env, this.rpc, config)
    this.senderWakeup = new Wakeup(env)
    this.appenderWakeup = new Wakeup(env)
    const sequences = config.enableIdempotence ? new IdempotentState(env, batch => this.sender.abandon(batch)) : undefined
    this.accumulator = new RecordAccumulator(env, config, this.metadata, sequences)
    this.sender = new Sender(
      env, config, this.rpc, this.metadata, this.accumulator, sequences, this.senderWakeup, () => this.appenderWakeup.wake(),
    )
    this.metadata.onUpdate(() => {
      this.senderWakeup.wake()
      this.appenderWakeup.wake()
    })
    this.metadata.start()
    env.spawn('producer-sender', this.runSender())
  }

  /** Takes a record. The future always completes, never fails. */
  send(record: ProducerRecord): Future<SendResult> {
    const future = new Future<SendResult>()
    const send: PendingSend = { record, future, deadline: this.env.now() + msToUs(this.config.maxBlockMs) }
    if (this.pending.length === 0 && this.tryAppend(send)) return future
    this.pending.push(send)
    if (!this.isAppending) {
      this.isAppending = true
      this.env.spawn('producer-appender', this.appendPending())
    }
    return future
  }

  /** Sends what lingers and waits until every record taken so far has its result. */
  *flush(): Task<void> {
    const last = this.pending[this.pending.length - 1]
    this.accumulator.flushesInProgress++
    this.senderWakeup.wake()
    if (last !== undefined) yield* last.future.wait()
    for (const batch of this.accumulator.incompleteBatches()) yield* batch.done.wait()
    this.accumulator.flushesInProgress--
  }

  /** Waits for what was taken, at most `timeoutMs`; then the rest fails with PRODUCER_CLOSED. */
  *close(timeoutMs: Millis): Task<void> {
    this.accumulator.isClosed = true
    this.sender.closing = 'when-done'
    this.senderWakeup.wake()
    this.appenderWakeup.wake()
    const timer = this.env.timer(msToUs(timeoutMs), () => {
      this.sender.closing = 'now'
      this.senderWakeup.wake()
    })
    yield* this.stopped.wait()
    timer.cancel()
  }

  private *runSender(): Task<void> {
    yield* this.sender.run()
    this.sender.abort('PRODUCER_CLOSED')
    this.metadata.close()
    this.rpc.close()
    this.stopped.complete()
  }

  private *appendPending(): Task<void> {
    for (;;) {
      const head = this.pending[0]
      if (head === undefined) break
      if (this.tryAppend(head)) this.pending.shift()
      else if (this.env.now() >= head.deadline) {
        refuse(head, -1, 'TIMEOUT')
        this.pending.shift()
      } else yield* this.appenderWakeup.waitUntil(head.deadline)
    }
    this.isAppending = false
  }

  /** True when the record is in a batch or refused; false when it must wait for metadata or memory. */
  private tryAppend(send: PendingSend): boolean {
    const { record, future } = send
    this.accumulator.isExhausted = false
    if (this.accumulator.isClosed) return refuse(send, -1, 'PRODUCER_CLOSED')
    if (this.sender.fatalError !== ErrorCode.NONE) return refuse(send, -1, errorName(this.sender.fatalError))
    this.metadata.add(record.topic)
    const topic = this.metadata.topic(record.topic)
    if (topic === undefined || (record.partition !== undefined && record.partition >= topic.partitions.length)) {
      if (this.metadata.topicError(record.topic) === ErrorCode.INVALID_TOPIC_EXCEPTION) return refuse(send, -1, 'INVALID_TOPIC_EXCEPTION')
      this.metadata.requestUpdate()
      return false
    }
    const input: RecordInput = {
      timestamp: record.timestamp ?? this.env.wallClock(),
      key: record.key,
      value: record.value,
      ...(record.headers === undefined ? {} : { headers: record.headers }),
    }
    const size = upperBoundSize(input)
    if (size > this.config.maxRequestSize || size > this.config.bufferMemory) return refuse(send, record.partition ?? -1, 'MESSAGE_TOO_LARGE')
    const choices: PartitionChoices = { count: topic.partitions.length, available: () => this.metadata.partitionsWithLeader(record.topic) }
    const appended = this.accumulator.append(record.topic, this.partitionFor(send, choices), input, future, choices)
    if (appended === false) {
      // memory comes back when batches are sent, so nothing lingers now
      this.accumulator.isExhausted = true
      this.senderWakeup.wake()
      return false
    }
    if (appended.wakeSender) this.senderWakeup.wake()
    return true
  }

  /** undefined: the sticky partitioner decides. */
  private partitionFor(send: PendingSend, choices: PartitionChoices): number | undefined {
    const { topic, partition, key } = send.record
    if (partition !== undefined) return partition
    if (this.config.partitioner === 'default') return key === null ? undefined : partitionForKey(key, choices.count)
    if (send.turn === undefined) {
      send.turn = this.roundRobin.get(topic) ?? 0
      this.roundRobin.set(topic, send.turn + 1)
    }
    const available = choices.available()
    return available.length > 0 ? available[send.turn % available.length]! : send.turn % choices.count
  }
}

/** Certainly not written: it never reached a batch. */
function refuse(send: PendingSend, partition: number, error: string): true {
  send.future.complete({ ok: false, topic: send.record.topic, partition, error, definite: true })
  return true
}
