import { describe, expect, it } from 'vitest'
import { DEFAULT_SERVER_CONFIG } from '../../src/config/cluster.ts'
import type { DefectId } from '../../src/config/defects.ts'
import { LogManager } from '../../src/storage/log-manager.ts'
import { FakeDisk, FakeEnv } from './fake-env.ts'
import { batch, contents, topicConfig } from './log-fixture.ts'

const A = 'AAAAAAAAAAAAAAAAAAAAAA'.replace(/.$/, 'g')
const B = 'AAAAAAAAAAAAAAAAAAAAAA'.replace(/.$/, 'w')

function start(disk = new FakeDisk(), defects: readonly DefectId[] = []): { env: FakeEnv; manager: LogManager; clean: boolean; previousBrokerEpoch: number } {
  const env = new FakeEnv(disk, { defects: new Set(defects) })
  const server = { ...DEFAULT_SERVER_CONFIG, logRetentionCheckIntervalMs: 1000, logSegmentDeleteDelayMs: 500 }
  const manager = new LogManager(env, server, () => topicConfig({ segmentBytes: 250, retentionMs: 10_000 }))
  const { cleanShutdown, previousBrokerEpoch } = env.run(manager.load())
  return { env, manager, clean: cleanShutdown, previousBrokerEpoch }
}

describe('LogManager', () => {
  it('brings back every log, its topic id and offsets after a clean shutdown, and knows that it was clean once', () => {
    const first = start()
    expect([first.clean, first.previousBrokerEpoch]).toEqual([false, -1])
    const log = first.manager.getOrCreate('my-topic', A, 3)
    for (let i = 0; i < 8; i++) log.appendAsLeader(batch([`v${i}`]), 0, 'client')
    log.updateHighWatermark(7)
    log.maybeIncrementLogStartOffset(4, 'delete-records')
    first.env.run(first.manager.shutdown(42))
    first.env.disk.loseUnsynced()

    const second = start(first.env.disk)
    expect([second.clean, second.previousBrokerEpoch]).toEqual([true, 42])
    const again = second.manager.get(A, 3)!
    expect([again.topic, again.logStartOffset, again.highWatermark, again.logEndOffset, again.recoveryPoint]).toEqual(['my-topic', 4, 7, 8, 8])
    expect(contents(again)[0]).toBe('4:v4')

    const third = start(second.env.disk)
    expect([third.clean, third.previousBrokerEpoch]).toEqual([false, -1])
    expect(third.manager.get(A, 3)!.logEndOffset).toBe(8)
  })

  it.each([
    { name: 'dies while it loads: the next start is unclean', defects: [], isRemoved: true, syncs: 1 },
    { name: 'KAFKA-10471 switched on: and passes for clean again', defects: ['KAFKA-10471'] as const, isRemoved: false, syncs: 0 },
  ])('$name', ({ defects, isRemoved, syncs }) => {
    const first = start()
    for (const partition of [0, 1]) first.manager.getOrCreate('orders', A, partition).appendAsLeader(batch(['v']), 0, 'client')
    first.env.run(first.manager.shutdown(42))
    const { disk } = first.env
    let directoriesSynced = 0
    disk.syncDirectory = function* () {
      directoriesSynced++
    }
    const env = new FakeEnv(disk, { defects: new Set(defects) })
    let markersSeenWhileLoading = 0
    env.pause = function* (label?: string) {
      if (label === 'log.load' && disk.exists('data/.kafka_cleanshutdown')) markersSeenWhileLoading++
    }
    env.run(new LogManager(env, DEFAULT_SERVER_CONFIG, () => topicConfig()).load())
    expect([markersSeenWhileLoading, directoriesSynced]).toEqual([isRemoved ? 0 : 2, syncs])
    expect(disk.exists('data/.kafka_cleanshutdown')).toBe(false)
  })

  it('keeps topics of one name apart', () => {
    const { env, manager } = start()
    manager.getOrCreate('orders', A, 0).appendAsLeader(batch(['old']), 0, 'client')
    expect(() => manager.getOrCreate('orders', B, 0)).toThrow('INCONSISTENT_TOPIC_ID')
    manager.delete(A, 0)
    expect(manager.get(A, 0)).toBeUndefined()
    const anew = manager.getOrCreate('orders', B, 0)
    expect([anew.logEndOffset, anew.latestEpoch]).toEqual([0, undefined])
    anew.appendAsLeader(batch(['new']), 0, 'client')
    expect(env.disk.list('data').filter(name => name.endsWith('-delete')).length).toBe(1)
    env.advance(500)
    expect(env.disk.list('data').filter(name => name.endsWith('-delete'))).toEqual([])
    expect(contents(start(env.disk).manager.get(B, 0)!)).toEqual(['0:new'])
  })

  it('removes directories that never got a topic id', () => {
    const { env, manager } = start()
    manager.getOrCreate('orders', A, 0)
    env.settle()
    manager.getOrCreate('orders', A, 1)
    env.disk.loseUnsynced()
    const next = start(env.disk)
    expect([...next.manager.logs()].map(log => log.partition)).toEqual([0])
    expect(next.env.disk.exists('data/orders-1')).toBe(false)
  })

  it('checkpoints recovery points at a truncation, so that a crash rescans what came after', () => {
    const { env, manager } = start()
    const log = manager.getOrCreate('orders', A, 0)
    for (let i = 0; i < 8; i++) log.appendAsLeader(batch([`v${i}`]), 0, 'client')
    env.run(log.flush())
    manager.start()
    env.advance(61_000) // the recovery point 8 is checkpointed
    log.truncateTo(2, 'diverging-epoch')
    for (let i = 0; i < 8; i++) log.appendAsLeader(batch([`w${i}`]), 1, 'client')
    const { segments } = log
    segments[1]!.log.write(segments[1]!.size - 1, Uint8Array.of(99))
    const recovered = start(env.disk).manager.get(A, 0)!
    expect(recovered.logEndOffset).toBe(segments[2]!.baseOffset - 1)
  })

  it('applies retention in the background', () => {
    const { env, manager } = start()
    manager.start()
    const log = manager.getOrCreate('orders', A, 0)
    for (let i = 0; i < 8; i++) log.appendAsLeader(batch([`v${i}`], { timestamp: env.clock }), 0, 'client')
    log.updateHighWatermark(8)
    env.advance(9_000)
    expect(log.logStartOffset).toBe(0)
    env.advance(2_500)
    expect(log.logStartOffset).toBe(8)
  })
})
