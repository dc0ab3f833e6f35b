/**
 * Verification guards (KIP-890; Kafka: VerificationStateEntry, VerificationGuard). A leader that holds no open transaction of
 * a producer asks the transaction coordinator before it appends; the guard that it makes then must still be in place at
 * the append. Markers and first batches take it away, so an answer that was overtaken by the end of its transaction, and
 * perhaps by the start of the next, opens nothing.
 *
 * Guards live in memory only, beside the producers of one log, and are forgotten with them.
 */
import type { ServerConfig } from '../config/cluster.ts'
import type { Env } from '../env/env.ts'

/** Its identity is all that it has. */
export interface VerificationGuard {
  readonly producerId: number
}

export interface VerificationEntry {
  readonly guard: VerificationGuard
  readonly timestamp: number
  /** Of the transaction version 2: the leader adds the partition, and every transaction has an epoch of its own. */
  readonly supportsEpochBump: boolean
  epoch: number
  /** The first batch that was seen waiting: what comes behind it may not overtake it (KAFKA-14844). */
  lowestSequence: number
}

/** Which proof of an open transaction an append carries, and by which rules its markers count. */
export interface AppendProof {
  readonly guard?: VerificationGuard | undefined
  /** Of the producer of a marker, 0 when unknown. */
  readonly transactionVersion?: number
}

/** Whether batches that begin a transaction need a guard (transaction.partition.verification.enable). */
export function requiresVerification(env: Env, server: ServerConfig): boolean {
  // Before KIP-890 a leader took every transactional batch of a current epoch for one of an open transaction.
  return env.defects.has('KAFKA-14402') ? false : server.transactionPartitionVerificationEnable
}

export class Verifications {
  private readonly entries = new Map<number, VerificationEntry>()

  entry(producerId: number): VerificationEntry | undefined {
    return this.entries.get(producerId)
  }

  /** The guard of a producer, made if there is none. */
  start(batch: { readonly producerId: number; readonly epoch: number; readonly sequence: number; readonly supportsEpochBump: boolean }, now: number): VerificationGuard {
    const { producerId, epoch, sequence, supportsEpochBump } = batch
    const known = this.entries.get(producerId)
    if (known === undefined) {
      const guard = { producerId }
      this.entries.set(producerId, { guard, timestamp: now, supportsEpochBump, epoch, lowestSequence: sequence })
      return guard
    }
    if (epoch > known.epoch) {
      known.epoch = epoch
      known.lowestSequence = sequence
    } else if (epoch === known.epoch && sequence < known.lowestSequence) {
      known.lowestSequence = sequence
    }
    return known.guard
  }

  clear(producerId: number): void {
    this.entries.delete(producerId)
  }

  removeExpired(now: number, expirationMs: number): void {
    for (const [producerId, entry] of this.entries) if (now - entry.timestamp >= expirationMs) this.entries.delete(producerId)
  }
}
