/** Who commits offsets, and what is committed: shared by group consumers, transactional producers and admins. */

/** Membership as a consumer has it now (ConsumerGroupMetadata): with it the group coordinator fences zombies (KIP-447). */
export interface GroupMetadata {
  readonly groupId: string
  /** Generation or member epoch; -1 when there is no membership. */
  readonly generationId: number
  /** Empty when there is no membership. */
  readonly memberId: string
  readonly groupInstanceId: string | null
}

export interface OffsetToCommit {
  readonly topic: string
  readonly partition: number
  /** Of the next record to be read. */
  readonly offset: number
  /** Of the last record that was read; absent or -1: not known. */
  readonly leaderEpoch?: number
  readonly metadata?: string
}
