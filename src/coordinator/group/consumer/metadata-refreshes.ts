/**
 * When each KIP-848 group should look again at the topics that it is subscribed to (Kafka: ModernGroup#hasMetadataExpired): once
 * in a while, and soon after metadata has changed one of them. Soft: a new coordinator looks at once.
 */
import type { Millis } from '../../../base/time.ts'

interface Refresh {
  readonly deadlineMs: Millis
  /** The group epoch that was decided with it; one that never came to be makes it void. */
  readonly groupEpoch: number
}

export class MetadataRefreshes {
  private readonly byGroup = new Map<string, Refresh>()

  isDue(groupId: string, groupEpoch: number, nowMs: Millis): boolean {
    const refresh = this.byGroup.get(groupId)
    return refresh === undefined || nowMs >= refresh.deadlineMs || groupEpoch < refresh.groupEpoch
  }

  done(groupId: string, groupEpoch: number, deadlineMs: Millis): void {
    this.byGroup.set(groupId, { deadlineMs, groupEpoch })
  }

  request(groupId: string): void {
    this.byGroup.delete(groupId)
  }
}
