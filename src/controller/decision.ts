/**
 * What a controller operation is: a function of (state, request, context) that returns records and a response and
 * changes nothing (Kafka: ControllerResult). The event loop appends and applies the records, tells the observations, and
 * sends the response once they are committed.
 */
import type { Micros } from '../base/time.ts'
import type { ServerConfig } from '../config/cluster.ts'
import type { Defects, Mends } from '../config/defects.ts'
import type { Observation } from '../env/observation.ts'
import type { MetadataRecord } from '../protocol/metadata-records.ts'
import type { BrokerHeartbeats } from './broker-heartbeats.ts'
import type { PartitionChange } from './partition-change-builder.ts'
import { NO_LEADER_CHANGE } from './partition-image.ts'
import type { PartitionImage, TopicImage } from './metadata-image.ts'

export interface ControllerContext {
  readonly server: ServerConfig
  readonly clusterId: string
  readonly defects: Defects
  readonly mends: Mends
  /** Monotonic time of this controller. */
  readonly now: Micros
  /** Offset that the first record of this decision gets. */
  readonly nextWriteOffset: number
  /** A uniform 32-bit draw for this decision. */
  readonly draw: (purpose: string, n: number) => number
  /** Sessions of brokers: soft state of the active controller, lost when it loses leadership. */
  readonly heartbeats: BrokerHeartbeats
}

export interface Decision<R> {
  /** One atomic batch; empty for a read. */
  readonly records: readonly MetadataRecord[]
  readonly response: R
  readonly observations?: readonly Observation[]
  /** Called after the records were appended and applied, with the offset of the last one (or of the log's, for none). */
  readonly onAppended?: (lastOffset: number) => void
}

/** Records in the making, with what the observer is to be told of them. */
export class DecisionDraft {
  readonly records: MetadataRecord[] = []
  readonly observations: Observation[] = []

  addPartitionChange(topic: TopicImage, partition: number, old: PartitionImage, change: PartitionChange): void {
    this.records.push(change.record)
    if (change.removedInElr.length > 0) {
      this.observations.push({ kind: 'elr-kept-removed-replica', topicId: topic.id, topic: topic.name, partition, brokers: change.removedInElr })
    }
    if (change.leader === NO_LEADER_CHANGE || change.reason === undefined) return
    this.observations.push({
      kind: 'leader-elected',
      topicId: topic.id,
      topic: topic.name,
      partition,
      leader: change.leader,
      previousLeader: old.leader,
      leaderEpoch: old.leaderEpoch + 1,
      reason: change.reason,
    })
  }

  decide<R>(response: R): Decision<R> {
    return { records: this.records, response, observations: this.observations }
  }
}
