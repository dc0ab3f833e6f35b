/**
 * InitProducerId for idempotent producers: always a new id with epoch 0, whatever the producer had before
 * (TransactionCoordinator#handleInitProducerId). Transactions have no coordinator here yet.
 */
import { ErrorCode } from '../../protocol/errors.ts'
import type { InitProducerIdRequest } from '../../protocol/generated/types.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import type { BrokerContext } from '../broker-context.ts'

export function handleInitProducerId(context: BrokerContext, request: RpcRequest): void {
  const { transactionalId } = request.body as InitProducerIdRequest
  if (transactionalId !== null) {
    const errorCode = transactionalId === '' ? ErrorCode.INVALID_REQUEST : ErrorCode.COORDINATOR_NOT_AVAILABLE
    request.respond({ errorCode, producerId: -1, producerEpoch: -1 })
    return
  }
  const producerId = context.producerIds.next()
  if (producerId === undefined) request.respond({ errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, producerId: -1, producerEpoch: -1 })
  else request.respond({ errorCode: ErrorCode.NONE, producerId, producerEpoch: 0 })
}
