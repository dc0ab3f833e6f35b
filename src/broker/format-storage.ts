/**
 * Formats the disk of a controller of a dynamic quorum (KIP-853, `kafka-storage.sh format --initial-controllers`): the
 * snapshot 00000000000000000000-0000000000.checkpoint names the first voters with their directory ids. A disk that came
 * later is formatted without (`--no-initial-controllers`): it belongs to an observer until it is added.
 */
import type { Task } from '../base/task.ts'
import type { InitialVoter } from '../config/cluster.ts'
import type { Env } from '../env/env.ts'
import { METADATA_DIRECTORY } from '../raft/metadata-directory.ts'
import { BOOTSTRAP_SNAPSHOT, encodeSnapshot } from '../raft/snapshot-content.ts'
import { SnapshotStore } from '../raft/snapshot-store.ts'
import { VoterSet } from '../raft/voter-set.ts'

export function* formatQuorum(env: Env, voters: readonly InitialVoter[]): Task<void> {
  if (!voters.some(({ directoryId }) => directoryId === env.disk.id)) return
  const writer = new SnapshotStore(env, METADATA_DIRECTORY, { logStartOffset: 0, deleteDelayMs: 0 }).create(BOOTSTRAP_SNAPSHOT)
  if (writer === undefined) return
  for (const batch of encodeSnapshot(BOOTSTRAP_SNAPSHOT, { lastContainedLogTimestamp: 0, quorum: { kraftVersion: 1, voters: new VoterSet(voters) }, records: [] })) writer.append(batch)
  yield* writer.freeze()
}
