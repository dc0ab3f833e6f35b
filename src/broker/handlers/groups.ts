/** DescribeGroups, ConsumerGroupDescribe, ShareGroupDescribe, ListGroups and DeleteGroups (KafkaApis). */
import type { Future, Task } from '../../base/task.ts'
import { describeClassicGroup, describeConsumerGroup, describeShareGroup, listGroups } from '../../coordinator/group/describe.ts'
import type { GroupScope } from '../../coordinator/group/group-shard.ts'
import { deleteGroups } from '../../coordinator/group/offsets/remove.ts'
import { ApiError } from '../../protocol/api-error.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { ConsumerGroupDescribeRequest, DeleteGroupsRequest, DescribeGroupsRequest, ListGroupsRequest, ShareGroupDescribeRequest } from '../../protocol/generated/types.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import type { BrokerContext } from '../broker-context.ts'

export function handleDescribeGroups(context: BrokerContext, request: RpcRequest): void {
  const { groups } = request.body as DescribeGroupsRequest
  request.respond({ groups: describeEach(context, groups, (scope, groupId) => describeClassicGroup(scope, groupId, request.apiVersion)) })
}

export function handleConsumerGroupDescribe(context: BrokerContext, request: RpcRequest): void {
  const { groupIds } = request.body as ConsumerGroupDescribeRequest
  request.respond({ groups: describeEach(context, groupIds, describeConsumerGroup) })
}

export function handleShareGroupDescribe(context: BrokerContext, request: RpcRequest): void {
  const { groupIds } = request.body as ShareGroupDescribeRequest
  request.respond({ groups: describeEach(context, groupIds, describeShareGroup) })
}

function describeEach(context: BrokerContext, groupIds: readonly string[], describe: (scope: GroupScope, groupId: string) => object): object[] {
  return groupIds.map(groupId => {
    try {
      return context.groups.readScope(groupId, scope => describe(scope, groupId))
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      return { groupId, errorCode: error.code }
    }
  })
}

/** Of the groups that this broker coordinates. */
export function handleListGroups(context: BrokerContext, request: RpcRequest): void {
  const { statesFilter, typesFilter } = request.body as ListGroupsRequest
  const groups = context.groups.allScopes().flatMap(scope => listGroups(scope, { states: statesFilter, types: typesFilter }))
  request.respond({ errorCode: ErrorCode.NONE, groups })
}

export function* handleDeleteGroups(context: BrokerContext, request: RpcRequest): Task<void> {
  const { groupsNames } = request.body as DeleteGroupsRequest
  const deleting: [groupId: string, answer: Future<{ groupId: string; errorCode: number }[]>][] = []
  for (const groupId of groupsNames) deleting.push([groupId, context.groups.write(groupId, 'delete-groups', scope => deleteGroups(scope, [groupId]))])
  const results: { groupId: string; errorCode: number }[] = []
  for (const [groupId, answer] of deleting) {
    try {
      results.push(...(yield* answer.wait()))
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      results.push({ groupId, errorCode: error.code })
    }
  }
  request.respond({ results })
}
