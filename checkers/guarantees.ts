/**
 * What a configuration owes: section 9 of the semantics as data. A verdict always says which of these it enforced.
 *
 * The budget of lossy crashes: a committed record lies on min(min.insync.replicas, replication factor) replicas at
 * least, since the leader does not move its high watermark with fewer in sync (KIP-966, "strict min ISR"), so one fewer
 * may lose unsynced data at a time. Without eligible leader replicas the last ISR member stays electable after an unclean
 * restart, and the budget is 0.
 */
export interface GuaranteeConfig {
  readonly acks: 0 | 1 | -1
  readonly replicationFactor: number
  /** The smallest value in force during the trial. */
  readonly minInsyncReplicas: number
  readonly uncleanLeaderElection: boolean
  readonly idempotence: boolean
  readonly retries: boolean
  readonly maxInFlight: number
  readonly isolation: 'read_uncommitted' | 'read_committed'
  readonly followerReads: boolean
  /**
   * Most brokers at a time that have lost unsynced data (machine crash) or everything (empty disk) and have not yet
   * rejoined every ISR. 0: none.
   */
  readonly lossyCrashes: number
  readonly cleanup: 'delete' | 'compact'
  /** Wall clocks are stepped or strobed, so that times that one broker wrote mean nothing to it later. */
  readonly clocksDisagree?: boolean
  /** KIP-966 part 1 (`eligible.leader.replicas.version`); on by default. */
  readonly eligibleLeaderReplicas?: boolean
  /** Voters of the metadata quorum (3 by default), and the most that lost unsynced data at a time (0 by default). */
  readonly voters?: number
  readonly lossyVoterCrashes?: number
  /** False when some faults never heal and what is left need not suffice; then no progress is owed. Default true. */
  readonly heals?: boolean
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
  { id: 'no-duplicate', promise: 'A producer that is idempotent, or that never retries, writes each record at most once.', link: 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-98+-+Exactly+Once+Delivery+and+Transactional+Messaging' },
  { id: 'send-order', promise: 'Records of one producer appear in a partition in the order in which they were sent.', link: 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-98+-+Exactly+Once+Delivery+and+Transactional+Messaging' },
  { id: 'monotonic-poll', promise: 'A consumer without seek or reassignment never goes backwards and skips no record that it could read.', link: 'https://kafka.apache.org/documentation/#semantics' },
  { id: 'monotonic-end', promise: 'The end offset that one client sees never goes back.', link: 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-207%3A+Offsets+returned+by+ListOffsetsResponse+should+be+monotonically+increasing+even+during+a+partition+leader+change' },
  { id: 'metadata-durable', promise: 'An acknowledged topic or configuration change is not lost.', link: 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-595%3A+A+Raft+Protocol+for+the+Metadata+Quorum' },
  { id: 'liveness', promise: 'After the faults stop, leaders, ISR and consumers recover within a bound derived from the configured timeouts.', link: 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-966%3A+Eligible+Leader+Replicas' },
] as const satisfies readonly Guarantee[]

export type GuaranteeId = (typeof list)[number]['id']
export const GUARANTEES: readonly Guarantee[] = list

export function guarantee(id: GuaranteeId): Guarantee {
  return list.find(one => one.id === id)!
}

/** How many replicas may lose unsynced data at a time without loss of a committed record. */
export function lossBudget(config: GuaranteeConfig): number {
  if (config.eligibleLeaderReplicas === false) return 0
  return Math.min(config.minInsyncReplicas, config.replicationFactor) - 1
}

export function guaranteesFor(config: GuaranteeConfig): GuaranteeSet {
  const owed = new Set<GuaranteeId>(['integrity', 'monotonic-poll'])
  // A single voter commits before it has flushed (KafkaRaftClient#flushLeaderLog): its machine crash may lose metadata.
  const metadata = (config.voters ?? 3) > 1 || (config.lossyVoterCrashes ?? 0) === 0
  const withinBudget = config.lossyCrashes <= lossBudget(config)
  if (metadata) owed.add('metadata-durable')
  if (metadata && withinBudget && !config.uncleanLeaderElection) {
    owed.add('read-stays')
    owed.add('monotonic-end')
    if (config.acks === -1) owed.add('no-loss')
  }
  if (config.idempotence || !config.retries) owed.add('no-duplicate')
  if (keepsOrder(config, owed)) owed.add('send-order')
  if ((config.heals ?? true) && metadata && (withinBudget || config.uncleanLeaderElection)) owed.add('liveness')
  return { config, owed }
}

/**
 * Without idempotence order holds only with one batch in flight a partition. With retries it must also be impossible that
 * the first copy is lost while a late second copy lands behind a later record, so nothing acknowledged may be lost.
 */
function keepsOrder(config: GuaranteeConfig, owed: ReadonlySet<GuaranteeId>): boolean {
  if (config.idempotence) return true
  if (config.maxInFlight !== 1 || config.acks === 0) return false
  return !config.retries || owed.has('no-loss')
}
