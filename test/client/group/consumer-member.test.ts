import { expect, it } from 'vitest'
import { ApiKey } from '../../../src/protocol/api-keys.ts'
import { ErrorCode } from '../../../src/protocol/errors.ts'
import type { ConsumerConfig } from '../../../src/config/client.ts'
import { GroupBench } from './group-bench.ts'

const start = (config: Partial<ConsumerConfig> = {}): GroupBench => new GroupBench({ groupProtocol: 'consumer', enableAutoCommit: false, ...config })

/** A member that owns both partitions in epoch 1, with nothing in `seen` and `told`. */
function joined(config: Partial<ConsumerConfig> = {}): GroupBench {
  const bench = start(config)
  bench.target = [0, 1]
  return bench.join()
}

const beats = (bench: GroupBench): string[] => bench.seen.filter(each => each.startsWith('Consumer')).map(each => each.slice('ConsumerGroupHeartbeat '.length))

it('joins with epoch 0 and everything it wants, takes over what is assigned, and acknowledges it', () => {
  const bench = start()
  bench.target = [0, 1]
  bench.consumer.subscribe(['orders'], bench.listener)
  const records = bench.polls(20)
  expect(beats(bench)).toEqual(['0 wants orders owns', '1 owns 0,1', '1'])
  expect(bench.told).toEqual(['assigned orders-0 orders-1'])
  expect(records).toHaveLength(20)
  const [{ body }] = bench.of(ApiKey.ConsumerGroupHeartbeat) as unknown as [{ body: any }]
  expect(body).toMatchObject({ groupId: 'g', rebalanceTimeoutMs: 300_000, memberId: expect.stringMatching(/^[\w-]{22}$/) })
  expect(bench.consumer.groupMetadata()).toEqual({ groupId: 'g', generationId: 1, memberId: body.memberId, groupInstanceId: null })
})

it('lets the broker resolve a pattern', () => {
  const bench = start()
  bench.target = [1]
  bench.consumer.subscribe(/ord.*/, bench.listener)
  bench.polls(4)
  expect(beats(bench)[0]).toBe('0 wants  matching ^(?:ord.*)$ owns')
  expect(bench.told).toEqual(['assigned orders-1'])
})

it('revokes first: what goes away is committed and not returned any more before it is acknowledged', () => {
  const bench = joined({ enableAutoCommit: true })
  bench.target = [1]
  bench.held.add(ApiKey.OffsetCommit)
  bench.env.run(1_000)
  bench.logEnd = 20
  const meanwhile = bench.polls(3)
  expect(meanwhile.filter(each => each.startsWith('0:'))).toEqual([])
  expect(meanwhile.length).toBeGreaterThan(0)
  expect(bench.told).toEqual([])
  expect(beats(bench)).toEqual(['1'])
  bench.release()
  bench.polls(2)
  expect(bench.told).toEqual(['revoked orders-0', 'assigned'])
  expect(beats(bench)).toEqual(['1', '2 owns 1'])
  expect(bench.committed.get('orders-0')).toBe(10)
})

it('reconciles what is assigned meanwhile after what it has begun', () => {
  const bench = joined({ enableAutoCommit: true })
  bench.target = [1]
  bench.held.add(ApiKey.OffsetCommit)
  bench.env.run(1_000)
  bench.polls(3)
  bench.target = []
  bench.polls(12)
  bench.release()
  bench.polls(4)
  expect(bench.told.filter(each => each.startsWith('revoked'))).toEqual(['revoked orders-0', 'revoked orders-1'])
  expect(beats(bench).at(-1)).toBe('3 owns')
})

it.each([ErrorCode.FENCED_MEMBER_EPOCH, ErrorCode.UNKNOWN_MEMBER_ID])('that is fenced (%i) loses everything and joins again with epoch 0', error => {
  const bench = joined()
  bench.fail(ApiKey.ConsumerGroupHeartbeat, error)
  bench.env.run(1_050)
  bench.target = [0]
  bench.polls(4)
  expect(bench.told).toEqual(['lost orders-0 orders-1', 'assigned orders-0'])
  expect(beats(bench)).toEqual(['1', '0 wants orders owns', '2 owns 0'])
})

it('leaves when it does not poll for max.poll.interval.ms, and joins again in the next poll', () => {
  const bench = joined({ maxPollIntervalMs: 5_000 })
  bench.env.run(5_500)
  expect(beats(bench).at(-1)).toBe('-1')
  const before = beats(bench).length
  bench.env.run(10_000)
  expect(beats(bench)).toHaveLength(before)
  bench.target = [1]
  bench.polls(4)
  expect(bench.told).toEqual(['lost orders-0 orders-1', 'assigned orders-1'])
  expect(beats(bench)[before]).toBe('0 wants orders owns')
})

it('tells everything again after a heartbeat without an answer, at the coordinator that it finds', () => {
  const bench = joined()
  bench.fail(ApiKey.ConsumerGroupHeartbeat, null, ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
  bench.polls(30)
  expect(beats(bench).slice(0, 4)).toEqual(['1', '1 wants orders owns 0,1', '1 wants orders owns 0,1', '1 wants orders owns 0,1'])
  expect(bench.told).toEqual([])
})

it.each([['a dynamic member', null, '-1'], ['a static member for a while', 'i-1', '-2']])('%s leaves at close', (_, groupInstanceId, epoch) => {
  const bench = joined({ groupInstanceId, enableAutoCommit: true })
  bench.env.await(bench.consumer.shutDown(1_000))
  expect(bench.seen).toEqual([expect.stringMatching(/^OffsetCommit \S+ 1 0:10 1:10$/), `ConsumerGroupHeartbeat ${epoch}`])
  expect(bench.told).toEqual(['revoked orders-0 orders-1'])
})

it('commits under its member epoch, and not at all under one that the group has left behind', () => {
  const bench = joined()
  expect(bench.env.await(bench.consumer.commitSync())).toEqual({ ok: true })
  expect(bench.of(ApiKey.OffsetCommit)[0]!.body.generationIdOrMemberEpoch).toBe(1)
  bench.fail(ApiKey.OffsetCommit, ErrorCode.STALE_MEMBER_EPOCH)
  expect(bench.env.await(bench.consumer.commitSync())).toEqual({ ok: false, error: 'COMMIT_FAILED', isRetriable: false, definite: true })
})

it('reports what makes membership impossible, and stops', () => {
  const bench = start({ groupRemoteAssignor: 'none' })
  bench.fail(ApiKey.ConsumerGroupHeartbeat, ErrorCode.UNSUPPORTED_ASSIGNOR)
  bench.consumer.subscribe(['orders'])
  expect(Array.from({ length: 5 }, () => bench.poll().error).filter(error => error !== undefined)).toEqual(['UNSUPPORTED_ASSIGNOR'])
  const before = bench.seen.length
  bench.env.run(10_000)
  expect(bench.seen).toHaveLength(before)
})
