/** What a log tells the observer about producers. */
import type { Env } from '../env/env.ts'
import type { BatchHeader } from './batch-header.ts'
import { ProducerRejection } from './producer-append.ts'
import type { ProducerChanges } from './producer-check.ts'
import type { ProducerState } from './producer-state.ts'
import { NO_SEQUENCE, precedesSequence } from './sequence.ts'

interface Identity {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
}

export interface ProducerDescription {
  readonly producerId: number
  readonly producerEpoch: number
  readonly lastSequence: number
  readonly lastTimestamp: number
  readonly coordinatorEpoch: number
  /** -1 when no transaction is open. */
  readonly currentTxnFirstOffset: number
}

export function describeProducers(producers: ProducerState): ProducerDescription[] {
  const descriptions: ProducerDescription[] = []
  for (const entry of producers.producers.values()) {
    descriptions.push({
      producerId: entry.producerId,
      producerEpoch: entry.epoch,
      lastSequence: entry.lastSequence,
      lastTimestamp: entry.lastTimestamp,
      coordinatorEpoch: entry.coordinatorEpoch,
      currentTxnFirstOffset: entry.currentTxnFirstOffset,
    })
  }
  return descriptions
}

/** Known behaviour KAFKA-14359, told for every producer whose first batch was let in with a sequence other than 0. */
export function observeAccepted(env: Env, identity: Identity, changes: ProducerChanges): void {
  for (const { acceptedFirstSequence, updated } of changes.appends) {
    if (acceptedFirstSequence === NO_SEQUENCE) continue
    env.observe({
      kind: 'first-sequence-accepted', ...identity, producerId: updated.producerId, producerEpoch: updated.epoch,
      firstSequence: acceptedFirstSequence,
    })
  }
}

/** A refused sequence, and whether it is older than what a snapshot left of the producer (KAFKA-5494-snapshot). */
export function observeRejected(
  env: Env, identity: Identity, headers: readonly BatchHeader[], producers: ProducerState, error: unknown,
): void {
  const header = headers.find(({ producerId }) => producerId >= 0)
  if (header === undefined || !(error instanceof ProducerRejection)) return
  const { producerId, producerEpoch, baseSequence, lastSequence } = header
  env.observe({
    kind: 'sequence-rejected', ...identity, producerId, producerEpoch, firstSequence: baseSequence,
    expected: error.expectedSequence, errorCode: error.code,
  })
  const entry = producers.entry(producerId)
  if (entry === undefined || !entry.isShortened || entry.epoch !== producerEpoch) return
  if (!precedesSequence(lastSequence, entry.firstSequence)) return
  env.observe({ kind: 'dedup-window-shrunk', ...identity, producerId, producerEpoch, keptBatches: entry.batches.length })
}
