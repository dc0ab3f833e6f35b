/**
 * Consumer groups in a storm: members crash, restart and pause, coordinators crash and come back, records flow. When it is over
 * the group is stable, its members own every partition once, and everything was committed; white-box monitors watch throughout.
 */
import { describe, expect, test } from 'vitest'
import type { Task } from '../../src/base/task.ts'
import type { ConsumerConfig } from '../../src/config/client.ts'
import { draw32, below } from '../../src/base/random.ts'
import { Clients, SmallCluster } from './small-cluster.ts'

const SERVER = {
  offsetsTopicNumPartitions: 2, groupInitialRebalanceDelayMs: 200, groupMinSessionTimeoutMs: 500, groupConsumerSessionTimeoutMs: 2_000,
  groupConsumerHeartbeatIntervalMs: 300, groupConsumerAssignmentIntervalMs: 100,
  // The log of the coordinators is compacted all the time, and read again slowly.
  offsetsTopicSegmentBytes: 3_000, logCleanerBackoffMs: 200, logCleanerMinCleanablePercent: 1, logCleanerDeleteRetentionMs: 1_000, coordinatorLoadMs: 2,
}
const PARTITIONS = 5
const MEMBERS = ['client-2', 'client-3', 'client-4']

interface Owned {
  readonly memberId: string
  readonly partitions: readonly number[]
}

class Storm {
  readonly cluster: SmallCluster
  readonly owned = new Map<string, Owned>()
  private readonly config: Partial<ConsumerConfig>
  private readonly isStatic: boolean
  private readonly seed: number
  private draws = 0

  constructor(seed: number, config: Partial<ConsumerConfig>, isStatic: boolean) {
    this.seed = seed
    this.config = config
    this.isStatic = isStatic
    this.cluster = new SmallCluster({ rootKey: seed, server: SERVER })
    for (const host of MEMBERS) this.cluster.simulation.addMachine(host)
    this.cluster.client(clients => clients.createTopic('orders', Array.from({ length: PARTITIONS }, (_, i) => [1 + (i % 3), 1 + ((i + 1) % 3), 1 + ((i + 2) % 3)])))
  }

  draw(bound: number): number {
    return below(draw32(this.seed, 'storm', this.draws++), bound)
  }

  member(host: string): void {
    const { config, isStatic, owned } = this
    this.cluster.simulation.machine(host).start(env => env.spawn('member', (function* (): Task<void> {
      const consumer = new Clients(env).consumer({
        groupId: 'g', groupInstanceId: isStatic ? host : null, sessionTimeoutMs: 1_500, heartbeatIntervalMs: 300, maxPollIntervalMs: 5_000, autoCommitIntervalMs: 400, ...config,
      })
      consumer.subscribe(['orders'])
      for (;;) {
        yield* consumer.poll(200)
        owned.set(host, { memberId: consumer.groupMetadata().memberId, partitions: consumer.assignment.map(({ partition }) => partition).sort() })
      }
    })()))
  }

  produce(values: number): void {
    this.cluster.client(function* (clients) {
      const producer = clients.producer()
      for (let partition = 0; partition < PARTITIONS; partition++) yield* clients.send(producer, 'orders', Array.from({ length: values }, (_, i) => `v${i}`), partition)
    })
  }

  strike(): void {
    const { simulation } = this.cluster
    const coordinator = this.cluster.of('coordinator-loaded').findLast(({ lastOffset }) => lastOffset >= 0)?.node ?? 'broker-1'
    const victim = [MEMBERS[this.draw(MEMBERS.length)]!, `broker-${1 + this.draw(3)}`, coordinator][this.draw(3)]!
    const machine = simulation.machine(victim)
    const isMember = MEMBERS.includes(victim)
    switch (this.draw(4)) {
      case 0:
        machine.pause()
        this.cluster.run(200 + this.draw(4_000))
        machine.resume()
        return
      case 1: case 2:
        if (!machine.isRunning) return
        machine.crashProcess()
        this.cluster.run(this.draw(3_000))
        if (isMember) this.member(victim)
        else this.cluster.start(victim)
        return
      default: this.cluster.run(this.draw(1_500))
    }
  }

  /** Owned partitions of all members together, once every member runs and nothing changes any more. */
  calm(): number[] {
    this.cluster.run(20_000)
    return MEMBERS.flatMap(host => this.owned.get(host)!.partitions).sort()
  }

  committed(): number[] {
    return this.cluster.client(function* (clients) {
      const consumer = clients.consumer({ groupId: 'g', enableAutoCommit: false })
      const offsets = yield* consumer.committed(Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: 'orders', partition })))
      return [...offsets.values()].map(one => one?.offset ?? -1)
    })
  }
}

const SEEDS = (process.env['STORM_SEEDS'] ?? '3,18').split(',').map(Number)

describe.each([
  { name: 'classic, range', config: { partitionAssignmentStrategy: ['range'] }, isStatic: false },
  { name: 'classic, cooperative', config: { partitionAssignmentStrategy: ['cooperative-sticky'] }, isStatic: false },
  { name: 'classic, static members', config: { partitionAssignmentStrategy: ['range'] }, isStatic: true },
  { name: 'KIP-848', config: { groupProtocol: 'consumer' }, isStatic: false },
  { name: 'KIP-848, static members', config: { groupProtocol: 'consumer', groupRemoteAssignor: 'range' }, isStatic: true },
] as const)('$name', ({ config, isStatic }) => {
  test.each(SEEDS)('seed %d', seed => {
    const storm = new Storm(seed, config, isStatic)
    for (const host of MEMBERS) storm.member(host)
    for (let round = 0; round < 6; round++) {
      storm.produce(3)
      storm.strike()
    }
    expect(storm.calm()).toEqual(Array.from({ length: PARTITIONS }, (_, i) => i))
    expect(storm.committed()).toEqual(Array.from({ length: PARTITIONS }, () => 18))
    expect(storm.cluster.violations(true)).toEqual([])
    expect(storm.cluster.of('coordinator-state').length).toBeGreaterThan(10)
  })
})
