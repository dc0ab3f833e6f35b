/** Calls of an admin that go to coordinators: found in one request, found again when they have moved. */
import { expect, it } from 'vitest'
import { Admin } from '../../src/client/admin.ts'
import { DEFAULT_ADMIN_CONFIG } from '../../src/config/client.ts'
import { ApiKey } from '../../src/protocol/api-keys.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { FakeCluster } from './fake-cluster.ts'
import type { FakeRequest } from './fake-cluster.ts'
import { FakeEnv } from './fake-env.ts'

class Bench {
  readonly env = new FakeEnv()
  readonly cluster = new FakeCluster(this.env)
  readonly admin: Admin
  readonly coordinators = new Map([['a', 2], ['b', 3], ['c', 2]])
  lookupError: number = ErrorCode.NONE

  constructor(handle: (request: FakeRequest) => void) {
    this.cluster.handler = request => {
      if (request.apiKey === ApiKey.Metadata) return false
      if (request.apiKey !== ApiKey.FindCoordinator) return handle(request), true
      request.respond({
        coordinators: request.body.coordinatorKeys.map((key: string) => {
          const nodeId = this.coordinators.get(key)
          return nodeId === undefined ? { key, nodeId: -1, host: '', port: -1, errorCode: ErrorCode.INVALID_GROUP_ID } : { key, nodeId, host: `broker-${nodeId}`, port: 9092, errorCode: this.lookupError }
        }),
      })
      return true
    }
    this.admin = new Admin(this.env, { ...DEFAULT_ADMIN_CONFIG, bootstrapServers: ['broker-1'], requestTimeoutMs: 500, defaultApiTimeoutMs: 3_000 }, this.cluster)
  }
}

const deleted = (request: FakeRequest, errorOf: (groupId: string) => number): void => {
  request.respond({ results: request.body.groupsNames.map((groupId: string) => ({ groupId, errorCode: errorOf(groupId) })) })
}

it('asks for all keys at once, then each coordinator for all that is its own', () => {
  const bench = new Bench(request => deleted(request, () => ErrorCode.NONE))
  expect(bench.env.await(bench.admin.groups.delete(['a', 'b', 'c', '']))).toEqual([
    { ok: true, value: null }, { ok: true, value: null }, { ok: true, value: null }, { ok: false, error: 'INVALID_GROUP_ID', definite: true },
  ])
  expect(bench.cluster.of(ApiKey.FindCoordinator).map(({ body }) => body.coordinatorKeys)).toEqual([['a', 'b', 'c', '']])
  expect(bench.cluster.of(ApiKey.DeleteGroups).map(({ node, body }) => `${node} ${body.groupsNames.join()}`)).toEqual(['2 a,c', '3 b'])
})

it('finds a coordinator again that has moved, and what it may have done meanwhile is not definite', () => {
  const bench = new Bench(request => deleted(request, () => (request.node === 2 ? ErrorCode.NOT_COORDINATOR : ErrorCode.GROUP_ID_NOT_FOUND)))
  bench.env.timer(150_000, () => bench.coordinators.set('a', 3))
  expect(bench.env.await(bench.admin.groups.delete(['a']))).toEqual([{ ok: false, error: 'GROUP_ID_NOT_FOUND', definite: false }])
  expect(bench.cluster.of(ApiKey.FindCoordinator).length).toBeGreaterThan(1)
})

it('waits while nobody coordinates', () => {
  const bench = new Bench(request => deleted(request, () => ErrorCode.NONE))
  bench.lookupError = ErrorCode.COORDINATOR_NOT_AVAILABLE
  bench.env.timer(400_000, () => {
    bench.lookupError = ErrorCode.NONE
  })
  expect(bench.env.await(bench.admin.groups.delete(['a']))).toEqual([{ ok: true, value: null }])
  expect(bench.env.now()).toBeGreaterThanOrEqual(400_000)
})

it('takes groups that are none of KIP-848 for classic ones', () => {
  const bench = new Bench(request => {
    if (request.apiKey === ApiKey.ConsumerGroupDescribe) {
      request.respond({
        groups: request.body.groupIds.map((groupId: string) => ({
          groupId, errorCode: groupId === 'a' ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.NONE, groupState: 'Stable', groupEpoch: 2, assignmentEpoch: 2, assignorName: 'uniform', members: [],
        })),
      })
    } else request.respond({ groups: request.body.groups.map((groupId: string) => ({ groupId, errorCode: 0, groupState: 'Empty', protocolType: 'consumer', protocolData: 'range', members: [] })) })
  })
  expect(bench.env.await(bench.admin.groups.describe(['a', 'b']))).toEqual([
    { ok: true, value: { groupId: 'a', type: 'classic', state: 'Empty', assignor: 'range', members: [] } },
    { ok: true, value: { groupId: 'b', type: 'consumer', state: 'Stable', assignor: 'uniform', members: [] } },
  ])
})
