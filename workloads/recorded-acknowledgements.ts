/**
 * Acknowledgements of a share consumer as operations of the history: one for each partition and poll, which begins when the
 * application says what became of the records, and ends when the consumer knows whether that counts.
 */
import { partitionName } from '../src/base/partition-name.ts'
import type { AcknowledgeOutcome, Acknowledgement, ShareRecord } from '../src/client/share/share-record.ts'
import type { Json } from '../src/history/operation.ts'
import type { ClientRecorder, OpenOperation } from './contract.ts'

interface Open {
  readonly operation: OpenOperation
  readonly value: Json
  isSettled: boolean
}

export class RecordedAcknowledgements {
  private readonly recorder: ClientRecorder
  private readonly who: { readonly group: string; readonly member: string; readonly limit: number }
  /** By partition and offset: all that are sent together have one outcome. */
  private readonly open = new Map<string, Open>()

  constructor(recorder: ClientRecorder, who: { readonly group: string; readonly member: string; readonly limit: number }) {
    this.recorder = recorder
    this.who = who
  }

  begin(decided: readonly (readonly [ShareRecord, Acknowledgement])[]): void {
    const byPartition = new Map<string, (readonly [ShareRecord, Acknowledgement])[]>()
    for (const one of decided) {
      const key = partitionName(one[0].topic, one[0].partition)
      const known = byPartition.get(key)
      if (known === undefined) byPartition.set(key, [one])
      else known.push(one)
    }
    for (const [partition, some] of byPartition) {
      const value = { ...this.who, partition, records: some.map(([{ offset, deliveryCount }, type]) => [offset, type, deliveryCount]) }
      const open: Open = { operation: this.recorder.invoke('acknowledge', value), value, isSettled: false }
      for (const [{ offset }] of some) this.open.set(`${partition}@${offset}`, open)
    }
  }

  settle({ topic, partition, acknowledged, error, definite }: AcknowledgeOutcome): void {
    for (const [offset] of acknowledged) {
      const key = `${partitionName(topic, partition)}@${offset}`
      const open = this.open.get(key)
      this.open.delete(key)
      if (open === undefined || open.isSettled) continue
      open.isSettled = true
      if (error === undefined) open.operation.ok(open.value)
      else if (definite) open.operation.fail(error)
      else open.operation.info(error)
    }
  }

  /** Nobody will hear of the rest. */
  abandon(): void {
    for (const open of this.open.values()) {
      if (open.isSettled) continue
      open.isSettled = true
      open.operation.info('closed')
    }
    this.open.clear()
  }
}
