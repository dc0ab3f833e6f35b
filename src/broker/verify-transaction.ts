/**
 * Before records of a transaction are appended: is it open, and does it include these partitions (KIP-890; ReplicaManager
 * #handleProduceAppend, #maybeSendPartitionsToTransactionCoordinator)? Partitions in which the transaction is open already
 * need no question.
 */
import { partitionName } from '../base/partition-name.ts'
import type { Task } from '../base/task.ts'
import { msToUs } from '../base/time.ts'
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { requiresVerification } from '../storage/verification.ts'
import type { VerificationGuard } from '../storage/verification.ts'
import type { PartitionOperation } from './add-partitions-sender.ts'
import type { BrokerContext } from './broker-context.ts'

/** add.partitions.to.txn.retry.backoff.ms and its upper bound in all. */
const RETRY_BACKOFF_MS = 20
const RETRY_FOR_MS = 100

export interface TransactionalBatches {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
  readonly operation: PartitionOperation
  readonly batches: readonly { readonly topic: string; readonly partition: number; readonly sequence: number }[]
}

/** Refused with an error, or to be appended under a guard (undefined: the transaction is open there). */
export interface Verified {
  readonly errorCode: number
  readonly guard: VerificationGuard | undefined
}

/** Verdicts by partition name. A partition without one needs no guard. */
export type Verdicts = ReadonlyMap<string, Verified>

export const NOTHING_TO_VERIFY: Verdicts = new Map()

/** Asks once. */
export function* verifyTransaction(context: BrokerContext, transaction: TransactionalBatches): Task<Verdicts> {
  const { transactionalId, producerId, producerEpoch, operation, batches } = transaction
  if (operation !== 'add' && !requiresVerification(context.env, context.cluster.server)) return NOTHING_TO_VERIFY
  const verdicts = new Map<string, Verified>()
  const asked: { topic: string; partition: number }[] = []
  for (const { topic, partition, sequence } of batches) {
    const name = partitionName(topic, partition)
    try {
      const hosted = context.replicas.requireNamed(topic, partition)
      if (!hosted.isLeader) throw new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER)
      const guard = hosted.log.producers.startVerification({ producerId, epoch: producerEpoch, sequence, supportsEpochBump: operation === 'add' })
      if (guard === undefined) continue
      verdicts.set(name, { errorCode: ErrorCode.NONE, guard })
      asked.push({ topic, partition })
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      verdicts.set(name, { errorCode: error.code, guard: undefined })
    }
  }
  if (asked.length === 0) return verdicts
  const errors = yield* context.addPartitions.ask({ transactionalId, producerId, producerEpoch, partitions: asked, operation }).wait()
  yield* context.env.pause('verified')
  for (const [name, errorCode] of errors) verdicts.set(name, { errorCode, guard: verdicts.get(name)?.guard })
  if (errors.size > 0) context.env.observe({ kind: 'mark', name: 'verification-refused' })
  return verdicts
}

/**
 * Asks again while the transaction before is not quite over, if the leader is to add the partition: with every transaction
 * beginning right after the last one that is common, and sending the records again would cost more.
 */
export function* verifyForProduce(context: BrokerContext, transaction: TransactionalBatches): Task<Verdicts> {
  const startedUs = context.env.now()
  for (;;) {
    const verdicts = yield* verifyTransaction(context, transaction)
    if (transaction.operation !== 'add' || !hasConcurrent(verdicts)) return verdicts
    if (context.env.now() - startedUs >= msToUs(RETRY_FOR_MS)) return verdicts
    yield* context.env.sleep(msToUs(RETRY_BACKOFF_MS)).wait()
  }
}

function hasConcurrent(verdicts: Verdicts): boolean {
  for (const { errorCode } of verdicts.values()) if (errorCode === ErrorCode.CONCURRENT_TRANSACTIONS) return true
  return false
}

/** Coordinator errors as a produce response tells them: NOT_ENOUGH_REPLICAS makes old clients retry without asking for metadata. */
export function produceError(errorCode: number, operation: PartitionOperation): number {
  switch (errorCode) {
    case ErrorCode.NETWORK_EXCEPTION:
    case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
    case ErrorCode.NOT_COORDINATOR:
      return ErrorCode.NOT_ENOUGH_REPLICAS
    case ErrorCode.CONCURRENT_TRANSACTIONS:
      return operation === 'add' ? errorCode : ErrorCode.NOT_ENOUGH_REPLICAS
    default:
      return errorCode
  }
}
