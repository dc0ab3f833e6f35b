/**
 * Outputs go to another topic, and positions of the group with them, in one transaction (KIP-98, KIP-447): exactly once.
 * What it wrote counts only when it commits; when it does not, the instance goes back to the committed positions.
 */
import type { Future, Task } from '../src/base/task.ts'
import { US_PER_MS } from '../src/base/time.ts'
import { decodeUtf8, encodeUtf8 } from '../src/base/utf8.ts'
import type { ConsumerRecord } from '../src/client/completed-fetch.ts'
import type { GroupMetadata } from '../src/client/group/group-metadata.ts'
import { Producer } from '../src/client/producer.ts'
import type { SendResult } from '../src/client/send-result.ts'
import type { TransactionOutcome } from '../src/client/transaction/transaction-outcome.ts'
import { DEFAULT_PRODUCER_CONFIG } from '../src/config/client.ts'
import type { Json } from '../src/history/operation.ts'
import type { OpenOperation } from './contract.ts'
import type { GroupMember } from './group-member.ts'
import { type Instance, positionsAfter, recordOutputs, type Sink, type Step, work } from './pipeline.ts'
import { encodeRecord, type PayloadOf } from './records.ts'

const RETRY_MS = 50
/** How often a commit of unknown fate is asked about before the producer is given up. */
const RETRIES = 40
/** The header of an output that names its input. */
const FROM = 'from'

/** Numbers of outputs: unique in a trial, and told apart from those of other operations. */
export function nextOutputId(outside: Map<string, unknown>): number {
  const next = ((outside.get('outputs') as number | undefined) ?? 1_000_000_000) + 1
  outside.set('outputs', next)
  return next
}

/** Key, value and headers of the output of a record: the same key, its own number, and where it comes from. */
export function encodeOutput(id: number, record: ConsumerRecord, payload: PayloadOf): Pick<ConsumerRecord, 'key' | 'value' | 'headers'> {
  const { value, headers } = encodeRecord({ id, key: record.key === null ? null : decodeUtf8(record.key), size: 0 }, payload)
  const from = { key: FROM, value: encodeUtf8(JSON.stringify([`${record.topic}-${record.partition}`, record.offset])) }
  return { key: record.key, value, headers: [...headers, from] }
}

/** `[topic-partition, offset]` of the input that an output comes from, undefined for a record that is none. */
export function inputOf(record: Pick<ConsumerRecord, 'headers'>): Json | undefined {
  const from = record.headers.find(({ key }) => key === FROM)?.value
  return from === undefined || from === null ? undefined : JSON.parse(decodeUtf8(from)) as Json
}

/** Who commits: with its membership an instance that has lost its partitions is fenced (KIP-447), with the group's name alone it is not. */
function committer({ sendsGroupMetadata }: Instance, { membership }: GroupMember): GroupMetadata {
  return sendsGroupMetadata ? membership : { groupId: membership.groupId, generationId: -1, memberId: '', groupInstanceId: null }
}

export function copySink(instance: Instance, output: { readonly topic: string; readonly partitions: number }): Sink {
  const { env, recorder, name, outside, payload } = instance
  const producer = new Producer(env, { ...DEFAULT_PRODUCER_CONFIG, ...instance.producer })

  function* ended(opened: readonly OpenOperation[], transaction: OpenOperation, outcome: Extract<TransactionOutcome, { ok: false }>, mayBeCommitted: boolean): Task<Step> {
    for (const one of [transaction, ...opened]) {
      if (mayBeCommitted) one.info(outcome.error)
      else one.fail(outcome.error)
    }
    if (outcome.remedy !== 'abort') return 'restart'
    return (yield* producer.abortTransaction()).ok ? 'rewind' : 'restart'
  }

  return {
    *open(): Task<Step> {
      for (let left = RETRIES; ; left--) {
        const outcome = yield* producer.initTransactions()
        if (outcome.ok) return 'on'
        if (outcome.remedy !== 'retry' || left === 0) return 'restart'
        yield* env.sleep(RETRY_MS * US_PER_MS).wait()
      }
    },

    *process(records: readonly ConsumerRecord[], member: GroupMember): Task<Step> {
      const outputs = records.map(record => ({ partition: record.partition % output.partitions, id: nextOutputId(outside), record }))
      const opened = [...recordOutputs(recorder, records)]
      const transaction = recorder.invoke('txn', outputs.map(({ partition, id }): Json => ['send', `${output.topic}-${partition}`, id]), { producer: name })
      const begun = producer.beginTransaction()
      if (!begun.ok) return yield* ended(opened, transaction, begun, false)
      const sent: Future<SendResult>[] = outputs.map(({ partition, id, record }) => producer.send({ topic: output.topic, partition, ...encodeOutput(id, record, payload) }))
      yield* work(instance)
      const positions = positionsAfter(records)
      opened.push(member.recordCommit(positions))
      const offsets = yield* producer.sendOffsetsToTransaction(positions, committer(instance, member))
      if (!offsets.ok) return yield* ended(opened, transaction, offsets.remedy === 'retry' ? { ...offsets, remedy: 'abort' } : offsets, false)
      let outcome = yield* producer.commitTransaction()
      for (let left = RETRIES; !outcome.ok && outcome.remedy === 'retry' && left > 0; left--) {
        yield* env.sleep(RETRY_MS * US_PER_MS).wait()
        outcome = yield* producer.commitTransaction()
      }
      if (!outcome.ok) return yield* ended(opened, transaction, outcome, !outcome.definite)
      for (const one of opened) one.ok(null)
      transaction.ok(outputs.map(({ partition, id }, index): Json => {
        const result = sent[index]!.isSettled ? sent[index]!.result() : undefined
        return ['send', `${output.topic}-${partition}`, [result?.ok === true ? result.offset : null, id]]
      }))
      return 'on'
    },

    *close(): Task<void> {
      yield* producer.close(0)
    },
  }
}
