/**
 * The administrators. One raises the metadata version after a rolling upgrade. The other one changes the voters of the metadata quorum (`kafka-metadata-quorum.sh add-controller` and
 * `remove-controller`): asks one controller after the other until the leader has said yes, or that it is so already. A
 * machine of its own, which no fault touches; one change at a time.
 */
import type { Task } from '../base/task.ts'
import { msToUs } from '../base/time.ts'
import { CONTROLLER_PORT } from '../config/cluster.ts'
import { METADATA_VERSION_FEATURE } from '../controller/features.ts'
import type { Env } from '../env/env.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { LISTENER_NAME } from '../raft/voter-set.ts'
import { RpcClient } from '../rpc/rpc-client.ts'

export const OPERATOR_HOST = 'client-operator'
export const RELEASE_HOST = 'client-release'
const BACKOFF_MS = 50
const MOST_ATTEMPTS = 60

export interface VoterChange {
  readonly how: 'add' | 'remove'
  readonly id: number
  readonly host: string
  readonly directoryId: string
}

/** `kafka-features.sh upgrade`: asks until the active controller has done it, or for so long that it never will. */
export function* updateMetadataVersion(env: Env, controllers: readonly string[], level: number, done: () => void): Task<void> {
  const rpc = new RpcClient(env, { clientId: 'operator', requestTimeoutMs: 1_000, connectionSetupTimeoutMs: 500, maxInFlight: 1, reconnectBackoffMs: BACKOFF_MS, reconnectBackoffMaxMs: BACKOFF_MS })
  const body = { timeoutMs: 1_000, featureUpdates: [{ feature: METADATA_VERSION_FEATURE, maxVersionLevel: level, allowDowngrade: false, upgradeType: 1 }], validateOnly: false }
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
    const result = yield* rpc.send(controllers[attempt % controllers.length]!, CONTROLLER_PORT, ApiKey.UpdateFeatures, body).wait()
    if (result.ok && (result.body as { errorCode: number }).errorCode === ErrorCode.NONE) {
      env.observe({ kind: 'mark', name: 'metadata-version-raised' })
      break
    }
    yield* env.sleep(msToUs(BACKOFF_MS)).wait()
  }
  done()
}

export function* changeVoters(env: Env, controllers: readonly string[], clusterId: string, changes: readonly VoterChange[], done: () => void): Task<void> {
  const rpc = new RpcClient(env, { clientId: 'operator', requestTimeoutMs: 1_000, connectionSetupTimeoutMs: 500, maxInFlight: 1, reconnectBackoffMs: BACKOFF_MS, reconnectBackoffMaxMs: BACKOFF_MS })
  for (const { how, id, host, directoryId } of changes) {
    const body = how === 'add'
      ? { clusterId, timeoutMs: 1_000, voterId: id, voterDirectoryId: directoryId, listeners: [{ name: LISTENER_NAME, host, port: CONTROLLER_PORT }], ackWhenCommitted: true }
      : { clusterId, voterId: id, voterDirectoryId: directoryId }
    for (let attempt = 0; ; attempt++) {
      const result = yield* rpc.send(controllers[attempt % controllers.length]!, CONTROLLER_PORT, how === 'add' ? ApiKey.AddRaftVoter : ApiKey.RemoveRaftVoter, body).wait()
      const code = result.ok ? (result.body as { errorCode: number }).errorCode : ErrorCode.REQUEST_TIMED_OUT
      // It may have been done by an attempt whose answer was lost.
      if (code === ErrorCode.NONE || code === (how === 'add' ? ErrorCode.DUPLICATE_VOTER : ErrorCode.VOTER_NOT_FOUND)) break
      yield* env.sleep(msToUs(BACKOFF_MS)).wait()
    }
    env.observe({ kind: 'mark', name: how === 'add' ? 'voter-added' : 'voter-removed' })
  }
  done()
}
