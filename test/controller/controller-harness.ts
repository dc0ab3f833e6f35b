/**
 * A quorum controller over a fake raft log and a fake environment with a hand-driven clock. By default the log commits at
 * once; `holdCommits` keeps the high watermark where it is.
 */
import { draw32 } from '../../src/base/random.ts'
import { Future } from '../../src/base/task.ts'
import type { Task } from '../../src/base/task.ts'
import { msToUs } from '../../src/base/time.ts'
import { DEFAULT_SERVER_CONFIG } from '../../src/config/cluster.ts'
import type { ServerConfig } from '../../src/config/cluster.ts'
import type { DefectId, MendId } from '../../src/config/defects.ts'
import type { Env } from '../../src/env/env.ts'
import type { Observation, ObservationKind, ObservationOf } from '../../src/env/observation.ts'
import { alterPartition } from '../../src/controller/alter-partition.ts'
import { processHeartbeat, registerBroker } from '../../src/controller/broker-lifecycle.ts'
import { incrementalAlterConfigs } from '../../src/controller/configs.ts'
import { supportedFeatures } from '../../src/controller/features.ts'
import type { MetadataImage, PartitionImage } from '../../src/controller/metadata-image.ts'
import type { MetadataBatch } from '../../src/raft/raft-client.ts'
import { QuorumController } from '../../src/controller/quorum-controller.ts'
import type { ControllerRaft, Operation } from '../../src/controller/quorum-controller.ts'
import { createTopics, deleteTopics } from '../../src/controller/topics.ts'
import { ApiError } from '../../src/protocol/api-error.ts'
import { projectMessage } from '../../src/protocol/codec.ts'
import type { Draft } from '../../src/protocol/codec.ts'
import type {
  AlterPartitionRequest, AlterPartitionResponsePartitionData, BrokerHeartbeatRequest, BrokerHeartbeatResponse, BrokerRegistrationRequest,
  CreateTopicsRequest, CreateTopicsRequestCreatableTopic, DeleteTopicsRequest, IncrementalAlterConfigsRequest,
} from '../../src/protocol/generated/types.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import type { MetadataRecord } from '../../src/protocol/metadata-records.ts'
import { uuidFromDraws } from '../../src/protocol/uuid.ts'

export class FakeRaft implements ControllerRaft {
  leaderAndEpoch = { leaderId: -1, epoch: 0 }
  nextWriteOffset = 0
  holdCommits = false
  readonly batches: MetadataBatch[] = []
  private committed = 0
  private listener: Parameters<ControllerRaft['register']>[0] | undefined

  register(listener: Parameters<ControllerRaft['register']>[0]): void {
    this.listener = listener
  }

  append(epoch: number, records: readonly MetadataRecord[]): number {
    if (epoch !== this.leaderAndEpoch.epoch) throw new ApiError(ErrorCode.NOT_CONTROLLER)
    const baseOffset = this.nextWriteOffset
    this.nextWriteOffset += records.length
    this.batches.push({ baseOffset, lastOffset: this.nextWriteOffset - 1, epoch, timestamp: 0, sizeInBytes: 100, records })
    if (!this.holdCommits) this.commit()
    return this.nextWriteOffset - 1
  }

  /** Everything appended becomes committed. */
  commit(): void {
    const batches = this.batches.slice(this.committed)
    this.committed = this.batches.length
    if (batches.length > 0) this.listener!.handleCommit(batches)
  }

  /** The uncommitted suffix is lost, as when another node's log wins. */
  truncate(): void {
    this.batches.length = this.committed
    this.nextWriteOffset = (this.batches.at(-1)?.lastOffset ?? -1) + 1
  }

  elect(leaderId: number, epoch: number): void {
    this.leaderAndEpoch = { leaderId, epoch }
    this.listener!.handleLeaderChange({ leaderId, epoch })
  }
}

class FakeEnv {
  readonly observations: Observation[] = []
  readonly defects = new Set<DefectId>()
  readonly mends = new Set<MendId>()
  readonly node = 'controller-101'
  readonly incarnation = 0
  private time = 0
  private timers: { at: number; callback: () => void; cancelled: boolean }[] = []

  now(): number {
    return this.time
  }

  *pause(): Task<void> {}

  draw(purpose: string, a: string | number = 0, b: string | number = 0): number {
    return draw32(7, purpose, a, b)
  }

  observe(event: Observation): void {
    this.observations.push(event)
  }

  timer(delay: number, callback: () => void) {
    const timer = { at: this.time + delay, callback, cancelled: false }
    this.timers.push(timer)
    return { cancel: () => { timer.cancelled = true } }
  }

  spawn(_name: string, task: Task<void>): void {
    const step = (): void => {
      const { done, value } = task.next()
      if (!done) value.onSettled(step)
    }
    step()
  }

  advance(us: number): void {
    const until = this.time + us
    for (;;) {
      this.timers.sort((a, b) => a.at - b.at)
      const next = this.timers[0]
      if (next === undefined || next.at > until) break
      this.timers.shift()
      this.time = next.at
      if (!next.cancelled) next.callback()
    }
    this.time = until
  }
}

export class ControllerHarness {
  readonly raft = new FakeRaft()
  readonly env = new FakeEnv()
  readonly controller: QuorumController

  constructor(server: Partial<ServerConfig> = {}, defects: readonly DefectId[] = [], mends: readonly MendId[] = []) {
    for (const mend of mends) this.env.mends.add(mend)
    for (const defect of defects) this.env.defects.add(defect)
    // Without NoOpRecords, which would only blur the logs of these tests.
    const config = { ...DEFAULT_SERVER_CONFIG, metadataMaxIdleIntervalMs: 0, ...server }
    this.controller = new QuorumController(this.env as unknown as Env, { nodeId: 101, clusterId: 'test', server: config, raft: this.raft })
  }

  /** An active controller with brokers 1 to `brokers` registered and unfenced. */
  static active(brokers: number, server: Partial<ServerConfig> = {}, defects: readonly DefectId[] = [], mends: readonly MendId[] = []): ControllerHarness {
    const harness = new ControllerHarness(server, defects, mends)
    harness.raft.elect(101, 1)
    for (let id = 1; id <= brokers; id++) {
      harness.register(id)
      harness.heartbeat(id)
    }
    return harness
  }

  get image(): MetadataImage {
    return this.controller.committedImage
  }

  advanceMs(ms: number): void {
    this.env.advance(msToUs(ms))
  }

  /** The response; throws what the operation failed with. */
  call<R>(operation: Operation<R>): R {
    return this.start(operation).result()
  }

  start<R>(operation: Operation<R>): Future<R> {
    return this.controller.submit(operation)
  }

  /** A new incarnation unless one is given; returns the broker epoch. */
  register(brokerId: number, o: Draft<BrokerRegistrationRequest> = {}): number {
    const request = projectMessage<BrokerRegistrationRequest>('BrokerRegistrationRequest', 4, {
      brokerId,
      clusterId: 'test',
      incarnationId: uuidFromDraws(brokerId, this.raft.nextWriteOffset, 1, 1),
      listeners: [{ name: 'PLAINTEXT', host: `broker-${brokerId}`, port: 9092, securityProtocol: 0 }],
      features: supportedFeatures(DEFAULT_SERVER_CONFIG),
      logDirs: [uuidFromDraws(brokerId, 0, 0, 9)],
      rack: null,
      ...o,
    })
    return this.call((state, context) => registerBroker(state, context, request)).brokerEpoch
  }

  /** A heartbeat of the registered incarnation that has read everything. */
  heartbeat(brokerId: number, o: Draft<BrokerHeartbeatRequest> = {}): BrokerHeartbeatResponse {
    const request = projectMessage<BrokerHeartbeatRequest>('BrokerHeartbeatRequest', 2, {
      brokerId, brokerEpoch: this.epochOf(brokerId), currentMetadataOffset: this.raft.nextWriteOffset - 1, ...o,
    })
    this.controller.contact(request.brokerId, request.brokerEpoch)
    return this.call((state, context) => processHeartbeat(state, context, request))
  }

  /** Lets time pass with heartbeats of `brokers` only, so that the sessions of the others expire. */
  expireAllBut(...brokers: number[]): void {
    for (let ms = 0; ms < 12_000; ms += 1_000) {
      for (const id of brokers) this.heartbeat(id)
      this.advanceMs(1_000)
    }
  }

  createTopic(topic: Draft<CreateTopicsRequestCreatableTopic>) {
    const request = projectMessage<CreateTopicsRequest>('CreateTopicsRequest', 7, { topics: [{ numPartitions: -1, replicationFactor: -1, ...topic }] })
    return this.call((state, context) => createTopics(state, context, request)).topics[0]!
  }

  /** A topic `t` of one partition on the given brokers. */
  topicOn(replicas: number[], configs: Record<string, string> = {}): void {
    const result = this.createTopic({
      name: 't',
      assignments: [{ partitionIndex: 0, brokerIds: replicas }],
      configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
    })
    if (result.errorCode !== 0) throw new Error(result.errorMessage ?? String(result.errorCode))
  }

  deleteTopic(name: string): number {
    const request = projectMessage<DeleteTopicsRequest>('DeleteTopicsRequest', 6, { topics: [{ name }] })
    return this.call(state => deleteTopics(state, request)).responses[0]!.errorCode
  }

  setConfig(topic: string, name: string, value: string | null) {
    const request = projectMessage<IncrementalAlterConfigsRequest>('IncrementalAlterConfigsRequest', 1, {
      resources: [{ resourceType: 2, resourceName: topic, configs: [{ name, configOperation: value === null ? 1 : 0, value }] }],
    })
    return this.call((state, context) => incrementalAlterConfigs(state, context, request)).responses[0]!
  }

  /** The leader of t-0 proposes an ISR, with everything else as it should be. */
  proposeIsr(isr: number[], o: { brokerEpochs?: Record<number, number>; recovering?: boolean } = {}): AlterPartitionResponsePartitionData {
    const partition = this.partition()
    const request = projectMessage<AlterPartitionRequest>('AlterPartitionRequest', 3, {
      brokerId: partition.leader,
      brokerEpoch: this.epochOf(partition.leader),
      topics: [{
        topicId: this.image.topicIds.get('t')!,
        partitions: [{
          partitionIndex: 0,
          leaderEpoch: partition.leaderEpoch,
          partitionEpoch: partition.partitionEpoch,
          newIsrWithEpochs: isr.map(brokerId => ({ brokerId, brokerEpoch: o.brokerEpochs?.[brokerId] ?? this.epochOf(brokerId) })),
          leaderRecoveryState: o.recovering === true ? 1 : 0,
        }],
      }],
    })
    return this.call((state, context) => alterPartition(state, context, request)).topics[0]!.partitions[0]!
  }

  partition(topic = 't', index = 0): PartitionImage {
    return this.image.topicByName(topic)!.partitions.get(index)!
  }

  epochOf(brokerId: number): number {
    return this.image.brokers.get(brokerId)!.brokerEpoch
  }

  observed<K extends ObservationKind>(kind: K): ObservationOf<K>[] {
    return this.env.observations.filter((each): each is ObservationOf<K> => each.kind === kind)
  }
}
