/** EndTxn (KafkaApis#handleEndTxnRequest): version 5 belongs to transaction version 2 and answers the epoch of the next transaction. */
import type { Task } from '../../base/task.ts'
import type { EndTxnRequest } from '../../protocol/generated/types.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import type { BrokerContext } from '../broker-context.ts'
import { forVersion } from './add-partitions-to-txn.ts'

const EPOCH_BUMP_VERSION = 5

export function* handleEndTxn(context: BrokerContext, request: RpcRequest): Task<void> {
  const { transactionalId, producerId, producerEpoch, committed } = request.body as EndTxnRequest
  yield* context.env.pause('end-transaction')
  const clientVersion = request.apiVersion >= EPOCH_BUMP_VERSION ? 2 : 0
  const ended = yield* context.transactions.endTransaction(transactionalId, { producerId, producerEpoch, commit: committed, isFromClient: true, clientVersion })
  request.respond({ errorCode: forVersion(ended.errorCode, request.apiVersion), producerId: ended.producerId, producerEpoch: ended.producerEpoch })
}
