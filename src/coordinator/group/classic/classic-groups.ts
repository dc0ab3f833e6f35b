/**
 * The live classic groups of one state partition. A group exists when records say so: the live one is made from its record
 * when it is first asked for, and is forgotten when the record has gone or a new one has begun in its place.
 *
 * A group that a JoinGroup has just made exists from the end of that operation on, whose record creates it; if the log
 * refuses the record, the group is forgotten (Kafka rolls back its snapshot).
 */
import type { GroupMetadataValue } from '../../../protocol/generated/types.ts'
import type { ClassicRecord, GroupState } from '../group-state.ts'
import { ClassicGroup } from './classic-group.ts'
import { ClassicMember } from './classic-member.ts'

interface Live {
  readonly group: ClassicGroup
  /** undefined until the record that creates it is in the log. */
  record: ClassicRecord | undefined
}

export class ClassicGroups {
  private readonly state: GroupState
  private readonly live = new Map<string, Live>()

  constructor(state: GroupState) {
    this.state = state
  }

  find(groupId: string): ClassicGroup | undefined {
    const record = this.state.groups.get(groupId)
    if (record?.kind !== 'classic') {
      this.live.delete(groupId)
      return undefined
    }
    let live = this.live.get(groupId)
    if (live !== undefined) live.record ??= record
    if (live?.record !== record) {
      live = { group: fromRecord(groupId, record.value), record }
      this.live.set(groupId, live)
    }
    return live.group
  }

  create(groupId: string, nowMs: number): ClassicGroup {
    const group = new ClassicGroup(groupId, { state: 'Empty', generationId: 0, protocolType: null, protocolName: null, leaderId: null, stateTimestampMs: nowMs })
    this.live.set(groupId, { group, record: undefined })
    return group
  }

  /** Those that records know, in order of their records. */
  all(): ClassicGroup[] {
    const groups: ClassicGroup[] = []
    for (const [groupId, record] of this.state.groups) if (record.kind === 'classic') groups.push(this.find(groupId)!)
    return groups
  }

  /** Also those that no record knows yet. */
  allLive(): ClassicGroup[] {
    return [...this.live.values()].map(({ group }) => group)
  }
}

/** A group as a new coordinator finds it. */
export function fromRecord(groupId: string, value: GroupMetadataValue): ClassicGroup {
  const group = new ClassicGroup(groupId, {
    state: value.members.length === 0 ? 'Empty' : 'Stable',
    generationId: value.generation,
    protocolType: value.protocolType === '' ? null : value.protocolType,
    protocolName: value.protocol,
    leaderId: value.leader,
    stateTimestampMs: value.currentStateTimestamp,
  })
  for (const member of value.members) {
    group.add(new ClassicMember({
      memberId: member.memberId, groupInstanceId: member.groupInstanceId, clientId: member.clientId, clientHost: member.clientHost,
      rebalanceTimeoutMs: member.rebalanceTimeout === -1 ? member.sessionTimeout : member.rebalanceTimeout, sessionTimeoutMs: member.sessionTimeout,
      protocolType: value.protocolType, protocols: [{ name: value.protocol ?? '', metadata: member.subscription }], assignment: member.assignment,
    }))
  }
  group.computeSubscribedTopics()
  return group
}
