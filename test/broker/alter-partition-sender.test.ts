import { expect, test } from 'vitest'
import { AlterPartitionSender } from '../../src/broker/alter-partition-sender.ts'
import type { IsrChange, IsrChangeReply } from '../../src/broker/alter-partition-sender.ts'
import type { ControllerReply } from '../../src/broker/controller-channel.ts'
import { Future } from '../../src/base/task.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import type { AlterPartitionRequest } from '../../src/protocol/generated/types.ts'
import { FakeEnv } from '../storage/fake-env.ts'

const change = (partition: number, partitionEpoch = 7): IsrChange => ({ topicId: 't', partition, leaderEpoch: 5, partitionEpoch, isr: [{ brokerId: 1, brokerEpoch: 11 }] })

function fixture() {
  const env = new FakeEnv()
  const requests: { body: AlterPartitionRequest; reply: Future<ControllerReply> }[] = []
  const channel = {
    send(_apiKey: number, body: object) {
      const reply = new Future<ControllerReply>()
      requests.push({ body: body as AlterPartitionRequest, reply })
      return reply
    },
  }
  const sender = new AlterPartitionSender(env, { brokerId: 1, brokerEpoch: () => 11, channel })
  const replies: string[] = []
  const submit = (partition: number): void => sender.submit(change(partition), (reply: IsrChangeReply) => replies.push(`${partition}:${reply.ok ? 'ok' : reply.errorCode}`))
  const answer = (index: number, errorCode: number, partitions: readonly number[]): void => {
    const topics = [{ topicId: 't', partitions: partitions.map(partitionIndex => ({ partitionIndex, errorCode: 0 })) }]
    requests[index]!.reply.complete({ ok: true, body: { errorCode, topics } })
    env.settle()
  }
  const asked = (index: number): number[] => requests[index]!.body.topics.flatMap(topic => topic.partitions.map(partition => partition.partitionIndex))
  return { env, requests, replies, submit, answer, asked }
}

test('one request in flight carries all changes that wait', () => {
  const { env, requests, replies, submit, answer, asked } = fixture()
  submit(0)
  env.settle()
  submit(1)
  submit(2)
  env.settle()
  expect(requests.map((_, i) => asked(i))).toEqual([[0]])
  answer(0, 0, [0])
  expect(requests.map((_, i) => asked(i))).toEqual([[0], [1, 2]])
  expect(replies).toEqual(['0:ok'])
})

test('a second change of a partition is not attempted while the first waits', () => {
  const { env, replies, submit } = fixture()
  submit(0)
  env.settle()
  submit(0)
  expect(replies).toEqual([`0:${ErrorCode.OPERATION_NOT_ATTEMPTED}`])
})

test('a top-level error and a partition left out of the answer are repeated', () => {
  const { env, requests, replies, submit, answer, asked } = fixture()
  submit(0)
  submit(1)
  env.settle()
  answer(0, ErrorCode.STALE_BROKER_EPOCH, [])
  expect(requests).toHaveLength(1)
  env.advance(50)
  answer(1, 0, [1])
  expect([replies, asked(2)]).toEqual([['1:ok'], [0]])
})
