/** What an admin may ask about a cluster and its topics, and configuration that changes while it runs. */
import { describe, expect, test } from 'vitest'
import { BROKER_PORT } from '../../src/config/cluster.ts'
import { ApiKey } from '../../src/protocol/api-keys.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import type { DescribeClusterResponse, DescribeTopicPartitionsResponse, FindCoordinatorResponse } from '../../src/protocol/generated/types.ts'
import { RpcClient } from '../../src/rpc/rpc-client.ts'
import { SmallCluster } from './small-cluster.ts'
import type { Clients } from './small-cluster.ts'

const raw = (clients: Clients): RpcClient => new RpcClient(clients.env, { clientId: 'raw', requestTimeoutMs: 1_000, connectionSetupTimeoutMs: 500, maxInFlight: 1, reconnectBackoffMs: 20, reconnectBackoffMaxMs: 20 })

describe('a cluster is described', () => {
  test('quorum, brokers, log directories, resources', () => {
    const cluster = new SmallCluster()
    const seen = cluster.client(function* (clients) {
      yield* clients.createTopic('orders', [[1, 2], [2, 1]])
      yield* clients.send(clients.producer(), 'orders', ['a'])
      yield* clients.sleep(500)
      const rpc = raw(clients)
      const described = (yield* rpc.send('broker-1', BROKER_PORT, ApiKey.DescribeCluster, { endpointType: 1, includeFencedBrokers: true }).wait()) as unknown as { body: DescribeClusterResponse }
      const found = { quorum: yield* clients.admin.describeQuorum(), dirs: yield* clients.admin.describeLogDirs([1, 3]), resources: yield* clients.admin.listConfigResources() }
      // Last: the first question for a coordinator creates its topic.
      const coordinator = (yield* rpc.send('broker-1', BROKER_PORT, ApiKey.FindCoordinator, { coordinatorKeys: ['group'] }).wait()) as unknown as { body: FindCoordinatorResponse }
      return {
        ...found,
        brokers: described.body.brokers.map(({ brokerId, isFenced }) => [brokerId, isFenced]), coordinator: coordinator.body.coordinators[0]!.errorCode,
      }
    })
    const { quorum } = seen
    if (!quorum.ok) throw new Error(quorum.error)
    expect(cluster.of('controller-active').at(-1)!.node).toBe(`controller-${quorum.value.leaderId}`)
    expect(quorum.value.voters.map(({ replicaId }) => replicaId).sort()).toEqual([101, 102, 103])
    expect(quorum.value.observers.map(({ replicaId }) => replicaId).sort()).toEqual([1, 2, 3])
    expect(quorum.value.highWatermark).toBeGreaterThan(0)
    const [first, third] = seen.dirs
    expect(first).toMatchObject({ ok: true, value: [{ topic: 'orders', partition: 0 }, { topic: 'orders', partition: 1, sizeInBytes: 0 }] })
    expect(first!.ok && first!.value[0]!.sizeInBytes).toBeGreaterThan(60)
    expect(third).toEqual({ ok: true, value: [] })
    expect(seen.resources).toMatchObject({ ok: true })
    expect(seen.resources.ok && seen.resources.value.filter(({ type }) => type === 2)).toEqual([{ type: 2, name: 'orders' }])
    expect(seen.brokers).toEqual([[1, false], [2, false], [3, false]])
    expect(seen.coordinator).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE)
  })

  test('topics page by page, with their eligible leaders', () => {
    const cluster = new SmallCluster()
    cluster.client(function* (clients) {
      yield* clients.createTopic('b', [[1, 2], [2, 1], [1, 2]])
      yield* clients.createTopic('a', [[1, 2, 3]])
    })
    cluster.simulation.machine('broker-2').crashProcess()
    const seen = cluster.client(function* (clients) {
      yield* clients.partition('b', 1, ({ leaderId, isr }) => leaderId === 1 && isr.length === 1)
      const rpc = raw(clients)
      const pages: [string, number][][] = []
      for (let cursor: DescribeTopicPartitionsResponse['nextCursor'] = null; ;) {
        const { body } = (yield* rpc.send('broker-1', BROKER_PORT, ApiKey.DescribeTopicPartitions, { topics: [], responsePartitionLimit: 2, cursor }).wait()) as unknown as { body: DescribeTopicPartitionsResponse }
        pages.push(body.topics.flatMap(({ name, partitions }) => partitions.map(({ partitionIndex }): [string, number] => [name!, partitionIndex])))
        cursor = body.nextCursor
        if (cursor === null) break
      }
      return { pages, described: yield* clients.admin.describeTopicPartitions(['b', 'unknown']) }
    })
    expect(seen.pages).toEqual([[['a', 0], ['b', 0]], [['b', 1], ['b', 2]]])
    expect(seen.described[0]).toMatchObject({ ok: true, value: [{ leaderId: 1, isr: [1], elr: [2] }, { leaderId: 1, isr: [1], elr: [2] }, { isr: [1] }] })
    expect(seen.described[1]).toMatchObject({ ok: false, error: 'UNKNOWN_TOPIC_OR_PARTITION' })
  })

  test('a broker that is gone is forgotten when asked, and one that is not known is refused', () => {
    const cluster = new SmallCluster()
    cluster.client(clients => clients.createTopic('orders', [[1, 2, 3]]))
    cluster.simulation.machine('broker-3').crashProcess()
    const seen = cluster.client(function* (clients) {
      yield* clients.partition('orders', 0, ({ isr }) => isr.length === 2)
      const gone = yield* clients.admin.unregisterBroker(3)
      const unknown = yield* clients.admin.unregisterBroker(77)
      yield* clients.sleep(500)
      const { body } = (yield* raw(clients).send('broker-1', BROKER_PORT, ApiKey.DescribeCluster, { endpointType: 1, includeFencedBrokers: true }).wait()) as unknown as { body: DescribeClusterResponse }
      return { gone, unknown, left: body.brokers.map(({ brokerId }) => brokerId) }
    })
    expect(seen.gone).toEqual({ ok: true, value: null })
    expect(seen.unknown).toMatchObject({ ok: false, error: 'BROKER_ID_NOT_REGISTERED' })
    expect(seen.left).toEqual([1, 2])
  })
})

describe('configuration that changes while the cluster runs', () => {
  test('min.insync.replicas counts from the next write on, and clears the ELR', () => {
    const cluster = new SmallCluster()
    cluster.client(clients => clients.createTopic('orders', [[1, 2, 3]], { 'min.insync.replicas': '3' }))
    cluster.simulation.machine('broker-3').crashProcess()
    const seen = cluster.client(function* (clients) {
      yield* clients.partition('orders', 0, ({ isr }) => isr.length === 2)
      const before = yield* clients.admin.describeTopicPartitions(['orders'])
      const refused = yield* clients.send(clients.producer({ retries: 0, enableIdempotence: false }), 'orders', ['a'])
      yield* clients.admin.incrementalAlterConfigs([{ topic: 'orders', entries: [{ name: 'min.insync.replicas', value: '2' }] }])
      const after = yield* clients.until(() => clients.admin.describeTopicPartitions(['orders']), ([described]) => described!.ok && described!.value[0]!.elr.length === 0)
      yield* clients.sleep(300)
      return { before, refused, after, accepted: yield* clients.send(clients.producer(), 'orders', ['b']) }
    })
    expect(seen.before[0]).toMatchObject({ ok: true, value: [{ elr: [3] }] })
    expect(seen.refused).toEqual(['NOT_ENOUGH_REPLICAS'])
    expect(seen.after[0]).toMatchObject({ ok: true, value: [{ elr: [] }] })
    expect(seen.accepted).toEqual([0])
  })

  test('segments become small and old ones go when retention is set; AlterConfigs takes both back', () => {
    const cluster = new SmallCluster()
    const seen = cluster.client(function* (clients) {
      yield* clients.createTopic('orders', [[1, 2, 3]])
      yield* clients.admin.incrementalAlterConfigs([{ topic: 'orders', entries: [{ name: 'segment.bytes', value: '200' }, { name: 'retention.bytes', value: '400' }] }])
      yield* clients.sleep(300)
      yield* clients.send(clients.producer(), 'orders', Array.from({ length: 20 }, (_, index) => `value ${index}`))
      const start = yield* clients.until(() => clients.admin.listOffsets([{ topic: 'orders', partition: 0, which: 'earliest' }]), ([answer]) => answer!.ok && answer!.value.offset > 0)
      yield* clients.admin.alterConfigs([{ topic: 'orders', configs: { 'segment.ms': '60000' } }])
      const configs = yield* clients.until(() => clients.admin.describeConfigs(['orders']), ([answer]) => answer!.ok && answer!.value.get('segment.ms') === '60000')
      return { start, configs: configs[0]!.ok ? configs[0]!.value : undefined }
    })
    expect(seen.start[0]!.ok).toBe(true)
    expect(seen.configs!.get('segment.bytes')).toBe('1073741824')
    expect(seen.configs!.get('retention.bytes')).toBe('-1')
    expect(cluster.of('log-start').some(({ reason }) => reason === 'retention-size')).toBe(true)
  })

  test('unclean election once it is enabled: by the next round of the controller', () => {
    const cluster = new SmallCluster({ server: { uncleanLeaderElectionIntervalMs: 1_000 } })
    cluster.client(clients => clients.createTopic('orders', [[1, 2]], { 'min.insync.replicas': '1' }))
    cluster.simulation.machine('broker-2').crashProcess()
    cluster.client(clients => clients.partition('orders', 0, ({ isr }) => isr.length === 1))
    cluster.client(clients => clients.send(clients.producer(), 'orders', ['only on broker 1']))
    cluster.simulation.machine('broker-1').crashProcess()
    cluster.start('broker-2')
    cluster.run(5_000)
    expect(cluster.of('leader-elected').some(({ reason }) => reason === 'unclean')).toBe(false)
    cluster.client(function* (clients) {
      yield* clients.admin.incrementalAlterConfigs([{ topic: 'orders', entries: [{ name: 'unclean.leader.election.enable', value: 'true' }] }])
      yield* clients.partition('orders', 0, ({ leaderId }) => leaderId === 2)
    })
    expect(cluster.of('leader-elected').at(-1)).toMatchObject({ leader: 2, reason: 'unclean' })
  })
})
