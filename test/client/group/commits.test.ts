import { describe, expect, it } from 'vitest'
import type { DefectId } from '../../../src/config/defects.ts'
import { ApiKey } from '../../../src/protocol/api-keys.ts'
import { ErrorCode } from '../../../src/protocol/errors.ts'
import { GroupBench } from './group-bench.ts'

const commits = (bench: GroupBench): string[] => bench.seen.filter(each => each.startsWith('OffsetCommit'))

describe('auto-commit', () => {
  it('commits every interval what earlier polls have handed out, not what this one is about to', () => {
    const bench = new GroupBench({ maxPollRecords: 4 })
    bench.consumer.subscribe(['orders'])
    const early = bench.polls(3)
    expect(early).toEqual(['0:0', '0:1', '0:2', '0:3', '0:4', '0:5', '0:6', '0:7'])
    bench.env.run(5_000)
    expect(commits(bench)).toEqual([])
    expect(bench.polls(1)).toEqual(['0:8', '0:9', '1:0', '1:1'])
    bench.env.run(10)
    expect(commits(bench)).toEqual(['OffsetCommit m-1 1 0:8 1:0'])
  })

  it('under KAFKA-18641 commits what is only about to be handed out', () => {
    const bench = new GroupBench({ maxPollRecords: 4 }, 2, ['KAFKA-18641'])
    bench.consumer.subscribe(['orders'])
    bench.polls(3)
    bench.env.run(5_000)
    expect(bench.polls(1)).toEqual(['0:8', '0:9', '1:0', '1:1'])
    bench.env.run(10)
    expect(commits(bench)).toEqual(['OffsetCommit m-1 1 0:10 1:2'])
  })

  it('commits at close, and leaves', () => {
    const bench = new GroupBench().join()
    bench.env.await(bench.consumer.shutDown(1_000))
    expect(bench.seen).toEqual(['OffsetCommit m-1 1 0:10 1:10', 'LeaveGroup m-1'])
    expect(bench.told).toEqual(['revoked orders-0 orders-1'])
  })

  it('is off when told, and an abrupt end commits nothing', () => {
    const bench = new GroupBench({ enableAutoCommit: false }).join()
    bench.env.run(6_000)
    bench.polls(2)
    bench.env.await(bench.consumer.shutDown(1_000))
    expect(commits(bench)).toEqual([])
    const abrupt = new GroupBench().join()
    abrupt.consumer.close()
    abrupt.env.run(10_000)
    expect(abrupt.seen).toEqual([])
  })

  it('tries again soon after a retriable error', () => {
    const bench = new GroupBench({ autoCommitIntervalMs: 1_000 }).join()
    bench.fail(ApiKey.OffsetCommit, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
    bench.env.run(1_000)
    bench.polls(3)
    expect(commits(bench)).toHaveLength(2)
  })
})

describe('commitSync', () => {
  const commit = (bench: GroupBench): unknown => bench.env.await(bench.consumer.commitSync([{ topic: 'orders', partition: 0, offset: 5, leaderEpoch: 2, metadata: 'x' }]))

  it('retries until it is committed, wherever the coordinator goes', () => {
    const bench = new GroupBench({ enableAutoCommit: false }).join()
    bench.fail(ApiKey.OffsetCommit, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.NOT_COORDINATOR, null)
    expect(commit(bench)).toEqual({ ok: true })
    expect(commits(bench)).toHaveLength(4)
    expect(bench.of(ApiKey.OffsetCommit).at(-1)!.body.topics[0]).toMatchObject({ partitions: [{ committedOffset: 5, committedLeaderEpoch: 2, committedMetadata: 'x' }] })
    expect(bench.env.observed('client-committed')).toMatchObject([{ memberId: 'm-1', generationId: 1, offsets: [{ topic: 'orders', partition: 0, offset: 5 }] }])
  })

  it('fails for a member that the group has gone on without, and it joins again', () => {
    const bench = new GroupBench({ enableAutoCommit: false }).join()
    bench.fail(ApiKey.OffsetCommit, ErrorCode.ILLEGAL_GENERATION)
    expect(commit(bench)).toEqual({ ok: false, error: 'COMMIT_FAILED', isRetriable: false, definite: true })
    expect(commit(bench)).toMatchObject({ ok: false, error: 'COMMIT_FAILED', definite: true })
    bench.polls(4)
    expect(commit(bench)).toEqual({ ok: true })
  })

  it('is not certainly without effect after an attempt that got no answer', () => {
    const bench = new GroupBench({ enableAutoCommit: false }).join()
    bench.fail(ApiKey.OffsetCommit, null, ErrorCode.UNKNOWN_MEMBER_ID)
    expect(commit(bench)).toMatchObject({ ok: false, error: 'COMMIT_FAILED', definite: false })
  })

  it('ends after default.api.timeout.ms', () => {
    const bench = new GroupBench({ enableAutoCommit: false, defaultApiTimeoutMs: 300 }).join()
    bench.held.add(ApiKey.OffsetCommit)
    expect(commit(bench)).toMatchObject({ ok: false, error: 'TIMEOUT', definite: false })
  })

  it('while the group rebalances says so', () => {
    const bench = new GroupBench({ enableAutoCommit: false }).join()
    bench.held.add(ApiKey.JoinGroup)
    bench.fail(ApiKey.Heartbeat, ErrorCode.REBALANCE_IN_PROGRESS)
    bench.polls(35)
    expect(commit(bench)).toEqual({ ok: false, error: 'REBALANCE_IN_PROGRESS', isRetriable: false, definite: true })
  })

  it.each<[string, readonly DefectId[]]>([
    ['is taken', []],
    // The member is in good standing, and is told that it is not.
    ['with KAFKA-19242 fails as if its partitions were lost', ['KAFKA-19242']],
  ])('just when the last answer of a rebalance has come %s', (_, defects) => {
    const bench = new GroupBench({ enableAutoCommit: false, partitionAssignmentStrategy: ['cooperative-sticky'] }, 2, defects).join()
    bench.held.add(ApiKey.SyncGroup)
    bench.fail(ApiKey.Heartbeat, ErrorCode.REBALANCE_IN_PROGRESS)
    bench.polls(35)
    bench.release()
    bench.env.run(10)
    expect(commit(bench)).toEqual(defects.length === 0 ? { ok: true } : { ok: false, error: 'COMMIT_FAILED', isRetriable: false, definite: true })
    bench.polls(2)
    expect(commit(bench)).toEqual({ ok: true })
    expect(bench.told).not.toContain('lost orders-0 orders-1')
  })
})

it('commitAsync is one attempt, and tells in a later call', () => {
  const bench = new GroupBench({ enableAutoCommit: false }).join()
  bench.fail(ApiKey.OffsetCommit, ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
  const outcomes: unknown[] = []
  bench.consumer.commitAsync(undefined, outcome => outcomes.push(outcome))
  bench.env.run(100)
  expect(outcomes).toEqual([])
  bench.polls(2)
  expect(outcomes).toEqual([{ ok: false, error: 'COORDINATOR_LOAD_IN_PROGRESS', isRetriable: true, definite: true }])
  expect(commits(bench)).toHaveLength(1)
})

describe('a consumer that assigns itself', () => {
  it('begins at what is committed, and commits without being a member', () => {
    const bench = new GroupBench({ enableAutoCommit: false })
    bench.committed.set('orders-0', 8)
    bench.consumer.assign([{ topic: 'orders', partition: 0 }])
    expect(bench.polls(4)).toEqual(['0:8', '0:9'])
    bench.env.await(bench.consumer.commitSync())
    expect(commits(bench)).toEqual(['OffsetCommit  -1 0:10'])
    const committed = bench.env.await(bench.consumer.committed([{ topic: 'orders', partition: 0 }, { topic: 'orders', partition: 1 }]))
    expect([...committed]).toEqual([['orders-0', { offset: 10, leaderEpoch: -1, metadata: '' }], ['orders-1', null]])
  })

  it('without group.id has no group', () => {
    const bench = new GroupBench({ groupId: null })
    expect(() => bench.consumer.subscribe(['orders'])).toThrow('subscribe needs a consumer with a group.id')
    expect(() => bench.consumer.groupMetadata()).toThrow('needs a consumer with a group.id')
  })
})
