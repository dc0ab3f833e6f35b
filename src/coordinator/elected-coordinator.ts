/** A coordinator as its broker sees it: it leads state partitions of one topic and loses them again. */
import type { MetadataDelta, MetadataImage } from '../controller/metadata-image.ts'

export interface ElectedCoordinator {
  /** Name of its internal topic. */
  readonly topic: string
  /** This broker leads the partition from now on; called again for each new leader epoch. */
  onElection(partition: number, leaderEpoch: number): void
  /** Another broker leads, or the partition has gone from here (undefined: its topic was deleted). */
  onResignation(partition: number, leaderEpoch: number | undefined): void
  /** Metadata was published: topics may have come, grown or gone. */
  onMetadata(image: MetadataImage, delta: MetadataDelta): void
}
