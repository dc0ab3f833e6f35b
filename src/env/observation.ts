/**
 * What node code tells the observer. White-box invariants, coverage marks, fault triggers and the trace subscribe to
 * these; nothing in a node ever reads them back. Fields are plain values, fixed when observed.
 *
 * Replica observations name the partition by topic id and index: a re-created topic is another topic.
 */

/** One batch as it lies in a log. `crc` stands for its content (it covers everything but offset, epoch and length). */
export interface BatchSummary {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly leaderEpoch: number
  readonly crc: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly lastSequence: number
  readonly isControl: boolean
  readonly recordCount: number
  readonly maxTimestamp: number
  readonly sizeInBytes: number
}

/** A record that compaction has removed, with what was left of the log after the swap that removed it. */
export interface RemovedRecord {
  readonly offset: number
  readonly key: string
  readonly what: 'value' | 'tombstone' | 'aborted' | 'marker'
  /** Delete horizon of its batch before; -1: none. */
  readonly horizon: number
  /** The newest and the next older committed record of its key that are left; -1: none. */
  readonly newer: number
  readonly older: number
  /** For a marker: data of its transaction that is left; -1: none. */
  readonly data: number
}

interface Replica {
  readonly topicId: string
  readonly topic: string
  readonly partition: number
}

export type RaftRole = 'unattached' | 'prospective' | 'candidate' | 'leader' | 'follower' | 'resigned'

export type Observation =
  // ---- metadata quorum (every raft participant, voters and observers) ----
  | { readonly kind: 'raft-role'; readonly role: RaftRole; readonly epoch: number; readonly leaderId: number; readonly votedFor: number; readonly isVoter: boolean }
  | { readonly kind: 'raft-append'; readonly baseOffset: number; readonly lastOffset: number; readonly epoch: number; readonly crc: number; readonly asLeader: boolean }
  | { readonly kind: 'raft-truncate'; readonly endOffset: number; readonly previousEnd: number; readonly highWatermark: number }
  | { readonly kind: 'raft-high-watermark'; readonly offset: number; readonly epoch: number; readonly asLeader: boolean }
  | { readonly kind: 'raft-recovered'; readonly endOffset: number; readonly batches: readonly { readonly baseOffset: number; readonly lastOffset: number; readonly epoch: number; readonly crc: number }[] }
  /** A snapshot of the state before `endOffset` is durable; `crc` is of its content. `replayed`: of what replaying snapshot and log from disk gives. */
  | { readonly kind: 'raft-snapshot'; readonly endOffset: number; readonly epoch: number; readonly crc: number; readonly replayed: number }
  /** A snapshot from the leader has taken the place of the log. */
  | { readonly kind: 'raft-snapshot-loaded'; readonly endOffset: number; readonly epoch: number; readonly previousEnd: number }
  | { readonly kind: 'raft-log-start'; readonly offset: number; readonly segments: number; readonly snapshots: number }
  /** The leader appends another voter set; voters as `id-directory`. `previous`: the set that it replaces, from `previousOffset`. */
  | { readonly kind: 'raft-voters'; readonly offset: number; readonly epoch: number; readonly voters: readonly string[]; readonly previous: readonly string[]; readonly previousOffset: number; readonly highWatermark: number }
  // ---- controller ----
  | { readonly kind: 'controller-active'; readonly epoch: number }
  | { readonly kind: 'controller-inactive'; readonly epoch: number }
  | { readonly kind: 'broker-registered'; readonly brokerId: number; readonly brokerEpoch: number; readonly unclean: boolean }
  | { readonly kind: 'broker-fenced'; readonly brokerId: number; readonly brokerEpoch: number }
  | { readonly kind: 'broker-unfenced'; readonly brokerId: number; readonly brokerEpoch: number }
  | { readonly kind: 'topic-created'; readonly topic: string; readonly topicId: string; readonly partitions: number }
  | { readonly kind: 'topic-deleted'; readonly topic: string; readonly topicId: string }
  /** A partition's registration after a record was applied by the active controller (uncommitted). */
  | (Replica & {
      readonly kind: 'partition-registered'
      readonly leader: number
      readonly leaderEpoch: number
      readonly partitionEpoch: number
      readonly replicas: readonly number[]
      readonly isr: readonly number[]
      readonly elr: readonly number[]
      readonly lastKnownElr: readonly number[]
      readonly recovering: boolean
    })
  /** The active controller chose a leader (also -1: none). `reason` says by which rule. */
  | (Replica & {
      readonly kind: 'leader-elected'
      readonly leader: number
      readonly previousLeader: number
      readonly leaderEpoch: number
      readonly reason: 'isr' | 'elr' | 'last-known-leader' | 'unclean' | 'preferred' | 'none' | 'kept'
    })
  | (Replica & { readonly kind: 'alter-partition-rejected'; readonly brokerId: number; readonly errorCode: number })
  // ---- broker lifecycle ----
  | { readonly kind: 'broker-started'; readonly brokerId: number; readonly cleanShutdown: boolean }
  | { readonly kind: 'broker-metadata-applied'; readonly brokerId: number; readonly offset: number }
  | { readonly kind: 'controlled-shutdown'; readonly brokerId: number }
  // ---- coordinators ----
  /** A broker has read a state partition that it leads, up to `lastOffset` (-1: nothing in it), and serves. */
  | { readonly kind: 'coordinator-loaded'; readonly topic: string; readonly partition: number; readonly coordinatorEpoch: number; readonly lastOffset: number }
  /** A coordinator has answered from its state and appended nothing, so that nobody has confirmed that it still leads. */
  | { readonly kind: 'coordinator-read'; readonly topic: string; readonly partition: number; readonly coordinatorEpoch: number }
  | { readonly kind: 'coordinator-unloaded'; readonly topic: string; readonly partition: number; readonly coordinatorEpoch: number }
  /** A coordinator has replayed what is committed, up to `offset`: a digest of the state that this makes (invariant 9). */
  | { readonly kind: 'coordinator-state'; readonly topic: string; readonly partition: number; readonly coordinatorEpoch: number; readonly offset: number; readonly digest: number }
  /**
   * A group has moved on. Classic: live state of its coordinator, `epoch` its generation. KIP-848: as the records appended so
   * far say, `epoch` the group epoch, `from` not told.
   */
  | { readonly kind: 'group-state'; readonly groupId: string; readonly from: string; readonly to: string; readonly epoch: number; readonly members: readonly string[]; readonly partition: number; readonly coordinatorEpoch: number }
  /**
   * What a member has now, as `topic-index` or `topicId-index`, and what it is to give back; epoch -1: it has gone. Classic: the
   * assignment that the leader made for this generation. Told of all members when a coordinator has loaded their group.
   */
  | { readonly kind: 'member-assigned'; readonly groupId: string; readonly memberId: string; readonly epoch: number; readonly protocol: 'classic' | 'consumer'; readonly coordinatorEpoch: number; readonly partitions: readonly string[]; readonly releasing: readonly string[] }
  /** A coordinator has answered that these offsets are committed, or, of a transaction, kept until its marker. */
  | { readonly kind: 'offset-committed'; readonly groupId: string; readonly memberId: string; readonly producerId: number; readonly offsets: readonly { readonly topic: string; readonly partition: number; readonly offset: number }[] }
  /** Known behaviour: a coordinator answers from the state below its high watermark, which has not reached what it loaded. */
  | { readonly kind: 'coordinator-read-stale'; readonly topic: string; readonly partition: number; readonly loadedOffset: number }
  /** A coordinator is about to write its decision; `isAsked`: by an EndTxn, and not for a time-out or a newer instance. */
  | { readonly kind: 'transaction-decided'; readonly transactionalId: string; readonly commit: boolean; readonly isAsked: boolean }
  /**
   * The leader of a share-partition tells what has become of its records, when it is persisted, or at once: acquired, and released by a lock
   * that ran out. `initialized`: it has read the state and has in flight what lies from firstOffset on; `start`: the start went back.
   */
  | (Replica & { readonly kind: 'share-records'; readonly groupId: string; readonly leaderEpoch: number; readonly change: 'initialized' | 'start' | 'acquired' | 'released' | 'acknowledged' | 'archived'; readonly memberId: string; readonly firstOffset: number; readonly lastOffset: number; readonly deliveryCount: number; readonly startOffset: number })
  /** Known behaviour lost-deliveries-count: a record is archived because of deliveries of which no client has said anything. */
  | (Replica & { readonly kind: 'share-record-given-up'; readonly groupId: string; readonly offset: number })
  /** A transactional id is in this state: its record, at `offset`, is acknowledged, or was read by a coordinator that took over, maybe above the high watermark. */
  | { readonly kind: 'transaction-state'; readonly transactionalId: string; readonly coordinatorEpoch: number; readonly offset: number; readonly isReplicated: boolean; readonly state: string; readonly producerId: number; readonly producerEpoch: number; readonly nextProducerId: number; readonly clientVersion: number; readonly partitions: readonly string[] }
  // ---- replicas ----
  | (Replica & { readonly kind: 'became-leader'; readonly leaderEpoch: number; readonly partitionEpoch: number; readonly logEndOffset: number; readonly highWatermark: number; readonly isr: readonly number[] })
  | (Replica & { readonly kind: 'became-follower'; readonly leaderEpoch: number; readonly leader: number; readonly logEndOffset: number })
  | (Replica & { readonly kind: 'isr-proposed'; readonly leaderEpoch: number; readonly isr: readonly number[]; readonly committed: readonly number[]; readonly change: 'expand' | 'shrink' })
  | (Replica & { readonly kind: 'isr-committed'; readonly leaderEpoch: number; readonly partitionEpoch: number; readonly isr: readonly number[]; readonly maximalIsr: readonly number[] })
  | (Replica & { readonly kind: 'high-watermark'; readonly leaderEpoch: number; readonly offset: number; readonly previous: number; readonly asLeader: boolean; readonly maximalIsr: readonly number[] })
  | (Replica & { readonly kind: 'log-append'; readonly asLeader: boolean; readonly batch: BatchSummary })
  | (Replica & { readonly kind: 'log-truncate'; readonly endOffset: number; readonly previousEnd: number; readonly highWatermark: number; readonly reason: 'diverging-epoch' | 'out-of-range' | 'high-watermark' | 'full' })
  | (Replica & { readonly kind: 'log-start'; readonly offset: number; readonly previous: number; readonly highWatermark: number; readonly reason: 'retention-time' | 'retention-size' | 'delete-records' | 'leader' | 'full'; readonly removed: readonly { readonly baseOffset: number; readonly nextOffset: number; readonly largestTimestamp: number; readonly sizeInBytes: number }[]; readonly wallClock: number; readonly retentionMs: number; readonly retentionBytes: number; readonly sizeBefore: number })
  | (Replica & { readonly kind: 'log-loaded'; readonly cleanShutdown: boolean; readonly logStartOffset: number; readonly endOffset: number; readonly highWatermark: number; readonly bytesDropped: number; readonly batches: readonly BatchSummary[] })
  | (Replica & { readonly kind: 'log-deleted' })
  /** Compaction has replaced the segments of [from, to) by one with these batches; `changed`: those that are gone or were rewritten. `needless`: empty ones that nothing calls for; `forgotten`: producers whose last batch is gone. */
  | (Replica & {
      readonly kind: 'log-cleaned'
      readonly from: number
      readonly to: number
      readonly batches: readonly BatchSummary[]
      readonly changed: readonly { readonly baseOffset: number; readonly leaderEpoch: number }[]
      readonly removed: readonly RemovedRecord[]
      readonly stamped: readonly { readonly baseOffset: number; readonly horizon: number; /** Data that is left of the transaction of a marker; -1: none. */ readonly data: number }[]
      readonly altered: readonly number[]
      readonly needless: readonly number[]
      readonly forgotten: readonly number[]
      readonly firstDirty: number
      readonly highWatermark: number
      readonly lastStableOffset: number
      readonly activeBase: number
      readonly wallClock: number
      readonly deleteRetentionMs: number
    })
  /** State of one producer in a live log, told when a replica becomes leader and after recovery (invariant 7). */
  | (Replica & { readonly kind: 'producer-state'; readonly producers: readonly { readonly producerId: number; readonly producerEpoch: number; readonly lastSequence: number; readonly currentTxnFirstOffset: number }[]; readonly endOffset: number; readonly fromSnapshot: boolean })
  /** The leader's log has its first record of a transaction; `guarded`: a coordinator has vouched for it (KIP-890). */
  | (Replica & { readonly kind: 'transaction-opened'; readonly producerId: number; readonly producerEpoch: number; readonly firstOffset: number; readonly guarded: boolean })
  /** A leader has written an end marker; `firstOffset` is that of the transaction which it ends here, -1 if none was open. */
  | (Replica & { readonly kind: 'marker-written'; readonly producerId: number; readonly producerEpoch: number; readonly coordinatorEpoch: number; readonly commit: boolean; readonly offset: number; readonly firstOffset: number; readonly transactionVersion: number })
  | (Replica & { readonly kind: 'duplicate-batch'; readonly producerId: number; readonly producerEpoch: number; readonly firstSequence: number; readonly baseOffset: number })
  | (Replica & { readonly kind: 'sequence-rejected'; readonly producerId: number; readonly producerEpoch: number; readonly firstSequence: number; readonly expected: number; readonly errorCode: number })
  /** A replica names the first record of at least a timestamp; -1: none below `fetchable`. `found`: that record's own. */
  | (Replica & { readonly kind: 'offset-for-timestamp'; readonly timestamp: number; readonly offset: number; readonly found: number; readonly logStartOffset: number; readonly fetchable: number })
  /** Known behaviour KAFKA-14359: the first batch of a producer without state has a non-zero sequence and is accepted. */
  | (Replica & { readonly kind: 'first-sequence-accepted'; readonly producerId: number; readonly producerEpoch: number; readonly firstSequence: number })
  /** Known behaviour KAFKA-5494-snapshot: a repeat is older than what a snapshot kept of this producer. */
  | (Replica & { readonly kind: 'dedup-window-shrunk'; readonly producerId: number; readonly producerEpoch: number; readonly keptBatches: number })
  /** Known behaviour producer-state-behind-log-start: a reload drops the state of a producer whose batches retention has removed. */
  | (Replica & { readonly kind: 'producer-forgotten'; readonly producerId: number })
  /** Known behaviour timestamp-below-log-start: the only records of a segment that are young enough lie below the log start, and later segments are not looked into. */
  | (Replica & { readonly kind: 'timestamp-hidden'; readonly timestamp: number })
  /** Known behaviour epoch-start-behind-gap: the first batch of an epoch that a replica gets of a compacted log lies behind a gap, and the epoch may have begun anywhere in it, from `earliest` on. */
  /** A leader has told a reader that its log ends below `offset`, or knows nothing of `epoch` (-1: not asked for). */
  | (Replica & { readonly kind: 'read-beyond-end'; readonly leaderEpoch: number; readonly offset: number; readonly epoch: number })
  /** An entry of the abort index is written that ends searches for the producer's next transaction, from `firstOffset` on, too early. */
  | (Replica & { readonly kind: 'abort-entry-hides'; readonly producerId: number; readonly firstOffset: number })
  | (Replica & { readonly kind: 'producer-epoch-skipped'; readonly producerId: number; readonly producerEpoch: number })
  | (Replica & { readonly kind: 'epoch-behind-gap'; readonly leaderEpoch: number; readonly offset: number; readonly earliest: number })
  /** Known behaviour cleaner-trusts-crc: a batch that fails its CRC was cleaned as if it were whole, and gets a CRC that is right. */
  | (Replica & { readonly kind: 'cleaner-trusted-crc'; readonly baseOffset: number })
  /** Known behaviour pending-isr-overwritten: old metadata makes a leader forget its ISR proposal. */
  | (Replica & { readonly kind: 'isr-proposal-forgotten'; readonly leaderEpoch: number; readonly proposed: readonly number[] })
  /** Known behaviour elr-cleared-without-leader: nobody is in the ISR, and now nobody is eligible either. */
  | { readonly kind: 'elr-cleared-without-leader'; readonly topicId: string; readonly topic: string; readonly partition: number }
  /** Known behaviour elr-outlives-replica: a broker that is no replica any more is in the ELR. */
  | { readonly kind: 'elr-kept-removed-replica'; readonly topicId: string; readonly topic: string; readonly partition: number; readonly brokers: readonly number[] }
  /** Known behaviour transaction-timeout-by-wall-clock: an ongoing transaction began in the future of its coordinator. */
  | { readonly kind: 'transaction-begins-in-future'; readonly transactionalId: string; readonly aheadMs: number; readonly partitions: readonly string[] }
  /** Known behaviour metadata-log-start-forgotten: a truncation has left the metadata log records, but no epoch. */
  | { readonly kind: 'raft-epochs-lost'; readonly startOffset: number; readonly endOffset: number }
  // ---- clients ----
  | { readonly kind: 'client-retry'; readonly topic: string; readonly partition: number; readonly errorCode: number; readonly producerId: number; readonly baseSequence: number; readonly attempt: number }
  | { readonly kind: 'client-epoch-bump'; readonly producerId: number; readonly producerEpoch: number; readonly reason: string }
  /** A transactional producer has got its id, begun or completed a transaction (as its coordinator answered), or failed. Id and epoch of the transaction; -1 with errors. */
  | { readonly kind: 'client-transaction'; readonly transactionalId: string; readonly phase: 'initialized' | 'begin' | 'commit' | 'abort' | 'fenced' | 'abortable-error' | 'fatal-error'; readonly producerId: number; readonly producerEpoch: number; readonly error?: string }
  /** A group consumer takes over what its group assigned (all of it), or gives up partitions. Member epoch as generation under KIP-848. */
  | { readonly kind: 'client-rebalance'; readonly groupId: string; readonly memberId: string; readonly generationId: number; readonly change: 'assigned' | 'revoked' | 'lost'; readonly partitions: readonly { readonly topic: string; readonly partition: number }[] }
  /** A consumer's offsets were committed, as the coordinator answered. */
  | { readonly kind: 'client-committed'; readonly groupId: string; readonly memberId: string; readonly generationId: number; readonly offsets: readonly { readonly topic: string; readonly partition: number; readonly offset: number }[] }
  /** Known behaviour KAFKA-14034: a batch of unknown fate was given new numbers. */
  | { readonly kind: 'client-renumbered'; readonly topic: string; readonly partition: number; readonly producerId: number; readonly fromEpoch: number; readonly toEpoch: number; readonly fromSequence: number; readonly toSequence: number }
  | { readonly kind: 'client-truncation-detected'; readonly topic: string; readonly partition: number; readonly position: number; readonly divergence: number }
  // ---- anything worth counting: coverage marks (`sometimes` assertions) ----
  | { readonly kind: 'mark'; readonly name: string }
  // ---- told by the kernel and the nemesis, never by nodes ----
  | { readonly kind: 'process-started'; readonly wiped: boolean }
  | { readonly kind: 'process-stopped'; readonly how: 'crash' | 'machine-crash' | 'halt' | 'shutdown'; readonly reason: string }
  | { readonly kind: 'machine-crash-loss'; readonly path: string; readonly bytesDropped: number; readonly operationsDropped: number }
  | { readonly kind: 'fault'; readonly phase: 'start' | 'stop'; readonly id: number; readonly fault: string; readonly text: string }
  | { readonly kind: 'request-sent'; readonly apiKey: number; readonly to: string; readonly correlationId: number }

export type ObservationKind = Observation['kind']
export type ObservationOf<K extends ObservationKind> = Extract<Observation, { readonly kind: K }>

/** A subscriber: called synchronously, in order of subscription, for the observations of every node that it wants. */
export interface Observer {
  /** Asked once a kind; absent: everything. What nobody wants is not even put together. */
  wants?(kind: ObservationKind): boolean
  observe(event: Observation, node: string, incarnation: number, time: number): void
}
