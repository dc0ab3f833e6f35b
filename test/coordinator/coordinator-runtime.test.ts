/** The runtime under coordinators: appended is decided on, committed is read, and what is lost with leadership is answered. */
import { describe, expect, test } from 'vitest'
import type { Future } from '../../src/base/task.ts'
import type { DefectId } from '../../src/config/defects.ts'
import { GROUP_TOPIC } from '../../src/coordinator/internal-topics.ts'
import { coordinatorRecord } from '../../src/coordinator/coordinator-record.ts'
import type { CoordinatorRecord } from '../../src/coordinator/coordinator-record.ts'
import type { RecordPosition } from '../../src/coordinator/load-state.ts'
import { CoordinatorRuntime } from '../../src/coordinator/runtime/coordinator-runtime.ts'
import type { CoordinatorState } from '../../src/coordinator/runtime/shard.ts'
import { ApiError } from '../../src/protocol/api-error.ts'
import { ErrorCode, errorName } from '../../src/protocol/errors.ts'
import { FakeEnv } from '../client/fake-env.ts'
import { MemoryStateLogs } from './memory-state-logs.ts'

/** Offsets by group; of transactions once they commit. */
class Offsets implements CoordinatorState {
  readonly byGroup = new Map<string, number>()
  private readonly open = new Map<number, [string, number][]>()

  replay(record: CoordinatorRecord, { producerId }: RecordPosition): void {
    if (record.type !== 'OffsetCommit') return
    if (producerId >= 0) this.open.set(producerId, [...(this.open.get(producerId) ?? []), [record.key.group, record.value!.offset]])
    else if (record.value === null) this.byGroup.delete(record.key.group)
    else this.byGroup.set(record.key.group, record.value.offset)
  }

  replayEndTransaction(producerId: number, _epoch: number, commit: boolean): void {
    for (const [group, offset] of this.open.get(producerId) ?? []) if (commit) this.byGroup.set(group, offset)
    this.open.delete(producerId)
  }
}

const commitOf = (group: string, offset: number | null): CoordinatorRecord =>
  coordinatorRecord('OffsetCommit', { group, topic: 'orders', partition: 0 }, offset === null ? null : { offset })

function setUp(o: { loadMs?: number; defects?: readonly DefectId[] } = {}) {
  const env = new FakeEnv(undefined, undefined, new Set(o.defects))
  const logs = new MemoryStateLogs()
  const events: string[] = []
  const runtime = new CoordinatorRuntime<Offsets>(env, {
    topic: GROUP_TOPIC, partitions: 3, logs, writeTimeoutMs: 5_000, loadMs: o.loadMs ?? 0, createState: () => new Offsets(),
    onLoaded: ({ coordinatorEpoch, state }) => events.push(`loaded ${coordinatorEpoch} with ${state.byGroup.size}`),
    onUnloaded: ({ coordinatorEpoch }) => events.push(`unloaded ${coordinatorEpoch}`),
  })
  const write = (group: string, offset: number, refused: number[] = []): Future<string> =>
    runtime.write(0, 'commit', () => ({ records: [commitOf(group, offset)], response: 'done', onRefused: code => refused.push(code) }))
  return { env, logs, runtime, events, write }
}

function outcome(future: Future<unknown>): unknown {
  if (!future.isSettled) return 'waiting'
  try {
    return future.result()
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return errorName(error.code)
  }
}

describe('a shard', () => {
  test('decides on what is appended, reads what is committed and answers when the high watermark has passed', () => {
    const { env, logs, runtime, write } = setUp()
    logs.commitsAtOnce = false
    runtime.onElection(0, 1)
    env.run(1)
    const done = write('g', 7)
    env.run(1)
    expect(outcome(done)).toBe('waiting')
    expect(runtime.read(0, shard => [shard.state.byGroup.get('g'), shard.committed().byGroup.get('g')])).toEqual([7, undefined])
    logs.commit(0)
    env.run(1)
    expect(outcome(done)).toBe('done')
    expect(runtime.read(0, shard => shard.committed().byGroup.get('g'))).toBe(7)
  })

  test('an operation without records waits for what was written before it', () => {
    const { env, logs, runtime, write } = setUp()
    logs.commitsAtOnce = false
    runtime.onElection(0, 1)
    env.run(1)
    write('g', 7)
    const look = runtime.write(0, 'look', shard => ({ records: [], response: shard.state.byGroup.get('g') }))
    env.run(1)
    expect(outcome(look)).toBe('waiting')
    logs.commit(0)
    expect(outcome(look)).toBe(7)
  })

  test('a refused append changes nothing, and tells the client to come back', () => {
    const { env, logs, runtime, write } = setUp()
    runtime.onElection(0, 1)
    env.run(1)
    logs.log(0).refusal = ErrorCode.NOT_ENOUGH_REPLICAS
    const refused: number[] = []
    const done = write('g', 7, refused)
    env.run(1)
    expect(outcome(done)).toBe('COORDINATOR_NOT_AVAILABLE')
    expect(refused).toEqual([ErrorCode.NOT_ENOUGH_REPLICAS])
    expect(runtime.read(0, shard => shard.state.byGroup.size)).toBe(0)
  })

  test('offsets of a transaction count when its marker commits, not before, and never when it aborts', () => {
    const { env, runtime } = setUp()
    runtime.onElection(0, 1)
    env.run(1)
    for (const producerId of [5, 6]) runtime.write(0, 'txn-commit', () => ({ records: [commitOf(`g${producerId}`, producerId)], response: 0 }), { producer: { producerId, producerEpoch: 0 } })
    env.run(1)
    expect(runtime.read(0, shard => shard.committed().byGroup.size)).toBe(0)
    const done = [runtime.completeTransaction(0, { producerId: 5, producerEpoch: 0, coordinatorEpoch: 0, commit: true, transactionVersion: 2 }), runtime.completeTransaction(0, { producerId: 6, producerEpoch: 0, coordinatorEpoch: 0, commit: false, transactionVersion: 2 })]
    env.run(1)
    expect(done.map(outcome)).toEqual([undefined, undefined])
    expect(runtime.read(0, shard => [...shard.committed().byGroup])).toEqual([['g5', 5]])
  })

  test.each<[string, readonly DefectId[], readonly [string, number][]]>([
    ['are not those of the next', [], [['first', 1]]],
    // The marker of the first is answered, and done only after the second has begun.
    ['are, with KAFKA-17507, and stay when it aborts', ['KAFKA-17507'], [['first', 1], ['second', 2]]],
  ])('offsets of the transaction that ends %s', (_, defects, expected) => {
    const { env, runtime } = setUp({ defects })
    runtime.onElection(0, 1)
    env.run(1)
    const add = (group: string, offset: number): void => void runtime.write(0, 'txn-commit', () => ({ records: [commitOf(group, offset)], response: 0 }), { producer: { producerId: 5, producerEpoch: 0 } })
    const end = (commit: boolean): Future<void> => runtime.completeTransaction(0, { producerId: 5, producerEpoch: 0, coordinatorEpoch: 0, commit, transactionVersion: 1 })
    add('first', 1)
    env.run(1)
    const ended = end(true)
    ended.onSettled(() => add('second', 2))
    env.run(1)
    end(false)
    env.run(1)
    expect(ended.isSettled).toBe(true)
    expect(runtime.read(0, shard => [...shard.committed().byGroup])).toEqual(expected)
  })

  test('the log is asked for no more than its leader, with proof of the transaction and the version of its marker', () => {
    const { env, logs, runtime } = setUp()
    runtime.onElection(0, 1)
    env.run(1)
    const guard = { producerId: 5 }
    runtime.write(0, 'txn-commit', () => ({ records: [commitOf('g', 1)], response: 0 }), { producer: { producerId: 5, producerEpoch: 0 }, guard })
    runtime.completeTransaction(0, { producerId: 5, producerEpoch: 1, coordinatorEpoch: 0, commit: true, transactionVersion: 2 })
    env.run(1)
    expect(logs.appends).toEqual([{ proof: { guard }, acks: 1 }, { proof: { transactionVersion: 2 }, acks: 1 }])
  })
})

describe('leadership', () => {
  test('what was not committed is lost with it, answered with NOT_COORDINATOR, and absent after the next load', () => {
    const { env, logs, runtime, events, write } = setUp()
    runtime.onElection(0, 1)
    env.run(1)
    write('kept', 1)
    env.run(1)
    logs.commitsAtOnce = false
    const lost = write('lost', 2)
    env.run(1)
    logs.loseLeadership(0)
    runtime.onResignation(0, 2)
    expect(outcome(lost)).toBe('NOT_COORDINATOR')
    expect(() => runtime.read(0, () => 0)).toThrow('NOT_COORDINATOR')
    runtime.onElection(0, logs.lead(0))
    env.run(1)
    expect(runtime.read(0, shard => [...shard.state.byGroup])).toEqual([['kept', 1]])
    expect(runtime.read(0, shard => [...shard.committed().byGroup])).toEqual([['kept', 1]])
    expect(events).toEqual(['loaded 1 with 0', 'unloaded 1', 'loaded 2 with 1'])
  })

  test('nothing is served while it loads, and a load that is overtaken never serves', () => {
    const { env, logs, runtime, events, write } = setUp({ loadMs: 10 })
    runtime.onElection(0, 1)
    env.run(1)
    write('g', 1)
    env.run(1)
    runtime.onElection(0, logs.lead(0))
    expect(outcome(write('g', 2))).toBe('COORDINATOR_LOAD_IN_PROGRESS')
    runtime.onElection(0, logs.lead(0))
    env.run(100)
    expect(events).toEqual(['loaded 1 with 0', 'unloaded 1', 'loaded 3 with 1'])
    expect(outcome(write('g', 3))).toBe('waiting')
    env.run(1)
    expect(runtime.read(0, shard => shard.committed().byGroup.get('g'))).toBe(3)
  })

  test('news of an older epoch is no news', () => {
    const { env, runtime, events } = setUp()
    runtime.onElection(0, 5)
    env.run(1)
    // The log in memory is in epoch 1: this shard never loads, but it does not go either.
    runtime.onResignation(0, 4)
    runtime.onElection(0, 3)
    expect(() => runtime.read(0, () => 0)).toThrow('COORDINATOR_LOAD_IN_PROGRESS')
    runtime.onResignation(0, undefined)
    expect(() => runtime.read(0, () => 0)).toThrow('NOT_COORDINATOR')
    expect(events).toEqual([])
  })
})

describe('timers', () => {
  test('fire once, are replaced by name, and come again when the log refuses', () => {
    const { env, logs, runtime } = setUp()
    runtime.onElection(0, 1)
    env.run(1)
    const fired: string[] = []
    runtime.read(0, shard => {
      const timer = (text: string) => () => {
        fired.push(text)
        return [commitOf('t', fired.length)]
      }
      shard.schedule('a', 50, timer('replaced'))
      shard.schedule('a', 100, timer('a'))
      shard.schedule('b', 100, timer('cancelled'))
      shard.cancel('b')
    })
    logs.log(0).refusal = ErrorCode.NOT_ENOUGH_REPLICAS
    env.run(200)
    expect(fired).toEqual(['a'])
    logs.log(0).refusal = ErrorCode.NONE
    env.run(600)
    expect(fired).toEqual(['a', 'a'])
    expect(runtime.read(0, shard => shard.committed().byGroup.get('t'))).toBe(2)
    env.run(5000)
    expect(fired).toEqual(['a', 'a'])
  })
})
