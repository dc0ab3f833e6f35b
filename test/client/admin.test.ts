import { describe, expect, it } from 'vitest'
import { Admin } from '../../src/client/admin.ts'
import { DEFAULT_ADMIN_CONFIG } from '../../src/config/client.ts'
import { ApiKey } from '../../src/protocol/api-keys.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { FakeCluster } from './fake-cluster.ts'
import type { FakeRequest } from './fake-cluster.ts'
import { FakeEnv } from './fake-env.ts'

function bench(handler: (request: FakeRequest, attempt: number) => boolean): { env: FakeEnv; cluster: FakeCluster; admin: Admin } {
  const env = new FakeEnv()
  const cluster = new FakeCluster(env, 2)
  let attempts = 0
  cluster.handler = request => request.apiKey !== ApiKey.Metadata && handler(request, attempts++)
  const config = { ...DEFAULT_ADMIN_CONFIG, bootstrapServers: ['broker-1'], requestTimeoutMs: 500, defaultApiTimeoutMs: 3_000 }
  return { env, cluster, admin: new Admin(env, config, cluster) }
}

const created = (request: FakeRequest, errorCode: number): boolean => {
  request.respond({ topics: request.body.topics.map(({ name }: { name: string }) => ({ name, errorCode, numPartitions: 3, replicationFactor: 2 })) })
  return true
}
const TOPIC = { name: 'clicks', numPartitions: 3, replicationFactor: 2, configs: { 'retention.ms': '10' } }

describe('Admin', () => {
  it('creates topics through the controller', () => {
    const { env, cluster, admin } = bench(request => created(request, ErrorCode.NONE))
    expect(env.await(admin.createTopics([TOPIC]))).toMatchObject([{ ok: true, value: { numPartitions: 3 } }])
    const [request] = cluster.of(ApiKey.CreateTopics)
    expect(request!.node).toBe(1)
    expect(request!.body.topics[0].configs).toEqual([{ name: 'retention.ms', value: '10' }])
  })

  it('an error on the first attempt is definite; the same after a lost answer is not', () => {
    const first = bench(request => created(request, ErrorCode.TOPIC_ALREADY_EXISTS))
    expect(first.env.await(first.admin.createTopics([TOPIC]))).toEqual([{ ok: false, error: 'TOPIC_ALREADY_EXISTS', definite: true }])
    const second = bench((request, attempt) => (attempt === 0 ? (request.fail('disconnected'), true) : created(request, ErrorCode.TOPIC_ALREADY_EXISTS)))
    expect(second.env.await(second.admin.createTopics([TOPIC]))).toEqual([{ ok: false, error: 'TOPIC_ALREADY_EXISTS', definite: false }])
    const unsent = bench((request, attempt) => (attempt === 0 ? (request.fail('disconnected', false), true) : created(request, ErrorCode.INVALID_CONFIG)))
    expect(unsent.env.await(unsent.admin.createTopics([TOPIC]))).toEqual([{ ok: false, error: 'INVALID_CONFIG', definite: true }])
  })

  it('looks for the controller again after NOT_CONTROLLER, and a change may have happened by then', () => {
    const { env, cluster, admin } = bench((request, attempt) => created(request, attempt === 0 ? ErrorCode.NOT_CONTROLLER : ErrorCode.INVALID_PARTITIONS))
    const asked = cluster.of(ApiKey.Metadata).length
    expect(env.await(admin.createTopics([TOPIC]))).toEqual([{ ok: false, error: 'INVALID_PARTITIONS', definite: false }])
    expect(cluster.of(ApiKey.Metadata).length).toBeGreaterThan(asked + 1)
  })

  it('gives up after default.api.timeout.ms', () => {
    const { env, admin } = bench(request => (request.fail('timeout'), true))
    expect(env.await(admin.deleteTopics(['clicks']))).toEqual([{ ok: false, error: 'TIMEOUT', definite: false }])
    expect(env.now()).toBeLessThan(3_600_000)
  })

  it('lists offsets from the leaders, retrying what is not available yet, in the order asked', () => {
    const { env, cluster, admin } = bench((request, attempt) => {
      request.respond({
        topics: request.body.topics.map(({ name, partitions }: { name: string; partitions: { partitionIndex: number; timestamp: number }[] }) => ({
          name,
          partitions: partitions.map(({ partitionIndex, timestamp }) => ({
            partitionIndex, errorCode: attempt === 0 ? ErrorCode.OFFSET_NOT_AVAILABLE : 0, offset: timestamp === -1 ? 10 + partitionIndex : 0,
          })),
        })),
      })
      return true
    })
    const results = env.await(admin.listOffsets([
      { topic: 'orders', partition: 1, which: 'latest' }, { topic: 'orders', partition: 0, which: 'latest' }, { topic: 'orders', partition: 1, which: 'earliest' },
    ]))
    expect(results).toMatchObject([{ ok: true, value: { offset: 11 } }, { ok: true, value: { offset: 10 } }, { ok: true, value: { offset: 0 } }])
    expect(cluster.of(ApiKey.ListOffsets).length).toBeGreaterThan(2)
  })

  it('sets and deletes configuration entries, and describes topics', () => {
    const { env, cluster, admin } = bench(request => {
      request.respond({ responses: [{ errorCode: 0, resourceType: 2, resourceName: 'orders' }] })
      return true
    })
    const change = { topic: 'orders', entries: [{ name: 'retention.ms', value: '5' }, { name: 'segment.ms', value: null }] }
    expect(env.await(admin.incrementalAlterConfigs([change]))).toEqual([{ ok: true, value: null }])
    expect(cluster.of(ApiKey.IncrementalAlterConfigs)[0]!.body.resources[0].configs.map((each: { configOperation: number }) => each.configOperation)).toEqual([0, 1])
    expect(env.await(admin.describeTopics(['orders']))).toMatchObject([{ ok: true, value: { partitions: [{ leaderId: 1 }, { leaderId: 1 }] } }])
    expect(env.await(admin.describeCluster())).toMatchObject({ ok: true, value: { controllerId: 1, brokers: [{ id: 1 }, { id: 2 }, { id: 3 }] } })
  })
})
