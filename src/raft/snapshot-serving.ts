/**
 * FetchSnapshot, the leader's side (KIP-630, KafkaRaftClient#handleFetchSnapshotRequest): a piece of a snapshot file from a
 * position on. A snapshot that has been given up meanwhile is not found, and the follower begins again with a fetch.
 */
import type { Draft } from '../protocol/codec.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { FetchSnapshotRequest, FetchSnapshotResponse, FetchSnapshotResponsePartitionSnapshot } from '../protocol/generated/types.ts'
import type { RpcRequest } from '../rpc/rpc-server.ts'
import { type Quorum, TOPIC_NAME } from './quorum.ts'
import { BOOTSTRAP_SNAPSHOT } from './snapshot-content.ts'
import { isSameSnapshot } from './snapshot-store.ts'

export function handleFetchSnapshot(quorum: Quorum, request: RpcRequest): undefined {
  const body = request.body as FetchSnapshotRequest
  const topic = body.topics[0]
  const asked = topic?.partitions[0]
  if (body.clusterId !== null && body.clusterId !== quorum.options.clusterId) return void request.respond({ errorCode: ErrorCode.INCONSISTENT_CLUSTER_ID })
  if (topic === undefined || asked === undefined) return void request.respond({ errorCode: ErrorCode.INVALID_REQUEST })
  const answer = (partition: Draft<FetchSnapshotResponsePartitionSnapshot>): void => request.respond({
    topics: [{ name: topic.name, partitions: [{ index: asked.partition, currentLeader: { leaderId: quorum.leaderId, leaderEpoch: quorum.epoch }, ...partition }] }],
  } satisfies Draft<FetchSnapshotResponse>)
  if (topic.name !== TOPIC_NAME || asked.partition !== 0) return void answer({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION })
  const { role, log } = quorum
  if (asked.currentLeaderEpoch < quorum.epoch) return void answer({ errorCode: ErrorCode.FENCED_LEADER_EPOCH })
  if (asked.currentLeaderEpoch > quorum.epoch) return void answer({ errorCode: ErrorCode.UNKNOWN_LEADER_EPOCH })
  if (role.kind !== 'leader') return void answer({ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER })
  const { snapshotId, position } = asked
  const bytes = isSameSnapshot(snapshotId, BOOTSTRAP_SNAPSHOT) ? undefined : log.snapshots.read(snapshotId)
  if (bytes === undefined) return void answer({ errorCode: ErrorCode.SNAPSHOT_NOT_FOUND })
  if (position < 0 || position >= bytes.length) return void answer({ errorCode: ErrorCode.POSITION_OUT_OF_RANGE })
  role.progress.noteFetch({ id: body.replicaId, directoryId: asked.replicaDirectoryId }, quorum.env.now(), quorum.checkQuorumUs)
  quorum.env.observe({ kind: 'mark', name: 'raft-snapshot-served' })
  answer({
    snapshotId: { ...snapshotId }, size: bytes.length, position,
    unalignedRecords: bytes.subarray(position, position + Math.min(body.maxBytes, quorum.options.config.quorumFetchSnapshotMaxBytes)),
  })
}
