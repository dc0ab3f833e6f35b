/**
 * The requests of a transactional producer: what each asks and what its answer means (the TxnRequestHandlers of
 * TransactionManager). Answers are judged here and carried out by Transactions.
 *
 * Versions say which protocol is spoken: under TV1 EndTxn stops at 4, TxnOffsetCommit at 4 and AddPartitionsToTxn, which
 * clients never batch, at 3; EndTxn 5 and TxnOffsetCommit 5 are TV2 (KIP-890).
 */
import { ApiKey } from '../../protocol/api-keys.ts'
import { ErrorCode, errorName, isRetriable } from '../../protocol/errors.ts'
import type {
  AddOffsetsToTxnResponse, AddPartitionsToTxnResponse, EndTxnResponse, FindCoordinatorResponse, InitProducerIdResponse, TxnOffsetCommitResponse,
} from '../../protocol/generated/types.ts'
import { partitionName } from '../../base/partition-name.ts'
import { coordinatorsOf, findCoordinatorRequest } from '../coordinator-lookup.ts'
import type { CoordinatorKey } from '../coordinator-lookup.ts'
import type { BrokerNode } from '../cluster-metadata.ts'
import type { GroupMetadata, OffsetToCommit } from '../group/group-metadata.ts'
import { PendingOutcome } from './transaction-outcome.ts'

/** What an answer leads to. `rediscover`: the coordinator is another one, find it and ask again. */
export type Verdict =
  | { readonly is: 'done' | 'retry' | 'rediscover' }
  | { readonly is: 'abort' | 'abort-and-bump' | 'fatal'; readonly error: string }

/** In the order in which they are sent: the end of a transaction waits for everything else. */
export const Priority = { FindCoordinator: 0, InitProducerId: 1, AddPartitionsOrOffsets: 2, EndTxn: 3, EpochBump: 4 } as const

export interface TransactionRequest {
  readonly apiKey: number
  readonly priority: number
  /** Newest version to use; absent: the newest that both know. */
  readonly version?: number
  /** Whom to ask; undefined: anybody. */
  readonly coordinator: CoordinatorKey | undefined
  readonly outcome: PendingOutcome
  readonly body: object
  /** What an answer means. Of a success the functions given by the caller are told first. */
  judge(response: never): Verdict
  /** Its success is not the end of the call: another request goes on with the outcome. */
  readonly continues?: true
  /** Absent: retry.backoff.ms. */
  retryBackoffMs?: number
  isRetry: boolean
  /** An attempt may have been carried out although no answer said so. */
  mayHaveHappened: boolean
}

export interface ProducerIdentity {
  readonly transactionalId: string
  readonly producerId: number
  readonly producerEpoch: number
}

const DONE: Verdict = { is: 'done' }
const RETRY: Verdict = { is: 'retry' }
const REDISCOVER: Verdict = { is: 'rediscover' }
const LAST_TV1_END_TXN = 4
const LAST_TV1_OFFSET_COMMIT = 4
const ADD_PARTITIONS_VERSION = 3
/** A first AddPartitionsToTxn that meets the end of the transaction before is repeated soon (KAFKA-5482). */
const CONCURRENT_BACKOFF_MS = 20

/** Retriable answers to EndTxn that say that this attempt wrote nothing. A coordinator that lost its place answers after an append. */
const REFUSED_BEFORE_APPEND: ReadonlySet<number> = new Set([ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.CONCURRENT_TRANSACTIONS])

function judged(errorCode: number): Verdict {
  switch (errorCode) {
    case ErrorCode.NONE:
      return DONE
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
    case ErrorCode.NOT_COORDINATOR:
      return REDISCOVER
    case ErrorCode.INVALID_PRODUCER_EPOCH:
    case ErrorCode.PRODUCER_FENCED:
      return { is: 'fatal', error: 'PRODUCER_FENCED' }
    case ErrorCode.UNKNOWN_PRODUCER_ID:
      return { is: 'abort-and-bump', error: errorName(errorCode) }
    case ErrorCode.TRANSACTION_ABORTABLE:
    case ErrorCode.GROUP_AUTHORIZATION_FAILED:
      return { is: 'abort', error: errorName(errorCode) }
    default:
      return isRetriable(errorCode) ? RETRY : { is: 'fatal', error: errorName(errorCode) }
  }
}

const fresh = { isRetry: false, mayHaveHappened: false } as const
const coordinatorOf = ({ transactionalId }: ProducerIdentity): CoordinatorKey => ({ type: 'transaction', key: transactionalId })

export function findCoordinator(wanted: CoordinatorKey, onFound: (node: BrokerNode) => void): TransactionRequest {
  return {
    ...fresh,
    apiKey: ApiKey.FindCoordinator,
    priority: Priority.FindCoordinator,
    coordinator: undefined,
    outcome: new PendingOutcome(),
    body: findCoordinatorRequest(wanted.type, [wanted.key]),
    judge(response: FindCoordinatorResponse) {
      const [found] = coordinatorsOf(response, [wanted.key])
      if (found === undefined) return { is: 'fatal', error: 'UNKNOWN_SERVER_ERROR' }
      if (found.errorCode === ErrorCode.NONE) onFound(found.node)
      // Whoever answered is not meant by NOT_COORDINATOR: a lookup is only ever repeated.
      return isRetriable(found.errorCode) ? RETRY : judged(found.errorCode)
    },
  }
}

/** With an id: bumps its epoch, after the transaction has been ended. Without: the start of a session. */
export function initProducerId(
  producer: ProducerIdentity, transactionTimeoutMs: number, isEpochBump: boolean, onId: (producerId: number, producerEpoch: number) => void,
): TransactionRequest {
  const { transactionalId, producerId, producerEpoch } = producer
  return {
    ...fresh,
    apiKey: ApiKey.InitProducerId,
    priority: isEpochBump ? Priority.EpochBump : Priority.InitProducerId,
    coordinator: coordinatorOf(producer),
    outcome: new PendingOutcome(),
    body: { transactionalId, transactionTimeoutMs, producerId, producerEpoch },
    judge(response: InitProducerIdResponse) {
      if (response.errorCode === ErrorCode.NONE) onId(response.producerId, response.producerEpoch)
      return judged(response.errorCode)
    },
  }
}

/** TV1. The first verdict that is not about one partition decides; partitions that failed by themselves fail the transaction. */
export function addPartitionsToTxn(
  producer: ProducerIdentity, partitions: readonly { readonly topic: string; readonly partition: number }[],
  isFirst: () => boolean, onAdded: (names: readonly string[]) => void, onAnswer: () => void,
): TransactionRequest {
  const topics = new Map<string, { name: string; partitions: number[] }>()
  for (const { topic, partition } of partitions) {
    const entry = topics.get(topic)
    if (entry === undefined) topics.set(topic, { name: topic, partitions: [partition] })
    else entry.partitions.push(partition)
  }
  const request: TransactionRequest = {
    ...fresh,
    apiKey: ApiKey.AddPartitionsToTxn,
    priority: Priority.AddPartitionsOrOffsets,
    version: ADD_PARTITIONS_VERSION,
    coordinator: coordinatorOf(producer),
    outcome: new PendingOutcome(),
    body: {
      v3AndBelowTransactionalId: producer.transactionalId,
      v3AndBelowProducerId: producer.producerId,
      v3AndBelowProducerEpoch: producer.producerEpoch,
      v3AndBelowTopics: [...topics.values()],
    },
    judge(response: AddPartitionsToTxnResponse) {
      delete request.retryBackoffMs
      let failure: string | undefined
      const added: string[] = []
      for (const { name, resultsByPartition } of response.resultsByTopicV3AndBelow) {
        for (const { partitionIndex, partitionErrorCode: errorCode } of resultsByPartition) {
          added.push(partitionName(name, partitionIndex))
          if (errorCode === ErrorCode.NONE) continue
          if (isOfOnePartition(errorCode)) {
            failure ??= errorName(errorCode)
            continue
          }
          if (errorCode === ErrorCode.CONCURRENT_TRANSACTIONS && isFirst()) request.retryBackoffMs = CONCURRENT_BACKOFF_MS
          return judged(errorCode)
        }
      }
      onAnswer()
      if (failure !== undefined) return { is: 'abort', error: failure }
      onAdded(added)
      return DONE
    },
  }
  return request
}

/** Not one of the errors that AddPartitionsToTxnHandler names. */
function isOfOnePartition(errorCode: number): boolean {
  const verdict = judged(errorCode)
  return verdict.is === 'fatal' && errorCode !== ErrorCode.INVALID_PRODUCER_EPOCH && errorCode !== ErrorCode.PRODUCER_FENCED
    && errorCode !== ErrorCode.INVALID_TXN_STATE && errorCode !== ErrorCode.INVALID_PRODUCER_ID_MAPPING
    && errorCode !== ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
}

/** TV1. The call goes on with TxnOffsetCommit, which shares its outcome. */
export function addOffsetsToTxn(producer: ProducerIdentity, groupId: string, onAdded: () => void): TransactionRequest {
  return {
    ...fresh,
    apiKey: ApiKey.AddOffsetsToTxn,
    priority: Priority.AddPartitionsOrOffsets,
    coordinator: coordinatorOf(producer),
    outcome: new PendingOutcome(),
    continues: true,
    body: { ...producer, groupId },
    judge(response: AddOffsetsToTxnResponse) {
      if (response.errorCode === ErrorCode.NONE) onAdded()
      return judged(response.errorCode)
    },
  }
}

/** Done when every partition was; a retry sends all of them again. */
export function txnOffsetCommit(
  producer: ProducerIdentity, group: GroupMetadata, offsets: readonly OffsetToCommit[], isV2: boolean, outcome = new PendingOutcome(),
): TransactionRequest {
  const topics = new Map<string, { name: string; partitions: object[] }>()
  const left = new Set<string>()
  for (const { topic, partition, offset, leaderEpoch = -1, metadata = '' } of offsets) {
    left.add(partitionName(topic, partition))
    const entry = { partitionIndex: partition, committedOffset: offset, committedLeaderEpoch: leaderEpoch, committedMetadata: metadata }
    const known = topics.get(topic)
    if (known === undefined) topics.set(topic, { name: topic, partitions: [entry] })
    else known.partitions.push(entry)
  }
  return {
    ...fresh,
    apiKey: ApiKey.TxnOffsetCommit,
    priority: Priority.AddPartitionsOrOffsets,
    ...(isV2 ? {} : { version: LAST_TV1_OFFSET_COMMIT }),
    coordinator: { type: 'group', key: group.groupId },
    outcome,
    body: { ...producer, ...group, topics: [...topics.values()] },
    judge(response: TxnOffsetCommitResponse) {
      let moved = false
      for (const { name, partitions } of response.topics) {
        for (const { partitionIndex, errorCode } of partitions) {
          if (errorCode === ErrorCode.NONE) left.delete(partitionName(name, partitionIndex))
          else if (errorCode === ErrorCode.REQUEST_TIMED_OUT) moved = true
          else if (errorCode === ErrorCode.UNKNOWN_MEMBER_ID || errorCode === ErrorCode.ILLEGAL_GENERATION || errorCode === ErrorCode.FENCED_INSTANCE_ID) {
            return { is: 'abort', error: errorName(errorCode) }
          } else {
            const verdict = judged(errorCode)
            if (verdict.is === 'rediscover') moved = true
            else if (verdict.is !== 'retry') return verdict.is === 'abort-and-bump' ? { is: 'fatal', error: errorName(errorCode) } : verdict
          }
        }
      }
      return moved ? REDISCOVER : left.size === 0 ? DONE : RETRY
    },
  }
}

/** `onEnd` is told the id and epoch of the next transaction; -1 under TV1. */
export function endTxn(
  producer: ProducerIdentity, committed: boolean, isV2: boolean, onEnd: (producerId: number, producerEpoch: number) => void,
): TransactionRequest {
  const request: TransactionRequest = {
    ...fresh,
    apiKey: ApiKey.EndTxn,
    priority: Priority.EndTxn,
    ...(isV2 ? {} : { version: LAST_TV1_END_TXN }),
    coordinator: coordinatorOf(producer),
    outcome: new PendingOutcome(),
    body: { ...producer, committed },
    judge(response: EndTxnResponse) {
      const { errorCode } = response
      if (errorCode === ErrorCode.NONE) onEnd(response.producerId, response.producerEpoch)
      const verdict = judged(errorCode)
      const isUncertain = verdict.is === 'retry' || verdict.is === 'rediscover' || errorCode === ErrorCode.UNKNOWN_SERVER_ERROR
      if (isUncertain && !REFUSED_BEFORE_APPEND.has(errorCode)) request.mayHaveHappened = true
      return verdict
    },
  }
  return request
}
