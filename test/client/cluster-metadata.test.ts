import { describe, expect, it } from 'vitest'
import { ClusterMetadata } from '../../src/client/cluster-metadata.ts'
import { ApiKey } from '../../src/protocol/api-keys.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { FakeCluster } from './fake-cluster.ts'
import { FakeEnv } from './fake-env.ts'

const CONFIG = {
  bootstrapServers: ['broker-1', 'broker-2', 'broker-3'], metadataMaxAgeMs: 10_000, retryBackoffMs: 100, retryBackoffMaxMs: 1_000, reconnectBackoffMs: 50,
}

function start(prepare: (cluster: FakeCluster) => void = () => {}): { env: FakeEnv; cluster: FakeCluster; metadata: ClusterMetadata } {
  const env = new FakeEnv()
  const cluster = new FakeCluster(env)
  prepare(cluster)
  const metadata = new ClusterMetadata(env, cluster, CONFIG)
  metadata.add('orders')
  metadata.start()
  env.run(50)
  return { env, cluster, metadata }
}

const refresh = ({ env, metadata }: ReturnType<typeof start>): void => {
  metadata.requestUpdate()
  env.run(1_500)
}

describe('ClusterMetadata', () => {
  it('never goes back to an older leader epoch of the same topic', () => {
    const world = start(cluster => (cluster.leaders[0] = { leader: 2, epoch: 5 }))
    expect(world.metadata.leader('orders', 0)).toMatchObject({ node: { id: 2 }, epoch: 5 })
    world.cluster.leaders[0] = { leader: 1, epoch: 4 }
    refresh(world)
    expect(world.metadata.leader('orders', 0)).toMatchObject({ node: { id: 2 }, epoch: 5 })
    world.cluster.leaders[0] = { leader: 3, epoch: 6 }
    refresh(world)
    expect(world.metadata.leader('orders', 0)).toMatchObject({ node: { id: 3 }, epoch: 6 })
  })

  it('names nobody to readers once a newer epoch was seen elsewhere, until it has caught up (KIP-320)', () => {
    const world = start(cluster => (cluster.leaders[0] = { leader: 2, epoch: 5 }))
    const { metadata } = world
    metadata.observeLeaderEpoch('orders', 0, 5)
    expect(metadata.currentLeader('orders', 0)).toMatchObject({ node: { id: 2 }, epoch: 5 })
    metadata.observeLeaderEpoch('orders', 0, 6)
    expect(metadata.currentLeader('orders', 0)).toEqual({ node: undefined, epoch: 6 })
    // Producers go on with what they know (RecordAccumulator asks the cluster snapshot).
    expect(metadata.leader('orders', 0)).toMatchObject({ node: { id: 2 }, epoch: 5 })
    refresh(world)
    expect(metadata.currentLeader('orders', 0)).toEqual({ node: undefined, epoch: 6 })
    world.cluster.leaders[0] = { leader: 3, epoch: 6 }
    refresh(world)
    expect(metadata.currentLeader('orders', 0)).toMatchObject({ node: { id: 3 }, epoch: 6 })
  })

  it('starts over with a topic that was created anew (KAFKA-12257)', () => {
    const world = start(cluster => (cluster.leaders[0] = { leader: 2, epoch: 5 }))
    world.cluster.topicId = 'bmV3ZXItbmV3ZXItbmV3ZQ'
    world.cluster.leaders[0] = { leader: 1, epoch: 0 }
    refresh(world)
    expect(world.metadata.leader('orders', 0)).toMatchObject({ node: { id: 1 }, epoch: 0 })
    expect(world.metadata.topicId('orders')).toBe('bmV3ZXItbmV3ZXItbmV3ZQ')
  })

  it('takes a leader from an error only if it is newer (KIP-951)', () => {
    const { metadata } = start(cluster => (cluster.leaders[0] = { leader: 2, epoch: 5 }))
    expect(metadata.updateLeader('orders', 0, 3, 5, [])).toBe(false)
    expect(metadata.updateLeader('orders', 0, 9, 6, [])).toBe(false)
    expect(metadata.updateLeader('orders', 0, 3, 6, [])).toBe(true)
    expect(metadata.leader('orders', 0)).toMatchObject({ node: { id: 3 }, epoch: 6 })
  })

  it('asks another bootstrap server when one does not answer, backing off', () => {
    const env = new FakeEnv()
    const dead = new FakeCluster(env)
    dead.handler = request => (request.fail('disconnected'), true)
    const metadata = new ClusterMetadata(env, dead, CONFIG)
    metadata.start()
    env.run(10_000)
    expect(new Set(dead.requests.map(request => request.host)).size).toBe(3)
    // 100, 200, 400, 800 ms and then a second each
    expect(dead.requests.length).toBeGreaterThan(8)
    expect(dead.requests.length).toBeLessThan(20)
  })

  it('refreshes when it is old, and soon while a topic is unknown', () => {
    const { env, cluster } = start()
    const before = cluster.of(ApiKey.Metadata).length
    env.run(9_000)
    expect(cluster.of(ApiKey.Metadata)).toHaveLength(before)
    env.run(2_000)
    expect(cluster.of(ApiKey.Metadata)).toHaveLength(before + 1)
    cluster.handler = request => {
      if (request.apiKey !== ApiKey.Metadata) return false
      request.respond({ ...cluster.metadata(), topics: [{ name: 'orders', errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }] })
      return true
    }
    env.run(15_000)
    expect(cluster.of(ApiKey.Metadata).length).toBeGreaterThan(before + 5)
  })
})
