/**
 * Partitions whose log lost the marker of a transaction to an unclean election and kept its data: the coordinator has long
 * forgotten that transaction, so nobody will end it, and readers of committed records wait there until an operator aborts it
 * (a hanging transaction, KIP-664). Kafka promises no more where it may elect replicas that lack committed records.
 */
import { partitionName } from '../../src/base/partition-name.ts'
import type { Observation, ObservationOf, Observer } from '../../src/env/observation.ts'

export class LostMarkers implements Observer {
  private readonly markers = new Map<string, ObservationOf<'marker-written'>[]>()
  /** Leader epochs that began with an unclean election, by partition. */
  private readonly unclean = new Map<string, Set<number>>()
  private readonly lost = new Set<string>()

  wants(kind: Observation['kind']): boolean {
    return kind === 'marker-written' || kind === 'leader-elected' || kind === 'became-leader'
  }

  observe(event: Observation): void {
    if (event.kind === 'marker-written') {
      const known = this.markers.get(partitionName(event.topic, event.partition))
      if (known === undefined) this.markers.set(partitionName(event.topic, event.partition), [event])
      else known.push(event)
    } else if (event.kind === 'leader-elected' && (event.reason === 'unclean' || event.reason === 'last-known-leader')) {
      const key = partitionName(event.topic, event.partition)
      const known = this.unclean.get(key)
      if (known === undefined) this.unclean.set(key, new Set([event.leaderEpoch]))
      else known.add(event.leaderEpoch)
    } else if (event.kind === 'became-leader') {
      const { topic, partition, leaderEpoch, logEndOffset } = event
      const key = partitionName(topic, partition)
      if (this.unclean.get(key)?.has(leaderEpoch) !== true) return
      if (this.markers.get(key)?.some(({ firstOffset, offset }) => firstOffset >= 0 && firstOffset < logEndOffset && offset >= logEndOffset) === true) this.lost.add(key)
    }
  }

  /** Names of the partitions, in the order in which they lost one. */
  get partitions(): readonly string[] {
    return [...this.lost]
  }
}
