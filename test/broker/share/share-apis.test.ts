/** Each API of share groups, asked of the brokers that serve it. */
import { expect, it } from 'vitest'
import type { Task } from '../../../src/base/task.ts'
import { msToUs } from '../../../src/base/time.ts'
import type { Env } from '../../../src/env/env.ts'
import { ApiKey } from '../../../src/protocol/api-keys.ts'
import { ErrorCode } from '../../../src/protocol/errors.ts'
import type {
  DeleteShareGroupStateResponse, FindCoordinatorResponse, InitializeShareGroupStateResponse, MetadataResponse, ReadShareGroupStateResponse, ReadShareGroupStateSummaryResponse,
  ShareAcknowledgeResponse, ShareFetchResponse, ShareGroupDescribeResponse, ShareGroupHeartbeatResponse, WriteShareGroupStateResponse,
} from '../../../src/protocol/generated/types.ts'
import { RpcClient } from '../../../src/rpc/rpc-client.ts'
import { ShareCluster, TOPIC } from '../../client/share/share-cluster.ts'

const GROUP = 'workers'
const MEMBER = 'member-1'
const SHARE_COORDINATOR = 2

class Asker {
  private readonly env: Env
  private readonly rpc: RpcClient

  constructor(env: Env) {
    this.env = env
    this.rpc = new RpcClient(env, { clientId: 'asker', requestTimeoutMs: 5_000, connectionSetupTimeoutMs: 1_000, maxInFlight: 5, reconnectBackoffMs: 20, reconnectBackoffMaxMs: 20 })
  }

  *ask<T>(host: string, apiKey: number, body: object): Task<T> {
    const result = yield* this.rpc.send(host, 9092, apiKey, body).wait()
    if (!result.ok) throw new Error(result.reason)
    return result.body as T
  }

  /** Host of the coordinator, when it serves. */
  *coordinator(keyType: number, key: string): Task<string> {
    for (;;) {
      const { coordinators: [found] } = yield* this.ask<FindCoordinatorResponse>('broker-1', ApiKey.FindCoordinator, { keyType, coordinatorKeys: [key] })
      if (found!.errorCode === ErrorCode.NONE) return found!.host
      yield* this.env.sleep(msToUs(50)).wait()
    }
  }

  *topicId(): Task<string> {
    const { topics: [topic] } = yield* this.ask<MetadataResponse>('broker-1', ApiKey.Metadata, { topics: [{ name: TOPIC }] })
    return topic!.topicId
  }
}

it('keeps, fences, sums up and deletes the state of a share-partition', () => {
  const cluster = new ShareCluster()
  cluster.run(function* (env) {
    const asker = new Asker(env)
    const topicId = yield* asker.topicId()
    const host = yield* asker.coordinator(SHARE_COORDINATOR, `${GROUP}:${topicId}:0`)
    const of = (fields: object) => ({ groupId: GROUP, topics: [{ topicId, partitions: [{ partition: 0, ...fields }] }] })
    for (;;) {
      const { results } = yield* asker.ask<InitializeShareGroupStateResponse>(host, ApiKey.InitializeShareGroupState, of({ stateEpoch: 1, startOffset: 3 }))
      if (results[0]!.partitions[0]!.errorCode === ErrorCode.NONE) break
      yield* env.sleep(msToUs(50)).wait()
    }
    const batch = { firstOffset: 4, lastOffset: 6, deliveryState: 2, deliveryCount: 1 }
    const write = (leaderEpoch: number) => asker.ask<WriteShareGroupStateResponse>(host, ApiKey.WriteShareGroupState, of({ stateEpoch: 1, leaderEpoch, startOffset: 4, deliveryCompleteCount: 3, stateBatches: [batch] }))
    expect((yield* write(5)).results[0]!.partitions[0]).toMatchObject({ errorCode: 0 })
    const read = yield* asker.ask<ReadShareGroupStateResponse>(host, ApiKey.ReadShareGroupState, of({ leaderEpoch: 6 }))
    expect(read.results[0]!.partitions[0]).toMatchObject({ errorCode: 0, stateEpoch: 1, startOffset: 4, stateBatches: [batch] })
    expect((yield* write(5)).results[0]!.partitions[0]).toMatchObject({ errorCode: ErrorCode.FENCED_LEADER_EPOCH })
    const summary = () => asker.ask<ReadShareGroupStateSummaryResponse>(host, ApiKey.ReadShareGroupStateSummary, of({ leaderEpoch: 6 }))
    expect((yield* summary()).results[0]!.partitions[0]).toMatchObject({ stateEpoch: 1, leaderEpoch: 6, startOffset: 4, deliveryCompleteCount: 3 })
    const deleted = yield* asker.ask<DeleteShareGroupStateResponse>(host, ApiKey.DeleteShareGroupState, of({}))
    expect(deleted.results[0]!.partitions[0]).toMatchObject({ errorCode: 0 })
    expect((yield* summary()).results[0]!.partitions[0]).toMatchObject({ startOffset: -1 })
    return undefined
  })
})

/** Joins and waits until the partition is assigned: then the share coordinator keeps its state. */
function* join(env: Env, asker: Asker, coordinator: string): Task<void> {
  for (let memberEpoch = 0; ;) {
    const beat = yield* asker.ask<ShareGroupHeartbeatResponse>(coordinator, ApiKey.ShareGroupHeartbeat, { groupId: GROUP, memberId: MEMBER, memberEpoch, subscribedTopicNames: memberEpoch === 0 ? [TOPIC] : null })
    if (beat.errorCode === ErrorCode.NONE) memberEpoch = beat.memberEpoch
    if (beat.assignment?.topicPartitions.length === 1) return
    yield* env.sleep(msToUs(50)).wait()
  }
}

it('takes from a member nothing about a record that another one holds', () => {
  const cluster = new ShareCluster()
  cluster.produce(2)
  cluster.run(function* (env) {
    const asker = new Asker(env)
    const topicId = yield* asker.topicId()
    yield* join(env, asker, yield* asker.coordinator(0, GROUP))
    const leader = cluster.leader()
    const fetch = (memberId: string) => asker.ask<ShareFetchResponse>(leader, ApiKey.ShareFetch, { groupId: GROUP, memberId, shareSessionEpoch: 0, maxWaitMs: 200, minBytes: 1, maxRecords: 1, batchSize: 1, shareAcquireMode: 1, topics: [{ topicId, partitions: [{ partitionIndex: 0 }] }] })
    const accept = (memberId: string, offset: number) => asker.ask<ShareAcknowledgeResponse>(leader, ApiKey.ShareAcknowledge, { groupId: GROUP, memberId, shareSessionEpoch: 1, topics: [{ topicId, partitions: [{ partitionIndex: 0, acknowledgementBatches: [{ firstOffset: offset, lastOffset: offset, acknowledgeTypes: [1] }] }] }] })
    expect((yield* fetch(MEMBER)).responses[0]!.partitions[0]!.acquiredRecords).toEqual([{ firstOffset: 0, lastOffset: 0, deliveryCount: 1 }])
    expect((yield* fetch('member-2')).responses[0]!.partitions[0]!.acquiredRecords).toEqual([{ firstOffset: 1, lastOffset: 1, deliveryCount: 1 }])
    expect((yield* accept('member-2', 0)).responses[0]!.partitions[0]).toMatchObject({ errorCode: ErrorCode.INVALID_RECORD_STATE })
    expect((yield* accept(MEMBER, 0)).responses[0]!.partitions[0]).toMatchObject({ errorCode: 0 })
    return undefined
  })
})

it('lets a member join, acquire, acknowledge and close, in sessions whose epochs count', () => {
  const cluster = new ShareCluster()
  cluster.produce(3)
  cluster.run(function* (env) {
    const asker = new Asker(env)
    const topicId = yield* asker.topicId()
    const coordinator = yield* asker.coordinator(0, GROUP)
    yield* join(env, asker, coordinator)
    const described = yield* asker.ask<ShareGroupDescribeResponse>(coordinator, ApiKey.ShareGroupDescribe, { groupIds: [GROUP, 'other'] })
    expect(described.groups).toMatchObject([{ groupState: 'Stable', members: [{ memberId: MEMBER, assignment: { topicPartitions: [{ topicName: TOPIC, partitions: [0] }] } }] }, { errorCode: ErrorCode.GROUP_ID_NOT_FOUND }])

    const leader = cluster.leader()
    const whole = [{ topicId, partitions: [{ partitionIndex: 0 }] }]
    const accepted = (firstOffset: number, lastOffset: number) => [{ topicId, partitions: [{ partitionIndex: 0, acknowledgementBatches: [{ firstOffset, lastOffset, acknowledgeTypes: [1] }] }] }]
    const fetch = (shareSessionEpoch: number, topics: object[]) => asker.ask<ShareFetchResponse>(leader, ApiKey.ShareFetch, { groupId: GROUP, memberId: MEMBER, shareSessionEpoch, maxWaitMs: 200, minBytes: 1, maxRecords: 2, batchSize: 2, shareAcquireMode: 1, topics })
    const acknowledge = (shareSessionEpoch: number, topics: object[]) => asker.ask<ShareAcknowledgeResponse>(leader, ApiKey.ShareAcknowledge, { groupId: GROUP, memberId: MEMBER, shareSessionEpoch, topics })
    expect(yield* fetch(1, whole)).toMatchObject({ errorCode: ErrorCode.SHARE_SESSION_NOT_FOUND })
    expect(yield* fetch(0, accepted(0, 0))).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST })
    expect((yield* fetch(0, whole)).responses[0]!.partitions[0]).toMatchObject({ errorCode: 0, acquiredRecords: [{ firstOffset: 0, lastOffset: 1, deliveryCount: 1 }] })
    expect(yield* acknowledge(7, accepted(0, 0))).toMatchObject({ errorCode: ErrorCode.INVALID_SHARE_SESSION_EPOCH })
    expect((yield* acknowledge(1, accepted(0, 0))).responses[0]!.partitions[0]).toMatchObject({ errorCode: 0 })
    expect((yield* acknowledge(2, accepted(2, 2))).responses[0]!.partitions[0]).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST })
    // What is acknowledged with a fetch is answered with what it acquires.
    expect((yield* fetch(3, accepted(1, 1))).responses[0]!.partitions[0]).toMatchObject({ acknowledgeErrorCode: 0, acquiredRecords: [{ firstOffset: 2, lastOffset: 2, deliveryCount: 1 }] })
    expect(yield* acknowledge(-1, [])).toMatchObject({ errorCode: 0 })
    expect((yield* fetch(0, whole)).responses[0]!.partitions[0]).toMatchObject({ acquiredRecords: [{ firstOffset: 2, lastOffset: 2, deliveryCount: 2 }] })
    return undefined
  })
})
