/** FindCoordinator. There are no coordinators yet: COORDINATOR_NOT_AVAILABLE, which clients retry. */
import { ErrorCode } from '../../protocol/errors.ts'
import type { FindCoordinatorRequest } from '../../protocol/generated/types.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'

const BATCHED_VERSION = 4

export function handleFindCoordinator(request: RpcRequest): void {
  const nowhere = { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, nodeId: -1, host: '', port: -1 }
  const { coordinatorKeys } = request.body as FindCoordinatorRequest
  request.respond(request.apiVersion >= BATCHED_VERSION ? { coordinators: coordinatorKeys.map(key => ({ key, ...nowhere })) } : nowhere)
}
