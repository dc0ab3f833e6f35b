/**
 * Classic groups when their coordinator comes and goes (GroupMetadataManager#onLoaded, #onUnloaded). Members of a group that was
 * loaded have a full session to be heard of; who waits at a coordinator that goes is told to look for the new one.
 */
import { ErrorCode } from '../../../protocol/errors.ts'
import type { GroupScope } from '../group-shard.ts'
import { answerJoin, answerSync } from './classic-group.ts'
import { prepareRebalance, scheduleHeartbeat } from './rebalance.ts'

export function openClassicGroups(scope: GroupScope): void {
  for (const group of scope.classic.all()) {
    for (const member of group.members.values()) scheduleHeartbeat(scope, group, member)
    if (group.members.size > 0) scope.mark('group-loaded-with-members')
    // group.max.size was lowered: whoever does not fit is turned away when all join again.
    if (group.members.size > scope.settings.groupMaxSize) prepareRebalance(scope, group)
  }
}

export function closeClassicGroups(scope: GroupScope): void {
  for (const group of scope.classic.allLive()) {
    if (group.state !== 'Empty') scope.mark('group-coordinator-lost')
    group.transitionTo('Dead', scope.nowMs())
    for (const member of group.members.values()) {
      answerJoin(member, { errorCode: ErrorCode.NOT_COORDINATOR, memberId: member.memberId })
      answerSync(member, { errorCode: ErrorCode.NOT_COORDINATOR })
    }
  }
}
