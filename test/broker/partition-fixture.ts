/** A partition on broker 1 of three, with a real log and a controller that answers when told to. */
import { resolveTopicConfig } from '../../src/config/topic.ts'
import { DEFAULT_SERVER_CONFIG } from '../../src/config/cluster.ts'
import type { DefectId, MendId } from '../../src/config/defects.ts'
import type { IsrChange, IsrChangeReply } from '../../src/broker/alter-partition-sender.ts'
import { Partition } from '../../src/broker/partition.ts'
import type { PartitionHost } from '../../src/broker/partition-host.ts'
import { Purgatory } from '../../src/broker/purgatory.ts'
import { MetadataImage } from '../../src/controller/metadata-image.ts'
import type { PartitionImage } from '../../src/controller/metadata-image.ts'
import type { AlterPartitionResponsePartitionData } from '../../src/protocol/generated/types.ts'
import type { Log } from '../../src/storage/log.ts'
import { FakeEnv } from '../storage/fake-env.ts'
import { TOPIC_ID, batch, openLog } from '../storage/log-fixture.ts'

export const LAG_MS = 30_000
const BROKER_EPOCH = 10

export function brokerEpochOf(id: number): number {
  return BROKER_EPOCH + id
}

export class Fixture {
  readonly env: FakeEnv
  readonly image = new MetadataImage()
  readonly log: Log
  readonly partition: Partition
  readonly host: PartitionHost
  readonly submitted: { readonly change: IsrChange; readonly onReply: (reply: IsrChangeReply) => void }[] = []
  registration: PartitionImage = {
    replicas: [1, 2, 3], isr: [1, 2, 3], elr: [], lastKnownElr: [], removingReplicas: [], addingReplicas: [],
    leader: 1, leaderEpoch: 5, partitionEpoch: 7, leaderRecoveryState: 'RECOVERED', directories: [],
  }

  constructor(o: { defects?: readonly DefectId[]; mends?: readonly MendId[]; minIsr?: number } = {}) {
    this.env = new FakeEnv(undefined, { defects: new Set(o.defects), mends: new Set(o.mends) })
    for (const id of [1, 2, 3]) this.setBroker(id, {})
    this.log = openLog(this.env)
    const config = { ...resolveTopicConfig(DEFAULT_SERVER_CONFIG, new Map()), minInsyncReplicas: o.minIsr ?? 1 }
    this.host = {
      env: this.env,
      brokerId: 1,
      server: { ...DEFAULT_SERVER_CONFIG, replicaLagTimeMaxMs: LAG_MS },
      image: this.image,
      delayedProduce: new Purgatory(this.env),
      delayedFetch: new Purgatory(this.env),
      delayedDeleteRecords: new Purgatory(this.env),
      brokerEpoch: () => brokerEpochOf(1),
      topicConfig: () => config,
      submitIsrChange: (change, onReply) => this.submitted.push({ change, onReply }),
    }
    this.partition = new Partition(this.host, { topic: 'orders', topicId: TOPIC_ID, partition: 0, log: this.log })
  }

  setBroker(id: number, o: { epoch?: number; fenced?: boolean; inControlledShutdown?: boolean; rack?: string }): void {
    this.image.brokers.set(id, {
      brokerId: id, brokerEpoch: o.epoch ?? brokerEpochOf(id), incarnationId: `i${id}`, host: `broker-${id}`, port: 9092, rack: o.rack ?? null,
      fenced: o.fenced ?? false, inControlledShutdown: o.inControlledShutdown ?? false, logDirs: [], features: [],
    })
  }

  /** `epochs[i]` is the leader epoch of the record at offset i. */
  fill(...epochs: readonly number[]): void {
    for (const epoch of epochs) this.log.appendAsLeader(batch(['x']), epoch, 'client')
  }

  lead(change: Partial<PartitionImage> = {}): void {
    this.registration = { ...this.registration, ...change }
    this.partition.makeLeader(this.registration)
  }

  append(count = 1): void {
    for (let i = 0; i < count; i++) this.partition.appendAsLeader(batch(['x']), 1)
  }

  /** A validated fetch of a follower at `offset`. */
  fetch(id: number, offset: number, brokerEpoch = brokerEpochOf(id)): void {
    this.env.run(this.partition.recordFollowerFetch(this.partition.remoteReplica(id)!, {
      fetchOffset: offset, logStartOffset: 0, timeMs: this.env.wallClock(), leaderEndOffset: this.log.logEndOffset, brokerEpoch,
    }))
  }

  shrink(): void {
    this.env.run(this.partition.maybeShrinkIsr())
  }

  /** The controller's answer to the last proposal. */
  reply(change: Partial<AlterPartitionResponsePartitionData> = {}): void {
    const { change: asked, onReply } = this.submitted.at(-1)!
    onReply({
      ok: true,
      partition: {
        partitionIndex: 0, errorCode: 0, leaderId: 1, leaderEpoch: asked.leaderEpoch, isr: asked.isr.map(member => member.brokerId),
        leaderRecoveryState: 0, partitionEpoch: asked.partitionEpoch + 1, ...change,
      },
    })
  }

  refuse(errorCode: number): void {
    this.submitted.at(-1)!.onReply({ ok: false, errorCode })
  }

  get highWatermark(): number {
    return this.log.highWatermark
  }
}
