/**
 * What a configuration owes: section 9 of the semantics as data. A verdict always says which of these it enforced.
 */
export interface GuaranteeConfig {
  readonly acks: 0 | 1 | -1
  readonly replicationFactor: number
  readonly minInsyncReplicas: number
  readonly uncleanLeaderElection: boolean
  readonly idempotence: boolean
  readonly retries: boolean
  readonly maxInFlight: number
  readonly isolation: 'read_uncommitted' | 'read_committed'
  readonly followerReads: boolean
  /** Most machine crashes with loss of unsynced data at a time that the schedule contains (0: none). */
  readonly lossyCrashes: number
  /** An acknowledged batch may have expired at a client (delivery timeout), so order after it is open. */
  readonly cleanup: 'delete' | 'compact'
}

export interface GuaranteeSet {
  readonly config: GuaranteeConfig
  /** Ids of the guarantees that hold for this configuration and fault budget. */
  readonly owed: ReadonlySet<GuaranteeId>
}

export interface Guarantee {
  readonly id: string
  readonly promise: string
  readonly link: string
}

const list = [
  { id: 'integrity', promise: 'No record is invented or corrupted; one offset of a partition holds one value.', link: 'https://kafka.apache.org/documentation/#semantics' },
  { id: 'no-loss', promise: 'A record acknowledged with acks=all is not lost while the faults stay within the budget of min.insync.replicas.', link: 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-966%3A+Eligible+Leader+Replicas' },
  { id: 'read-stays', promise: 'What a consumer has read below the high watermark stays readable and does not change.', link: 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-101+-+Alter+Replication+Protocol+to+use+Leader+Epoch+rather+than+High+Watermark+for+Truncation' },
  { id: 'no-duplicate', promise: 'An idempotent producer writes each record at most once.', link: 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-98+-+Exactly+Once+Delivery+and+Transactional+Messaging' },
  { id: 'send-order', promise: 'Records of one producer appear in a partition in the order in which they were sent.', link: 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-98+-+Exactly+Once+Delivery+and+Transactional+Messaging' },
  { id: 'monotonic-poll', promise: 'A consumer without seek or reassignment never goes backwards and skips no record that it could read.', link: 'https://kafka.apache.org/documentation/#semantics' },
  { id: 'monotonic-end', promise: 'The end offset that one client sees never goes back.', link: 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-207%3A+Offsets+returned+by+ListOffsetsResponse+should+be+monotonically+increasing+even+during+a+partition+leader+change' },
  { id: 'metadata-durable', promise: 'An acknowledged topic or configuration change is not lost.', link: 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-595%3A+A+Raft+Protocol+for+the+Metadata+Quorum' },
  { id: 'liveness', promise: 'After the faults stop, leaders, ISR and consumers recover within a bound derived from the configured timeouts.', link: 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-966%3A+Eligible+Leader+Replicas' },
] as const satisfies readonly Guarantee[]

export type GuaranteeId = (typeof list)[number]['id']
export const GUARANTEES: readonly Guarantee[] = list
