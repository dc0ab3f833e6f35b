/** DescribeTransactions and ListTransactions (KIP-664, KIP-994, KIP-1152): what a coordinator knows, for operators who look for hanging transactions. */
import type { TransactionFields } from '../../coordinator/transaction/transaction-metadata.ts'
import { isTransactionState } from '../../coordinator/transaction/transaction-state.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { DescribeTransactionsRequest, ListTransactionsRequest } from '../../protocol/generated/types.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import type { BrokerContext } from '../broker-context.ts'

export function handleDescribeTransactions(context: BrokerContext, request: RpcRequest): void {
  const { transactionalIds } = request.body as DescribeTransactionsRequest
  request.respond({ transactionStates: transactionalIds.map(transactionalId => describe(context, transactionalId)) })
}

function describe(context: BrokerContext, transactionalId: string): object {
  if (transactionalId === '') return { transactionalId, errorCode: ErrorCode.INVALID_REQUEST }
  const found = context.transactions.states.lookUp(transactionalId)
  if (typeof found === 'number') return { transactionalId, errorCode: found }
  if (found === undefined) return { transactionalId, errorCode: ErrorCode.TRANSACTIONAL_ID_NOT_FOUND }
  const { fields } = found.metadata
  return {
    transactionalId,
    errorCode: ErrorCode.NONE,
    transactionState: fields.state,
    transactionTimeoutMs: fields.timeoutMs,
    transactionStartTimeMs: fields.startedMs,
    producerId: fields.producerId,
    producerEpoch: fields.producerEpoch,
    topics: topicsOf(fields),
  }
}

function topicsOf({ partitions }: TransactionFields): { topic: string; partitions: number[] }[] {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions.values()) {
    const indexes = topics.get(topic)
    if (indexes === undefined) topics.set(topic, [partition])
    else indexes.push(partition)
  }
  return [...topics].map(([topic, indexes]) => ({ topic, partitions: indexes }))
}

export function handleListTransactions(context: BrokerContext, request: RpcRequest): void {
  const { stateFilters, producerIdFilters, durationFilter, transactionalIdPattern } = request.body as ListTransactionsRequest
  const { states } = context.transactions
  if (states.isLoading) return request.respond({ errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, unknownStateFilters: [], transactionStates: [] })
  const pattern = wholeMatch(transactionalIdPattern)
  if (pattern === 'invalid') return request.respond({ errorCode: ErrorCode.INVALID_REGULAR_EXPRESSION, unknownStateFilters: [], transactionStates: [] })
  const now = context.env.wallClock()
  const transactionStates: object[] = []
  for (const { metadata: { transactionalId, fields } } of states.all()) {
    if (producerIdFilters.length > 0 && !producerIdFilters.includes(fields.producerId)) continue
    if (stateFilters.length > 0 && !stateFilters.includes(fields.state)) continue
    if (durationFilter >= 0 && now - fields.startedMs <= durationFilter) continue
    if (pattern !== undefined && !pattern.test(transactionalId)) continue
    transactionStates.push({ transactionalId, producerId: fields.producerId, transactionState: fields.state })
  }
  request.respond({ errorCode: ErrorCode.NONE, unknownStateFilters: stateFilters.filter(name => !isTransactionState(name)), transactionStates })
}

/** Unlike Kafka, which takes RE2's dialect. */
function wholeMatch(pattern: string | null): RegExp | 'invalid' | undefined {
  if (pattern === null || pattern === '') return undefined
  try {
    return new RegExp(`^(?:${pattern})$`, 'u')
  } catch {
    return 'invalid'
  }
}
