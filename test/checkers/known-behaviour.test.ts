/**
 * Excuses: a finding may be blamed on a known behaviour of Kafka only if its mechanism was seen on that partition and, where
 * it concerns one, on a producer that wrote what the finding is about. A broker that refused what it held is to blame itself.
 */
import { describe, expect, it } from 'vitest'
import type { Finding } from '../../checkers/contract.ts'
import { asKnown, excusesFor, MechanismRecorder, mendsThatCouldExcuse } from '../../checkers/known-behaviour.ts'
import { ANOMALIES } from '../../checkers/anomalies.ts'
import { MENDS, type MendId } from '../../src/config/defects.ts'
import type { BatchSummary, Observation, ObservationOf } from '../../src/env/observation.ts'
import type { Json } from '../../src/history/operation.ts'

const WHERE = { topicId: 'id', topic: 'orders', partition: 0 } as const
const PRODUCER = 7

function batch(baseOffset: number, o: Partial<BatchSummary> = {}): BatchSummary {
  return { baseOffset, lastOffset: baseOffset, leaderEpoch: 1, crc: 0, producerId: PRODUCER, producerEpoch: 0, baseSequence: baseOffset, lastSequence: baseOffset, isControl: false, recordCount: 1, maxTimestamp: 0, sizeInBytes: 1, ...o }
}

class Recorded extends MechanismRecorder {
  private time = 0

  see(event: Observation, node = 'broker-1'): this {
    this.observe(event, node, 0, ++this.time)
    return this
  }

  /** Broker 1 appends as leader unless told otherwise. */
  wrote(baseOffset: number, o: Partial<BatchSummary> = {}, asLeader = true, node = 'broker-1'): this {
    return this.see({ kind: 'log-append', ...WHERE, asLeader, batch: batch(baseOffset, o) }, node)
  }

  refused(firstSequence: number, o: Partial<ObservationOf<'sequence-rejected'>> = {}): this {
    return this.see({ kind: 'sequence-rejected', ...WHERE, producerId: PRODUCER, producerEpoch: 0, firstSequence, expected: 99, errorCode: 45, ...o })
  }

  renumbered(o: { readonly partition?: number; readonly producerId?: number } = {}): this {
    return this.see({ kind: 'client-renumbered', topic: 'orders', partition: 0, producerId: PRODUCER, fromEpoch: 0, toEpoch: 1, fromSequence: 4, toSequence: 0, ...o }, 'client-1')
  }

  mends(change: Partial<Finding> = {}): readonly string[] {
    return mendsThatCouldExcuse({ ...DUPLICATE, ...change }, this.seen)
  }
}

const DUPLICATE: Finding = {
  anomaly: 'duplicate', checker: 'kafka-log', status: 'bad', title: 'Record a lies at offsets 4 and 5 of orders-0.', guarantee: 'no-duplicate', evidence: { value: 'a', offsets: [4, 5] },
  steps: [{ text: 'client-1 sends record a.', time: 1, operation: 0 }], contradiction: '', key: 'orders-0', offset: 4,
}

const accepted: Observation = { kind: 'first-sequence-accepted', ...WHERE, producerId: PRODUCER, producerEpoch: 0, firstSequence: 3 }
const shrunk: Observation = { kind: 'dedup-window-shrunk', ...WHERE, producerId: PRODUCER, producerEpoch: 0, keptBatches: 1 }
const forgotten: Observation = { kind: 'isr-proposal-forgotten', ...WHERE, leaderEpoch: 1, proposed: [1, 2, 3] }
const written = (): Recorded => new Recorded().wrote(4).wrote(5)

describe('an excuse', () => {
  it('is not what an earlier mend has brought about: refused by a broker that KAFKA-14359 mends, a client renumbers', () => {
    const { seen } = written().see(shrunk).renumbered()
    const after = (mend: MendId): readonly string[] => excusesFor(DUPLICATE, seen, mend).map(excuse => excuse.mend)
    expect(after('producer-state-behind-log-start')).toEqual(['KAFKA-5494-snapshot', 'KAFKA-14034'])
    expect(after('KAFKA-14359')).toEqual(['KAFKA-5494-snapshot'])
  })

  it.each([
    ['KAFKA-14359', accepted, 'accepts sequence 3 as the first of producer 7'],
    ['KAFKA-5494-snapshot', shrunk, 'remembers only 1 batch of producer 7'],
    ['KAFKA-14034', { kind: 'client-renumbered', topic: 'orders', partition: 0, producerId: PRODUCER, fromEpoch: 0, toEpoch: 1, fromSequence: 4, toSequence: 0 } satisfies Observation, 'epoch 0 sequence 4 becomes epoch 1 sequence 0'],
  ] as const)('%s: its mechanism, on the partition and producer of the finding', (mend, event, text) => {
    const [excuse, ...others] = excusesFor(DUPLICATE, written().see(event).seen)
    expect(others).toEqual([])
    expect(excuse).toMatchObject({ mend, link: MENDS.find(({ id }) => id === mend)!.link, mechanisms: [{ mend, key: 'orders-0', producerId: PRODUCER, node: 'broker-1', time: 3 }] })
    expect(excuse!.mechanisms[0]!.text).toContain(text)
  })

  it('pending-isr-overwritten concerns every producer of the partition, even none', () => {
    const recorded = new Recorded().see(forgotten)
    expect(recorded.mends({ anomaly: 'lost-write' })).toEqual(['pending-isr-overwritten'])
    expect(recorded.mends({ anomaly: 'quorum-superset', evidence: null })).toEqual(['pending-isr-overwritten'])
    expect(recorded.mends({ anomaly: 'lost-write', key: 'orders-1' })).toEqual([])
    expect(recorded.seen.list[0]!.text).toContain('[1 2 3]')
  })

  it('elr-cleared-without-leader concerns who waits for that partition, whatever it is told by', () => {
    const recorded = new Recorded().see({ kind: 'elr-cleared-without-leader', ...WHERE }, 'controller-101')
    expect(recorded.mends({ anomaly: 'no-progress', evidence: null })).toEqual(['elr-cleared-without-leader'])
    expect(recorded.mends({ anomaly: 'lost-write' })).toEqual([])
    expect(new Recorded().mends({ anomaly: 'no-progress', evidence: null })).toEqual([])
  })

  it('elr-outlives-replica concerns whoever the empty replica could have led', () => {
    const recorded = new Recorded().see({ kind: 'elr-kept-removed-replica', ...WHERE, brokers: [3] }, 'controller-101')
    expect(recorded.mends({ anomaly: 'candidate-completeness' })).toEqual(['elr-outlives-replica'])
    expect(recorded.mends({ anomaly: 'candidate-completeness', key: 'orders-1' })).toEqual([])
    expect(recorded.mends({ anomaly: 'duplicate' })).toEqual([])
    expect(recorded.seen.list[0]!.text).toContain('[3]')
  })

  it('metadata-log-start-forgotten concerns the server that dies of it, then', () => {
    const recorded = new Recorded().see({ kind: 'raft-epochs-lost', startOffset: 20, endOffset: 24 }, 'controller-103')
    const { time } = recorded.seen.list[0]!
    const { key: _, ...nowhere } = DUPLICATE
    const mends = (evidence: Json, anomaly = 'broker-assertion') => mendsThatCouldExcuse({ ...nowhere, anomaly, evidence }, recorded.seen)
    expect(mends({ node: 'controller-103', time })).toEqual(['metadata-log-start-forgotten'])
    expect([mends({ node: 'controller-102', time }), mends({ node: 'controller-103', time: time + 1 }), mends(null), mends({ node: 'controller-103', time }, 'duplicate')]).toEqual([[], [], [], []])
    expect(recorded.mends({ anomaly: 'broker-assertion', evidence: { node: 'controller-103', time } })).toEqual([])
  })

  it('transaction-timeout-by-wall-clock concerns the partitions of the transaction, and progress as a whole', () => {
    const recorded = new Recorded().see({ kind: 'transaction-begins-in-future', transactionalId: 'copier', aheadMs: 5_000, partitions: ['orders-0'] })
    const { key: _, ...nowhere } = DUPLICATE
    expect(mendsThatCouldExcuse({ ...nowhere, anomaly: 'no-progress' }, recorded.seen)).toEqual(['transaction-timeout-by-wall-clock'])
    expect([recorded.mends({ anomaly: 'no-progress' }), recorded.mends({ anomaly: 'no-progress', key: 'orders-1' }), recorded.mends()]).toEqual([['transaction-timeout-by-wall-clock'], [], []])
    expect(recorded.seen.list[0]!.text).toContain('began 5000 ms in the future of its clock on orders-0')
  })

  describe('markers-before-replication', () => {
    const state = (name: string, coordinatorEpoch: number, offset: number, isReplicated = true): Observation => ({ kind: 'transaction-state', transactionalId: 'copier', coordinatorEpoch, offset, isReplicated, state: name, producerId: PRODUCER, producerEpoch: 0, nextProducerId: -1, clientVersion: 2, partitions: name.startsWith('Complete') ? [] : ['orders-0'] })
    const mends = (...events: readonly Observation[]): readonly string[] => {
      const recorded = new Recorded()
      for (const event of events) recorded.see(event)
      return recorded.mends({ anomaly: 'torn-transaction' })
    }
    const ongoing = state('Ongoing', 1, 4)
    const readByNext = state('PrepareCommit', 2, 5, false)

    it('is a decision that the next coordinator reads before it is replicated and the one after does not know of', () => {
      expect(mends(ongoing, readByNext, state('Ongoing', 3, 4))).toEqual(['markers-before-replication'])
      expect(mends(ongoing, readByNext, state('PrepareAbort', 3, 5))).toEqual(['markers-before-replication'])
    })

    it('not one that lasts, or that was acknowledged', () => {
      expect(mends(ongoing, readByNext, state('PrepareCommit', 3, 5), state('CompleteCommit', 3, 6))).toEqual([])
      expect(mends(ongoing, readByNext, state('CompleteCommit', 2, 6), state('Ongoing', 3, 4))).toEqual([])
      expect(mends(ongoing, state('PrepareCommit', 1, 5), state('Ongoing', 2, 4))).toEqual([])
      expect(mends(ongoing, readByNext, state('Ongoing', 1, 4))).toEqual([])
    })
  })

  describe('KAFKA-17754', () => {
    const state = (name: string, clientVersion = 0): Observation => ({ kind: 'transaction-state', transactionalId: 'copier', coordinatorEpoch: 1, offset: 0, isReplicated: true, state: name, producerId: PRODUCER, producerEpoch: 0, nextProducerId: -1, clientVersion, partitions: name.startsWith('Complete') ? [] : ['orders-0'] })
    const client = (phase: ObservationOf<'client-transaction'>['phase']): Observation => ({ kind: 'client-transaction', transactionalId: 'copier', phase, producerId: PRODUCER, producerEpoch: 0 })
    const decides = (commit: boolean, isAsked: boolean): Observation => ({ kind: 'transaction-decided', transactionalId: 'copier', commit, isAsked })
    const marker = (commit: boolean, o: Partial<ObservationOf<'marker-written'>> = {}): Observation => ({ kind: 'marker-written', ...WHERE, producerId: PRODUCER, producerEpoch: 0, coordinatorEpoch: 1, commit, offset: 9, firstOffset: 0, transactionVersion: 0, ...o })
    const seen = (...events: readonly Observation[]): readonly string[] => {
      const recorded = new Recorded()
      for (const event of events) recorded.see(event)
      return recorded.mends({ anomaly: 'torn-transaction' })
    }

    it.each<[string, readonly Observation[]]>([
      ['decided by a late copy, then otherwise by its client', [client('begin'), state('PrepareCommit'), state('CompleteCommit'), state('PrepareAbort'), client('abort')]],
      ['decided once, and otherwise than the client is told', [client('begin'), state('PrepareAbort'), client('commit')]],
      ['decided, and the client is told that it cannot be', [client('begin'), state('PrepareCommit'), client('fatal-error')]],
      ['ended by a marker while it is under way', [client('begin'), state('Ongoing'), marker(true)]],
      ['ended by a marker of the other outcome', [client('begin'), state('PrepareAbort'), marker(true)]],
    ])('%s', (_, events) => {
      expect(seen(...events)).toEqual(['KAFKA-17754'])
    })

    it.each<[string, readonly Observation[]]>([
      ['decided as the client said', [client('begin'), state('PrepareCommit'), marker(true), client('commit'), client('begin'), state('PrepareAbort'), marker(false), client('abort')]],
      ['read again by the next coordinator', [client('begin'), state('PrepareCommit'), state('PrepareCommit'), client('commit')]],
      ['under version 2', [client('begin'), state('PrepareCommit', 2), state('PrepareAbort', 2), marker(true, { transactionVersion: 2 }), client('abort')]],
      // KAFKA-6119 and 9600: nothing was late, an epoch was not raised.
      ['by the coordinator itself, then as the client said', [client('begin'), decides(false, false), state('PrepareAbort'), state('CompleteAbort'), state('Ongoing'), decides(true, true), state('PrepareCommit'), client('commit')]],
      ['a marker that ends nothing', [client('begin'), state('Ongoing'), marker(true, { firstOffset: -1 })]],
    ])('not: %s', (_, events) => {
      expect(seen(...events)).toEqual([])
    })
  })

  it('several, in the order of the catalogue, with every mechanism of each', () => {
    const recorded = written().renumbered().see(shrunk).see(accepted).see(accepted)
    expect(recorded.mends()).toEqual(['KAFKA-14359', 'KAFKA-5494-snapshot', 'KAFKA-14034'])
    expect(excusesFor(DUPLICATE, recorded.seen).map(({ mechanisms }) => mechanisms.length)).toEqual([2, 1, 1])
  })

  it('by the offsets of the evidence, or by that of the finding', () => {
    const recorded = new Recorded().wrote(4).see(accepted)
    expect(recorded.mends({ offset: 9 })).toEqual(['KAFKA-14359'])
    expect(recorded.mends({ evidence: null })).toEqual(['KAFKA-14359'])
    expect(recorded.mends({ evidence: ['4'], offset: 9 })).toEqual([])
    const { offset: _, ...withoutOffset } = DUPLICATE
    expect(mendsThatCouldExcuse({ ...withoutOffset, evidence: null }, recorded.seen)).toEqual([])
  })

  it('by any batch that covers the offset, in whatever epoch it was written', () => {
    const recorded = new Recorded().wrote(2, { lastOffset: 6, leaderEpoch: 1 }).wrote(2, { lastOffset: 6, leaderEpoch: 2, producerId: 8 }).see(accepted)
    expect(recorded.mends({ evidence: null, offset: 6 })).toEqual(['KAFKA-14359'])
    expect(recorded.mends({ evidence: null, offset: 7 })).toEqual([])
    expect(recorded.mends({ evidence: null, offset: 1 })).toEqual([])
  })
})

describe('no excuse', () => {
  const recorded = (): Recorded => written().see(accepted).renumbered().see(shrunk).see(forgotten)

  it.each<[string, Partial<Finding>]>([
    ['for another partition', { key: 'orders-1' }],
    ['for another topic', { key: 'order-0' }],
    ['for what the mechanisms do not bring about', { anomaly: 'invented-value' }],
    ['for loss by a producer\'s numbers', { anomaly: 'aborted-read' }],
    ['for what is allowed already', { status: 'allowed' }],
    ['for what is known already', { status: 'known' }],
  ])('%s', (_, change) => {
    expect(recorded().mends().length).toBeGreaterThan(0)
    expect(recorded().mends(change)).toEqual([])
  })

  it('for a finding of no partition', () => {
    const { key: _, ...nowhere } = DUPLICATE
    expect(mendsThatCouldExcuse(nowhere, recorded().seen)).toEqual([])
  })

  it('by the mechanism of another producer', () => {
    expect(new Recorded().wrote(4, { producerId: 8 }).see(accepted).mends()).toEqual([])
    expect(written().renumbered({ producerId: 8 }).mends()).toEqual([])
  })

  it('by the mechanism on another partition', () => {
    expect(written().renumbered({ partition: 1 }).mends()).toEqual([])
  })

  it('by a producer that only a follower was seen to append', () => {
    expect(new Recorded().wrote(4, {}, false).see(accepted).mends()).toEqual([])
  })

  it('without any mechanism', () => {
    expect(written().mends()).toEqual([])
  })
})

describe('a batch that a broker refused although it held it', () => {
  const held = (): Recorded => written().wrote(6).wrote(7).wrote(8)

  it('leaves its client without an excuse', () => {
    expect(held().renumbered().mends()).toEqual(['KAFKA-14034'])
    expect(held().refused(4).renumbered().mends()).toEqual([])
    expect(held().refused(8).renumbered().mends()).toEqual([])
  })

  it('concerns that producer and partition only', () => {
    const recorded = held().wrote(20, { producerId: 8 }).refused(4).renumbered({ producerId: 8 })
    expect(recorded.mends({ evidence: null, offset: 20 })).toEqual(['KAFKA-14034'])
    expect(held().refused(4).see(forgotten).mends({ anomaly: 'lost-write' })).toEqual(['pending-isr-overwritten'])
  })

  it.each<[string, (recorded: Recorded) => Recorded]>([
    ['was never there', recorded => recorded.refused(9)],
    ['was of another epoch', recorded => recorded.refused(4, { producerEpoch: 1 })],
    ['was of another producer', recorded => recorded.refused(4, { producerId: 8 })],
    ['was of another partition', recorded => recorded.refused(4, { partition: 1 })],
    ['was not among the last five', recorded => recorded.wrote(9).refused(4)],
    ['had been truncated', recorded => recorded.see({ kind: 'log-truncate', ...WHERE, endOffset: 8, previousEnd: 9, highWatermark: 0, reason: 'diverging-epoch' }).refused(8)],
    ['had been dropped with the whole log', recorded => recorded.see({ kind: 'log-truncate', ...WHERE, endOffset: 99, previousEnd: 9, highWatermark: 0, reason: 'full' }).refused(4)],
    ['was lost in a crash', recorded => recorded.see({ kind: 'log-loaded', ...WHERE, cleanShutdown: false, logStartOffset: 0, endOffset: 8, highWatermark: 0, bytesDropped: 1, batches: [4, 5, 6, 7].map(offset => batch(offset)) }).refused(8)],
    ['was forgotten as Kafka forgets: only the snapshot\'s batch is known', recorded => recorded.refused(4).see(shrunk)],
  ])('is no refusal of that kind when it %s', (_, refuse) => {
    expect(refuse(held()).renumbered().mends()).toContain('KAFKA-14034')
  })

  it.each<[string, (recorded: Recorded) => Recorded]>([
    ['survived a truncation behind it', recorded => recorded.see({ kind: 'log-truncate', ...WHERE, endOffset: 8, previousEnd: 9, highWatermark: 0, reason: 'diverging-epoch' }).refused(7)],
    ['survived a crash', recorded => recorded.see({ kind: 'log-loaded', ...WHERE, cleanShutdown: false, logStartOffset: 0, endOffset: 8, highWatermark: 0, bytesDropped: 1, batches: [4, 5, 6, 7].map(offset => batch(offset)) }).refused(7)],
    ['lies behind markers, which do not count among the five', recorded => recorded.wrote(9, { isControl: true }).refused(4)],
    ['lies behind another producer\'s', recorded => recorded.wrote(9, { producerId: 8 }).refused(4)],
  ])('is one when it %s', (_, refuse) => {
    expect(refuse(held()).renumbered().mends()).toEqual([])
  })

  it('is judged by the log of the broker that refused', () => {
    const recorded = new Recorded().wrote(4, {}, true, 'broker-2').wrote(5, {}, true, 'broker-2').refused(4)
    expect(recorded.renumbered().mends()).toEqual(['KAFKA-14034'])
  })
})

describe('marked as known', () => {
  it('a finding keeps its story, followed by at most two mechanisms, and the link', () => {
    const [excuse] = excusesFor(DUPLICATE, written().see(accepted).see(accepted).see(accepted).seen)
    const known = asKnown(DUPLICATE, excuse!)
    expect(known).toMatchObject({ status: 'known', anomaly: 'duplicate', title: DUPLICATE.title, known: { mend: 'KAFKA-14359', link: 'https://issues.apache.org/jira/browse/KAFKA-14359' } })
    expect(known.steps).toHaveLength(3)
    expect(known.steps[0]).toEqual(DUPLICATE.steps[0])
    expect(known.steps[1]!.text).toContain('accepts sequence 3')
    expect(DUPLICATE.status).toBe('bad')
  })

  it('excuses only anomalies of the catalogue', () => {
    const all = new Recorded().wrote(4).see(accepted).see(shrunk).renumbered().see(forgotten)
    const excused = ANOMALIES.filter(({ id }) => all.mends({ anomaly: id }).length > 0).map(({ id }) => id)
    expect(excused).toHaveLength(17)
    expect(excused).not.toContain('invented-value')
    expect(excused).not.toContain('aborted-read')
    expect(excused).not.toContain('no-progress')
    expect(excused).not.toContain('two-leaders-one-epoch')
  })
})

describe('a reader that was told that its position is out of range', () => {
  const led = (leaderEpoch: number): Observation => ({ kind: 'partition-registered', ...WHERE, leader: 1, leaderEpoch, partitionEpoch: leaderEpoch, replicas: [1, 2], isr: [1, 2], elr: [], lastKnownElr: [], recovering: false })
  const told = (leaderEpoch: number): Observation => ({ kind: 'read-beyond-end', ...WHERE, leaderEpoch, offset: 3, epoch: -1 })
  const twice: Partial<Finding> = { anomaly: 'duplicate-output' }

  it('may process again if a deposed leader said so, whatever the finding names', () => {
    expect(new Recorded().see(led(0)).see(led(1)).see(told(0)).mends(twice)).toEqual(['deposed-leader-resets-readers'])
    expect(new Recorded().see(led(0)).see(led(1)).see(told(0)).mends({ ...twice, key: '' })).toEqual(['deposed-leader-resets-readers'])
  })

  it('may not if the leader did', () => {
    expect(new Recorded().see(led(0)).see(led(1)).see(told(1)).mends(twice)).toEqual([])
  })
})

describe('a coordinator that answers from memory', () => {
  const INTERNAL = { topicId: 'id', topic: '__consumer_offsets', partition: 1 } as const
  const led = (leaderEpoch: number): Observation => ({ kind: 'partition-registered', ...INTERNAL, leader: 1, leaderEpoch, partitionEpoch: leaderEpoch, replicas: [1, 2], isr: [1, 2], elr: [], lastKnownElr: [], recovering: false })
  const read = (coordinatorEpoch: number, partition = 1): Observation => ({ kind: 'coordinator-read', topic: '__consumer_offsets', partition, coordinatorEpoch })
  const mends = (recorded: Recorded): readonly string[] => mendsThatCouldExcuse({ ...DUPLICATE, anomaly: 'nonlinearizable', key: '' }, recorded.seen)

  it('is known to when another one has replaced it', () => {
    expect(mends(new Recorded().see(led(0)).see(led(1)).see(read(0)))).toEqual(['deposed-coordinator-answers'])
  })

  it('is not, while it leads, or of another partition', () => {
    expect(mends(new Recorded().see(led(0)).see(led(1)).see(read(1)).see(read(0, 0)))).toEqual([])
  })
})

describe('a share group', () => {
  const led = (leaderEpoch: number): Observation => ({ kind: 'partition-registered', ...WHERE, leader: 1, leaderEpoch, partitionEpoch: leaderEpoch, replicas: [1, 2], isr: [1, 2], elr: [], lastKnownElr: [], recovering: false })
  const handsOut = (leaderEpoch: number, change: ObservationOf<'share-records'>['change'] = 'acquired'): Observation => ({ kind: 'share-records', groupId: 'g', ...WHERE, leaderEpoch, change, memberId: 'm', firstOffset: 3, lastOffset: 5, deliveryCount: 1, startOffset: 3 })
  const again = { anomaly: 'redelivered-record', evidence: {}, offset: 4 }

  it('is known to hand out again what was acknowledged, by a leader that another one has replaced', () => {
    expect(new Recorded().see(led(0)).see(led(1)).see(handsOut(0)).mends(again)).toEqual(['deposed-leader-delivers'])
    expect(new Recorded().see(led(0)).see(led(1)).see(handsOut(1)).see(handsOut(0, 'released')).mends(again)).toEqual([])
  })

  it('is known to give up what nobody has seen', () => {
    expect(new Recorded().see({ kind: 'share-record-given-up', groupId: 'g', ...WHERE, offset: 4 }).mends({ anomaly: 'undelivered-record', evidence: {}, offset: 4 })).toEqual(['lost-deliveries-count'])
    expect(new Recorded().see({ kind: 'share-record-given-up', groupId: 'g', ...WHERE, partition: 1, offset: 4 }).mends({ anomaly: 'undelivered-record', evidence: {}, offset: 4 })).toEqual([])
  })
})

describe('a coordinator that takes over', () => {
  const state = (coordinatorEpoch: number, offset: number, o: Partial<ObservationOf<'transaction-state'>> = {}): Observation => ({
    kind: 'transaction-state', transactionalId: 'app', coordinatorEpoch, offset, isReplicated: true, state: 'Empty', producerId: PRODUCER, producerEpoch: 0, nextProducerId: -1, clientVersion: 0, partitions: [], ...o,
  })
  const added = (isReplicated: boolean): Observation => state(1, 4, { state: 'Ongoing', partitions: ['orders-0'], isReplicated })

  it('vouches for a transaction that may be lost, and is known to when its successor has not heard of it', () => {
    expect(new Recorded().see(added(false)).see(state(2, 3)).mends({ anomaly: 'hanging-transaction' })).toEqual(['verified-before-replication'])
  })

  it('is not, when that was replicated or its successor has it', () => {
    expect(new Recorded().see(added(true)).see(state(2, 3)).mends({ anomaly: 'hanging-transaction' })).toEqual([])
    expect(new Recorded().see(added(false)).see(state(2, 4, { state: 'Ongoing', partitions: ['orders-0'] })).mends({ anomaly: 'hanging-transaction' })).toEqual([])
  })
})
