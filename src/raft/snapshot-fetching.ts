/**
 * FetchSnapshot, the follower's side (KIP-630, KafkaRaftClient#handleFetchSnapshotResponse): piece by piece into a
 * temporary file, and when it is whole it takes the place of the log. A download lasts as long as the follower follows the
 * same leader in the same epoch; after that, after a restart, or when the leader has given the snapshot up, it begins
 * anew.
 */
import { invariant } from '../base/assert.ts'
import type { Task } from '../base/task.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import type { Draft } from '../protocol/codec.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { FetchSnapshotRequest, FetchSnapshotResponse, FetchSnapshotResponsePartitionSnapshot } from '../protocol/generated/types.ts'
import type { RpcResult } from '../rpc/rpc-client.ts'
import { type Quorum, TOPIC_NAME } from './quorum.ts'
import type { Follower } from './roles.ts'
import type { SnapshotId } from './snapshot-content.ts'
import { isSameSnapshot, type SnapshotWriter } from './snapshot-store.ts'

export class SnapshotFetching {
  private readonly quorum: Quorum

  constructor(quorum: Quorum) {
    this.quorum = quorum
  }

  /** The leader answered a fetch by a snapshot. False: it is here already, so ask again later. */
  begin(role: Follower, { endOffset, epoch }: SnapshotId): boolean {
    role.fetchingSnapshot?.abandon()
    role.fetchingSnapshot = this.quorum.log.snapshots.create({ endOffset, epoch })
    this.quorum.env.observe({ kind: 'mark', name: 'raft-snapshot-download' })
    return role.fetchingSnapshot !== undefined
  }

  /** `settled` tells whether it went well. */
  send(role: Follower, writer: SnapshotWriter, host: string, settled: (went: boolean) => void): void {
    const { options, epoch } = this.quorum
    const request: Draft<FetchSnapshotRequest> = {
      clusterId: options.clusterId, replicaId: options.nodeId, maxBytes: options.config.quorumFetchSnapshotMaxBytes,
      topics: [{
        name: TOPIC_NAME,
        partitions: [{ partition: 0, currentLeaderEpoch: epoch, snapshotId: { ...writer.id }, position: writer.size, replicaDirectoryId: options.directoryId }],
      }],
    }
    const { size } = writer
    this.quorum.ask(host, ApiKey.FetchSnapshot, request, result => this.handle(role, writer, size, result, settled))
  }

  private *handle(role: Follower, writer: SnapshotWriter, asked: number, result: RpcResult, settled: (went: boolean) => void): Task<void> {
    settled(yield* this.handleResponse(role, writer, asked, result))
  }

  private *handleResponse(role: Follower, writer: SnapshotWriter, asked: number, result: RpcResult): Task<boolean> {
    const response = result.ok ? (result.body as FetchSnapshotResponse) : undefined
    const piece = response?.topics[0]?.partitions[0]
    if (response === undefined || response.errorCode !== ErrorCode.NONE || piece === undefined) return false
    const { leaderId, leaderEpoch } = piece.currentLeader
    if (leaderEpoch >= 0) yield* this.quorum.learn(leaderEpoch, leaderId)
    if (this.quorum.role !== role || role.fetchingSnapshot !== writer) return true
    if (piece.errorCode === ErrorCode.SNAPSHOT_NOT_FOUND || piece.errorCode === ErrorCode.POSITION_OUT_OF_RANGE) {
      writer.abandon()
      role.fetchingSnapshot = undefined
    } else if (piece.errorCode !== ErrorCode.NONE) return false
    else yield* this.append(role, writer, asked, piece)
    if (this.quorum.role === role) role.deadline = this.quorum.env.now() + this.quorum.fetchTimeoutUs
    return true
  }

  private *append(role: Follower, writer: SnapshotWriter, asked: number, piece: FetchSnapshotResponsePartitionSnapshot): Task<void> {
    invariant(isSameSnapshot(piece.snapshotId, writer.id) && piece.position === asked && asked === writer.size, 'a piece of another snapshot, or of another place in it')
    writer.append(piece.unalignedRecords)
    if (writer.size < piece.size) return
    yield* writer.freeze()
    role.fetchingSnapshot = undefined
    const { log, env, epoch } = this.quorum
    log.loadLatestSnapshot()
    env.observe({ kind: 'raft-high-watermark', offset: log.highWatermark, epoch, asLeader: false })
    if (this.quorum.isVoter) yield* log.flush()
    this.quorum.listeners.tell()
  }
}
