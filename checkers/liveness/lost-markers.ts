/**
 * Partitions whose log lost the marker of a transaction to an unclean election and kept its data: the coordinator has long
 * forgotten that transaction, so nobody will end it, and readers of committed records wait there until an operator aborts it
 * (a hanging transaction, KIP-664). Kafka promises no more where it may elect replicas that lack committed records.
 */
import { partitionName } from '../../src/base/partition-name.ts'
import type { Observation, ObservationOf, Observer } from '../../src/env/observation.ts'

export class LostMarkers implements Observer {
  private readonly markers = new Map<string, ObservationOf<'marker-written'>[]>()
  /** `topic-partition epoch` of leader epochs that began with an unclean election. */
  private readonly unclean = new Set<string>()
  private readonly lost = new Set<string>()

  wants(kind: Observation['kind']): boolean {
    return kind === 'marker-written' || kind === 'leader-elected' || kind === 'became-leader'
  }

  observe(event: Observation): void {
    switch (event.kind) {
      case 'marker-written': {
        const key = partitionName(event.topic, event.partition)
        const known = this.markers.get(key)
        if (known === undefined) this.markers.set(key, [event])
        else known.push(event)
        return
      }
      case 'leader-elected':
        if (event.reason === 'unclean' || event.reason === 'last-known-leader') this.unclean.add(`${partitionName(event.topic, event.partition)} ${event.leaderEpoch}`)
        return
      case 'became-leader': {
        const { topic, partition, leaderEpoch, logEndOffset } = event
        const key = partitionName(topic, partition)
        if (!this.unclean.has(`${key} ${leaderEpoch}`)) return
        if (this.markers.get(key)?.some(({ firstOffset, offset }) => firstOffset >= 0 && firstOffset < logEndOffset && offset >= logEndOffset) === true) this.lost.add(key)
        return
      }
      default:
    }
  }

  /** Names of the partitions, in the order in which they lost one. */
  get partitions(): readonly string[] {
    return [...this.lost]
  }
}
