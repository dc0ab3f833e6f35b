/** The error code as which clients take a request without an answer (AbstractCoordinator: DisconnectException, UnsupportedVersionException). */
import { ErrorCode } from '../protocol/errors.ts'
import type { RpcResult } from './rpc-client.ts'

export function failureCode({ reason }: RpcResult & { readonly ok: false }): number {
  return reason === 'unsupported-version' ? ErrorCode.UNSUPPORTED_VERSION : ErrorCode.NETWORK_EXCEPTION
}
