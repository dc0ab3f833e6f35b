/**
 * A transaction coordinator over state logs in memory, with the transactional id `copier`. Topics that are not in its image
 * are deleted ones, so that their markers are skipped; `waits` has no leader, so that its markers wait.
 */
import type { BuggifySite } from '../../../src/config/buggify.ts'
import { DEFAULT_SERVER_CONFIG } from '../../../src/config/cluster.ts'
import type { DefectId, MendId } from '../../../src/config/defects.ts'
import { MetadataImage } from '../../../src/controller/metadata-image.ts'
import { TransactionCoordinator } from '../../../src/coordinator/transaction/transaction-coordinator.ts'
import type { Ended, ProducerIdAndEpoch } from '../../../src/coordinator/transaction/transaction-coordinator.ts'
import type { TransactionFields } from '../../../src/coordinator/transaction/transaction-metadata.ts'
import { partitionName } from '../../../src/base/partition-name.ts'
import type { Task } from '../../../src/base/task.ts'
import type { Connection, Frame, Network } from '../../../src/env/network.ts'
import { errorName } from '../../../src/protocol/errors.ts'
import { metadataRecord } from '../../../src/protocol/metadata-records.ts'
import { FakeEnv } from '../../storage/fake-env.ts'
import { MemoryStateLogs } from '../memory-state-logs.ts'

export const ID = 'copier'
export const PARTITION = 0
/** Its partition has no leader. */
const LEADERLESS = { waits: 'AAAAAAAAAAAAAAAAAAAACQ' } as const

/** Topics led by brokers that answer when the test says so. */
const LED = [[9, 'led-by-9', 'AAAAAAAAAAAAAAAAAAAACw'], [10, 'led-by-10', 'AAAAAAAAAAAAAAAAAAAADA']] as const

/** Connections that open at once; the test answers what was sent. */
class FakeNetwork implements Network {
  private readonly sent: { readonly connection: Connection; readonly frame: Frame }[] = []
  private readonly made: Connection[] = []

  listen(): void {}

  connect(host: string): Connection {
    const connection: Connection = {
      id: 1, peer: host, isOpen: true, onOpen: undefined, onFrame: undefined, onClose: undefined, close: () => {},
      send: frame => void this.sent.push({ connection, frame }),
    }
    this.made.push(connection)
    return connection
  }

  /** Whoever waits for a connection gets it. */
  open(): void {
    for (const connection of this.made.splice(0)) connection.onOpen?.()
  }

  /** Answers every WriteTxnMarkers request that was sent. */
  acceptMarkers(): number {
    const requests = this.sent.splice(0)
    for (const { connection, frame } of requests) {
      const { markers } = frame.body as { markers: { producerId: number; topics: { name: string; partitionIndexes: number[] }[] }[] }
      const body = {
        markers: markers.map(({ producerId, topics }) => ({
          producerId, topics: topics.map(({ name, partitionIndexes }) => ({ name, partitions: partitionIndexes.map(partitionIndex => ({ partitionIndex, errorCode: 0 })) })),
        })),
      }
      connection.onFrame?.({ ...frame, isResponse: true, clientId: null, body })
    }
    return requests.length
  }
}

/** Answers that have come, or are still to come. */
export interface Pending<T> {
  answer: T | undefined
}

export class CoordinatorFixture {
  readonly env: FakeEnv
  readonly logs: MemoryStateLogs
  coordinator: TransactionCoordinator
  readonly network = new FakeNetwork()
  private readonly version: number
  private readonly image = new MetadataImage()
  private nextId = 100
  /** No block of producer ids is at hand. */
  isOutOfIds = false

  constructor(version: 1 | 2, o: { defects?: readonly DefectId[]; mends?: readonly MendId[]; buggify?: readonly BuggifySite[]; interleaves?: boolean } = {}) {
    this.env = new FakeEnv(undefined, { defects: new Set(o.defects), mends: new Set(o.mends), ...(o.buggify === undefined ? {} : { buggify: new Set(o.buggify) }) })
    this.logs = new MemoryStateLogs()
    Object.assign(this.env, { network: this.network })
    // Every pause lets others run first.
    if (o.interleaves === true) this.env.pause = () => this.env.disk.delay()
    this.version = version
    this.restoreTopic()
    for (const [brokerId, name, topicId] of LED) {
      this.image.brokers.set(brokerId, { brokerId, brokerEpoch: 1, incarnationId: 'i', host: `broker-${brokerId}`, port: 9092, rack: null, fenced: false, inControlledShutdown: false, logDirs: [], features: [] })
      this.image.apply(metadataRecord('TopicRecord', { name, topicId }))
      this.image.apply(metadataRecord('PartitionRecord', { partitionId: 0, topicId, replicas: [brokerId], isr: [brokerId], leader: brokerId, leaderEpoch: 0, partitionEpoch: 0 }))
    }
    this.coordinator = this.create()
    this.elect()
  }

  private create(): TransactionCoordinator {
    return new TransactionCoordinator(this.env, {
      server: { ...DEFAULT_SERVER_CONFIG, transactionStateLogNumPartitions: 1, transactionAbortTimedOutTransactionCleanupIntervalMs: 1_000 },
      image: this.image, stateLogs: this.logs, transactionVersion: () => this.version, nextProducerId: () => (this.isOutOfIds ? undefined : this.nextId++),
    })
  }

  /** This broker leads the state partition and has read it. */
  elect(): void {
    this.coordinator.onElection(PARTITION, this.logs.log(PARTITION).leaderEpoch)
    this.env.settle()
  }

  /** Leadership goes and comes back: what was not committed is gone. */
  failOver(): void {
    this.logs.loseLeadership(PARTITION)
    this.coordinator.onResignation(PARTITION, undefined)
    this.env.settle()
    this.logs.lead(PARTITION)
    this.elect()
  }

  /** The topic without leader is deleted: its marker is written to nobody. */
  deleteTopic(): void {
    for (const topicId of Object.values(LEADERLESS)) this.image.apply(metadataRecord('RemoveTopicRecord', { topicId }))
  }

  restoreTopic(): void {
    for (const [name, topicId] of Object.entries(LEADERLESS)) {
      this.image.apply(metadataRecord('TopicRecord', { name, topicId }))
      this.image.apply(metadataRecord('PartitionRecord', { partitionId: 0, topicId, replicas: [1], isr: [1], leader: 1, leaderEpoch: 0, partitionEpoch: 0 }))
    }
  }

  /** All markers that wait are written. */
  writeMarkers(): void {
    this.deleteTopic()
    this.env.advance(50)
    this.restoreTopic()
  }

  /** InitProducerId, without letting anything else go on first. */
  peek(): Pending<Ended> {
    const task = this.coordinator.initProducerId(ID, 5_000, undefined)
    const step = task.next()
    return { answer: step.done === true ? step.value : undefined }
  }

  /** A first transaction with a partition that waits. */
  withOngoing<T>(then: (f: this) => T): T {
    this.add(this.ready(), 'waits')
    return then(this)
  }

  get fields(): TransactionFields | undefined {
    const found = this.coordinator.states.lookUp(ID)
    return typeof found === 'object' ? found.metadata.fields : undefined
  }

  init(expected?: ProducerIdAndEpoch, timeoutMs = 5_000): Pending<Ended> {
    return this.ask(this.coordinator.initProducerId(ID, timeoutMs, expected))
  }

  add(producer: ProducerIdAndEpoch, topic = 'orders'): Pending<string> {
    const partitions = new Map([[partitionName(topic, 0), { topic, partition: 0 }]])
    const coordinator = this.coordinator
    const version = this.version === 2 ? 2 : 0
    return this.ask((function* (): Task<string> {
      return errorName(yield* coordinator.addPartitions(ID, producer, partitions, version))
    })())
  }

  verify(producer: ProducerIdAndEpoch, topic = 'orders'): string {
    const name = partitionName(topic, 0)
    return errorName(this.coordinator.verifyPartitions(ID, producer, new Map([[name, { topic, partition: 0 }]])).get(name)!)
  }

  end(producer: ProducerIdAndEpoch, commit: boolean): Pending<Ended> {
    return this.ask(this.coordinator.endTransaction(ID, { ...producer, commit, isFromClient: true, clientVersion: this.version === 2 ? 2 : 0 }))
  }

  /** The producer, when nothing else can happen. */
  ready(expected?: ProducerIdAndEpoch): Ended {
    const { answer } = this.init(expected)
    if (answer === undefined || answer.errorCode !== 0) throw new Error(`InitProducerId: ${JSON.stringify(answer)}`)
    return answer
  }

  private ask<T>(task: Task<T>): Pending<T> {
    const pending: Pending<T> = { answer: undefined }
    this.env.spawn('ask', (function* (): Task<void> {
      pending.answer = yield* task
    })())
    this.env.settle()
    return pending
  }
}

export function nameOf({ answer }: Pending<Ended>): string {
  return answer === undefined ? 'nothing yet' : errorName(answer.errorCode)
}
