/**
 * InitProducerId (KafkaApis#handleInitProducerIdRequest). Without a transactional id always a new producer id with epoch 0,
 * whatever the producer had before; with one what the transaction coordinator says.
 */
import type { Task } from '../../base/task.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { InitProducerIdRequest } from '../../protocol/generated/types.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import type { BrokerContext } from '../broker-context.ts'
import { forVersion } from './add-partitions-to-txn.ts'

const PRODUCER_FENCED_VERSION = 4

export function handleInitProducerId(context: BrokerContext, request: RpcRequest): void {
  const { transactionalId, producerId, producerEpoch } = request.body as InitProducerIdRequest
  if ((producerId === -1) !== (producerEpoch === -1)) return request.respond({ errorCode: ErrorCode.INVALID_REQUEST, producerId: -1, producerEpoch: -1 })
  if (transactionalId !== null) return context.env.spawn('init-producer-id', initTransactional(context, request, transactionalId))
  const next = context.producerIds.next()
  if (next === undefined) request.respond({ errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, producerId: -1, producerEpoch: -1 })
  else request.respond({ errorCode: ErrorCode.NONE, producerId: next, producerEpoch: 0 })
}

function* initTransactional(context: BrokerContext, request: RpcRequest, transactionalId: string): Task<void> {
  const { transactionTimeoutMs, producerId, producerEpoch } = request.body as InitProducerIdRequest
  yield* context.env.pause('init-producer-id')
  const expected = producerId === -1 ? undefined : { producerId, producerEpoch }
  const { errorCode, ...given } = yield* context.transactions.initProducerId(transactionalId, transactionTimeoutMs, expected)
  request.respond({ errorCode: forVersion(errorCode, request.apiVersion, PRODUCER_FENCED_VERSION), ...given })
}
