/** What clients need of the network: the part of `RpcClient` that they use, so that tests can stand in for it. */
import type { RpcClient } from '../rpc/rpc-client.ts'

export type BrokerRpc = Pick<RpcClient, 'features' | 'send' | 'canSend' | 'isReady' | 'inFlight' | 'backoffLeft' | 'close'>
