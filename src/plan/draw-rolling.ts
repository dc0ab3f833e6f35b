/**
 * How a rolling change is drawn: what the servers are configured with afterwards, and whether the cluster was born with an
 * older metadata version that is then raised. Settings that no promise depends on. From a source of its own, as the quorum.
 */
import fc, { type Random } from 'fast-check'
import { US_PER_MS } from '../base/time.ts'
import type { ServerConfig } from '../config/cluster.ts'
import type { Fault, FaultFamily } from '../nemesis/fault.ts'
import type { QuorumPlan } from './draw-quorum.ts'
import { drawOne } from './seed-random.ts'

const NEWEST = 30
/** 4.0-IV3: from here on the records of this cluster are the same. */
const OLDEST = 25

export function drawRolling(bounds: { readonly families: readonly FaultFamily[]; readonly chaosUs: number; readonly server: ServerConfig; readonly firstId: number }, random: Random): QuorumPlan {
  const drawn = drawOne(fc.record({
    isRolling: fc.integer({ min: 0, max: 99 }).map(n => n < 20),
    isUpgrade: fc.boolean(),
    bornWith: fc.integer({ min: OLDEST, max: NEWEST - 1 }),
    atMs: fc.integer({ min: 0, max: Math.floor(bounds.chaosUs / US_PER_MS / 3) }),
    pauseMs: fc.integer({ min: 20, max: 200 }),
    pick: fc.integer({ min: 0, max: 1_000_000 }),
    settings: fc.record({
      replicaFetchMaxBytes: fc.constantFrom(2_000, 1_048_576),
      replicaFetchWaitMaxMs: fc.constant(Math.max(1, Math.floor(bounds.server.replicaFetchWaitMaxMs / 2))),
      producerIdBlockSize: fc.constantFrom(1, 5),
      logSegmentBytes: fc.constantFrom(900, 65_536),
      logIndexIntervalBytes: fc.constantFrom(0, 200, 4_096),
      metadataLogMaxRecordBytesBetweenSnapshots: fc.constantFrom(500, 4_000),
    }, { requiredKeys: [] }),
  }), random)
  if (!drawn.isRolling || !bounds.families.includes('rolling')) return { server: {}, faults: [], words: [] }
  const { isUpgrade, bornWith } = drawn
  const fault: Fault = {
    id: bounds.firstId, when: { at: drawn.atMs * US_PER_MS },
    action: {
      kind: 'rolling-restart', target: { role: 'any-server', pick: drawn.pick }, durationUs: drawn.pauseMs * US_PER_MS,
      server: { ...drawn.settings, ...(isUpgrade ? { metadataVersionSupported: NEWEST } : {}) }, metadataVersion: isUpgrade ? NEWEST : 0,
    },
  }
  return { server: isUpgrade ? { metadataVersion: bornWith, metadataVersionSupported: bornWith } : {}, faults: [fault], words: [isUpgrade ? 'rolling upgrade' : 'rolling change'] }
}
