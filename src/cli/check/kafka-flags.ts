/** The flags by which `trial check` learns the configuration that a Kafka history was recorded under. */
import { type Command } from 'commander'
import type { GuaranteeConfig } from '../../../checkers/guarantees.ts'
import { TrialError } from '../../base/trial-error.ts'
import { oneOf, wholeNumber } from '../suggest.ts'

export interface KafkaFlags {
  readonly acks: string
  readonly replicationFactor: string
  readonly minInsyncReplicas: string
  readonly unclean?: boolean
  readonly idempotence: boolean
  readonly retries: boolean
  readonly maxInFlight: string
  readonly isolation: string
  readonly followerReads?: boolean
  readonly lossyCrashes: string
  readonly drained: boolean
  readonly logStart?: string[]
}

export function withKafkaFlags(command: Command): Command {
  return command
    .option('--acks <ACKS>', 'Kafka: 0, 1 or all: the weakest of the producers', 'all')
    .option('--replication-factor <N>', 'Kafka: of the topics', '3')
    .option('--min-insync-replicas <N>', 'Kafka: the smallest in force', '2')
    .option('--unclean', 'Kafka: unclean leader election was enabled')
    .option('--no-idempotence', 'Kafka: producers were not idempotent')
    .option('--no-retries', 'Kafka: producers did not retry')
    .option('--max-in-flight <N>', 'Kafka: max.in.flight.requests.per.connection', '5')
    .option('--isolation <LEVEL>', 'Kafka: read_uncommitted or read_committed', 'read_uncommitted')
    .option('--follower-reads', 'Kafka: consumers read from followers')
    .option('--lossy-crashes <N>', 'Kafka: brokers that had lost unsynced data at a time, at most', '0')
    .option('--no-drained', 'the history does not end with a read of every partition to its end, or with an emptied queue')
    .option('--log-start <KEY=OFFSET...>', 'Kafka: first offset that retention has left, such as orders-0=120')
}

export function guaranteeConfig(flags: KafkaFlags): GuaranteeConfig {
  const acks = oneOf('value of --acks', flags.acks === '-1' ? 'all' : flags.acks, ['0', '1', 'all'] as const)
  return {
    acks: acks === 'all' ? -1 : acks === '1' ? 1 : 0,
    replicationFactor: wholeNumber('--replication-factor', flags.replicationFactor, 1, 100),
    minInsyncReplicas: wholeNumber('--min-insync-replicas', flags.minInsyncReplicas, 1, 100),
    uncleanLeaderElection: flags.unclean === true,
    idempotence: flags.idempotence,
    retries: flags.retries,
    maxInFlight: wholeNumber('--max-in-flight', flags.maxInFlight, 1, 1_000_000),
    isolation: oneOf('isolation level', flags.isolation, ['read_uncommitted', 'read_committed'] as const),
    followerReads: flags.followerReads === true,
    lossyCrashes: wholeNumber('--lossy-crashes', flags.lossyCrashes, 0, 1_000),
    cleanup: 'delete',
  }
}

export function logStartOf(texts: readonly string[]): { [key: string]: number } {
  return Object.fromEntries(texts.map(text => {
    const at = text.lastIndexOf('=')
    if (at < 1) throw new TrialError('usage', `--log-start takes KEY=OFFSET, not '${text}'`, 'for example --log-start orders-0=120')
    return [text.slice(0, at), wholeNumber('--log-start', text.slice(at + 1), 0, Number.MAX_SAFE_INTEGER)]
  }))
}
