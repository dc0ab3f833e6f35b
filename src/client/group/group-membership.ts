/** A consumer's place in its group, whichever protocol keeps it: the classic one, or KIP-848. */
import type { Task } from '../../base/task.ts'
import type { Micros } from '../../base/time.ts'
import type { GroupMetadata } from './group-metadata.ts'
import type { Subscription } from './subscription.ts'

export interface GroupMembership {
  /** As it was when partitions were assigned last; what a transaction commits offsets with. */
  readonly groupMetadata: GroupMetadata
  /** Who commits offsets now, or why nobody can. */
  commitIdentity(): GroupMetadata | { readonly refused: string }
  /** A commit that was sent as `sent` was refused. Returns what the application is told. */
  commitRefused(errorCode: number, sent: GroupMetadata): string
  /** The application wants something else, or something for the first time. */
  subscribe(subscription: Subscription): void
  /** Called in every turn of poll. Returns when to look again. */
  poll(): Task<Micros>
  /** Gives up everything and, unless it is a static member, tells the coordinator; waits for it until `deadline`. */
  leave(reason: string, deadline: Micros): Task<void>
  close(): void
}
