/**
 * Outputs go to another topic by an idempotent producer without transactions, and the position is committed after they are
 * acknowledged. Idempotence keeps the broker from writing a batch twice within one producer session; an instance that
 * takes over where another died before its commit writes outputs again: at least once.
 */
import { all, type Task } from '../src/base/task.ts'
import type { ConsumerRecord } from '../src/client/completed-fetch.ts'
import { Producer } from '../src/client/producer.ts'
import { DEFAULT_PRODUCER_CONFIG } from '../src/config/client.ts'
import { encodeOutput, nextOutputId } from './copy-sink.ts'
import { commitRecorded, type GroupMember } from './group-member.ts'
import { type Instance, positionsAfter, recordOutputs, type Sink, type Step, work } from './pipeline.ts'

export function idempotentCopySink(instance: Instance, output: { readonly topic: string; readonly partitions: number }): Sink {
  const { env, recorder, name, outside, payload } = instance
  const producer = new Producer(env, { ...DEFAULT_PRODUCER_CONFIG, ...instance.producer })
  return {
    *process(records: readonly ConsumerRecord[], member: GroupMember): Task<Step> {
      const opened = recordOutputs(recorder, records)
      const sent = records.map(record => {
        const id = nextOutputId(outside)
        const partition = record.partition % output.partitions
        const told = recorder.invoke('send', [['send', `${output.topic}-${partition}`, id]], { producer: name })
        const result = producer.send({ topic: output.topic, partition, ...encodeOutput(id, record, payload) })
        result.onSettled(() => {
          const answer = result.result()
          if (answer.ok) told.ok([['send', `${output.topic}-${partition}`, [answer.offset, id]]])
          else if (answer.definite) told.fail(answer.error)
          else told.info(answer.error)
        })
        return result
      })
      const results = yield* all(sent)
      results.forEach((result, index) => {
        if (result.ok) opened[index]!.ok(null)
        else if (result.definite) opened[index]!.fail(result.error)
        else opened[index]!.info(result.error)
      })
      // What was not acknowledged must be written again.
      if (results.some(({ ok }) => !ok)) return 'rewind'
      yield* work(instance)
      yield* commitRecorded(member, positionsAfter(records))
      return 'on'
    },

    *close(): Task<void> {
      yield* producer.close(0)
    },
  }
}
