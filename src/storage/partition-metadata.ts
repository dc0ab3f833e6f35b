/** `partition.metadata`: which topic a log directory belongs to, by id, so that it is not taken for one of the same name. */
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { CheckpointFile } from './checkpoint-file.ts'
import { PARTITION_METADATA } from './file-names.ts'
import type { Env } from '../env/env.ts'

export class PartitionMetadata extends CheckpointFile {
  private readonly of: string

  constructor(env: Env, directory: string) {
    super(env, directory, PARTITION_METADATA)
    this.of = directory
  }

  /** Writes the id into a new directory. @throws ApiError INCONSISTENT_TOPIC_ID when it belongs to another topic */
  keep(topicId: string): void {
    const known = this.read()?.[0]
    if (known === undefined) this.write([topicId])
    else if (known !== topicId) throw new ApiError(ErrorCode.INCONSISTENT_TOPIC_ID, `${this.of} belongs to topic id ${known}, not ${topicId}`)
  }
}
