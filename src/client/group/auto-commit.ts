/**
 * Commits by themselves (enable.auto.commit): every auto.commit.interval.ms within poll, before a rebalance, and at close.
 * What is committed are the positions at the start of a poll: records that were handed out before it, never those that it
 * is about to hand out (KAFKA-18641 is what happens otherwise).
 */
import { msToUs } from '../../base/time.ts'
import type { Micros } from '../../base/time.ts'
import type { Task } from '../../base/task.ts'
import type { ConsumerConfig } from '../../config/client.ts'
import type { Env } from '../../env/env.ts'
import type { Assignment } from './assignment.ts'
import type { CommitOutcome, OffsetCommits } from './offset-commits.ts'

export class AutoCommit {
  readonly isEnabled: boolean
  private readonly env: Env
  private readonly config: ConsumerConfig
  private readonly commits: OffsetCommits
  private readonly assignment: Assignment
  private nextAt: Micros

  constructor(env: Env, config: ConsumerConfig, commits: OffsetCommits, assignment: Assignment) {
    this.env = env
    this.config = config
    this.commits = commits
    this.assignment = assignment
    this.isEnabled = config.enableAutoCommit
    this.nextAt = env.now() + msToUs(config.autoCommitIntervalMs)
  }

  /** Another interval begins, as after a rebalance. */
  restart(): void {
    this.nextAt = this.env.now() + msToUs(this.config.autoCommitIntervalMs)
  }

  /** At the start of a poll. */
  poll(): void {
    if (!this.isEnabled || this.env.now() < this.nextAt) return
    this.restart()
    this.begin(() => {})
  }

  /** One attempt now. */
  begin(onDone: (outcome: CommitOutcome) => void): void {
    this.commits.commitAsync(this.assignment.allConsumed(), outcome => {
      if (!outcome.ok && outcome.isRetriable) this.nextAt = Math.min(this.nextAt, this.env.now() + msToUs(this.config.retryBackoffMs))
      onDone(outcome)
    })
  }

  *finish(deadline: Micros): Task<void> {
    if (this.isEnabled) yield* this.commits.commitSync(this.assignment.allConsumed(), deadline)
  }
}
