/**
 * Computes who should own what in the next assignment epoch and the records that say how that differs from before
 * (Kafka: TargetAssignmentBuilder).
 *
 * Unlike Kafka, which may leave it to a background thread (KIP-1263), it is computed where it is asked for; not more often than
 * group.consumer.assignment.interval.ms, as there.
 */
import type { MetadataImage } from '../../../controller/metadata-image.ts'
import type { CoordinatorRecord } from '../../coordinator-record.ts'
import { sameAssignment } from './assignment.ts'
import type { Assignment } from './assignment.ts'
import type { AssignedMember, Assignor } from './assignor.ts'
import type { ConsumerGroup } from './consumer-group.ts'
import { targetEpochRecord, targetRecord } from './consumer-records.ts'
import { rangeAssignor } from './range-assignor.ts'
import { subscribedTopicImages } from './subscription-metadata.ts'
import { uniformAssignor } from './uniform-assignor.ts'

/** The first is the default (group.consumer.assignors). */
export const ASSIGNORS: readonly Assignor[] = [uniformAssignor, rangeAssignor]

export interface TargetMember {
  readonly memberId: string
  readonly instanceId: string | null
  readonly topics: readonly string[]
  readonly current: Assignment
  /** The one that it asks for. */
  readonly serverAssignor: string | null
}

export interface ComputedTarget {
  readonly targets: ReadonlyMap<string, Assignment>
  readonly records: readonly CoordinatorRecord[]
}

export function computeTarget(image: MetadataImage, group: ConsumerGroup, members: readonly TargetMember[], epoch: number, nowMs: number): ComputedTarget {
  const counts = new Map<string, number>()
  const specs: AssignedMember[] = members.map(({ memberId, instanceId, topics, current }) => {
    const images = subscribedTopicImages(image, topics)
    for (const topic of images) counts.set(topic.id, topic.partitions.size)
    return { memberId, instanceId, current, topicIds: images.map(({ id }) => id) }
  })
  const partitionCounts = new Map([...counts].sort(([a], [b]) => (a < b ? -1 : 1)))
  const targets = specs.length === 0 ? new Map<string, Assignment>() : preferredAssignor(members).assign(specs, partitionCounts)
  const records: CoordinatorRecord[] = []
  for (const [memberId, target] of targets) {
    const before = group.targets.get(memberId)
    if (before === undefined || !sameAssignment(before, target)) records.push(targetRecord(group.groupId, memberId, target))
  }
  records.push(targetEpochRecord(group.groupId, epoch, nowMs))
  return { targets, records }
}

/** The one that most members ask for. */
function preferredAssignor(members: readonly TargetMember[]): Assignor {
  const votes = ASSIGNORS.map(({ name }) => members.filter(({ serverAssignor }) => serverAssignor === name).length)
  return ASSIGNORS[votes.indexOf(Math.max(...votes))]!
}
