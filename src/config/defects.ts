/**
 * The catalogue of switchable defects: historical one-line faults of Kafka. A plan names the ones that are on; node code
 * asks `env.defects.has('KAFKA-7128')` at the line concerned. Mechanisms are told by `trial explain <id>`.
 */
export interface Defect {
  readonly id: string
  /** Where it sat in Kafka. */
  readonly area: 'replication' | 'raft' | 'log' | 'producer' | 'controller' | 'transaction' | 'group' | 'consumer'
  /** 1 (any load finds it) to 5 (three or more faults in order). */
  readonly depth: 1 | 2 | 3 | 4 | 5
  /** S: clients see broken safety, L: clients see no progress, W: only white-box invariants see it. */
  readonly oracle: 'S' | 'L' | 'W'
  /** Empty for a mutation. */
  readonly fixedIn: string
  readonly mechanism: string
  /** Not historical: a mechanism of ours switched off, to show that a promise stands on it. */
  readonly isMutation?: boolean
}

const catalogue = [
  {
    id: 'KAFKA-7128', area: 'replication', depth: 4, oracle: 'S', fixedIn: '2.0.1',
    mechanism: 'A follower joins the ISR once it reaches the high watermark, even below the start offset of the leader epoch, so the election quorum gains a replica without committed records.',
  },
  {
    id: 'KIP-101', area: 'replication', depth: 4, oracle: 'S', fixedIn: '0.11.0',
    mechanism: 'A replica that becomes follower truncates to its own high watermark, which trails by a fetch round, and so discards committed records.',
  },
  {
    id: 'KIP-279', area: 'replication', depth: 4, oracle: 'S', fixedIn: '2.0.0',
    mechanism: 'The leader compares only end offsets when it looks for divergence, not epochs, and a follower keeps a suffix that the leader never had.',
  },
  {
    id: 'KIP-497', area: 'replication', depth: 4, oracle: 'S', fixedIn: '2.7.0',
    mechanism: 'The high watermark is computed from an unconfirmed ISR instead of the maximal one, so records commit that an electable replica lacks.',
  },
  {
    id: 'KAFKA-12619', area: 'raft', depth: 5, oracle: 'S', fixedIn: '2.8.0',
    mechanism: 'A raft leader exposes records of older epochs before its own LeaderChange record is on a majority, so committed metadata can be overwritten.',
  },
  {
    id: 'KAFKA-7164', area: 'replication', depth: 4, oracle: 'S', fixedIn: '2.0.1',
    mechanism: 'A follower that sees a new epoch with the same leader does not restart its fetcher and skips truncation.',
  },
  {
    id: 'KAFKA-7415', area: 'replication', depth: 4, oracle: 'S', fixedIn: '2.0.1',
    mechanism: 'A new leader does not record the start offset of its epoch, so followers get no or a wrong answer about where their logs diverge.',
  },
  {
    id: 'KAFKA-5494', area: 'producer', depth: 2, oracle: 'S', fixedIn: '1.0.0',
    mechanism: 'The leader remembers one batch a producer instead of five, so a retry of an older batch in flight is refused or appended again.',
  },
  {
    id: 'KAFKA-15489', area: 'raft', depth: 2, oracle: 'L', fixedIn: '3.7.0',
    mechanism: 'A quorum leader that no majority fetches from any more never resigns, so whoever is cut off together with it follows obsolete metadata for as long as the cut lasts.',
  },
  {
    id: 'KAFKA-18345', area: 'raft', depth: 2, oracle: 'L', fixedIn: '4.1.0',
    mechanism: 'The wait before the next election is not randomised, so candidates that once stood at the same time do so again and again and split the votes for ever.',
  },
  {
    id: 'KAFKA-14238', area: 'raft', depth: 3, oracle: 'W', fixedIn: '3.3.0',
    mechanism: 'Retention of the metadata log by age removes segments that no snapshot covers, so a server cannot start again and one that is behind cannot catch up.',
  },
  {
    id: 'KAFKA-15312', area: 'raft', depth: 3, oracle: 'W', fixedIn: '3.6.0',
    mechanism: 'A metadata snapshot gets its name before its content is on disk, so after a power cut it is torn and the log that it stands for is gone.',
  },
  {
    id: 'KIP-903', area: 'replication', depth: 5, oracle: 'S', fixedIn: '3.5.0',
    mechanism: 'A fetch does not say which life of the follower it comes from, so a replica that has lost its disk meanwhile joins the ISR for what its former self had.',
  },
  {
    id: 'KIP-966', area: 'controller', depth: 5, oracle: 'S', fixedIn: '4.0.0',
    mechanism: 'A replica that comes back from an unclean shutdown stays eligible for leadership, though it may have lost what it had acknowledged.',
  },
  {
    id: 'KIP-841', area: 'replication', depth: 3, oracle: 'L', fixedIn: '3.3.0',
    mechanism: 'A leader takes a broker back into the ISR that is fenced or about to shut down, so committing waits for one that is gone.',
  },
  {
    id: 'KAFKA-16540', area: 'controller', depth: 4, oracle: 'S', fixedIn: '4.0.0',
    mechanism: 'The eligible leader replicas outlive a change of min.insync.replicas, so one is elected that lacks what the smaller ISR has committed since.',
  },
  {
    id: 'KAFKA-19522', area: 'controller', depth: 3, oracle: 'L', fixedIn: '4.1.0',
    mechanism: 'The last known leader is elected though it is still fenced, so the partition is led by a broker that is not there.',
  },
  {
    id: 'KIP-380', area: 'controller', depth: 3, oracle: 'L', fixedIn: '2.2.0',
    mechanism: 'The controller tells a broker by its id and not by its life, so a heartbeat of the former one that was held up, with its wish to shut down, counts for the present one, which then neither leads nor joins an ISR until it restarts.',
  },
  {
    id: 'KIP-320', area: 'replication', depth: 5, oracle: 'S', fixedIn: '2.1.0',
    mechanism: 'A follower looks for a divergence once a reign and its fetches name no leader epoch, so one that has been deposed, or is again what it was, serves it records that the leader of its epoch never had.',
  },
  {
    id: 'KIP-320-first-try', area: 'replication', depth: 5, oracle: 'S', fixedIn: '', isMutation: true,
    mechanism: 'Every fetch is checked for a divergence but none names its leader epoch, so a leader counts on followers that have not heard of its reign and may cut later what it has committed.',
  },
  {
    id: 'KAFKA-15221', area: 'replication', depth: 5, oracle: 'S', fixedIn: '3.7.0',
    mechanism: 'A leader finds a follower caught up by what it knew before, and its broker epoch right by what it knows now, so one that has rebooted with an empty log in between joins the ISR.',
  },
  {
    id: 'KAFKA-13790', area: 'replication', depth: 3, oracle: 'W', fixedIn: '3.3.0',
    mechanism: 'Every update of a partition counts as a new leader epoch: its start moves to the end of the log, followers begin anew, and joining the ISR recedes.',
  },
  {
    id: 'KAFKA-14296', area: 'replication', depth: 2, oracle: 'W', fixedIn: '3.3.2',
    mechanism: 'A broker that shuts down ignores metadata, so it goes on leading partitions that have long got another leader.',
  },
  {
    id: 'KAFKA-10706', area: 'replication', depth: 4, oracle: 'L', fixedIn: '2.6.1',
    mechanism: 'A truncation to the end of the log leaves epochs without records in the cache, so the follower offers the leader an epoch that nobody else knows, is told to cut again, and never gets on.',
  },
  {
    id: 'Redpanda-5090', area: 'replication', depth: 3, oracle: 'S', fixedIn: '2022',
    mechanism: 'A new leader answers before it knows that what its predecessors acknowledged is committed, so the end of a partition goes back.',
  },
  {
    id: 'KAFKA-15345', area: 'raft', depth: 3, oracle: 'W', fixedIn: '3.6.0',
    mechanism: 'A controller becomes active before it has read the log up to its own reign, and decides on metadata that is not there yet.',
  },
  {
    id: 'KAFKA-5634', area: 'log', depth: 2, oracle: 'W', fixedIn: '0.11.0.1',
    mechanism: 'Retention removes segments above the high watermark, so the log starts beyond what is committed.',
  },
  {
    id: 'KAFKA-10471', area: 'log', depth: 4, oracle: 'S', fixedIn: '2.8.0',
    mechanism: 'The mark of a clean shutdown goes when the logs are loaded and not before, and not durably: after a power cut the torn end of a log passes for a whole one.',
  },
  {
    id: 'KAFKA-9807', area: 'transaction', depth: 4, oracle: 'S', fixedIn: '2.6.0',
    mechanism: 'The last stable offset is judged by one high watermark and taken from the next, so a reader of committed records gets those of an open transaction.',
  },
  {
    id: 'reads-beyond-high-watermark', area: 'replication', depth: 1, oracle: 'S', fixedIn: '', isMutation: true,
    mechanism: 'Consumers are served up to the end of the log instead of the high watermark, so they read records that a new leader may never have had.',
  },
  {
    id: 'KAFKA-13727', area: 'log', depth: 3, oracle: 'S', fixedIn: '3.1.1',
    mechanism: 'The cleaner looks up aborted transactions only as far as its key map reaches, so in the rest of that segment it takes their markers for ones without data and removes them first: aborted records become committed.',
  },
  {
    id: 'KAFKA-8335', area: 'log', depth: 2, oracle: 'W', fixedIn: '2.2.1',
    mechanism: 'The cleaner tells the last batch of a producer by its sequence and not by its offset, so every marker and every batch that happens to end with that sequence stays, empty, for ever.',
  },
  {
    id: 'KAFKA-14055', area: 'log', depth: 3, oracle: 'S', fixedIn: '3.2.1',
    mechanism: 'The cleaner treats the key of a transaction marker, four bytes, as that of a record, so a later record with the same key removes the marker: the transaction hangs wherever the log is read anew, or goes over into the next of its producer.',
  },
  {
    id: 'KAFKA-14034', area: 'producer', depth: 4, oracle: 'S', fixedIn: '',
    mechanism: 'An idempotent producer takes any OUT_OF_ORDER_SEQUENCE_NUMBER for a proof that numbers are lost, raises its epoch and numbers all batches in flight anew, those too that lie in a log already, so that they are appended twice.',
  },
  {
    id: 'KAFKA-14402', area: 'transaction', depth: 3, oracle: 'L', fixedIn: '3.6.0',
    mechanism: 'A partition leader takes any transactional batch of a current epoch for one of an open transaction, so one that arrives after its transaction has ended opens a transaction that nobody will ever end, or slips into the next.',
  },
  {
    id: 'KAFKA-19954', area: 'group', depth: 3, oracle: 'S', fixedIn: '4.2.0',
    mechanism: 'A share-partition whose start offset was found in the middle of a batch acquires that batch from its beginning: records that were acknowledged are delivered again, and the start offset goes back.',
  },
  {
    id: 'KAFKA-18575', area: 'transaction', depth: 3, oracle: 'S', fixedIn: '4.0.0',
    mechanism: 'A leader that still waits for the marker of a producer\'s last transaction takes a batch of the next one for part of it and does not add its partition, so the records belong to no transaction that the coordinator knows.',
  },
  {
    id: 'KAFKA-9144', area: 'transaction', depth: 4, oracle: 'S', fixedIn: '2.5.0',
    mechanism: 'A marker does not count as activity of its producer, so the state of a producer whose transaction timed out expires early, and with it the coordinator epoch that fences delayed markers of older coordinators.',
  },
  {
    id: 'KAFKA-6119', area: 'transaction', depth: 3, oracle: 'S', fixedIn: '0.11.0.2',
    mechanism: 'A transaction that times out is aborted without raising the producer epoch, so a producer that knows nothing of it goes on and commits what it wrote since, while what it wrote before is gone (with transaction.version 1).',
  },
  {
    id: 'KAFKA-10080', area: 'transaction', depth: 4, oracle: 'L', fixedIn: '2.6.0',
    mechanism: 'Two answers of partition leaders both find that theirs was the last marker, and the transaction is completed twice: the second time in the middle of the next one.',
  },
  {
    id: 'KAFKA-18464', area: 'transaction', depth: 2, oracle: 'L', fixedIn: '4.0.0',
    mechanism: 'The coordinator compares epochs before it looks whether a transition is under way, so an abort right after a commit, with nothing written in between, fences its own producer (with transaction.version 2).',
  },
  {
    id: 'KAFKA-18660', area: 'transaction', depth: 4, oracle: 'L', fixedIn: '4.0.0',
    mechanism: 'The producer id that follows when epochs run out is not written to the transaction log, so a coordinator that takes over before the markers are written completes the transaction under the old id, and the producer that was told the new one is unknown.',
  },
  {
    id: 'KAFKA-20031', area: 'transaction', depth: 2, oracle: 'S', fixedIn: '4.3.0',
    mechanism: 'Blocks of producer ids overlap by one and a broker does not notice, so two producers share an id and the records of one are taken for repeats of the other.',
  },
  {
    id: 'KAFKA-9600', area: 'transaction', depth: 3, oracle: 'S', fixedIn: '2.6.0',
    mechanism: 'EndTxn takes epochs above the known one, and a new instance aborts the transaction of the old one without raising its epoch, so writes of the old one that are still under way are accepted after the marker (with transaction.version 1).',
  },
  {
    id: 'KAFKA-17754', area: 'transaction', depth: 3, oracle: 'S', fixedIn: '4.0.0',
    mechanism: 'The end of a transaction does not raise the producer epoch, so a copy of an EndTxn that was held up on its way decides a later transaction of the same producer.',
  },
  {
    id: 'KAFKA-17507', area: 'group', depth: 4, oracle: 'S', fixedIn: '4.0.0',
    mechanism: 'A marker in the offsets topic is answered when it is written, while another thread has yet to make the offsets of its transaction count; when that comes late, it makes those of the next transaction of the same producer count, which may abort.',
  },
  {
    id: 'KAFKA-19242', area: 'consumer', depth: 4, oracle: 'S', fixedIn: '4.0.1',
    mechanism: 'A commit asks twice how far the rebalance is, and the rebalance may complete in between: a member in good standing is then told that it was thrown out of its group, and an application that believes it drops records which nobody else will get.',
  },
  {
    id: 'KAFKA-18641', area: 'consumer', depth: 3, oracle: 'S', fixedIn: '4.0.0',
    mechanism: 'Auto-commit commits positions that include the records which the poll is just about to hand out, so that a consumer that dies before it has processed them loses them for its group.',
  },
  {
    id: 'KAFKA-7747', area: 'consumer', depth: 3, oracle: 'S', fixedIn: '2.3.0',
    mechanism: 'A consumer does not ask a new leader whether its log still reaches to the position, so after a truncation it goes on in other data and misses what was written in between.',
  },
  {
    id: 'KAFKA-10284', area: 'group', depth: 3, oracle: 'L', fixedIn: '2.6.1',
    mechanism: 'A static member that comes back while its group is stable gets a new member id that no record keeps, so the next coordinator knows its former self alone and fences the living.',
  },
  {
    id: 'KIP-447', area: 'group', depth: 3, oracle: 'S', fixedIn: '2.5.0',
    mechanism: 'Offsets of a transaction are accepted whatever member and generation they name, so an instance that has lost its partitions commits what another one has processed again.',
  },
  {
    id: 'KAFKA-5829', area: 'producer', depth: 5, oracle: 'S', fixedIn: '1.0.0',
    mechanism: 'With each producer snapshot the older ones are deleted, so a truncation or an unclean start below the newest has none to begin with and forgets producers whose batches retention has removed.',
  },
] as const satisfies readonly Defect[]

export type DefectId = (typeof catalogue)[number]['id']
/** All that can be switched on. */
export const DEFECTS: readonly Defect[] = catalogue
/** Those that Kafka once had, each owed a detection. */
export const HISTORICAL_DEFECTS: readonly Defect[] = DEFECTS.filter(({ isMutation }) => isMutation !== true)

/** The defects that are switched on in a world. */
export type Defects = ReadonlySet<DefectId>
export const NO_DEFECTS: Defects = new Set()

export function isDefectId(text: string): text is DefectId {
  return catalogue.some(defect => defect.id === text)
}

/**
 * Known behaviours of Kafka 4.3.1 that break a promise, each with a switch that mends it. A finding is excused as
 * `known` only if the trace shows the mechanism and replaying with the mend removes the anomaly.
 */
export interface Mend {
  readonly id: string
  readonly mechanism: string
  readonly link: string
}

const mends = [
  {
    id: 'KAFKA-14359',
    mechanism: 'A leader without state for a producer id accepts any first sequence, so a batch that overtakes a failed predecessor shuts it out for ever.',
    link: 'https://issues.apache.org/jira/browse/KAFKA-14359',
  },
  {
    id: 'KAFKA-5494-snapshot',
    mechanism: 'Producer snapshots hold only the last batch of each producer, so a broker restart shrinks the duplicate window from five batches to one.',
    link: 'https://issues.apache.org/jira/browse/KAFKA-5494',
  },
  {
    id: 'KAFKA-14034',
    mechanism: 'The Java client bumps its epoch and renumbers while an older batch may already be in the log, which defeats deduplication.',
    link: 'https://issues.apache.org/jira/browse/KAFKA-14034',
  },
  {
    id: 'producer-state-behind-log-start',
    mechanism: 'A restart or truncation drops producer snapshots at or below the log start, so a producer whose batches retention has removed is forgotten, and a repeat of one is appended again.',
    link: 'https://github.com/apache/kafka/blob/4.3/storage/src/main/java/org/apache/kafka/storage/internals/log/ProducerStateManager.java',
  },
  {
    id: 'timestamp-below-log-start',
    mechanism: 'Offsets by timestamp are looked for in the first segment that has a record of that age, and nowhere else, though that record may lie below the log start; then the answer is that there is none.',
    link: 'https://github.com/apache/kafka/blob/4.3/storage/src/main/java/org/apache/kafka/storage/internals/log/UnifiedLog.java',
  },
  {
    id: 'pending-isr-overwritten',
    mechanism: 'Metadata of the partition epoch that a leader already knows replaces its pending ISR change, which the controller may still accept, so that until the record arrives the high watermark is computed without a replica that may be elected.',
    link: 'https://github.com/apache/kafka/blob/4.3/core/src/main/scala/kafka/cluster/Partition.scala',
  },
  {
    id: 'elr-outlives-replica',
    mechanism: 'The ELR keeps replicas that a reassignment removes; one that is added again while the ISR is still below min.insync.replicas counts as eligible although its log is empty.',
    link: 'https://github.com/apache/kafka/blob/4.3/metadata/src/main/java/org/apache/kafka/controller/PartitionChangeBuilder.java',
  },
  {
    id: 'elr-cleared-without-leader',
    mechanism: 'A change of min.insync.replicas clears the ELR and the last known leader also of a partition that has no leader; while its ISR is empty nobody can then be elected, not even its last leader, until somebody asks for an unclean election.',
    link: 'https://github.com/apache/kafka/blob/4.3/metadata/src/main/java/org/apache/kafka/controller/ReplicationControlManager.java',
  },
  {
    id: 'metadata-log-start-forgotten',
    mechanism: 'A restart forgets where the metadata log starts, so that it begins with its first segment again, but not that the epochs were cut there; a truncation to that offset then leaves records without an epoch, and the server dies when it wants to fetch on.',
    link: 'https://github.com/apache/kafka/blob/4.3/raft/src/main/java/org/apache/kafka/raft/internals/KafkaRaftLog.java',
  },
  {
    id: 'coordinator-reads-stale-watermark',
    mechanism: 'A coordinator that has just taken over answers from what lies below its high watermark, which trails what its predecessor acknowledged until the followers have fetched; a committed offset may seem older, or absent.',
    link: 'https://github.com/apache/kafka/blob/4.3/coordinator-common/src/main/java/org/apache/kafka/coordinator/common/runtime/CoordinatorLoaderImpl.java',
  },
  {
    id: 'deposed-coordinator-answers',
    mechanism: 'A group coordinator answers OffsetFetch from its memory and asks nobody whether it still leads its partition; one that has not heard of its successor yet answers without what that one has acknowledged.',
    link: 'https://github.com/apache/kafka/blob/4.3/group-coordinator/src/main/java/org/apache/kafka/coordinator/group/GroupCoordinatorService.java',
  },
  {
    id: 'abort-index-hides-next',
    mechanism: 'A replica that appends the abort of a transaction in one piece with what follows writes a last stable offset into the abort index that leaves out the next transaction of the same producer; when that one is aborted as well, a search of the index may end before it, and readers of committed records get its records.',
    link: 'https://github.com/apache/kafka/blob/4.3/storage/src/main/java/org/apache/kafka/storage/internals/log/ProducerStateManager.java',
  },
  {
    id: 'deposed-leader-resets-readers',
    mechanism: 'A leader that has been deposed and does not know it yet answers a position beyond its log end with OFFSET_OUT_OF_RANGE; a consumer with as old metadata, which came to that position by a plain seek, believes it and resets by auto.offset.reset.',
    link: 'https://github.com/apache/kafka/blob/4.3/clients/src/main/java/org/apache/kafka/clients/consumer/internals/FetchCollector.java',
  },
  {
    id: 'empty-marker-forgets-epoch',
    mechanism: 'The cleaner keeps the last marker of a producer as an empty batch for the sake of its epoch, but who reads the log anew (a restart, a new replica) takes no epoch from a batch without its record, so that an older epoch is not fenced there.',
    link: 'https://github.com/apache/kafka/blob/4.3/storage/src/main/java/org/apache/kafka/storage/internals/log/ProducerAppendInfo.java',
  },
  {
    id: 'cleaner-trusts-crc',
    mechanism: 'The log cleaner does not check the CRC of a batch before it believes its keys and copies its records into a batch with a CRC of its own, so damage on the disk of one replica passes for what was written.',
    link: 'https://github.com/apache/kafka/blob/4.3/storage/src/main/java/org/apache/kafka/storage/internals/log/Cleaner.java',
  },
  {
    id: 'KAFKA-17754',
    mechanism: 'With transaction.version 1 all transactions of a producer share its epoch, so a copy of EndTxn, or of a marker, that was held up on its way decides a later transaction. Mended: the cluster has transaction.version 2.',
    link: 'https://issues.apache.org/jira/browse/KAFKA-17754',
  },
  {
    id: 'transaction-timeout-by-wall-clock',
    mechanism: 'A transaction runs out by the wall clock, counted from when the coordinator of that time says it began; when that one was ahead, its successor waits for its own clock to catch up, and readers of committed records wait as long.',
    link: 'https://github.com/apache/kafka/blob/4.3/core/src/main/scala/kafka/coordinator/transaction/TransactionStateManager.scala',
  },
  {
    id: 'epoch-start-behind-gap',
    mechanism: 'A replica that copies a compacted log takes the first batch that is left of an epoch for the start of the epoch; once it leads, a replica with other records in the gap before that batch is not told to cut them.',
    link: 'https://github.com/apache/kafka/blob/4.3/storage/src/main/java/org/apache/kafka/storage/internals/log/UnifiedLog.java',
  },
  {
    id: 'deposed-leader-delivers',
    mechanism: 'The leader of a share-partition hands out records and asks nobody whether it still leads; one that has not heard of its successor yet hands out what was acknowledged there. What is said of them is refused.',
    link: 'https://github.com/apache/kafka/blob/4.3/core/src/main/java/kafka/server/share/SharePartition.java',
  },
  {
    id: 'lost-deliveries-count',
    mechanism: 'A record of a share group is counted as delivered when the leader hands it out, whether or not the answer arrives; when that is lost as often as the delivery limit allows, the record is archived, and nobody has seen it.',
    link: 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-932%3A+Queues+for+Kafka',
  },
  {
    id: 'verified-before-replication',
    mechanism: 'A transaction coordinator that takes over reads its log to the end, beyond the high watermark, and vouches for partitions that are added there; when that is lost with it, its successor knows of no such transaction, and what was written there in the meantime is ended by nobody.',
    link: 'https://github.com/apache/kafka/blob/4.3/core/src/main/scala/kafka/coordinator/transaction/TransactionStateManager.scala',
  },
  {
    id: 'markers-before-replication',
    mechanism: 'A transaction coordinator that takes over reads its log to the end, beyond the high watermark, and sends the markers of what is decided there at once; when it dies before that is replicated, its successor has not heard of the decision and may take another, for the partitions that have no marker yet.',
    link: 'https://github.com/apache/kafka/blob/4.3/core/src/main/scala/kafka/coordinator/transaction/TransactionStateManager.scala',
  },
] as const satisfies readonly Mend[]

export type MendId = (typeof mends)[number]['id']
export const MENDS: readonly Mend[] = mends
export type Mends = ReadonlySet<MendId>
export const NO_MENDS: Mends = new Set()

export function isMendId(text: string): text is MendId {
  return mends.some(mend => mend.id === text)
}
