/**
 * What a request of the classic protocol decides. Its answer is a future of its own, because it may wait for other members;
 * the records say what must be kept, and `onSettled` what follows when they are committed or the log has failed (Kafka: the
 * append future of CoordinatorResult, whose operations are not replayed because they have changed the live group already).
 */
import type { CoordinatorRecord } from '../../coordinator-record.ts'

export interface ClassicDecision {
  readonly records: readonly CoordinatorRecord[]
  /** NONE when the records are below the high watermark, or the error that the client would be told. */
  readonly onSettled?: (errorCode: number) => void
}

export const DECIDED: ClassicDecision = { records: [] }
