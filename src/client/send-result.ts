/**
 * What became of one record, and which of Kafka's answers say that certainly nothing was written.
 *
 * Definite failures are what a checker may treat as "did not happen"; time-outs, disconnects and errors that a broker may
 * answer after it has appended are not. See "Which client outcomes are definite" in the reference on checkers.
 */
import { ErrorCode } from '../protocol/errors.ts'

export type SendResult =
  /** `offset` is -1 under acks=0 and for a duplicate whose offset the broker has forgotten; `timestamp` in ms; `topicId` is the zero id when the answer told none. */
  | { readonly ok: true; readonly topic: string; readonly topicId: string; readonly partition: number; readonly offset: number; readonly timestamp: number }
  /** `error`: Kafka's name of it, TIMEOUT, DISCONNECTED or PRODUCER_CLOSED. `partition` is -1 when none was chosen. */
  | { readonly ok: false; readonly topic: string; readonly partition: number; readonly error: string; readonly definite: boolean }

/**
 * Errors of a produce response that say that this request appended nothing. Not among them, because a broker answers them
 * also after an append that waits for its replicas: NOT_LEADER_OR_FOLLOWER (KAFKA-13574), UNKNOWN_TOPIC_OR_PARTITION and
 * UNKNOWN_TOPIC_ID (a topic deleted meanwhile), KAFKA_STORAGE_ERROR, REQUEST_TIMED_OUT, NOT_ENOUGH_REPLICAS_AFTER_APPEND,
 * UNKNOWN_SERVER_ERROR. DUPLICATE_SEQUENCE_NUMBER says the opposite.
 */
const REFUSALS: ReadonlySet<number> = new Set([
  ErrorCode.CORRUPT_MESSAGE,
  ErrorCode.MESSAGE_TOO_LARGE,
  ErrorCode.INVALID_TOPIC_EXCEPTION,
  ErrorCode.RECORD_LIST_TOO_LARGE,
  ErrorCode.NOT_ENOUGH_REPLICAS,
  ErrorCode.INVALID_REQUIRED_ACKS,
  ErrorCode.TOPIC_AUTHORIZATION_FAILED,
  ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
  ErrorCode.INVALID_TIMESTAMP,
  ErrorCode.UNSUPPORTED_VERSION,
  ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT,
  ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
  ErrorCode.INVALID_PRODUCER_EPOCH,
  ErrorCode.UNKNOWN_PRODUCER_ID,
  ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
  ErrorCode.INVALID_RECORD,
  ErrorCode.PRODUCER_FENCED,
  ErrorCode.INVALID_TXN_STATE,
  ErrorCode.INVALID_PRODUCER_ID_MAPPING,
  ErrorCode.CONCURRENT_TRANSACTIONS,
  ErrorCode.TRANSACTION_ABORTABLE,
])

export function refusesBeforeAppend(errorCode: number): boolean {
  return REFUSALS.has(errorCode)
}
