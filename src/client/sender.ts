/**
 * The producer's I/O thread (Sender): drains ready batches by leader, keeps up to max.in.flight requests a connection on
 * the wire, and turns answers into results, retries, splits and epoch bumps.
 *
 * Order: with idempotence sequences keep it for up to five requests in flight; without it only max.in.flight=1 does, by
 * muting a partition while one of its batches is on the wire.
 *
 * Unlike Kafka, batches expire before the drain of a turn, not after it, so that a batch is never sent after its failure
 * was told; and waiting for a producer id does not keep batches from expiring.
 */
import { ZERO_UUID } from '../protocol/uuid.ts'
import { msToUs } from '../base/time.ts'
import type { Task } from '../base/task.ts'
import type { Micros } from '../base/time.ts'
import type { ProducerConfig } from '../config/client.ts'
import type { Env } from '../env/env.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import type { Draft } from '../protocol/codec.ts'
import { ErrorCode, errorName, isRetriable, refreshesMetadata } from '../protocol/errors.ts'
import type { ProduceRequest, ProduceResponse, ProduceResponsePartitionProduceResponse } from '../protocol/generated/types.ts'
import type { RpcResult } from '../rpc/rpc-client.ts'
import { AnswerQueue } from './answer-queue.ts'
import type { BrokerRpc } from './broker-rpc.ts'
import type { BrokerNode, ClusterMetadata } from './cluster-metadata.ts'
import { IdempotentState } from './idempotent-state.ts'
import { partitionName } from '../base/partition-name.ts'
import type { ProducerBatch } from './producer-batch.ts'
import { ProducerIdRequest } from './producer-id-request.ts'
import type { ProducerSequences } from './producer-sequences.ts'
import type { RecordAccumulator } from './record-accumulator.ts'
import { refusesBeforeAppend } from './send-result.ts'
import { TransactionSender } from './transaction/transaction-sender.ts'
import { Transactions } from './transaction/transactions.ts'
import type { Wakeup } from './wakeup.ts'

/** What one produce request carried. */
interface Sent {
  readonly batches: ReadonlyMap<string, ProducerBatch>
  /** Names of the topic ids that were sent. */
  readonly names: ReadonlyMap<string, string>
}

interface Verdict {
  readonly errorCode: number
  readonly baseOffset: number
  readonly logAppendTime: number
  readonly logStartOffset: number
  readonly topicId: string
}

const verdict = (errorCode: number): Verdict => ({ errorCode, baseOffset: -1, logAppendTime: -1, logStartOffset: -1, topicId: ZERO_UUID })

export class Sender {
  /** Set by close: ends the task when nothing is left to do, or at once. */
  closing: 'no' | 'when-done' | 'now' = 'no'
  private readonly env: Env
  private readonly config: ProducerConfig
  private readonly rpc: BrokerRpc
  private readonly metadata: ClusterMetadata
  private readonly accumulator: RecordAccumulator
  private readonly sequences: ProducerSequences | undefined
  private readonly idRequest: ProducerIdRequest | undefined
  private readonly transactions: TransactionSender | undefined
  private readonly wakeup: Wakeup
  private readonly onRelease: () => void
  private readonly keepsOrderByMuting: boolean
  private readonly inFlight = new Map<string, ProducerBatch[]>()
  /** Hosts that are being connected to. */
  private readonly connecting = new Set<string>()
  private readonly answers: AnswerQueue

  /** `onRelease` is called when batches are done and memory may be free. */
  constructor(
    env: Env, config: ProducerConfig, rpc: BrokerRpc, metadata: ClusterMetadata, accumulator: RecordAccumulator,
    identity: IdempotentState | Transactions | undefined, wakeup: Wakeup, onRelease: () => void,
  ) {
    this.env = env
    this.config = config
    this.rpc = rpc
    this.metadata = metadata
    this.accumulator = accumulator
    this.wakeup = wakeup
    this.onRelease = onRelease
    this.keepsOrderByMuting = config.maxInFlightRequestsPerConnection === 1
    this.answers = new AnswerQueue(rpc, wakeup)
    this.sequences = identity instanceof Transactions ? identity.sequences : identity
    this.idRequest = identity instanceof IdempotentState ? new ProducerIdRequest(env, config, metadata, this.answers, identity) : undefined
    this.transactions = identity instanceof Transactions ? new TransactionSender(env, config, metadata, this.answers, identity) : undefined
  }

  *run(): Task<void> {
    for (;;) {
      if (this.closing === 'now' || (this.closing === 'when-done' && !this.accumulator.hasIncomplete && this.transactions?.mayEnd() !== false)) return
      const next = this.runOnce()
      if (next <= this.env.now()) yield* this.env.pause('producer-sender')
      else yield* this.wakeup.waitUntil(next)
    }
  }

  /** After this nothing can be sent any more. */
  get fatalError(): string | undefined {
    if (this.transactions === undefined) return this.idRequest?.fatalError
    const { state } = this.transactions.transactions
    return state.phase === 'fatal-error' ? state.lastError : undefined
  }

  /** Gives up a batch that may be in a log rather than number it anew. */
  abandon(batch: ProducerBatch): void {
    batch.mayBeWritten = true
    batch.isAbandoned = true
    batch.fail('OUT_OF_ORDER_SEQUENCE_NUMBER')
    this.accumulator.remove(batch)
    this.forget(batch)
  }

  /** Fails everything that is not done, or only what never left. */
  abort(error: string, which: 'all' | 'undrained' = 'all'): void {
    for (const batch of this.accumulator.incompleteBatches()) {
      if (which === 'undrained' && batch.hasSequence) continue
      batch.fail(error)
      this.accumulator.remove(batch)
      this.forget(batch)
    }
  }

  /** The thread has ended: fails everything that somebody still waits for. */
  shutDown(error: string): void {
    this.transactions?.close(error)
    this.abort(error)
  }

  /** One turn; returns when the next one is due (now: at once). */
  private runOnce(): Micros {
    this.answers.run()
    const { sequences } = this
    sequences?.resolveSequences()
    if (this.fatalError !== undefined) {
      this.abort(this.fatalError)
      return Infinity
    }
    if (sequences instanceof IdempotentState) sequences.bumpIfNeeded()
    const now = this.env.now()
    const busy = this.transactions?.turn(() => this.accumulator.hasIncomplete, error => this.abort(error, 'undrained'))
    if (busy !== undefined) return busy
    this.expireBatches(now)
    const ready = this.accumulator.ready(now)
    if (ready.hasUnknownLeader) this.metadata.requestUpdate()
    let next = Math.min(ready.nextCheck, this.nextExpiry())
    if (this.idRequest !== undefined && sequences?.hasProducerId === false) next = Math.min(next, this.idRequest.ask())
    for (const node of ready.nodes.values()) {
      if (!this.isReady(node)) {
        const backoff = this.rpc.backoffLeft(node.host, node.port)
        if (backoff > 0) next = Math.min(next, now + backoff)
        continue
      }
      const batches = this.accumulator.drain(node, now)
      if (batches.length === 0) continue
      this.send(node, batches)
      next = now
    }
    return next
  }

  /**
   * Can a produce request go out at once? As NetworkClient#ready, starts to connect when there is no connection, so that
   * batches wait in the accumulator and may still follow their leader elsewhere. Asking for versions is what opens it.
   */
  private isReady(node: BrokerNode): boolean {
    const canSend = this.rpc.canSend(node.host, node.port)
    if (this.rpc.isReady(node.host, node.port)) return canSend
    if (canSend && !this.connecting.has(node.host)) {
      this.connecting.add(node.host)
      this.answers.ask(node, ApiKey.ApiVersions, {}, result => {
        this.connecting.delete(node.host)
        if (!result.ok) this.metadata.requestUpdate()
      })
    }
    return false
  }

  private send(node: BrokerNode, batches: readonly ProducerBatch[]): void {
    const byKey = new Map<string, ProducerBatch>()
    const names = new Map<string, string>()
    const topics = new Map<string, { name: string; topicId: string; partitionData: { index: number; records: Uint8Array }[] }>()
    for (const batch of batches) {
      const { topic, partition } = batch
      const key = partitionName(topic, partition)
      byKey.set(key, batch)
      let data = topics.get(topic)
      if (data === undefined) {
        data = { name: topic, topicId: this.metadata.topicId(topic), partitionData: [] }
        topics.set(topic, data)
        names.set(data.topicId, topic)
      }
      data.partitionData.push({ index: partition, records: batch.close() })
      batch.onTheWire = true
      const inFlight = this.inFlight.get(key)
      if (inFlight === undefined) this.inFlight.set(key, [batch])
      else inFlight.push(batch)
      if (this.keepsOrderByMuting) this.accumulator.mute(batch, true)
    }
    const request: Draft<ProduceRequest> = {
      transactionalId: this.config.transactionalId,
      acks: this.config.acks,
      timeoutMs: this.config.requestTimeoutMs,
      topicData: [...topics.values()],
    }
    const sent: Sent = { batches: byKey, names }
    this.answers.ask(node, ApiKey.Produce, request, result => {
      if (result.ok && this.config.acks !== 0) this.handleResponse(sent, result.body as ProduceResponse)
      else for (const batch of byKey.values()) this.handleNoResponse(batch, result)
    }, { expectResponse: this.config.acks !== 0, ...this.transactions?.produceOptions })
  }

  private handleResponse({ batches, names }: Sent, response: ProduceResponse): void {
    const left = new Map(batches)
    for (const topic of response.responses) {
      const name = topic.name === '' ? (names.get(topic.topicId) ?? '') : topic.name
      for (const partition of topic.partitionResponses) {
        const key = partitionName(name, partition.index)
        const batch = left.get(key)
        if (batch === undefined) continue
        left.delete(key)
        this.completeBatch(batch, {
          errorCode: partition.errorCode,
          baseOffset: partition.baseOffset,
          logAppendTime: partition.logAppendTimeMs,
          logStartOffset: partition.logStartOffset,
          topicId: topic.topicId,
        })
        this.learnLeader(batch, partition, response)
      }
    }
    for (const batch of left.values()) this.completeBatch(batch, verdict(ErrorCode.UNKNOWN_SERVER_ERROR))
  }

  private learnLeader(batch: ProducerBatch, answer: ProduceResponsePartitionProduceResponse, response: ProduceResponse): void {
    const { leaderId, leaderEpoch } = answer.currentLeader
    if (answer.errorCode !== ErrorCode.NOT_LEADER_OR_FOLLOWER || leaderId < 0 || leaderEpoch < 0) return
    this.metadata.updateLeader(batch.topic, batch.partition, leaderId, leaderEpoch, response.nodeEndpoints)
  }

  private handleNoResponse(batch: ProducerBatch, result: RpcResult): void {
    if (result.ok) return this.completeBatch(batch, verdict(ErrorCode.NONE))
    if (result.reason === 'disconnected') this.metadata.requestUpdate()
    if (!result.sent && result.reason !== 'unsupported-version') return this.takeBack(batch)
    this.completeBatch(batch, verdict(
      result.reason === 'timeout' ? ErrorCode.REQUEST_TIMED_OUT
      : result.reason === 'disconnected' ? ErrorCode.NETWORK_EXCEPTION
      : ErrorCode.UNSUPPORTED_VERSION,
    ))
  }

  /**
   * The request never left: no attempt. The batch counts as retried all the same, because its numbers are taken and must be
   * resolved if it expires.
   */
  private takeBack(batch: ProducerBatch): void {
    this.land(batch)
    if (batch.isDone) return
    batch.inRetry = true
    this.leaveFlight(batch)
    this.accumulator.giveBack(batch)
  }

  private completeBatch(batch: ProducerBatch, answer: Verdict): void {
    const { errorCode } = answer
    this.land(batch)
    if (batch.isAbandoned) return
    if (errorCode === ErrorCode.NONE) return this.succeed(batch, answer)
    if (!refusesBeforeAppend(errorCode)) batch.mayBeWritten = true
    if (errorCode === ErrorCode.MESSAGE_TOO_LARGE && batch.recordCount > 1 && !batch.isDone) {
      if (batch.hasSequence) this.sequences?.untrack(batch)
      this.accumulator.splitAndReenqueue(batch)
      this.forget(batch)
    } else if (this.canRetry(batch, answer)) {
      const { topic, partition, producerId, baseSequence, attempts } = batch
      this.env.observe({ kind: 'client-retry', topic, partition, errorCode, producerId, baseSequence, attempt: attempts + 1 })
      this.leaveFlight(batch)
      this.accumulator.reenqueue(batch, this.env.now())
    } else if (errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER) {
      this.succeed(batch, answer)
    } else {
      // Its numbers are lost for good, unless retries ran out: then the broker may have taken them.
      this.fail(batch, errorCode, errorCode === ErrorCode.NETWORK_EXCEPTION ? 'DISCONNECTED' : errorName(errorCode), batch.attempts < this.config.retries)
    }
    if (refreshesMetadata(errorCode)) this.metadata.requestUpdate()
  }

  private canRetry(batch: ProducerBatch, answer: Verdict): boolean {
    if (this.accumulator.hasExpired(batch, this.env.now()) || batch.attempts >= this.config.retries || batch.isDone) return false
    return this.sequences === undefined
      ? isRetriable(answer.errorCode)
      : this.sequences.canRetry(batch, answer.errorCode, answer.logStartOffset)
  }

  private succeed(batch: ProducerBatch, answer: Verdict): void {
    this.sequences?.completed(batch)
    batch.succeed(answer.baseOffset, answer.logAppendTime, answer.topicId)
    this.forget(batch)
  }

  private fail(batch: ProducerBatch, errorCode: number, error: string, sequenceLost: boolean): void {
    if (batch.fail(error)) this.sequences?.failed(batch, errorCode, error, sequenceLost)
    this.forget(batch)
  }

  /** Batches past delivery.timeout.ms, waiting or on the wire. */
  private expireBatches(now: Micros): void {
    const expired = this.accumulator.expired(now)
    for (const batches of this.inFlight.values()) {
      for (const batch of batches) {
        if (!this.accumulator.hasExpired(batch, now)) break
        expired.push(batch)
      }
    }
    for (const batch of expired) {
      this.fail(batch, ErrorCode.NONE, 'TIMEOUT', false)
      if (batch.inRetry) this.sequences?.markUnresolved(batch)
    }
  }

  /** When `expireBatches` has something to do next. */
  private nextExpiry(): Micros {
    let earliest = Infinity
    for (const batches of this.inFlight.values()) earliest = Math.min(earliest, batches[0]!.createdAt)
    return Math.min(this.accumulator.nextExpiry(), earliest + msToUs(this.config.deliveryTimeoutMs))
  }

  /** No longer on the wire. */
  private land(batch: ProducerBatch): void {
    batch.onTheWire = false
    if (this.keepsOrderByMuting) this.accumulator.mute(batch, false)
  }

  private leaveFlight(batch: ProducerBatch): void {
    const key = partitionName(batch.topic, batch.partition)
    const inFlight = this.inFlight.get(key)
    const index = inFlight === undefined ? -1 : inFlight.indexOf(batch)
    if (index < 0) return
    inFlight!.splice(index, 1)
    if (inFlight!.length === 0) this.inFlight.delete(key)
  }

  private forget(batch: ProducerBatch): void {
    this.leaveFlight(batch)
    this.accumulator.release(batch)
    this.onRelease()
  }
}
