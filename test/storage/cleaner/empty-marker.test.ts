/**
 * Known behaviour empty-marker-forgets-epoch: what is left of a producer whose last marker the cleaner keeps without its
 * record, for who reads the log anew (ProducerAppendInfo#append).
 */
import { describe, expect, it } from 'vitest'
import { FakeEnv } from '../fake-env.ts'
import { openLog } from '../log-fixture.ts'
import { CompactedLog, contentsOf, keyed, RETENTION_MS } from './compacted-log.ts'

/** A leader whose producer ended its transaction with a newer epoch, long ago; and who copies that. */
function copied(mended: boolean) {
  const leader = new CompactedLog().send('a=1', 7, 0).end(7, true, 1).write('a=2').clean().write('a=3').clean().later(RETENTION_MS).write('a=4').clean()
  const env = new FakeEnv(undefined, mended ? { mends: new Set(['empty-marker-forgets-epoch']) } : {})
  const log = openLog(env)
  for (let offset = 0; offset < leader.log.logEndOffset; offset = log.logEndOffset) log.appendAsFollower(leader.log.read(offset, 10_000, leader.log.logEndOffset, true), 1)
  expect(contentsOf(log)).toEqual(['1:!', '4:a=4'])
  return { leader, log, env }
}

const zombie = keyed('a=5', { producerId: 7, producerEpoch: 0, baseSequence: 1 })

describe('a marker without its record', () => {
  it('leaves its producer without an epoch in a copy, which says so and fences nobody', () => {
    const { leader, log, env } = copied(false)
    expect(() => leader.log.appendAsLeader(zombie, 1, 'client')).toThrow('INVALID_PRODUCER_EPOCH')
    expect(log.producers.describe()).toMatchObject([{ producerId: 7, producerEpoch: -1 }])
    expect(env.observed('producer-epoch-skipped')).toMatchObject([{ producerId: 7, producerEpoch: 1 }])
    expect(log.appendAsLeader(zombie, 1, 'client').firstOffset).toBe(5)
  })

  it('tells its epoch when mended', () => {
    const { log, env } = copied(true)
    expect(log.producers.describe()).toMatchObject([{ producerId: 7, producerEpoch: 1, lastSequence: -1 }])
    expect(env.observed('producer-epoch-skipped')).toEqual([])
    expect(() => log.appendAsLeader(zombie, 1, 'client')).toThrow('INVALID_PRODUCER_EPOCH')
  })
})
