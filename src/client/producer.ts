/**
 * The reference producer (KafkaProducer): chooses partitions, waits for metadata and memory at most max.block.ms, and
 * hands records to the accumulator in the order of the calls.
 *
 * Unlike Kafka, `send` never blocks its caller: a record that must wait for metadata or memory waits in a queue, behind
 * those that came before it, and a commit waits for all of them. Idempotence with other acks than all, no retries or more than five in flight is refused, as in
 * Kafka.
 */
import { Future } from '../base/task.ts'
import type { Task } from '../base/task.ts'
import { msToUs } from '../base/time.ts'
import type { Micros, Millis } from '../base/time.ts'
import { TrialError } from '../base/trial-error.ts'
import type { ProducerConfig } from '../config/client.ts'
import type { Env } from '../env/env.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { partitionForKey } from '../protocol/murmur2.ts'
import type { RecordInput } from '../protocol/records/record-batch.ts'
import type { BrokerRpc } from './broker-rpc.ts'
import { ClusterMetadata } from './cluster-metadata.ts'
import { connectBrokers } from './connect.ts'
import type { GroupMetadata, OffsetToCommit } from './group/group-metadata.ts'
import { IdempotentState } from './idempotent-state.ts'
import { upperBoundSize } from './producer-batch.ts'
import { RecordAccumulator } from './record-accumulator.ts'
import type { SendResult } from './send-result.ts'
import { Sender } from './sender.ts'
import type { PartitionChoices } from './sticky-partitioner.ts'
import { DONE, PendingOutcome } from './transaction/transaction-outcome.ts'
import type { TransactionOutcome } from './transaction/transaction-outcome.ts'
import { Transactions } from './transaction/transactions.ts'
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
  /** Completes when it is in a batch or refused. */
  readonly taken: Future<void>
  /** Its number in the round-robin partitioner's count, once taken. */
  turn?: number
}

function checkConfig(config: ProducerConfig): void {
  if (!config.enableIdempotence) {
    if (config.transactionalId !== null) throw new TrialError('config', 'transactional.id needs enable.idempotence.')
    return
  }
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
  private readonly transactions: Transactions | undefined
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
    const { transactionalId, transactionTimeoutMs } = config
    this.transactions = transactionalId === null ? undefined : new Transactions(env, transactionalId, transactionTimeoutMs, this.rpc)
    const idempotent = config.enableIdempotence && this.transactions === undefined ? new IdempotentState(env, batch => this.sender.abandon(batch)) : undefined
    this.accumulator = new RecordAccumulator(env, config, this.metadata, this.transactions?.sequences ?? idempotent)
    this.sender = new Sender(
      env, config, this.rpc, this.metadata, this.accumulator, this.transactions ?? idempotent, this.senderWakeup, () => this.appenderWakeup.wake(),
    )
    this.metadata.onUpdate(() => {
      this.senderWakeup.wake()
      this.appenderWakeup.wake()
    })
    this.metadata.start()
    env.spawn('producer-sender', this.runSender())
  }

  /** Gets id and epoch, which fences older instances and ends what they left open. Once, before anything else. */
  *initTransactions(): Task<TransactionOutcome> {
    const transactions = this.transactional('initTransactions')
    const outcome = yield* this.await(transactions.initTransactions())
    if (outcome.ok) transactions.sessionStarted()
    return outcome
  }

  /** @throws TrialError before initTransactions, or within a transaction */
  beginTransaction(): TransactionOutcome {
    return this.transactional('beginTransaction').beginTransaction()
  }

  /** Makes committed offsets of a group part of the transaction, fenced by the membership that `group` tells (KIP-447). */
  *sendOffsetsToTransaction(offsets: readonly OffsetToCommit[], group: GroupMetadata): Task<TransactionOutcome> {
    const transactions = this.transactional('sendOffsetsToTransaction')
    return offsets.length === 0 ? DONE : yield* this.await(transactions.sendOffsets(offsets, group))
  }

  /** Sends what was taken and commits. An error before the commit was sent is definite: nothing is committed. */
  *commitTransaction(): Task<TransactionOutcome> {
    const transactions = this.transactional('commitTransaction')
    const last = this.pending[this.pending.length - 1]
    if (last !== undefined) yield* last.taken.wait()
    return yield* this.await(transactions.commit())
  }

  *abortTransaction(): Task<TransactionOutcome> {
    const transactions = this.transactional('abortTransaction')
    const { pending } = this
    this.pending = []
    for (const send of pending) {
      refuse(send, -1, 'TRANSACTION_ABORTED')
      send.taken.complete()
    }
    return yield* this.await(transactions.abort())
  }

  /**
   * Takes a record. The future always completes, never fails.
   * @throws TrialError when the producer is transactional and there is no transaction
   */
  send(record: ProducerRecord): Future<SendResult> {
    this.transactions?.checkMaySend()
    const future = new Future<SendResult>()
    const send: PendingSend = { record, future, deadline: this.env.now() + msToUs(this.config.maxBlockMs), taken: new Future() }
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

  /** Of a call that is a request's: its outcome, or TIMEOUT after max.block.ms. */
  private *await(pending: PendingOutcome | TransactionOutcome): Task<TransactionOutcome> {
    if (!(pending instanceof PendingOutcome)) return pending
    this.senderWakeup.wake()
    const first = new Future<void>()
    const timer = this.env.timer(msToUs(this.config.maxBlockMs), () => first.complete())
    pending.future.onSettled(() => first.complete())
    yield* first.wait()
    timer.cancel()
    if (!pending.future.isSettled) return { ok: false, error: 'TIMEOUT', remedy: 'retry', definite: false }
    pending.isSeen = true
    return pending.future.result()
  }

  private transactional(call: string): Transactions {
    if (this.transactions === undefined) throw new TrialError('usage', `${call} needs a producer with a transactional.id.`)
    return this.transactions
  }

  private *runSender(): Task<void> {
    yield* this.sender.run()
    this.sender.shutDown('PRODUCER_CLOSED')
    this.metadata.close()
    this.rpc.close()
    this.stopped.complete()
  }

  private *appendPending(): Task<void> {
    for (;;) {
      const head = this.pending[0]
      if (head === undefined) break
      if (this.tryAppend(head)) this.take(head)
      else if (this.env.now() >= head.deadline) {
        this.refuse(head, -1, ErrorCode.REQUEST_TIMED_OUT, 'TIMEOUT')
        this.take(head)
      } else yield* this.appenderWakeup.waitUntil(head.deadline)
    }
    this.isAppending = false
  }

  private take(send: PendingSend): void {
    const index = this.pending.indexOf(send)
    if (index >= 0) this.pending.splice(index, 1)
    send.taken.complete()
  }

  /** As the Java client, a record that cannot be taken fails the transaction. */
  private refuse(send: PendingSend, partition: number, errorCode: number, error: string): true {
    this.transactions?.state.sendFailed(errorCode, error)
    return refuse(send, partition, error)
  }

  /** True when the record is in a batch or refused; false when it must wait for metadata or memory. */
  private tryAppend(send: PendingSend): boolean {
    const { record, future } = send
    this.accumulator.isExhausted = false
    if (this.accumulator.isClosed) return refuse(send, -1, 'PRODUCER_CLOSED')
    const { fatalError } = this.sender
    if (fatalError !== undefined) return refuse(send, -1, fatalError)
    const transaction = this.transactions?.state
    if (transaction?.phase === 'abortable-error') return refuse(send, -1, transaction.lastError!)
    this.metadata.add(record.topic)
    const topic = this.metadata.topic(record.topic)
    if (topic === undefined || (record.partition !== undefined && record.partition >= topic.partitions.length)) {
      if (this.metadata.topicError(record.topic) === ErrorCode.INVALID_TOPIC_EXCEPTION) return this.refuse(send, -1, ErrorCode.INVALID_TOPIC_EXCEPTION, 'INVALID_TOPIC_EXCEPTION')
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
    if (size > this.config.maxRequestSize || size > this.config.bufferMemory) {
      return this.refuse(send, record.partition ?? -1, ErrorCode.MESSAGE_TOO_LARGE, 'MESSAGE_TOO_LARGE')
    }
    const choices: PartitionChoices = { count: topic.partitions.length, available: () => this.metadata.partitionsWithLeader(record.topic) }
    const appended = this.accumulator.append(record.topic, this.partitionFor(send, choices), input, future, choices)
    if (appended === false) {
      // memory comes back when batches are sent, so nothing lingers now
      this.accumulator.isExhausted = true
      this.senderWakeup.wake()
      return false
    }
    const isNew = this.transactions?.addPartition(record.topic, appended.partition) === true
    if (appended.wakeSender || isNew) this.senderWakeup.wake()
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
