/**
 * Snapshots of the metadata log: written whole and durable or not at all, started from, fetched piece by piece by who is
 * behind the log's start, begun anew after a crash or when the leader has given one up; the log starts only under one.
 */
import { describe, expect, it } from 'vitest'
import { ApiKey } from '../../src/protocol/api-keys.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import type { FetchSnapshotResponse } from '../../src/protocol/generated/types.ts'
import { METADATA_DIRECTORY } from '../../src/raft/metadata-directory.ts'
import type { ServerConfig } from '../../src/config/cluster.ts'
import { CLUSTER_ID, Quorum, hostOf } from './quorum.ts'

const SMALL: Partial<ServerConfig> = {
  metadataLogSegmentBytes: 200, metadataMaxRetentionBytes: 100, metadataLogCleanIntervalMs: 100, logSegmentDeleteDelayMs: 50, quorumFetchSnapshotMaxBytes: 64,
}
const names = (count: number, prefix = 't'): string[] => Array.from({ length: count }, (_, index) => `${prefix}${index}`)

function filesOf(quorum: Quorum, id: number, ending: string): string[] {
  return quorum.simulation.machine(hostOf(id)).disk.list(METADATA_DIRECTORY).filter(name => name.endsWith(ending))
}

/** One batch a record, committed. */
function append(quorum: Quorum, leader: number, all: readonly string[]): void {
  for (const name of all) {
    quorum.append(leader, name)
    quorum.run(4)
  }
}

/** A quorum of which every member but `except` has two snapshots and a log that starts under the second. */
function cleaned(o: ConstructorParameters<typeof Quorum>[0] = {}, except?: number): { quorum: Quorum; leader: number; end: number } {
  const quorum = new Quorum({ ...o, config: { ...SMALL, ...o.config } })
  const leader = quorum.settled()
  if (except !== undefined) quorum.cut(except, quorum.up().filter(id => id !== except))
  append(quorum, leader, names(5))
  for (const id of quorum.up()) if (id !== except) quorum.snapshot(id)
  append(quorum, leader, names(5, 'u'))
  const { endOffset } = quorum.snapshot(leader)
  for (const id of quorum.up()) if (id !== leader && id !== except) quorum.snapshot(id)
  append(quorum, leader, names(3, 'v'))
  quorum.run(150)
  return { quorum, leader, end: endOffset }
}
const ALL = [...names(5), ...names(5, 'u'), ...names(3, 'v')]

describe('a snapshot', () => {
  it('appears under its name only when it is on the disk', () => {
    const quorum = new Quorum({ fsyncMs: 30, config: SMALL })
    const leader = quorum.settled()
    append(quorum, leader, names(3))
    quorum.run(300)
    const { raft, env, committed } = quorum.node(leader)
    const last = raft.historyBefore(raft.highWatermark).batches.at(-1)!
    env.spawn('snapshot', (function* () {
      yield* raft.writeSnapshot({ endOffset: last.lastOffset + 1, epoch: last.epoch }, { lastContainedLogTimestamp: 0, records: [] })
    })())
    expect(committed).toHaveLength(3)
    quorum.run(10)
    expect([filesOf(quorum, leader, '.checkpoint'), filesOf(quorum, leader, '.part').length]).toEqual([[], 1])
    quorum.run(100)
    expect([filesOf(quorum, leader, '.checkpoint').length, filesOf(quorum, leader, '.part')]).toEqual([1, []])
  })

  it.each([[[], 'whole'], [['KAFKA-15312'], 'torn']] as const)('with %j is %s after a power cut', (defects, state) => {
    const torn = [1, 2, 3, 4, 5, 6, 7, 8].filter(rootKey => {
      const quorum = new Quorum({ rootKey, config: SMALL, defects })
      const leader = quorum.settled()
      append(quorum, leader, names(5))
      quorum.snapshot(leader)
      quorum.simulation.machine(hostOf(leader)).crashMachine()
      quorum.start(leader)
      quorum.run(50)
      return !quorum.isUp(leader)
    })
    expect(torn.length > 0 ? 'torn' : 'whole').toBe(state)
  })

  it('is what a restart begins with; the log goes on behind it', () => {
    const { quorum, leader, end } = cleaned()
    const [id] = quorum.others(leader) as [number]
    quorum.simulation.machine(hostOf(id)).crashMachine()
    quorum.start(id)
    quorum.settled()
    expect(quorum.node(id).loaded).toEqual([end])
    expect(quorum.node(id).committed).toEqual(ALL)
  })

  it('of uncommitted metadata, of the inside of a batch or of another epoch is refused', () => {
    const quorum = new Quorum()
    const leader = quorum.settled()
    const last = quorum.append(leader, 'a', 'b', 'c')
    quorum.settled()
    const { raft } = quorum.node(leader)
    const { epoch } = raft.leaderAndEpoch
    const write = (endOffset: number, of = epoch) => () => raft.writeSnapshot({ endOffset, epoch: of }, { lastContainedLogTimestamp: 0, records: [] }).next()
    expect(write(last)).toThrow(/inside a batch/)
    expect(write(last + 1, epoch + 1)).toThrow(/ends at/)
    quorum.append(leader, 'd')
    expect(write(last + 2)).toThrow(/uncommitted/)
  })
})

describe('the metadata log', () => {
  it('starts under a durable snapshot at the boundary of a batch, and never beyond the latest', () => {
    const { quorum, end } = cleaned()
    const starts = quorum.seen('raft-log-start')
    expect(starts.map(({ event }) => event.offset)).toEqual([end, end, end])
    expect(starts.some(({ event }) => event.segments > 0 && event.snapshots === 1)).toBe(true)
    for (const id of quorum.up()) expect(filesOf(quorum, id, '.checkpoint')).toHaveLength(1)
  })

  it('keeps everything while there is one snapshot only', () => {
    const quorum = new Quorum({ config: SMALL })
    const leader = quorum.settled()
    append(quorum, leader, names(9))
    quorum.snapshot(leader)
    append(quorum, leader, names(9))
    quorum.run(500)
    expect(quorum.seen('raft-log-start')).toEqual([])
  })

  it('by age loses what no snapshot covers, with KAFKA-14238', () => {
    const verdict = (defects: readonly ['KAFKA-14238'] | readonly []): boolean => {
      const { quorum, leader } = cleaned({ defects, config: { metadataMaxRetentionMs: 20 } })
      const [id] = quorum.others(leader) as [number]
      quorum.run(400)
      quorum.simulation.machine(hostOf(id)).crashProcess()
      quorum.start(id)
      quorum.run(1_000)
      return quorum.isUp(id)
    }
    expect([verdict([]), verdict(['KAFKA-14238'])]).toEqual([true, false])
  })
})

describe('known behaviour: a restart forgets the start of the metadata log, but not that its epochs were cut there', () => {
  /** A leader whose log starts in the middle of a segment restarts with a record that nobody else has. */
  function truncatedToStart(mends: readonly ['metadata-log-start-forgotten'] | readonly []): { readonly quorum: Quorum; readonly old: number; readonly end: number } {
    const quorum = new Quorum({ mends, config: { ...SMALL, metadataLogSegmentBytes: 1_000_000 } })
    const old = quorum.settled()
    for (const prefix of ['t', 'u']) {
      append(quorum, old, names(5, prefix))
      for (const id of quorum.up()) quorum.snapshot(id)
    }
    quorum.run(150)
    const end = quorum.node(old).raft.logEndOffset
    expect(quorum.seen('raft-log-start', old).at(-1)!.event.offset).toBe(end)
    quorum.cut(old)
    append(quorum, old, ['lost'])
    quorum.simulation.machine(hostOf(old)).crashProcess()
    const leader = quorum.elected(old)
    quorum.join(old)
    quorum.start(old)
    quorum.until(() => quorum.seen('raft-truncate', old).length > 0)
    quorum.run(1_000)
    append(quorum, leader, ['kept'])
    quorum.run(500)
    return { quorum, old, end }
  }

  it('and dies when it is truncated to just there (KafkaRaftLog#lastFetchedEpoch); the next start is well', () => {
    const { quorum, old, end } = truncatedToStart([])
    expect(quorum.isUp(old)).toBe(false)
    expect(quorum.seen('raft-epochs-lost').map(({ id, event }) => [id, event.endOffset])).toEqual([[old, end]])
    quorum.start(old)
    quorum.settled()
    expect(quorum.node(old).committed).toEqual([...names(5), ...names(5, 'u'), 'kept'])
  })

  it('mended, the log starts at its earliest snapshot again, and the truncation leaves it empty', () => {
    const { quorum, old } = truncatedToStart(['metadata-log-start-forgotten'])
    expect([quorum.isUp(old), quorum.seen('raft-epochs-lost')]).toEqual([true, []])
    expect(quorum.node(old).committed).toEqual([...names(5), ...names(5, 'u'), 'kept'])
  })
})

describe('a follower behind the start of the leader\'s log', () => {
  it.each(['voter', 'observer'] as const)('fetches the snapshot in pieces and goes on behind it (%s)', kind => {
    const quorum = new Quorum({ observer: kind === 'observer', config: SMALL })
    const first = quorum.settled()
    const id = kind === 'observer' ? 9 : quorum.others(first)[0]!
    const { quorum: world, leader, end } = cleaned({ observer: kind === 'observer' }, id)
    world.join(id, world.up().filter(other => other !== id))
    expect(world.settled()).toBe(leader)
    expect(world.seen('raft-snapshot-loaded', id).map(({ event }) => event.endOffset)).toEqual([end])
    expect(world.seen('mark', leader).filter(({ event }) => event.name === 'raft-snapshot-served').length).toBeGreaterThan(3)
    expect(world.node(id).committed).toEqual(ALL)
    expect(world.node(id).loaded).toEqual([end])
    append(world, leader, ['more'])
    world.settled()
    expect(world.node(id).committed).toEqual([...ALL, 'more'])
  })

  it('begins the download anew after a crash halfway', () => {
    const { quorum, leader, end } = cleaned({}, 1)
    const id = 1
    expect(leader).not.toBe(id)
    quorum.join(id)
    quorum.until(() => filesOf(quorum, id, '.part').length > 0)
    quorum.run(5)
    expect(filesOf(quorum, id, '.part')).toHaveLength(1)
    quorum.simulation.machine(hostOf(id)).crashProcess()
    quorum.start(id)
    expect(filesOf(quorum, id, '.part')).toEqual([])
    quorum.settled()
    expect(quorum.node(id).committed).toEqual(ALL)
    expect(quorum.seen('raft-snapshot-loaded', id).map(({ event }) => event.endOffset)).toEqual([end])
  })

  it('that dies between download and truncation truncates when it starts', () => {
    const { quorum, end } = cleaned({}, 1)
    const id = 1
    quorum.join(id)
    quorum.until(() => filesOf(quorum, id, '.checkpoint').length > 0 && quorum.seen('raft-snapshot-loaded', id).length === 0)
    quorum.simulation.machine(hostOf(id)).crashProcess()
    quorum.start(id)
    quorum.settled()
    expect(quorum.seen('raft-recovered', id).at(-1)!.event.endOffset).toBe(end)
    expect(quorum.node(id).committed).toEqual(ALL)
  })

  it('is given another snapshot when the leader has given up the one that it was fetching', () => {
    const { quorum, leader, end } = cleaned({ config: { quorumFetchSnapshotMaxBytes: 16 } }, 1)
    quorum.join(1)
    quorum.until(() => filesOf(quorum, 1, '.part').length > 0)
    append(quorum, leader, ['w1'])
    quorum.cut(1)
    append(quorum, leader, names(5, 'w'))
    const next = quorum.snapshot(leader)
    append(quorum, leader, ['last'])
    quorum.run(120)
    quorum.join(1)
    quorum.settled()
    expect(next.endOffset).toBeGreaterThan(end)
    expect(quorum.seen('raft-snapshot-loaded', 1).at(-1)!.event.endOffset).toBe(next.endOffset)
    expect(quorum.node(1).committed).toEqual([...ALL, 'w1', ...names(5, 'w'), 'last'])
  })
})

describe('FetchSnapshot', () => {
  const { quorum, leader, end } = cleaned()
  const { epoch } = quorum.node(leader).raft.leaderAndEpoch
  const ask = (o: { to?: number; epoch?: number; position?: number; id?: { endOffset: number; epoch: number }; maxBytes?: number; topic?: string; clusterId?: string }) =>
    quorum.ask<FetchSnapshotResponse>(o.to ?? leader, ApiKey.FetchSnapshot, {
      clusterId: o.clusterId ?? CLUSTER_ID, replicaId: 77, maxBytes: o.maxBytes ?? 10,
      topics: [{ name: o.topic ?? '__cluster_metadata', partitions: [{ partition: 0, currentLeaderEpoch: o.epoch ?? epoch, snapshotId: o.id ?? { endOffset: end, epoch }, position: o.position ?? 0 }] }],
    })
  const piece = (o: Parameters<typeof ask>[0]) => ask(o).topics[0]!.partitions[0]!

  it('brings a piece from a position on', () => {
    const first = piece({})
    expect(first).toMatchObject({ errorCode: ErrorCode.NONE, position: 0, snapshotId: { endOffset: end, epoch } })
    expect(first.unalignedRecords).toHaveLength(10)
    const rest = piece({ position: first.size - 5 })
    expect([rest.position, rest.unalignedRecords.length]).toEqual([first.size - 5, 5])
  })

  it('says what is wrong', () => {
    const { size } = piece({})
    const code = (o: Parameters<typeof ask>[0]) => piece(o).errorCode
    expect([code({ position: size }), code({ position: -1 })]).toEqual([ErrorCode.POSITION_OUT_OF_RANGE, ErrorCode.POSITION_OUT_OF_RANGE])
    expect([code({ id: { endOffset: end + 1, epoch } }), code({ id: { endOffset: 0, epoch: 0 } })]).toEqual([ErrorCode.SNAPSHOT_NOT_FOUND, ErrorCode.SNAPSHOT_NOT_FOUND])
    expect([code({ epoch: epoch - 1 }), code({ epoch: epoch + 1 })]).toEqual([ErrorCode.FENCED_LEADER_EPOCH, ErrorCode.UNKNOWN_LEADER_EPOCH])
    expect(code({ to: quorum.others(leader)[0]! })).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER)
    expect(code({ topic: 'other' })).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    expect(ask({ clusterId: 'BBBBBBBBBBBBBBBBBBBBBB' }).errorCode).toBe(ErrorCode.INCONSISTENT_CLUSTER_ID)
  })
})
