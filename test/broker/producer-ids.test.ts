/** Blocks of producer ids on a broker: asked for in time, never overlapping (KAFKA-20031). */
import { expect, it } from 'vitest'
import { ProducerIds } from '../../src/broker/producer-ids.ts'
import type { ControllerReply } from '../../src/broker/controller-channel.ts'
import { Future } from '../../src/base/task.ts'
import type { DefectId } from '../../src/config/defects.ts'
import { FakeEnv } from '../storage/fake-env.ts'

/** Ids that a broker gives out when the controller answers with these blocks, in turn; `none` when there is no block. */
function take(count: number, blocks: readonly (readonly [start: number, length: number])[], ...defects: readonly DefectId[]): (number | 'none')[] {
  const env = new FakeEnv(undefined, { defects: new Set(defects) })
  const waiting = [...blocks]
  const channel = {
    send: (): Future<ControllerReply> => {
      const [start, length] = waiting.shift() ?? [-1, 0]
      const body = { throttleTimeMs: 0, errorCode: start < 0 ? 7 : 0, producerIdStart: start, producerIdLen: length }
      return Future.completed<ControllerReply>({ ok: true, body })
    },
  }
  const ids = new ProducerIds(env, { brokerId: 1, brokerEpoch: () => 1, channel })
  const taken: (number | 'none')[] = []
  for (let i = 0; i < count; i++) {
    taken.push(ids.next() ?? 'none')
    env.advance(200)
  }
  return taken
}

it('gives out one block after the other', () => {
  expect(take(8, [[0, 3], [10, 3], [20, 3]])).toEqual(['none', 0, 1, 2, 10, 11, 12, 20])
})

it('does not take a block that overlaps the last one', () => {
  expect(take(6, [[0, 3], [2, 3], [10, 3]])).toEqual(['none', 0, 1, 2, 'none', 10])
  expect(take(6, [[0, 3], [2, 3], [10, 3]], 'KAFKA-20031')).toEqual(['none', 0, 1, 2, 2, 3])
  expect(take(6, [[0, 3], [0, 3], [10, 3]])).toEqual(['none', 0, 1, 2, 'none', 10])
})
