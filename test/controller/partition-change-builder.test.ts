import { describe, expect, it } from 'vitest'
import { buildPartitionChange } from '../../src/controller/partition-change-builder.ts'
import type { PartitionTarget } from '../../src/controller/partition-change-builder.ts'
import { mergePartition } from '../../src/controller/partition-image.ts'
import type { PartitionImage } from '../../src/controller/partition-image.ts'
import { ZERO_UUID } from '../../src/protocol/uuid.ts'

const TOPIC = 'AAAAAAAAAAAAAAAAAAAAAg'

function partition(o: Partial<PartitionImage>): PartitionImage {
  const replicas = o.replicas ?? [1, 2, 3]
  return {
    replicas, isr: replicas, elr: [], lastKnownElr: [], removingReplicas: [], addingReplicas: [], leader: 1, leaderEpoch: 5,
    partitionEpoch: 50, leaderRecoveryState: 'RECOVERED', directories: replicas.map(() => ZERO_UUID), ...o,
  }
}

interface Case {
  readonly name: string
  readonly from: Partial<PartitionImage>
  readonly active?: number[]
  readonly minIsr?: number
  readonly elr?: boolean
  readonly target?: PartitionTarget
  /** What the partition becomes; leaderEpoch counts from 5. undefined: no record. */
  readonly to: (Partial<PartitionImage> & { readonly reason?: string }) | undefined
}

const CASES: Case[] = [
  // ---- elections ----
  { name: 'a valid leader stays, whatever the order of replicas', from: { leader: 2 }, to: undefined },
  { name: 'first ISR member in replica order takes over', from: { isr: [3, 2, 1] }, active: [2, 3], target: { isr: [3, 2] }, to: { leader: 2, leaderEpoch: 6, isr: [3, 2], reason: 'isr' } },
  { name: 'preferred: the first replica, though the leader is valid', from: { leader: 2 }, target: { election: 'preferred' }, to: { leader: 1, leaderEpoch: 6, reason: 'preferred' } },
  { name: 'preferred, but out of the ISR: the leader stays', from: { leader: 2, isr: [2, 3] }, target: { election: 'preferred' }, minIsr: 1, to: undefined },
  { name: 'an ELR member counts only when the ISR is empty', from: { isr: [1], elr: [2] }, active: [2, 3], minIsr: 2, to: { leader: -1, leaderEpoch: 6, isr: [1], elr: [2], lastKnownElr: [1], reason: 'none' } },
  { name: 'elected from the ELR: it alone is the ISR, recovered', from: { isr: [1], elr: [2] }, active: [2, 3], minIsr: 2, target: { isr: [] }, to: { leader: 2, leaderEpoch: 6, isr: [2], elr: [1], leaderRecoveryState: 'RECOVERED', reason: 'elr' } },
  { name: 'nobody: the leader is remembered', from: { isr: [1] }, active: [3], minIsr: 1, target: { isr: [] }, to: { leader: -1, leaderEpoch: 6, isr: [], elr: [1], lastKnownElr: [1], reason: 'none' } },
  { name: 'the last known leader is not overwritten while there is none', from: { leader: -1, isr: [], elr: [2], lastKnownElr: [1] }, active: [], minIsr: 1, target: { uncleanShutdownReplicas: [2] }, to: { leader: -1, leaderEpoch: 5, elr: [], lastKnownElr: [1] } },
  { name: 'last known leader, unclean, when ISR and ELR are empty', from: { leader: -1, isr: [], lastKnownElr: [2] }, active: [2, 3], minIsr: 2, to: { leader: 2, leaderEpoch: 6, isr: [2], elr: [], lastKnownElr: [], leaderRecoveryState: 'RECOVERING', reason: 'last-known-leader' } },
  { name: 'KAFKA-19522: a fenced last known leader is not elected', from: { leader: -1, isr: [], lastKnownElr: [2] }, active: [1, 3], minIsr: 2, to: undefined },
  { name: 'not while somebody is in the ELR', from: { leader: -1, isr: [], elr: [3], lastKnownElr: [2] }, active: [2], minIsr: 2, to: undefined },
  { name: 'not without the feature', from: { leader: -1, isr: [], lastKnownElr: [2] }, active: [2], elr: false, to: undefined },
  { name: 'unclean: the first active replica, ELR cleared', from: { leader: -1, isr: [], elr: [1] }, active: [2, 3], minIsr: 2, target: { election: 'unclean' }, to: { leader: 2, leaderEpoch: 6, isr: [2], elr: [], leaderRecoveryState: 'RECOVERING', reason: 'unclean' } },
  { name: 'unclean election prefers a clean candidate', from: { isr: [1, 3] }, active: [2, 3], minIsr: 1, target: { isr: [3], election: 'unclean' }, to: { leader: 3, leaderEpoch: 6, isr: [3], leaderRecoveryState: 'RECOVERED', reason: 'isr' } },
  { name: 'a second unclean election stays RECOVERING', from: { leader: 1, isr: [1], leaderRecoveryState: 'RECOVERING' }, active: [2], minIsr: 1, elr: false, target: { isr: [], election: 'unclean' }, to: { leader: 2, leaderEpoch: 6, isr: [2], leaderRecoveryState: 'RECOVERING', reason: 'unclean' } },
  // ---- ISR and ELR ----
  { name: 'an ISR change alone keeps the leader epoch (KAFKA-15021)', from: {}, minIsr: 2, target: { isr: [1, 2] }, to: { leader: 1, leaderEpoch: 5, isr: [1, 2], elr: [] } },
  { name: 'below min ISR leavers stay eligible', from: { isr: [1, 2] }, minIsr: 2, target: { isr: [1] }, to: { isr: [1], elr: [2], leaderEpoch: 5 } },
  { name: 'the ELR accumulates', from: { isr: [1, 3], elr: [2] }, minIsr: 3, target: { isr: [1] }, to: { isr: [1], elr: [2, 3] } },
  { name: 'joining the ISR leaves the ELR', from: { isr: [1], elr: [2, 3] }, minIsr: 3, target: { isr: [1, 3] }, to: { isr: [1, 3], elr: [2] } },
  { name: 'min ISR reached: the ELR is cleared', from: { isr: [1], elr: [2] }, minIsr: 2, target: { isr: [1, 3] }, to: { isr: [1, 3], elr: [] } },
  { name: 'KAFKA-18635: unclean shutdown keeps a replica out of the ELR', from: { isr: [1, 2] }, minIsr: 2, target: { isr: [1], uncleanShutdownReplicas: [2] }, to: { isr: [1], elr: [] } },
  { name: 'without ELR the last ISR member is never removed', from: { isr: [1] }, active: [2], elr: false, target: { isr: [] }, to: { leader: -1, leaderEpoch: 6, isr: [1], lastKnownElr: [], reason: 'none' } },
  { name: 'switching ELR off clears what was kept', from: { isr: [1], elr: [2] }, elr: false, minIsr: 2, to: { elr: [], leaderEpoch: 5 } },
  { name: 'RECOVERING ends when the leader says so', from: { isr: [1], leaderRecoveryState: 'RECOVERING' }, minIsr: 1, target: { isr: [1], leaderRecoveryState: 'RECOVERED' }, to: { leaderRecoveryState: 'RECOVERED', leaderEpoch: 5 } },
  // ---- reassignment ----
  { name: 'a reassignment waits for all it adds', from: { replicas: [4, 5, 1], addingReplicas: [4, 5], removingReplicas: [1], isr: [1] }, active: [1, 4, 5], minIsr: 1, target: { isr: [1, 4] }, to: { isr: [1, 4], replicas: [4, 5, 1], leader: 1 } },
  { name: 'a reassignment completes: replicas, ISR and leader in one record', from: { replicas: [4, 5, 1], addingReplicas: [4, 5], removingReplicas: [1], isr: [1, 4] }, active: [1, 4, 5], minIsr: 1, target: { isr: [1, 4, 5] }, to: { replicas: [4, 5], isr: [4, 5], leader: 4, leaderEpoch: 6, addingReplicas: [], removingReplicas: [], elr: [], reason: 'isr' } },
  { name: 'a smaller replication factor waits for the whole target', from: { replicas: [1, 2, 3], removingReplicas: [3], isr: [1, 3] }, minIsr: 1, to: undefined },
  { name: 'a replica that leaves bumps the leader epoch though the leader stays', from: { replicas: [1, 2, 3], removingReplicas: [3] }, minIsr: 1, to: { replicas: [1, 2], isr: [1, 2], leader: 1, leaderEpoch: 6, removingReplicas: [], reason: 'kept' } },
]

describe('partition changes', () => {
  it.each(CASES)('$name', ({ from, active = [1, 2, 3], minIsr = 2, elr = true, target = {}, to }) => {
    const old = partition(from)
    const change = buildPartitionChange(TOPIC, 0, old, { isAcceptableLeader: id => active.includes(id), minIsr, elrEnabled: elr }, target)
    if (to === undefined) {
      expect(change).toBeUndefined()
      return
    }
    const { reason, ...fields } = to
    expect(change!.reason).toBe(reason)
    const { record } = change!
    if (record.type !== 'PartitionChangeRecord') throw new Error(record.type)
    const merged = mergePartition(old, record.data)
    expect(merged).toMatchObject(fields)
    expect(merged.partitionEpoch).toBe(51)
    expect(merged.directories).toHaveLength(merged.replicas.length)
    expect(merged.isr.filter(id => merged.elr.includes(id))).toEqual([])
  })
})

describe('a replica that a reassignment removes while the ISR is below min.insync.replicas (elr-outlives-replica)', () => {
  // 4 takes the place of 2; 1 and 3 have fallen behind
  const moving = partition({ replicas: [1, 3, 4, 2], addingReplicas: [4], removingReplicas: [2], isr: [2], leader: 2 })
  const complete = (mended: boolean): { readonly elr: readonly number[]; readonly removedInElr: readonly number[]; readonly after: PartitionImage } => {
    const change = buildPartitionChange(TOPIC, 0, moving, { isAcceptableLeader: () => true, minIsr: 2, elrEnabled: true, elrOfReplicasOnly: mended }, { isr: [2, 4] })!
    if (change.record.type !== 'PartitionChangeRecord') throw new Error(change.record.type)
    const after = mergePartition(moving, change.record.data)
    return { elr: after.elr, removedInElr: change.removedInElr, after }
  }

  it('stays eligible, and can be elected with an empty log when it comes back', () => {
    const { elr, removedInElr, after } = complete(false)
    expect([after.replicas, after.isr, elr, removedInElr]).toEqual([[1, 3, 4], [4], [2], [2]])
    const back = { ...after, replicas: [1, 3, 4, 2], addingReplicas: [2], directories: after.directories.concat(ZERO_UUID) }
    const election = buildPartitionChange(TOPIC, 0, back, { isAcceptableLeader: id => id === 2, minIsr: 2, elrEnabled: true }, { isr: [] })!
    expect([election.leader, election.reason]).toEqual([2, 'elr'])
  })

  it('does not with the mend', () => {
    expect(complete(true)).toMatchObject({ elr: [], removedInElr: [] })
  })
})
