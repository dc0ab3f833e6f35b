/** What the parts of a group consumer share. */
import type { ConsumerConfig } from '../../config/client.ts'
import type { Env } from '../../env/env.ts'
import type { AnswerQueue } from '../answer-queue.ts'
import type { BrokerRpc } from '../broker-rpc.ts'
import type { ClusterMetadata } from '../cluster-metadata.ts'
import type { Wakeup } from '../wakeup.ts'
import type { Assignment } from './assignment.ts'
import type { AutoCommit } from './auto-commit.ts'
import type { GroupCoordinator } from './group-coordinator.ts'
import type { OffsetCommits } from './offset-commits.ts'

export interface GroupContext {
  readonly env: Env
  readonly config: ConsumerConfig
  readonly rpc: BrokerRpc
  readonly metadata: ClusterMetadata
  /** Of the polling thread. */
  readonly answers: AnswerQueue
  readonly wakeup: Wakeup
  readonly coordinator: GroupCoordinator
  readonly assignment: Assignment
  readonly commits: OffsetCommits
  readonly autoCommit: AutoCommit
  /** What the next poll reports. */
  readonly onError: (error: string) => void
}
