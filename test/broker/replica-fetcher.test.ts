import { describe, expect, test } from 'vitest'
import { Future } from '../../src/base/task.ts'
import type { Task } from '../../src/base/task.ts'
import type { DefectId } from '../../src/config/defects.ts'
import type { FetchState } from '../../src/broker/fetch-state.ts'
import type { LeaderEndpoint, ListedOffset } from '../../src/broker/leader-endpoint.ts'
import { LATEST_TIMESTAMP } from '../../src/broker/partition-reads.ts'
import { ReplicaFetcher } from '../../src/broker/replica-fetcher.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import type { FetchResponse, FetchResponsePartitionData } from '../../src/protocol/generated/types.ts'
import { stampOffsets } from '../../src/protocol/records/record-batch.ts'
import { TOPIC_ID, batch, contents } from '../storage/log-fixture.ts'
import { Fixture } from './partition-fixture.ts'

const BACKOFF_MS = 1_000

/** Broker 1 follows broker 2 in leader epoch 5; the test answers its fetches. */
function following(o: { epochs?: readonly number[]; highWatermark?: number; defects?: readonly DefectId[]; listed?: Record<'latest' | 'earliest', number> } = {}) {
  const f = new Fixture({ defects: o.defects ?? [] })
  f.fill(...(o.epochs ?? []))
  f.log.updateHighWatermark(o.highWatermark ?? 0)
  f.partition.makeFollower({ ...f.registration, leader: 2 })
  const fetches: { readonly states: readonly FetchState[]; readonly reply: Future<FetchResponse | undefined> }[] = []
  const leader = {
    leaderId: 2,
    *fetch(states: readonly FetchState[]): Task<FetchResponse | undefined> {
      const reply = new Future<FetchResponse | undefined>()
      fetches.push({ states, reply })
      return yield* reply.wait()
    },
    *listOffset(_state: FetchState, timestamp: number): Task<ListedOffset> {
      return { ok: true, offset: timestamp === LATEST_TIMESTAMP ? o.listed!.latest : o.listed!.earliest }
    },
    close() {},
  }
  const fetcher = new ReplicaFetcher(f.env, { leader: leader as unknown as LeaderEndpoint, backoffMs: BACKOFF_MS, onHighWatermarks: () => {} })
  f.env.run(fetcher.add([f.partition]))
  const answer = (data: Partial<FetchResponsePartitionData>): void => {
    const partition = {
      partitionIndex: 0, errorCode: 0, highWatermark: 0, lastStableOffset: 0, logStartOffset: 0, divergingEpoch: { epoch: -1, endOffset: -1 },
      currentLeader: { leaderId: -1, leaderEpoch: -1 }, snapshotId: { endOffset: -1, epoch: -1 }, abortedTransactions: null, preferredReadReplica: -1, records: null, ...data,
    }
    fetches.at(-1)!.reply.complete({ throttleTimeMs: 0, errorCode: 0, sessionId: 0, nodeEndpoints: [], responses: [{ topic: '', topicId: TOPIC_ID, partitions: [partition] }] })
    f.env.settle()
  }
  const asked = (): [number, number | undefined] => [fetches.at(-1)!.states[0]!.fetchOffset, fetches.at(-1)!.states[0]!.lastFetchedEpoch]
  return { f, fetcher, fetches, answer, asked }
}

function records(offset: number, epoch: number, ...values: string[]): Uint8Array {
  const bytes = batch(values)
  stampOffsets(bytes, 0, offset, epoch)
  return bytes
}

describe('a fetched batch', () => {
  test('is appended; high watermark and log start follow', () => {
    const { f, answer, asked } = following({ epochs: [4] })
    expect(asked()).toEqual([1, 4])
    answer({ records: records(1, 5, 'b', 'c'), highWatermark: 2 })
    expect(contents(f.log)).toEqual(['0:x', '1:b', '2:c'])
    expect([f.highWatermark, asked()]).toEqual([2, [3, 5]])
  })

  test('of a later epoch than the fetch is not', () => {
    const { f, answer, asked } = following()
    answer({ records: records(0, 6, 'a') })
    expect([f.log.logEndOffset, asked()[0]]).toEqual([0, 0])
  })

  test('is not applied when the partition has moved to another epoch meanwhile', () => {
    const { f, fetcher, answer } = following({ epochs: [4] })
    f.partition.makeFollower({ ...f.registration, leader: 2, leaderEpoch: 6, partitionEpoch: 8 })
    f.env.run(fetcher.remove([f.partition.key]))
    f.env.run(fetcher.add([f.partition]))
    answer({ records: records(1, 5, 'late') })
    expect(f.log.logEndOffset).toBe(1)
  })
})

describe('divergence', () => {
  test('cuts the log and takes over no watermark', () => {
    const { f, answer, asked } = following({ epochs: [3, 3, 4], highWatermark: 1 })
    answer({ divergingEpoch: { epoch: 3, endOffset: 1 }, highWatermark: 9 })
    expect([f.log.logEndOffset, f.highWatermark, asked()]).toEqual([1, 1, [1, 3]])
  })

  test('KIP-101: becoming follower keeps records above the high watermark until the leader objects', () => {
    expect(following({ epochs: [4, 4], highWatermark: 1 }).f.log.logEndOffset).toBe(2)
    expect(following({ epochs: [4, 4], highWatermark: 1, defects: ['KIP-101'] }).f.log.logEndOffset).toBe(1)
  })

  test('KAFKA-7164: without a restart the new epoch is fetched without a look for divergence', () => {
    const { f, fetcher, answer, asked } = following({ epochs: [4, 4] })
    f.partition.makeFollower({ ...f.registration, leader: 2, leaderEpoch: 6, partitionEpoch: 8 })
    fetcher.keepFetching(f.partition)
    answer({})
    expect(asked()).toEqual([2, undefined])
  })

  test('KAFKA-7164: an epoch too old for the leader is no reason to stop', () => {
    const { f, fetcher, fetches, answer, asked } = following({ epochs: [4, 4], defects: ['KAFKA-7164'] })
    answer({ errorCode: ErrorCode.FENCED_LEADER_EPOCH })
    f.partition.makeFollower({ ...f.registration, leader: 2, leaderEpoch: 6, partitionEpoch: 8 })
    fetcher.keepFetching(f.partition)
    f.env.advance(BACKOFF_MS + 1)
    expect([fetches.length, asked()]).toEqual([2, [2, undefined]])
  })

  test('KIP-279: of the own epochs nothing counts', () => {
    const cut = (defects: readonly DefectId[]): number => {
      const { f, answer } = following({ epochs: [3, 4, 4, 4], defects })
      answer({ divergingEpoch: { epoch: 3, endOffset: 2 } })
      return f.log.logEndOffset
    }
    expect([cut([]), cut(['KIP-279'])]).toEqual([1, 2])
  })

  test('KAFKA-7415: a leader that knows nothing of the epoch leaves only the high watermark', () => {
    const { f, answer, asked } = following({ epochs: [3, 3, 4], highWatermark: 1, defects: ['KAFKA-7415'] })
    answer({ divergingEpoch: { epoch: 4, endOffset: -1 }, highWatermark: 2 })
    expect([f.log.logEndOffset, f.highWatermark, asked()]).toEqual([1, 1, [1, undefined]])
  })
})

describe('an offset out of range', () => {
  test.each([
    { name: 'the leader ends below: cut', listed: { latest: 1, earliest: 0 }, end: 1, start: 0, highWatermark: 1 },
    { name: 'the leader starts above: start anew', listed: { latest: 9, earliest: 6 }, end: 6, start: 6, highWatermark: 6 },
    { name: 'neither: keep the log', listed: { latest: 9, earliest: 0 }, end: 2, start: 0, highWatermark: 2 },
  ])('$name', ({ listed, end, start, highWatermark }) => {
    const { f, answer, asked } = following({ epochs: [4, 4], highWatermark: 2, listed })
    answer({ errorCode: ErrorCode.OFFSET_OUT_OF_RANGE })
    expect([f.log.logEndOffset, f.log.logStartOffset, f.highWatermark, asked()[0]]).toEqual([end, start, highWatermark, end])
  })
})

describe('an error', () => {
  test('FENCED_LEADER_EPOCH of the current epoch stops the partition until it is added again', () => {
    const { f, fetcher, fetches, answer } = following()
    answer({ errorCode: ErrorCode.FENCED_LEADER_EPOCH })
    f.env.advance(10 * BACKOFF_MS)
    expect(fetches).toHaveLength(1)
    f.env.run(fetcher.add([f.partition]))
    f.env.settle()
    expect(fetches).toHaveLength(2)
  })

  test.each([ErrorCode.UNKNOWN_LEADER_EPOCH, ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.UNKNOWN_TOPIC_ID])('%i backs off', code => {
    const { f, fetches, answer } = following()
    answer({ errorCode: code })
    f.env.advance(BACKOFF_MS - 1)
    expect(fetches).toHaveLength(1)
    f.env.advance(2)
    expect(fetches).toHaveLength(2)
  })

  test('of the connection backs off', () => {
    const { f, fetches } = following()
    fetches[0]!.reply.complete(undefined)
    f.env.settle()
    expect(fetches).toHaveLength(1)
    f.env.advance(BACKOFF_MS + 1)
    expect(fetches).toHaveLength(2)
  })
})

describe('an epoch without records', () => {
  test.each([
    { name: 'is forgotten when the leader says that the log diverges at its end', defects: [], next: [1, 3] },
    { name: 'KAFKA-10706 switched on: is offered again and again', defects: ['KAFKA-10706'] as const, next: [1, 5] },
  ])('$name', ({ defects, next }) => {
    const { f, answer, asked, fetcher } = following({ epochs: [3], defects })
    f.log.assignEpochStart(5, 1)
    f.env.run(fetcher.remove([f.partition.key]))
    f.partition.makeFollower({ ...f.registration, leader: 2, leaderEpoch: 6, partitionEpoch: 8 })
    f.env.run(fetcher.add([f.partition]))
    answer({})
    expect(asked()).toEqual([1, 5])
    answer({ divergingEpoch: { epoch: 3, endOffset: 1 } })
    expect(asked()).toEqual(next)
  })
})
