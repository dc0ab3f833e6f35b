/**
 * The transactions of a producer: what the application calls, and the queue of requests that the sender sends for it, one
 * at a time (TransactionManager). States are in TransactionState, requests and answers in transaction-requests.ts.
 *
 * TV1: each partition and the offsets are added at the coordinator before anything is sent there; all transactions of a
 * session share an epoch. TV2 (KIP-890): leaders add partitions, EndTxn answers with the next epoch. The protocol is chosen
 * by the finalized feature transaction.version when a session or a transaction ends, never within a transaction.
 *
 * As in Kafka, the choice is made when a transaction begins to end, and what is still to be sent then already goes by it: a
 * producer that learns at that moment of a downgrade sends by TV1 to partitions that nobody has added, has to abort, and may not
 * even do that, because TV1 refuses to end a transaction that the coordinator does not know (INVALID_TXN_STATE, fatal).
 *
 * A call that timed out goes on: until it is repeated and ends, no other may be made.
 */
import { TrialError } from '../../base/trial-error.ts'
import { partitionName } from '../../base/partition-name.ts'
import type { Env } from '../../env/env.ts'
import type { RpcResult } from '../../rpc/rpc-client.ts'
import type { BrokerRpc } from '../broker-rpc.ts'
import type { BrokerNode } from '../cluster-metadata.ts'
import type { CoordinatorKey, CoordinatorType } from '../coordinator-lookup.ts'
import type { GroupMetadata, OffsetToCommit } from '../group/group-metadata.ts'
import { DONE } from './transaction-outcome.ts'
import type { PendingOutcome, TransactionOutcome } from './transaction-outcome.ts'
import { Priority, addOffsetsToTxn, addPartitionsToTxn, endTxn, findCoordinator, initProducerId, txnOffsetCommit } from './transaction-requests.ts'
import type { ProducerIdentity, TransactionRequest, Verdict } from './transaction-requests.ts'
import { TransactionState } from './transaction-state.ts'
import { TransactionalSequences } from './transactional-sequences.ts'

type Call = 'initTransactions' | 'commitTransaction' | 'abortTransaction'

const TRANSACTION_VERSION_FEATURE = 'transaction.version'

export class Transactions {
  readonly state: TransactionState
  readonly sequences: TransactionalSequences

  private readonly env: Env
  private readonly rpc: BrokerRpc
  private readonly transactionTimeoutMs: number
  private queue: TransactionRequest[] = []
  private readonly coordinators = new Map<CoordinatorType, BrokerNode>()
  /** To be added by the next AddPartitionsToTxn, and those that are being added (TV1). */
  private readonly newPartitions = new Map<string, { readonly topic: string; readonly partition: number }>()
  private readonly pendingPartitions = new Map<string, { readonly topic: string; readonly partition: number }>()
  private pendingCall: { readonly call: Call; readonly outcome: PendingOutcome } | undefined = undefined
  private featuresEpoch = -1

  constructor(env: Env, transactionalId: string, transactionTimeoutMs: number, rpc: BrokerRpc) {
    this.env = env
    this.rpc = rpc
    this.transactionTimeoutMs = transactionTimeoutMs
    this.state = new TransactionState(env, transactionalId, error => this.failPendingCall(error))
    this.sequences = new TransactionalSequences(env, this.state)
  }

  initTransactions(): PendingOutcome {
    return this.repeatable('initTransactions', () => {
      this.state.enter('initializing', 'initTransactions')
      return this.askForId({ ...this.identity, producerId: -1, producerEpoch: -1 }, false).outcome
    })
  }

  /** @throws TrialError when there is a transaction already, or none can be begun yet */
  beginTransaction(): TransactionOutcome {
    this.checkNoPendingCall('beginTransaction')
    if (this.state.hasError) return this.errorOutcome()
    this.state.enter('in-transaction', 'beginTransaction')
    this.tell('begin')
    return DONE
  }

  commit(): PendingOutcome | TransactionOutcome {
    if (this.pendingCall === undefined && this.state.hasError) return this.errorOutcome()
    return this.repeatable('commitTransaction', () => {
      this.state.enter('committing', 'commitTransaction')
      return this.complete(true)
    })
  }

  abort(): PendingOutcome | TransactionOutcome {
    if (this.pendingCall === undefined && this.state.phase === 'fatal-error') return this.errorOutcome()
    return this.repeatable('abortTransaction', () => {
      this.state.enter('aborting', 'abortTransaction')
      this.newPartitions.clear()
      return this.complete(false)
    })
  }

  sendOffsets(offsets: readonly OffsetToCommit[], group: GroupMetadata): PendingOutcome | TransactionOutcome {
    this.checkNoPendingCall('sendOffsetsToTransaction')
    const { state } = this
    if (state.hasError) return this.errorOutcome()
    if (state.phase !== 'in-transaction') throw new TrialError('usage', `sendOffsetsToTransaction needs a transaction, but ${state.transactionalId} is ${state.phase}.`)
    const request = state.isV2
      ? txnOffsetCommit(this.identity, group, offsets, true)
      : addOffsetsToTxn(this.identity, group.groupId, () => {
        this.enqueue(txnOffsetCommit(this.identity, group, offsets, false, request.outcome))
        state.started = true
      })
    if (state.isV2) state.started = true
    this.enqueue(request)
    return request.outcome
  }

  /** @throws TrialError outside of a transaction */
  checkMaySend(): void {
    this.checkNoPendingCall('send')
    const { state } = this
    if (!state.hasError && state.phase !== 'in-transaction') throw new TrialError('usage', `send needs a transaction, but ${state.transactionalId} is ${state.phase}.`)
  }

  /** A record was put into a batch of this partition. True when the sender has something to ask. */
  addPartition(topic: string, partition: number): boolean {
    const name = partitionName(topic, partition)
    const { state } = this
    if (state.isV2) {
      state.added.add(name)
      state.started = true
      return false
    }
    if (state.added.has(name) || this.newPartitions.has(name) || this.pendingPartitions.has(name)) return false
    this.newPartitions.set(name, { topic, partition })
    return true
  }

  /** The next request to send; undefined: none now. The end of a transaction waits until no batch is left. */
  nextRequest(hasIncompleteBatches: boolean): TransactionRequest | undefined {
    if (this.newPartitions.size > 0) this.enqueue(this.addPartitions())
    const { state } = this
    for (;;) {
      const next = this.queue[0]
      if (next === undefined || (next.priority === Priority.EndTxn && hasIncompleteBatches)) return undefined
      this.queue.shift()
      if (state.hasError && !(state.phase === 'abortable-error' && next.priority === Priority.FindCoordinator)) {
        this.failRequest(next, state.lastError!)
        continue
      }
      if (next.priority !== Priority.EndTxn || state.started) return next
      // Nothing was sent: the coordinator knows of no transaction.
      next.outcome.future.complete(DONE)
      this.finish()
    }
  }

  coordinator(type: CoordinatorType): BrokerNode | undefined {
    return this.coordinators.get(type)
  }

  /** Nobody is known to ask, or who was asked did not answer. */
  rediscover({ type, key }: CoordinatorKey): void {
    this.coordinators.delete(type)
    this.enqueue(findCoordinator({ type, key }, node => this.coordinators.set(type, node)))
  }

  retry(request: TransactionRequest): void {
    request.isRetry = true
    this.enqueue(request)
  }

  handle(request: TransactionRequest, result: RpcResult): void {
    if (!result.ok) {
      if (result.sent) request.mayHaveHappened = true
      if (result.reason === 'unsupported-version') return this.carryOut(request, { is: 'fatal', error: 'UNSUPPORTED_VERSION' })
      return this.carryOut(request, { is: request.coordinator === undefined ? 'retry' : 'rediscover' })
    }
    this.carryOut(request, request.judge(result.body as never))
  }

  get hasPendingRequests(): boolean {
    return this.queue.length > 0
  }

  /** Fails whatever is still asked for. */
  close(error: string): void {
    for (const request of this.queue) this.failRequest(request, error)
    this.queue = []
    this.failPendingCall(error)
  }

  /** After initTransactions: the protocol of the first transaction. */
  sessionStarted(): void {
    this.chooseProtocol(true)
  }

  outcomeOf(error: string, definite: boolean): TransactionOutcome {
    return { ok: false, error, remedy: this.state.phase === 'abortable-error' ? 'abort' : 'close', definite }
  }

  private get identity(): ProducerIdentity {
    const { producerId, producerEpoch } = this.sequences
    return { transactionalId: this.state.transactionalId, producerId, producerEpoch }
  }

  private complete(committed: boolean): PendingOutcome {
    if (this.newPartitions.size > 0) this.enqueue(this.addPartitions())
    const { producerId, producerEpoch } = this.sequences
    const end = endTxn(this.identity, committed, this.state.isV2, (nextId, nextEpoch) => {
      this.state.tell(committed ? 'commit' : 'abort', undefined, producerId, producerEpoch)
      if (nextId !== -1) this.sequences.adopt(nextId, nextEpoch)
      this.finish()
    })
    this.chooseProtocol(false)
    this.enqueue(end)
    if (!this.state.epochBumpRequired) return end.outcome
    const bump = this.askForId(this.identity, true)
    bump.mayHaveHappened = true
    return bump.outcome
  }

  private askForId(identity: ProducerIdentity, isEpochBump: boolean): TransactionRequest {
    const request = initProducerId(identity, this.transactionTimeoutMs, isEpochBump, (producerId, producerEpoch) => {
      this.sequences.adopt(producerId, producerEpoch)
      this.state.advance('ready')
      if (isEpochBump) this.env.observe({ kind: 'client-epoch-bump', producerId, producerEpoch, reason: 'end of a transaction' })
      else this.tell('initialized')
    })
    this.enqueue(request)
    return request
  }

  private addPartitions(): TransactionRequest {
    for (const [name, partition] of this.newPartitions) this.pendingPartitions.set(name, partition)
    this.newPartitions.clear()
    const { state } = this
    const asked = [...this.pendingPartitions]
    return addPartitionsToTxn(
      this.identity, asked.map(([, partition]) => partition), () => state.added.size === 0,
      names => {
        for (const name of names) state.added.add(name)
        state.started = true
      },
      () => {
        for (const [name] of asked) this.pendingPartitions.delete(name)
      },
    )
  }

  private finish(): void {
    this.newPartitions.clear()
    this.pendingPartitions.clear()
    this.state.complete()
  }

  private carryOut(request: TransactionRequest, verdict: Verdict): void {
    switch (verdict.is) {
      case 'done':
        if (request.continues !== true) request.outcome.future.complete(DONE)
        return
      case 'retry':
        return this.retry(request)
      case 'rediscover':
        this.rediscover(request.coordinator!)
        return this.retry(request)
      case 'abort':
        this.state.failTransaction(verdict.error)
        return this.failRequest(request, verdict.error)
      case 'abort-and-bump':
        this.state.failTransactionAndBump(verdict.error)
        return this.failRequest(request, verdict.error)
      case 'fatal':
        // first the request, which knows whether it may have been carried out
        request.outcome.future.complete({ ok: false, error: verdict.error, remedy: 'close', definite: !request.mayHaveHappened })
        return this.state.fail(verdict.error)
    }
  }

  private failRequest(request: TransactionRequest, error: string): void {
    request.outcome.future.complete(this.outcomeOf(error, !request.mayHaveHappened))
  }

  private failPendingCall(error: string): void {
    const outcome = this.pendingCall?.outcome
    if (outcome === undefined) return
    const waiting = this.queue.find(request => request.outcome === outcome)
    outcome.future.complete({ ok: false, error, remedy: 'close', definite: waiting?.mayHaveHappened === false })
  }

  private errorOutcome(): TransactionOutcome {
    return this.outcomeOf(this.state.lastError!, true)
  }

  /** By priority; first come, first served among equals. */
  private enqueue(request: TransactionRequest): void {
    let index = this.queue.length
    while (index > 0 && this.queue[index - 1]!.priority > request.priority) index--
    this.queue.splice(index, 0, request)
  }

  /** A call that may be made again after it timed out, and then goes on with what it waits for. */
  private repeatable(call: Call, start: () => PendingOutcome): PendingOutcome {
    const { pendingCall } = this
    if (pendingCall !== undefined && !pendingCall.outcome.isSeen) {
      if (pendingCall.call !== call) this.checkNoPendingCall(call)
      return pendingCall.outcome
    }
    const outcome = start()
    this.pendingCall = { call, outcome }
    return outcome
  }

  private checkNoPendingCall(call: string): void {
    const { pendingCall } = this
    if (pendingCall === undefined) return
    if (!pendingCall.outcome.isSeen) throw new TrialError('usage', `${call} is not possible because ${pendingCall.call} has timed out and must be repeated.`)
    this.pendingCall = undefined
  }

  /** The first transaction under TV2 gets an epoch of its own, so that no partition of the one before is taken for added. */
  private chooseProtocol(isSessionStart: boolean): void {
    const { state } = this
    const { features } = this.rpc
    if (this.featuresEpoch >= features.epoch) return
    this.featuresEpoch = features.epoch
    const wasV2 = state.isV2
    state.isV2 = (features.levels.get(TRANSACTION_VERSION_FEATURE) ?? 0) >= 2
    if (!isSessionStart && !wasV2 && state.isV2) state.epochBumpRequired = true
  }

  private tell(phase: 'initialized' | 'begin'): void {
    this.state.tell(phase, undefined, this.sequences.producerId, this.sequences.producerEpoch)
  }
}
