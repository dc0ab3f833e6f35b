/**
 * Asks share coordinators on behalf of this broker (Kafka: DefaultStatePersister, PersisterStateManager): the leader of the
 * state partition, as metadata names it, again after a little when it has moved or does not answer, and not for ever.
 *
 * What is asked about one share-partition is asked in order, one at a time. Unlike Kafka, which batches what goes to one
 * coordinator and may send a retry after a later write; there the combiner puts it right (see state-batches.ts).
 */
import { partitionForId } from '../../base/java-hash.ts'
import { Future } from '../../base/task.ts'
import type { Task } from '../../base/task.ts'
import { msToUs } from '../../base/time.ts'
import type { ServerConfig } from '../../config/cluster.ts'
import { shareSettings } from '../../config/share.ts'
import type { MetadataImage } from '../../controller/metadata-image.ts'
import { SHARE_GROUP_TOPIC } from '../../coordinator/internal-topics.ts'
import type { StateToWrite } from '../../coordinator/share/share-operations.ts'
import { sharePartitionKey } from '../../coordinator/share/share-partition-key.ts'
import type { SharePartitionId } from '../../coordinator/share/share-partition-key.ts'
import type { ReadResult, SharePersister } from '../../coordinator/share/share-persister.ts'
import type { Env } from '../../env/env.ts'
import { ApiKey } from '../../protocol/api-keys.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ReadShareGroupStateResponse } from '../../protocol/generated/types.ts'
import { RpcClient } from '../../rpc/rpc-client.ts'
import type { InternalTopicCreation } from '../internal-topic-creation.ts'

const RECONNECT_BACKOFF_MS = 50
const FIRST_BACKOFF_MS = 50
const MAX_ATTEMPTS = 6

interface PartitionAnswer {
  readonly partition: number
  readonly errorCode: number
}

interface Asked {
  readonly apiKey: number
  readonly body: object
  readonly answer: Future<PartitionAnswer>
}

export class RemoteSharePersister implements SharePersister {
  private readonly env: Env
  private readonly image: MetadataImage
  private readonly partitions: number
  private readonly topics: Pick<InternalTopicCreation, 'create'>
  private readonly client: RpcClient
  /** What waits, by share-partition; the first of each is being asked. */
  private readonly queues = new Map<string, Asked[]>()

  /** `server.replicaSocketTimeoutMs` stands for request.timeout.ms, which has the same default. */
  constructor(env: Env, o: { readonly image: MetadataImage; readonly server: ServerConfig; readonly topics: Pick<InternalTopicCreation, 'create'> }) {
    this.env = env
    this.image = o.image
    this.partitions = shareSettings(o.server).shareCoordinatorStateTopicNumPartitions
    this.topics = o.topics
    this.client = new RpcClient(env, {
      clientId: `${env.node}-share-persister`,
      requestTimeoutMs: o.server.replicaSocketTimeoutMs,
      connectionSetupTimeoutMs: o.server.socketConnectionSetupTimeoutMs,
      maxInFlight: 5,
      reconnectBackoffMs: RECONNECT_BACKOFF_MS,
      reconnectBackoffMaxMs: RECONNECT_BACKOFF_MS,
    })
  }

  initialize(id: SharePartitionId, stateEpoch: number, startOffset: number): Future<number> {
    return errorCodeOf(this.ask(id, ApiKey.InitializeShareGroupState, { stateEpoch, startOffset }))
  }

  read(id: SharePartitionId, leaderEpoch: number): Future<ReadResult> {
    const result = new Future<ReadResult>()
    const answer = this.ask(id, ApiKey.ReadShareGroupState, { leaderEpoch })
    answer.onSettled(() => {
      const { errorCode, ...state } = answer.result() as ReadShareGroupStateResponse['results'][number]['partitions'][number]
      result.complete({ errorCode, stateEpoch: state.stateEpoch ?? 0, startOffset: state.startOffset ?? -1, batches: state.stateBatches ?? [] })
    })
    return result
  }

  write(id: SharePartitionId, { stateEpoch, leaderEpoch, startOffset, deliveryCompleteCount, batches }: StateToWrite): Future<number> {
    return errorCodeOf(this.ask(id, ApiKey.WriteShareGroupState, { stateEpoch, leaderEpoch, startOffset, deliveryCompleteCount, stateBatches: [...batches] }))
  }

  private ask(id: SharePartitionId, apiKey: number, fields: object): Future<PartitionAnswer> {
    const { groupId, topicId, partition } = id
    const asked: Asked = { apiKey, body: { groupId, topics: [{ topicId, partitions: [{ partition, ...fields }] }] }, answer: new Future() }
    const key = sharePartitionKey(id)
    const queue = this.queues.get(key)
    if (queue !== undefined) {
      queue.push(asked)
      return asked.answer
    }
    this.queues.set(key, [asked])
    this.env.spawn('share-persister', this.drain(key, partition))
    return asked.answer
  }

  private *drain(key: string, partition: number): Task<void> {
    const queue = this.queues.get(key)!
    for (let asked = queue[0]; asked !== undefined; asked = queue[0]) {
      yield* this.env.pause('share-persister')
      const answer = yield* this.askUntilAnswered(key, partition, asked)
      queue.shift()
      asked.answer.complete(answer)
    }
    this.queues.delete(key)
  }

  private *askUntilAnswered(key: string, partition: number, { apiKey, body }: Asked): Task<PartitionAnswer> {
    for (let attempt = 1; ; attempt++) {
      const answer = yield* this.askOnce(key, partition, apiKey, body)
      if (!isMovedOrBusy(answer.errorCode) || attempt === MAX_ATTEMPTS) return answer
      this.env.observe({ kind: 'mark', name: 'share-persister-retry' })
      yield* this.env.sleep(msToUs(FIRST_BACKOFF_MS * 2 ** (attempt - 1))).wait()
    }
  }

  private *askOnce(key: string, partition: number, apiKey: number, body: object): Task<PartitionAnswer> {
    const topic = this.image.topicByName(SHARE_GROUP_TOPIC)
    if (topic === undefined) this.topics.create(SHARE_GROUP_TOPIC)
    const broker = this.image.brokers.get(topic?.partitions.get(partitionForId(key, this.partitions))?.leader ?? -1)
    if (broker === undefined || broker.fenced) return { partition, errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE }
    const result = yield* this.client.send(broker.host, broker.port, apiKey, body).wait()
    if (!result.ok) return { partition, errorCode: ErrorCode.NETWORK_EXCEPTION }
    const { results } = result.body as { readonly results: readonly { readonly partitions: readonly PartitionAnswer[] }[] }
    return results[0]?.partitions.find(one => one.partition === partition) ?? { partition, errorCode: ErrorCode.UNKNOWN_SERVER_ERROR }
  }
}

function isMovedOrBusy(errorCode: number): boolean {
  switch (errorCode) {
    case ErrorCode.NOT_COORDINATOR:
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
    case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
    case ErrorCode.NETWORK_EXCEPTION:
      return true
    default:
      return false
  }
}

function errorCodeOf(answer: Future<PartitionAnswer>): Future<number> {
  const errorCode = new Future<number>()
  answer.onSettled(() => errorCode.complete(answer.result().errorCode))
  return errorCode
}
