/** The network side of a client, from its configuration. */
import type { Millis } from '../base/time.ts'
import type { Env } from '../env/env.ts'
import { RpcClient } from '../rpc/rpc-client.ts'
import type { BrokerRpc } from './broker-rpc.ts'

export interface ConnectionConfig {
  readonly clientId: string
  readonly requestTimeoutMs: Millis
  readonly socketConnectionSetupTimeoutMs: Millis
  readonly reconnectBackoffMs: Millis
  readonly reconnectBackoffMaxMs: Millis
}

export function connectBrokers(env: Env, config: ConnectionConfig, maxInFlight: number): BrokerRpc {
  return new RpcClient(env, {
    clientId: config.clientId,
    requestTimeoutMs: config.requestTimeoutMs,
    connectionSetupTimeoutMs: config.socketConnectionSetupTimeoutMs,
    maxInFlight,
    reconnectBackoffMs: config.reconnectBackoffMs,
    reconnectBackoffMaxMs: config.reconnectBackoffMaxMs,
    discoverVersions: true,
  })
}
