/**
 * Striped, rack-aware placement of replicas (Kafka: StripedReplicaPlacer). The constraints, first to last: no broker
 * twice; the leader on an unfenced broker; racks even; unfenced brokers before fenced ones; brokers even.
 *
 * Racks and the brokers of each are walked round robin from drawn offsets; every partition starts one further. After as
 * many partitions as there are unfenced brokers both orders are shuffled, so that assignments do not repeat in step.
 */
import { below } from '../base/random.ts'
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'

export interface UsableBroker {
  readonly brokerId: number
  readonly rack: string | null
  readonly fenced: boolean
}

/** The n-th 32-bit draw of this placement. */
export type PlacementDraw = (n: number) => number

/**
 * Replicas in preferred order for each of `partitions` new partitions.
 * @throws ApiError INVALID_REPLICATION_FACTOR
 */
export function placeReplicas(brokers: Iterable<UsableBroker>, partitions: number, replicationFactor: number, draw: PlacementDraw): number[][] {
  let draws = 0
  const racks = new RackList(brokers, bound => below(draw(draws++), bound))
  if (replicationFactor <= 0) throw refusal(`Invalid replication factor ${replicationFactor}: the replication factor must be positive.`)
  if (racks.unfencedBrokers === 0) throw refusal('All brokers are currently fenced.')
  if (replicationFactor > racks.totalBrokers) {
    throw refusal(`The target replication factor of ${replicationFactor} cannot be reached because only ${racks.totalBrokers} broker(s) are registered.`)
  }
  return Array.from({ length: partitions }, () => racks.place(replicationFactor))
}

function refusal(message: string): ApiError {
  return new ApiError(ErrorCode.INVALID_REPLICATION_FACTOR, message)
}

type Random = (bound: number) => number

class BrokerList {
  private readonly brokers: number[]
  private offset: number
  private index = 0
  private epoch = 0

  constructor(brokers: readonly number[], random: Random) {
    this.brokers = [...brokers].sort((a, b) => a - b)
    this.offset = brokers.length === 0 ? 0 : random(brokers.length)
  }

  /** The next broker of this epoch, or undefined when all were given. A new epoch starts one further. */
  next(epoch: number): number | undefined {
    const count = this.brokers.length
    if (count === 0) return undefined
    if (this.epoch !== epoch) {
      this.epoch = epoch
      this.index = 0
      this.offset = (this.offset + 1) % count
    }
    return this.index < count ? this.brokers[(this.index++ + this.offset) % count] : undefined
  }

  shuffle(random: Random): void {
    shuffle(this.brokers, random)
  }
}

interface Rack {
  readonly unfenced: BrokerList
  readonly fenced: BrokerList
}

class RackList {
  readonly totalBrokers: number
  readonly unfencedBrokers: number
  private readonly racks: Rack[]
  private readonly random: Random
  private epoch = 0
  private offset: number

  constructor(brokers: Iterable<UsableBroker>, random: Random) {
    this.random = random
    const all = [...brokers]
    this.totalBrokers = all.length
    this.unfencedBrokers = all.filter(broker => !broker.fenced).length
    // Brokers without rack form one of their own, sorted before the named ones.
    const names = [...new Set(all.map(broker => broker.rack ?? ''))].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    this.racks = names.map(name => {
      const members = all.filter(broker => (broker.rack ?? '') === name)
      const ids = (fenced: boolean) => members.filter(broker => broker.fenced === fenced).map(broker => broker.brokerId)
      return { unfenced: new BrokerList(ids(false), random), fenced: new BrokerList(ids(true), random) }
    })
    this.offset = this.racks.length === 0 ? 0 : random(this.racks.length)
  }

  place(replicationFactor: number): number[] {
    if (this.epoch === this.unfencedBrokers && this.unfencedBrokers > 1) {
      this.shuffle()
      this.epoch = 0
    }
    const count = this.racks.length
    this.offset %= count
    const replicas: number[] = []
    let leaderRack = this.offset
    for (;; leaderRack = (leaderRack + 1) % count) {
      const leader = this.racks[leaderRack]!.unfenced.next(this.epoch)
      if (leader === undefined) continue
      replicas.push(leader)
      break
    }
    // The others from rack after rack; the leader's rack sits out the first round.
    let skip = leaderRack
    for (let rack = this.offset; replicas.length < replicationFactor; rack = (rack + 1) % count) {
      if (rack === skip) {
        skip = -1
        continue
      }
      const { unfenced, fenced } = this.racks[rack]!
      const replica = unfenced.next(this.epoch) ?? fenced.next(this.epoch)
      if (replica !== undefined) replicas.push(replica)
    }
    this.epoch++
    this.offset++
    return replicas
  }

  private shuffle(): void {
    shuffle(this.racks, this.random)
    for (const rack of this.racks) {
      rack.fenced.shuffle(this.random)
      rack.unfenced.shuffle(this.random)
    }
  }
}

function shuffle<T>(items: T[], random: Random): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random(i + 1)
    const item = items[i]!
    items[i] = items[j]!
    items[j] = item
  }
}
