import { describe, expect, it } from 'vitest'
import type { Task } from '../../../src/base/task.ts'
import { ApiKey } from '../../../src/protocol/api-keys.ts'
import { ErrorCode } from '../../../src/protocol/errors.ts'
import { GroupBench } from './group-bench.ts'

const orders = (...partitions: number[]): { topic: string; partition: number }[] => partitions.map(partition => ({ topic: 'orders', partition }))

describe('joining', () => {
  it('takes the id that it is given, assigns as leader, and begins at the committed offsets', () => {
    const bench = new GroupBench()
    bench.committed.set('orders-1', 7)
    bench.consumer.subscribe(['orders'], bench.listener)
    const records = bench.polls(6)
    expect(bench.seen.filter(each => !each.startsWith('Heartbeat'))).toEqual([
      'FindCoordinator g', 'JoinGroup  range,cooperative-sticky owns', 'JoinGroup m-1 range,cooperative-sticky owns', 'SyncGroup m-1 1', 'OffsetFetch 0,1',
    ])
    expect(bench.told).toEqual(['assigned orders-0 orders-1'])
    expect(records.filter(each => each.startsWith('1:'))).toEqual(['1:7', '1:8', '1:9'])
    expect(records.filter(each => each.startsWith('0:'))).toHaveLength(10)
    expect(bench.consumer.groupMetadata()).toEqual({ groupId: 'g', generationId: 1, memberId: 'm-1', groupInstanceId: null })
  })

  it('shares out the partitions among the members', () => {
    const bench = new GroupBench({}, 5)
    bench.others.set('m-2', [])
    bench.consumer.subscribe(['orders'])
    bench.polls(4)
    expect(Object.fromEntries(bench.shares)).toEqual({ 'm-1': ['orders-0', 'orders-1', 'orders-2'], 'm-2': ['orders-3', 'orders-4'] })
  })

  it('waits while offsets of a transaction are not decided (requireStable)', () => {
    const bench = new GroupBench()
    bench.fail(ApiKey.OffsetFetch, ErrorCode.UNSTABLE_OFFSET_COMMIT, ErrorCode.UNSTABLE_OFFSET_COMMIT)
    bench.committed.set('orders-0', 4)
    bench.consumer.subscribe(['orders'])
    const records = bench.polls(8)
    expect(bench.of(ApiKey.OffsetFetch).every(({ body }) => body.requireStable)).toBe(true)
    expect(bench.of(ApiKey.OffsetFetch)).toHaveLength(3)
    expect(records).toContain('0:4')
    expect(records).not.toContain('0:3')
  })

  it('follows a coordinator that moves, and one that does not answer', () => {
    const bench = new GroupBench()
    bench.fail(ApiKey.JoinGroup, ErrorCode.NOT_COORDINATOR, null, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
    bench.consumer.subscribe(['orders'], bench.listener)
    bench.polls(20)
    expect(bench.told).toEqual(['assigned orders-0 orders-1'])
    expect(bench.seen.filter(each => each.startsWith('FindCoordinator'))).toHaveLength(3)
  })

  it('reports what makes it impossible', () => {
    const bench = new GroupBench()
    bench.fail(ApiKey.JoinGroup, ErrorCode.NONE, ErrorCode.GROUP_MAX_SIZE_REACHED)
    bench.consumer.subscribe(['orders'])
    expect(Array.from({ length: 4 }, () => bench.poll().error).filter(error => error !== undefined)).toEqual(['GROUP_MAX_SIZE_REACHED'])
  })

  it('finds the topics that match a pattern', () => {
    const bench = new GroupBench()
    bench.consumer.subscribe(/ord.*/, bench.listener)
    bench.polls(4)
    expect(bench.told).toEqual(['assigned orders-0 orders-1'])
    const other = new GroupBench()
    other.consumer.subscribe(/ord/, other.listener)
    other.polls(4)
    expect(other.told).toEqual(['assigned'])
  })
})

describe('a rebalance', () => {
  it('is begun by the heartbeat; the eager protocol gives up everything first', () => {
    const bench = new GroupBench().join()
    bench.others.set('m-2', [])
    bench.fail(ApiKey.Heartbeat, ErrorCode.REBALANCE_IN_PROGRESS)
    bench.polls(40)
    expect(bench.seen.filter(each => /Join|Sync/.test(each))).toEqual(['JoinGroup m-1 range,cooperative-sticky owns', 'SyncGroup m-1 2'])
    expect(bench.told).toEqual(['revoked orders-0 orders-1', 'assigned orders-0'])
  })

  it('under the cooperative protocol lets go only of what moves, and then joins again', () => {
    const bench = new GroupBench({ partitionAssignmentStrategy: ['cooperative-sticky'] }).join()
    bench.others.set('m-2', [])
    bench.fail(ApiKey.Heartbeat, ErrorCode.REBALANCE_IN_PROGRESS)
    bench.polls(40)
    expect(bench.seen.filter(each => /Join|Sync/.test(each))).toEqual([
      'JoinGroup m-1 cooperative-sticky owns orders-0,orders-1', 'SyncGroup m-1 2', 'JoinGroup m-1 cooperative-sticky owns orders-1', 'SyncGroup m-1 3',
    ])
    expect(bench.told).toEqual(['revoked orders-0', 'assigned', 'assigned'])
  })

  it('commits before partitions are given up, and hands out nothing of them meanwhile (KAFKA-14196)', () => {
    const bench = new GroupBench({ maxPollRecords: 4 }).join()
    bench.held.add(ApiKey.OffsetCommit)
    bench.fail(ApiKey.Heartbeat, ErrorCode.REBALANCE_IN_PROGRESS)
    bench.env.run(3_100)
    bench.logEnd = 30
    expect(bench.polls(5)).toEqual([])
    expect(bench.told).toEqual([])
    bench.release()
    bench.polls(3)
    expect(bench.told.slice(0, 1)).toEqual(['revoked orders-0 orders-1'])
    expect([...bench.committed.values()].every(offset => offset <= 10)).toBe(true)
  })

  it('lets the listener commit what is processed, before it is given up', () => {
    const bench = new GroupBench({ enableAutoCommit: false })
    const outcomes: unknown[] = []
    bench.listener = {
      * onPartitionsRevoked(): Task<void> {
        outcomes.push(yield* bench.consumer.commitSync())
      },
    }
    bench.join()
    bench.fail(ApiKey.Heartbeat, ErrorCode.REBALANCE_IN_PROGRESS)
    bench.polls(40)
    expect(outcomes).toEqual([{ ok: true }])
    expect([...bench.committed]).toEqual([['orders-0', 10], ['orders-1', 10]])
  })

  it('follows from more partitions, which the leader watches', () => {
    const bench = new GroupBench({ metadataMaxAgeMs: 500 }).join()
    bench.cluster.leaders.push({ leader: 1, epoch: 0 })
    bench.polls(20)
    expect(bench.told).toEqual(['revoked orders-0 orders-1', 'assigned orders-0 orders-1 orders-2'])
  })

  it('follows from another subscription', () => {
    const bench = new GroupBench().join()
    bench.consumer.subscribe(['orders', 'payments'], bench.listener)
    bench.polls(10)
    expect(bench.told).toEqual(['revoked orders-0 orders-1', 'assigned orders-0 orders-1'])
  })
})

describe('membership', () => {
  it('is lost with an unknown member id, and everything that was owned with it', () => {
    const bench = new GroupBench().join()
    bench.fail(ApiKey.Heartbeat, ErrorCode.UNKNOWN_MEMBER_ID)
    bench.polls(40)
    expect(bench.told).toEqual(['lost orders-0 orders-1', 'assigned orders-0 orders-1'])
    expect(bench.seen.filter(each => each.startsWith('Join'))).toEqual(['JoinGroup  range,cooperative-sticky owns', 'JoinGroup m-1 range,cooperative-sticky owns'])
  })

  it('is not touched by a late answer about the generation before', () => {
    const bench = new GroupBench().join()
    bench.held.add(ApiKey.Heartbeat)
    bench.env.run(3_100)
    bench.consumer.subscribe(['orders', 'payments'], bench.listener)
    bench.polls(5)
    bench.fail(ApiKey.Heartbeat, ErrorCode.UNKNOWN_MEMBER_ID)
    bench.release()
    bench.polls(5)
    expect(bench.told).toEqual(['revoked orders-0 orders-1', 'assigned orders-0 orders-1'])
    expect(bench.consumer.groupMetadata().generationId).toBe(2)
  })

  it('of an old generation keeps its id', () => {
    const bench = new GroupBench().join()
    bench.fail(ApiKey.Heartbeat, ErrorCode.ILLEGAL_GENERATION)
    bench.polls(40)
    expect(bench.told).toEqual(['lost orders-0 orders-1', 'assigned orders-0 orders-1'])
    expect(bench.seen.filter(each => each.startsWith('Join'))).toEqual(['JoinGroup m-1 range,cooperative-sticky owns'])
  })

  it('is kept alive while the application works, and given up when it does not poll for max.poll.interval.ms', () => {
    const bench = new GroupBench({ maxPollIntervalMs: 8_000 }).join()
    bench.env.run(7_900)
    expect(bench.seen).toEqual(['Heartbeat m-1 1', 'Heartbeat m-1 1'])
    bench.env.run(200)
    expect(bench.seen.at(-1)).toBe('LeaveGroup m-1')
    const before = bench.seen.length
    bench.env.run(20_000)
    expect(bench.seen).toHaveLength(before)
    bench.polls(4)
    expect(bench.told).toEqual(['lost orders-0 orders-1', 'assigned orders-0 orders-1'])
  })

  it('that is static does not leave, neither when it is slow nor when it closes', () => {
    const bench = new GroupBench({ groupInstanceId: 'i-1', maxPollIntervalMs: 5_000 }).join()
    bench.env.run(6_000)
    bench.polls(4)
    bench.env.await(bench.consumer.shutDown(1_000))
    expect(bench.seen.filter(each => each.startsWith('Leave'))).toEqual([])
    expect(bench.of(ApiKey.JoinGroup).every(({ body }) => body.groupInstanceId === 'i-1')).toBe(true)
  })

  it('of a fenced instance is reported', () => {
    const bench = new GroupBench({ groupInstanceId: 'i-1' }).join()
    bench.fail(ApiKey.Heartbeat, ErrorCode.FENCED_INSTANCE_ID)
    bench.env.run(3_100)
    expect(bench.poll().error).toBe('FENCED_INSTANCE_ID')
  })

  it('ends with unsubscribe', () => {
    const bench = new GroupBench().join()
    bench.env.await(bench.consumer.unsubscribe())
    expect(bench.told).toEqual(['revoked orders-0 orders-1'])
    expect(bench.seen).toEqual(['LeaveGroup m-1'])
    expect(bench.consumer.assignment).toEqual([])
    bench.consumer.assign(orders(1))
  })
})
