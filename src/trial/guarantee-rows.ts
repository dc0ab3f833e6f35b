/**
 * The rows of `trial guarantees`: a configuration each, the owner's claim that it answers, and what is expected of it.
 * A row `holds` (nothing bad may be seen) or `witnessed` (the anomaly must be found, and is shown with a token).
 */
import type { DefectId } from '../config/defects.ts'
import type { FaultFamily } from '../nemesis/fault.ts'
import type { ProfileName } from '../plan/generate-options.ts'

export interface GuaranteeRow {
  readonly id: string
  readonly configuration: string
  readonly claim: string
  readonly profile: ProfileName
  /** Absent: the general one. */
  readonly workload?: string
  readonly beyondBudget: boolean
  readonly families?: readonly FaultFamily[]
  /** Anomalies of which one must be found. Empty for a row that holds. */
  readonly witnesses: readonly string[]
  /** Marks that must have been reached, or the row proves nothing. */
  readonly marks: readonly string[]
  readonly expected: string
  /** The witness must contain a lossy crash, and within the survivability budget nothing may be lost. */
  readonly onlyByLossyCrash?: boolean
  /** Trials that are enough to hold, and executions that shrinking a witness may take, where the general numbers cost too much. */
  readonly leastTrials?: number
  readonly shrinkBudget?: number
  /** The witness is a failure of the workload, which asks for what this configuration does not promise. */
  readonly mayBreak?: boolean
  /** For a row that holds: the same with its mechanism switched off, and what must then be seen. */
  readonly without?: { readonly what: string; readonly profile?: ProfileName; readonly workload?: string; readonly defects?: readonly DefectId[]; readonly witnesses: readonly string[] }
}

/** What losing a committed record looks like to clients. */
const LOSS = ['lost-write', 'unseen', 'vanished-read', 'inconsistent-offsets']

export const GUARANTEE_ROWS: readonly GuaranteeRow[] = [
  {
    id: 'acks-0', configuration: 'acks=0', profile: 'acks-0', beyondBudget: false,
    claim: 'With acks=0 the producer does not wait for an acknowledgement: records may be lost without notice.',
    witnesses: ['unconfirmed-loss'], marks: [], expected: 'loss witnessed (sent without error, absent after drain)',
  },
  {
    id: 'acks-1', configuration: 'acks=1', profile: 'acks-1', beyondBudget: false,
    claim: 'With acks=1 the leader alone acknowledges: a record is lost when the leader fails before its followers copied it.',
    witnesses: ['lost-write', 'unseen'], marks: [], expected: 'loss of acknowledged data witnessed',
  },
  {
    id: 'acks-all-min-1', configuration: 'acks=all, min.insync.replicas=1', profile: 'acks-all-min-1', beyondBudget: true,
    claim: 'With acks=all every in-sync replica acknowledges; with min.insync.replicas=1 that may be the leader alone.',
    witnesses: ['lost-write', 'unseen'], marks: ['lossy-crash-bytes-dropped'], expected: 'loss only with a lossy crash of the last ISR member, witnessed', onlyByLossyCrash: true,
  },
  {
    id: 'acks-all-min-2', configuration: 'acks=all, min.insync.replicas=2, RF 3, unclean election off', profile: 'acks-all-min-2', beyondBudget: false,
    claim: 'Replication with acks=all keeps every acknowledged record through the failure of a broker; a new leader comes from the ISR.',
    witnesses: [], marks: ['isr-shrink', 'client-retry'], expected: 'no loss, no reorder, no offset reuse',
    without: { what: 'followers truncate to their own high watermark, not by leader epochs (KIP-101)', defects: ['KIP-101'], witnesses: LOSS },
  },
  {
    id: 'unclean', configuration: 'the same, unclean election on', profile: 'unclean', beyondBudget: false,
    claim: 'Unclean leader election trades durability for availability.',
    witnesses: ['lost-write', 'unseen', 'vanished-read', 'inconsistent-offsets'], marks: ['unclean-election'], expected: 'loss witnessed, replicas converge',
  },
  {
    id: 'retries-duplicates', configuration: 'retries without idempotence', profile: 'retries-one-in-flight', beyondBudget: false,
    claim: 'At-least-once: a retry after a lost acknowledgement writes the record twice.',
    witnesses: ['duplicate'], marks: ['client-retry'], expected: 'duplicates witnessed',
  },
  {
    id: 'retries-reorder', configuration: 'retries without idempotence, 5 in flight', profile: 'retries-pipelined', beyondBudget: false,
    claim: 'Order within a partition is kept only with one request in flight or with idempotence.',
    witnesses: ['reorder'], marks: ['client-retry'], expected: 'reorder witnessed',
  },
  {
    id: 'idempotent', configuration: 'idempotence, acks=all, 5 in flight', profile: 'idempotent', beyondBudget: false,
    claim: 'An idempotent producer (producer id and sequence numbers) writes each record once and in order, with up to 5 requests in flight.',
    witnesses: [], marks: ['retry-after-append', 'client-retry'], expected: 'no duplicate, no reorder',
    without: { what: 'no producer id and sequence numbers', profile: 'retries-pipelined', witnesses: ['duplicate', 'reorder'] },
  },
  {
    id: 'follower-reads', configuration: 'follower reads (client.rack)', profile: 'follower-reads', beyondBudget: false,
    claim: 'Consumers may read from a follower: what they see may be stale, but it is a prefix of the leader\'s log and never goes backwards.',
    witnesses: [], marks: ['isr-shrink', 'consumer-sent-to-follower'], expected: 'stale but a monotone prefix',
    without: { what: 'replicas serve what is not committed yet', defects: ['reads-beyond-high-watermark'], witnesses: ['vanished-read', 'inconsistent-offsets', 'nonmonotonic-poll', 'poll-skip'] },
  },
  {
    id: 'clock-skew', configuration: 'clock skew of minutes, acks=all, min.insync.replicas=2', profile: 'clock-skew', beyondBudget: false, families: ['clock', 'crash', 'partition'],
    claim: 'None of the delivery guarantees depends on clocks: skew changes timestamps and retention only.',
    witnesses: [], marks: ['client-retry', 'timestamp-minutes-off'], expected: 'still holds',
    without: { what: 'followers truncate to their own high watermark, not by leader epochs (KIP-101)', defects: ['KIP-101'], witnesses: LOSS },
  },
  {
    id: 'at-least-once', configuration: 'group, offsets committed after processing', workload: 'rebalance', shrinkBudget: 10, profile: 'safe', beyondBudget: false, families: ['crash', 'partition', 'network'],
    claim: 'At least once: a consumer that commits after it has processed loses nothing; after a crash or rebalance records are processed again.',
    witnesses: ['duplicate-output'], marks: [], expected: 'records processed twice witnessed, none lost',
  },
  {
    id: 'share-group', configuration: 'a share group (KIP-932)', workload: 'share-queue', shrinkBudget: 4, profile: 'safe', beyondBudget: false, families: ['crash'],
    claim: 'At least once, without order: a record is leased to one member at a time, and to another when that one does not say in time what became of it.',
    witnesses: ['repeated-delivery'], marks: [], expected: 'a record delivered twice witnessed, none lost',
  },
  {
    id: 'idempotence-alone', configuration: 'consume, transform, produce with idempotence but without transactions', workload: 'copy-idempotent', shrinkBudget: 10, profile: 'safe', beyondBudget: false, families: ['crash', 'partition', 'network'],
    claim: 'Idempotence holds within one producer session: it does not stop duplicates of an application that starts again, nor on the consumer\'s side.',
    witnesses: ['duplicate-output'], marks: [], expected: 'an input with two outputs witnessed, none lost',
  },
  {
    id: 'exactly-once-tv1', configuration: 'transactions (TV1), offsets in the transaction, read_committed', workload: 'copy-exactly-once', leastTrials: 12, shrinkBudget: 10, profile: 'transactions-tv1', beyondBudget: false,
    claim: 'Exactly once from topic to topic: outputs and consumed offsets are committed in one transaction.',
    witnesses: [], marks: ['transaction-commit'], expected: 'one committed output for every input',
    without: { what: 'outputs by an idempotent producer, offsets committed after them', workload: 'copy-idempotent', profile: 'safe', witnesses: ['duplicate-output'] },
  },
  {
    id: 'exactly-once-tv2', configuration: 'the same with TV2 (KIP-890)', workload: 'copy-exactly-once', leastTrials: 12, shrinkBudget: 10, profile: 'transactions-tv2', beyondBudget: false,
    claim: 'The same with the protocol of Kafka 4: every transaction has an epoch of its own.',
    witnesses: [], marks: ['transaction-commit'], expected: 'one committed output for every input',
    without: { what: 'offsets are committed in the name of the group only (before KIP-447)', profile: 'no-group-metadata', witnesses: ['duplicate-output'] },
  },
  {
    id: 'zombie-without-group-metadata', configuration: 'transactions, offsets without the group\'s metadata', workload: 'copy-exactly-once', shrinkBudget: 10, profile: 'no-group-metadata', beyondBudget: false, families: ['crash'],
    claim: 'A transactional id fences only instances with the same id: without the group\'s metadata an instance that has lost its partitions still commits (KIP-447).',
    witnesses: ['duplicate-output'], marks: [], expected: 'an input with two committed outputs witnessed', mayBreak: true,
  },
  {
    id: 'read-uncommitted', configuration: 'transactions, isolation.level=read_uncommitted', workload: 'transactions', shrinkBudget: 10, profile: 'read-uncommitted', beyondBudget: false,
    claim: 'A consumer with read_uncommitted, the default, also gets the records of transactions that abort.',
    witnesses: ['aborted-read'], marks: [], expected: 'aborted records read, and read_committed readers beside it get none',
  },
  {
    id: 'outbox', configuration: 'into an SQL database, the offset in the same database transaction', workload: 'outbox', leastTrials: 12, shrinkBudget: 10, profile: 'safe', beyondBudget: false, families: ['crash', 'partition', 'network'],
    claim: 'Exactly once into an external database: the offset is stored in the same database transaction as the result.',
    witnesses: [], marks: [], expected: 'one row for every input',
    without: { what: 'the offset is committed to Kafka after the database', workload: 'outbox-commit-after', witnesses: ['duplicate-output'] },
  },
  {
    id: 'outbox-commit-after', configuration: 'into an SQL database, the offset committed to Kafka after it', workload: 'outbox-commit-after', shrinkBudget: 10, profile: 'safe', beyondBudget: false, families: ['crash', 'partition', 'network'],
    claim: 'At least once into an external database.',
    witnesses: ['duplicate-output'], marks: [], expected: 'duplicate rows witnessed, none missing',
  },
  {
    id: 'outbox-commit-before', configuration: 'into an SQL database, the offset committed to Kafka before it', workload: 'outbox-commit-before', shrinkBudget: 10, profile: 'safe', beyondBudget: false, families: ['crash', 'partition', 'network'],
    claim: 'At most once: a consumer that commits before it processes never processes twice, and loses what it had not processed when it died.',
    witnesses: ['missing-output'], marks: [], expected: 'missing rows witnessed, none twice',
  },
]
