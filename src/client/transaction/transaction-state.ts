/**
 * State of a transactional producer (the states of TransactionManager).
 *
 *   uninitialized -> initializing -> ready <-> in-transaction -> committing -> ready
 *                         ^            ^            |                |
 *                         |            |            +--> aborting <--|--- abortable-error
 *                         |            +---- aborting    ^           v         ^
 *                         +-- committing, aborting       +--- (in-transaction, committing, initializing)
 *   any -> fatal-error
 *
 * A completed transaction leads to `initializing` instead of `ready` when the epoch must be bumped by InitProducerId
 * (TV1 after an error, or the first transaction under TV2). An error while aborting changes nothing: the abort goes on.
 *
 * A step that the table forbids is a usage error when the application asks for it, and poisons the producer (fatal-error)
 * when an answer does (KAFKA-14831). Unlike Kafka, a producer that has failed keeps its first error.
 */
import { TrialError } from '../../base/trial-error.ts'
import type { Env } from '../../env/env.ts'
import { ErrorCode } from '../../protocol/errors.ts'

export type TransactionPhase =
  | 'uninitialized' | 'initializing' | 'ready' | 'in-transaction' | 'committing' | 'aborting' | 'abortable-error' | 'fatal-error'

const SOURCES: Readonly<Record<TransactionPhase, readonly TransactionPhase[]>> = {
  'uninitialized': [],
  'initializing': ['uninitialized', 'committing', 'aborting'],
  'ready': ['initializing', 'committing', 'aborting'],
  'in-transaction': ['ready'],
  'committing': ['in-transaction'],
  'aborting': ['in-transaction', 'abortable-error'],
  'abortable-error': ['in-transaction', 'committing', 'abortable-error', 'initializing'],
  'fatal-error': ['uninitialized', 'initializing', 'ready', 'in-transaction', 'committing', 'aborting', 'abortable-error', 'fatal-error'],
}

/** Errors of a send after which nothing helps (TransactionManager#maybeTransitionToErrorState). */
const FATAL: ReadonlySet<number> = new Set([
  ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
  ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
  ErrorCode.PRODUCER_FENCED,
  ErrorCode.UNSUPPORTED_VERSION,
  ErrorCode.INVALID_PRODUCER_ID_MAPPING,
])

export class TransactionState {
  readonly transactionalId: string
  phase: TransactionPhase = 'uninitialized'
  /** Kafka's name of what led to an error state. */
  lastError: string | undefined = undefined
  /** Something was sent in this transaction, so that the coordinator must be told of its end. */
  started = false
  /** After this transaction InitProducerId bumps the epoch. */
  epochBumpRequired = false
  /** TV2 (KIP-890): leaders add partitions, EndTxn bumps the epoch. */
  isV2 = false
  /** Partitions of this transaction by name. */
  readonly added = new Set<string>()

  private readonly env: Env
  private readonly onFatal: (error: string) => void

  constructor(env: Env, transactionalId: string, onFatal: (error: string) => void) {
    this.env = env
    this.transactionalId = transactionalId
    this.onFatal = onFatal
  }

  get isCompleting(): boolean {
    return this.phase === 'committing' || this.phase === 'aborting'
  }

  get hasError(): boolean {
    return this.phase === 'abortable-error' || this.phase === 'fatal-error'
  }

  /** Begun and neither completed nor lost for good. */
  get isOngoing(): boolean {
    return this.phase === 'in-transaction' || this.phase === 'abortable-error' || this.isCompleting
  }

  /** A step of the application's. @throws TrialError when it is not the time for it */
  enter(target: TransactionPhase, what: string): void {
    if (!SOURCES[target].includes(this.phase)) {
      throw new TrialError('usage', `${what} is not possible for ${this.transactionalId} while it is ${this.phase}.`)
    }
    this.move(target)
  }

  /** A step that an answer or a time-out leads to. */
  advance(target: TransactionPhase): void {
    if (SOURCES[target].includes(this.phase)) this.move(target)
    else this.fail(`ILLEGAL_STATE (${this.phase} to ${target})`)
  }

  /** The transaction can only be aborted. */
  failTransaction(error: string): void {
    if (this.phase === 'aborting' || this.phase === 'fatal-error') return
    if (!SOURCES['abortable-error'].includes(this.phase)) return this.fail(`ILLEGAL_STATE (${this.phase} to abortable-error)`)
    this.phase = 'abortable-error'
    this.lastError = error
    this.tell('abortable-error', error)
  }

  /** The producer can only be closed. */
  fail(error: string): void {
    if (this.phase === 'fatal-error') return
    this.phase = 'fatal-error'
    this.lastError = error
    this.tell(error === 'PRODUCER_FENCED' ? 'fenced' : 'fatal-error', error)
    this.onFatal(error)
  }

  /** A record could not be sent. */
  sendFailed(errorCode: number, error: string): void {
    if (FATAL.has(errorCode)) return this.fail(error)
    if (!this.isV2 && !this.isCompleting) this.epochBumpRequired = true
    this.failTransaction(error)
  }

  /** An error from which another epoch recovers: under TV2 the end of the transaction brings one, else InitProducerId. */
  failTransactionAndBump(error: string): void {
    if (!this.isV2) this.epochBumpRequired = true
    this.failTransaction(error)
  }

  complete(): void {
    const bump = this.epochBumpRequired
    this.epochBumpRequired = false
    this.started = false
    this.added.clear()
    this.advance(bump ? 'initializing' : 'ready')
  }

  tell(phase: 'initialized' | 'begin' | 'commit' | 'abort' | 'fenced' | 'abortable-error' | 'fatal-error', error?: string, producerId = -1, producerEpoch = -1): void {
    const { transactionalId } = this
    this.env.observe({ kind: 'client-transaction', transactionalId, phase, producerId, producerEpoch, ...(error === undefined ? {} : { error }) })
  }

  private move(target: TransactionPhase): void {
    this.phase = target
    this.lastError = undefined
  }
}
