/**
 * How the metadata quorum of a plan is drawn: whether snapshots are taken within its seconds, how soon the log is cleaned
 * under them, and whether voters are recorded (KIP-853) and change. Drawn from a source of its own, so that what else a
 * seed gives does not depend on it.
 */
import fc, { type Arbitrary, type Random } from 'fast-check'
import { US_PER_MS } from '../base/time.ts'
import type { ServerConfig, ServerSpec } from '../config/cluster.ts'
import type { Fault, FaultAction, FaultFamily, Role, Trigger } from '../nemesis/fault.ts'
import { drawOne } from './seed-random.ts'

export interface QuorumPlan {
  readonly server: Partial<ServerConfig>
  readonly faults: readonly Fault[]
  readonly words: readonly string[]
}

export interface QuorumBounds {
  readonly servers: readonly ServerSpec[]
  readonly families: readonly FaultFamily[]
  readonly chaosUs: number
  readonly maxOutageUs: number
  /** Ids from here on are free. */
  readonly firstId: number
}

const often = (percent: number): Arbitrary<boolean> => fc.integer({ min: 0, max: 99 }).map(n => n < percent)

export function drawQuorum(bounds: QuorumBounds, random: Random): QuorumPlan {
  const drawn = drawOne(fc.record({
    snapshots: often(50),
    betweenBytes: fc.constantFrom(300, 800, 2_000, 5_000),
    intervalMs: fc.constantFrom(0, 700, 2_000),
    segmentBytes: fc.constantFrom(400, 1_500, 6_000),
    retentionBytes: fc.constantFrom(1_000, 3_000, 10_000, 104_857_600),
    retentionMs: fc.constantFrom(1_500, 604_800_000),
    pieceBytes: fc.constantFrom(100, 1_000, 8_388_608),
    dynamic: often(50),
  }), random)
  const words: string[] = []
  const server: { -readonly [name in keyof ServerConfig]?: ServerConfig[name] } = {}
  if (drawn.snapshots) {
    Object.assign(server, {
      metadataLogMaxRecordBytesBetweenSnapshots: drawn.betweenBytes, metadataLogMaxSnapshotIntervalMs: drawn.intervalMs, metadataLogSegmentBytes: drawn.segmentBytes,
      metadataMaxRetentionBytes: drawn.retentionBytes, metadataMaxRetentionMs: drawn.retentionMs, metadataLogCleanIntervalMs: 400, quorumFetchSnapshotMaxBytes: drawn.pieceBytes,
    } satisfies Partial<ServerConfig>)
    words.push('metadata snapshots')
  }
  const controllers = bounds.servers.filter(({ roles }) => roles.includes('controller'))
  if (!drawn.dynamic) return { server, faults: [], words }
  server.quorumKraftVersion = 1
  words.push('voters recorded')
  if (controllers.length < 3 || !bounds.families.includes('membership')) return { server, faults: [], words }
  const faults = drawOne(fc.array(membershipFault(bounds, controllers.some(({ roles }) => !roles.includes('broker'))), { minLength: 0, maxLength: 3, size: 'max' }), random)
  if (faults.length > 0) words.push('voters change')
  return { server, faults: faults.map((fault, index) => ({ id: bounds.firstId + index, ...fault })), words }
}

function membershipFault(bounds: QuorumBounds, mayReplace: boolean): Arbitrary<Omit<Fault, 'id'>> {
  const at = fc.integer({ min: 0, max: Math.floor(bounds.chaosUs / US_PER_MS) }).map(ms => ({ at: ms * US_PER_MS }))
  const when: Arbitrary<Trigger> = fc.oneof(at, at, fc.record({
    on: fc.constantFrom({ kind: 'controller-active' } as const, { kind: 'raft-snapshot' } as const, { kind: 'broker-fenced' } as const), nth: fc.integer({ min: 1, max: 3 }), after: fc.integer({ min: 0, max: 200 }).map(ms => ms * US_PER_MS),
  }))
  const action: Arbitrary<FaultAction> = fc.record({
    kind: mayReplace ? fc.constantFrom('remove-voter' as const, 'replace-voter' as const, 'replace-voter' as const) : fc.constant('remove-voter' as const),
    target: fc.record({ role: fc.constantFrom<Role>('active-controller', 'standby-controller', 'standby-controller'), pick: fc.integer({ min: 0, max: 1_000_000 }) }),
    durationUs: fc.integer({ min: 50, max: Math.floor(bounds.maxOutageUs / US_PER_MS) }).map(ms => ms * US_PER_MS),
  })
  return fc.record({ when, action })
}
