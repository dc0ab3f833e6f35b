/** What a broker forwards to the active controller though raft or the features answer: AddRaftVoter, RemoveRaftVoter, UpdateFeatures. */
import { expect, test } from 'vitest'
import type { Task } from '../../src/base/task.ts'
import { BROKER_PORT, CONTROLLER_PORT } from '../../src/config/cluster.ts'
import { ApiKey } from '../../src/protocol/api-keys.ts'
import { ErrorCode, errorName } from '../../src/protocol/errors.ts'
import { diskId } from '../../src/sim/disk-id.ts'
import { RpcClient } from '../../src/rpc/rpc-client.ts'
import { SmallCluster } from './small-cluster.ts'
import type { Clients } from './small-cluster.ts'

const directoryOf = (host: string): string => diskId(1, host, 0)

/** Asks a broker until it says something else than that the controller is not ready for it. */
function* ask(clients: Clients, apiKey: number, body: object): Task<string> {
  const rpc = new RpcClient(clients.env, { clientId: 'raw', requestTimeoutMs: 2_000, connectionSetupTimeoutMs: 500, maxInFlight: 1, reconnectBackoffMs: 20, reconnectBackoffMaxMs: 20 })
  for (;;) {
    const result = yield* rpc.send('broker-2', BROKER_PORT, apiKey, body).wait()
    const code = result.ok ? (result.body as { errorCode: number }).errorCode : ErrorCode.REQUEST_TIMED_OUT
    if (code !== ErrorCode.REQUEST_TIMED_OUT && code !== ErrorCode.NOT_LEADER_OR_FOLLOWER && code !== ErrorCode.NOT_CONTROLLER) return errorName(code)
    yield* clients.sleep(100)
  }
}

test('voters are removed and added, features raised and refused, through any broker', () => {
  const cluster = new SmallCluster({ server: { quorumKraftVersion: 1, metadataVersion: 29 }, recordsVoters: true })
  const seen = cluster.client(function* (clients) {
    yield* clients.createTopic('orders', [[1, 2, 3]])
    const quorum = yield* clients.admin.describeQuorum()
    const standby = [101, 102, 103].find(id => quorum.ok && id !== quorum.value.leaderId)!
    const host = `controller-${standby}`
    const voter = { clusterId: cluster.config.clusterId, voterId: standby, voterDirectoryId: directoryOf(host) }
    const removed = yield* ask(clients, ApiKey.RemoveRaftVoter, voter)
    yield* clients.sleep(500)
    const without = yield* clients.admin.describeQuorum()
    const added = yield* ask(clients, ApiKey.AddRaftVoter, { ...voter, timeoutMs: 1_000, listeners: [{ name: 'CONTROLLER', host, port: CONTROLLER_PORT }], ackWhenCommitted: true })
    const again = yield* ask(clients, ApiKey.AddRaftVoter, { ...voter, timeoutMs: 1_000, listeners: [{ name: 'CONTROLLER', host, port: CONTROLLER_PORT }], ackWhenCommitted: true })
    const update = (maxVersionLevel: number): object => ({ timeoutMs: 1_000, featureUpdates: [{ feature: 'metadata.version', maxVersionLevel, allowDowngrade: false, upgradeType: 1 }], validateOnly: false })
    return {
      standby, removed, without, added, again,
      raised: yield* ask(clients, ApiKey.UpdateFeatures, update(30)), beyond: yield* ask(clients, ApiKey.UpdateFeatures, update(99)),
    }
  })
  expect([seen.removed, seen.added, seen.again]).toEqual(['NONE', 'NONE', 'DUPLICATE_VOTER'])
  expect(seen.without.ok && seen.without.value.voters.map(({ replicaId }) => replicaId)).not.toContain(seen.standby)
  expect([seen.raised, seen.beyond]).toEqual(['NONE', 'INVALID_UPDATE_VERSION'])
})
