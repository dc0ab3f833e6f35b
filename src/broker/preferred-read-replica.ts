/**
 * Which replica a consumer should read from (KIP-392: ReplicaManager#findPreferredReadReplica, RackAwareReplicaSelector).
 * Candidates are ISR members that hold the offset as far as the leader knows, and the leader itself. Pure.
 */
import type { MetadataImage } from '../controller/metadata-image.ts'
import type { Partition } from './partition.ts'

interface Candidate {
  readonly brokerId: number
  readonly logEndOffset: number
  readonly lastCaughtUpTimeMs: number
}

/** The id of a better replica than the leader; undefined to read here. */
export function preferredReadReplica(image: MetadataImage, leader: Partition, clientRack: string, fetchOffset: number): number | undefined {
  const leaderId = leader.leaderId
  if (clientRack === '' || leaderId === undefined) return undefined
  const isInRack = (brokerId: number): boolean => {
    const broker = image.brokers.get(brokerId)
    return broker !== undefined && !broker.fenced && broker.rack === clientRack
  }
  if (isInRack(leaderId)) return undefined
  let best: Candidate | undefined
  for (const { brokerId, state } of leader.remoteReplicas) {
    const holdsOffset = state.logStartOffset <= fetchOffset && fetchOffset <= state.logEndOffset
    if (!holdsOffset || !leader.isrState.isr.includes(brokerId) || !isInRack(brokerId)) continue
    const candidate = { brokerId, logEndOffset: state.logEndOffset, lastCaughtUpTimeMs: state.lastCaughtUpTimeMs }
    if (best === undefined || isBetter(candidate, best)) best = candidate
  }
  return best?.brokerId
}

/** The longest log, then the most recently caught up, then the largest id (ReplicaView#comparator). */
function isBetter(a: Candidate, b: Candidate): boolean {
  if (a.logEndOffset !== b.logEndOffset) return a.logEndOffset > b.logEndOffset
  if (a.lastCaughtUpTimeMs !== b.lastCaughtUpTimeMs) return a.lastCaughtUpTimeMs > b.lastCaughtUpTimeMs
  return a.brokerId > b.brokerId
}
