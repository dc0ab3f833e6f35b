/**
 * A reassignment in progress (Kafka: PartitionReassignmentReplicas): replicas = target plus those to remove, `adding`
 * must catch up before `removing` go.
 */
export interface ReassignmentState {
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly removing: readonly number[]
  readonly adding: readonly number[]
}

/**
 * Final replicas and ISR when the reassignment can complete: of those that stay at least one is in sync, all that were
 * added are, and all of them if the replication factor shrinks. Undefined otherwise.
 */
export function completeReassignment(state: ReassignmentState): { replicas: readonly number[]; isr: readonly number[] } | undefined {
  const { removing, adding } = state
  if (removing.length === 0 && adding.length === 0) return undefined
  const replicas = state.replicas.filter(replica => !removing.includes(replica))
  const isr = state.isr.filter(replica => !removing.includes(replica))
  if (replicas.length === 0 || isr.length === 0) return undefined
  const mustBeInSync = removing.length > adding.length ? replicas : adding
  return mustBeInSync.every(replica => isr.includes(replica)) ? { replicas, isr } : undefined
}

/** What has to be done to get from `current` to `target`; both in preferred order. */
export function planReassignment(current: readonly number[], target: readonly number[]): Omit<ReassignmentState, 'isr'> {
  const removing = current.filter(replica => !target.includes(replica)).sort((a, b) => a - b)
  const adding = target.filter(replica => !current.includes(replica)).sort((a, b) => a - b)
  return { removing, adding, replicas: [...target, ...removing] }
}
