/**
 * The report of a trial as pure data: what every renderer (HTML, text, JUnit) is given. Built once from the verdict, the
 * shrunk plan, the history and the trace; holds no clock, no absolute path and nothing of the machine, so that the same
 * run gives the same bytes.
 */
import type { Json } from '../src/history/operation.ts'

export const REPORT_SCHEMA = 1

export interface ReportStep {
  readonly text: string
  /** Virtual microseconds, when the step is an event in time. */
  readonly time?: number
}

/** S1: the verdict in six parts. */
export interface VerdictSection {
  readonly badge: 'SAFETY' | 'LIVENESS' | 'UNKNOWN' | 'VALID'
  readonly anomaly: string
  /** The configuration allows it: a witness, not a failure. */
  readonly isAllowed: boolean
  readonly whatBroke: string
  readonly promise: { readonly text: string; readonly link: string } | null
  readonly whatHappened: readonly ReportStep[]
  readonly whyImpossible: string
  readonly whichFaults: string
  readonly howSure: readonly string[]
  readonly seenButAllowed: readonly { readonly anomaly: string; readonly count: number; readonly status: 'allowed' | 'known'; readonly note: string }[]
  readonly evidence: Json
}

/** S2: how to see it again. */
export interface ReproduceSection {
  /** Null when the plan did not fit a token. */
  readonly token: string | null
  readonly command: string
  readonly build: string
  readonly eventDigest: string
  readonly historyDigest: string
  readonly vitest: string
}

export interface SizeRow {
  readonly what: string
  readonly before: string
  readonly after: string
}

/** S3: the minimal story. */
export interface StorySection {
  readonly sizes: readonly SizeRow[]
  readonly executions: number
  readonly cutShort: boolean
  readonly remaining: readonly { readonly text: string; readonly kind: string; readonly without: 'passes' | 'still fails' | 'not tested' }[]
}

export type MessageFate = 'delivered' | 'lost' | 'late'

export interface DiagramMessage {
  readonly from: string
  readonly to: string
  readonly sentAt: number
  /** Null when it never arrived. */
  readonly arrivedAt: number | null
  readonly label: string
  readonly fate: MessageFate
}

export interface DiagramMark {
  readonly host: string
  readonly time: number
  readonly text: string
  readonly kind: 'fault' | 'leader' | 'truncate' | 'crash' | 'isr' | 'append' | 'client' | 'other'
}

export interface DiagramSpan {
  readonly host: string
  readonly from: number
  readonly to: number
  readonly kind: 'down' | 'paused' | 'cut' | 'skewed' | 'slow'
  readonly text: string
}

/** Space-time: hosts as columns, time downward. */
export interface DiagramSection {
  readonly hosts: readonly { readonly name: string; readonly group: 'broker' | 'controller' | 'client' }[]
  readonly messages: readonly DiagramMessage[]
  readonly marks: readonly DiagramMark[]
  readonly spans: readonly DiagramSpan[]
  readonly from: number
  readonly to: number
  /** How many messages were left out of the window or of the limit, and which kinds. */
  readonly omitted: string
}

export interface LogCell {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly leaderEpoch: number
  readonly crc: number
  readonly producer: string
  readonly isControl: boolean
  /** Truncated later: shown as a struck-through ghost. */
  readonly truncatedAt: number | null
  readonly appendedAt: number
}

export interface ReplicaLog {
  readonly host: string
  readonly logStart: number
  readonly end: number
  readonly highWatermark: number
  readonly cells: readonly LogCell[]
}

export interface PartitionSection {
  readonly key: string
  readonly replicas: readonly ReplicaLog[]
  readonly leaders: readonly { readonly time: number; readonly leader: string; readonly epoch: number; readonly reason: string }[]
  readonly isr: readonly { readonly time: number; readonly members: readonly string[] }[]
  /** Offsets at which two replicas hold different batches. */
  readonly divergent: readonly string[]
}

export interface OperationRow {
  readonly index: number
  readonly time: number
  readonly node: string
  readonly process: string
  readonly type: string
  readonly f: string
  readonly value: string
}

export interface ReportModel {
  readonly schema: typeof REPORT_SCHEMA
  readonly workload: string
  readonly seed: string
  readonly verdict: VerdictSection
  readonly reproduce: ReproduceSection
  readonly story: StorySection
  readonly diagram: DiagramSection
  readonly partitions: readonly PartitionSection[]
  readonly operations: readonly OperationRow[]
  readonly operationsOmitted: number
  readonly environment: readonly (readonly [name: string, value: string])[]
  readonly marks: readonly (readonly [mark: string, count: number])[]
  readonly guarantees: readonly string[]
  readonly checkers: readonly string[]
}
