/**
 * What a user may fix before plans are drawn. Together with the seed these decide a plan, so a token carries the ones
 * that differ from the defaults.
 */
import type { DefectId, MendId } from '../config/defects.ts'
import type { PinnedClientConfig } from '../config/workload.ts'
import type { FaultFamily } from '../nemesis/fault.ts'
import { FAULT_FAMILIES } from '../nemesis/fault.ts'

export type FaultRate = 'low' | 'normal' | 'high'

/** What a profile pins; every absent field is drawn. */
export interface PinnedConfig extends PinnedClientConfig {
  readonly minInsyncReplicas?: number
  readonly replicationFactor?: number
  readonly uncleanLeaderElection?: boolean
  /** Fault families; absent: as the user says. */
  readonly families?: readonly FaultFamily[]
  readonly machineCrashes?: boolean
  readonly clockSkewMinutes?: boolean
  readonly transactionVersion?: 1 | 2
}

/** Named pins: the rows of `trial guarantees` draw their plans with one each. Order is part of the token format. */
export const PROFILES = {
  'any': {},
  'acks-0': { acks: 0, idempotence: false },
  'acks-1': { acks: 1, idempotence: false, uncleanLeaderElection: false, replicationFactor: 3 },
  'acks-all-min-1': { acks: -1, minInsyncReplicas: 1, replicationFactor: 3, uncleanLeaderElection: false },
  'acks-all-min-2': { acks: -1, minInsyncReplicas: 2, replicationFactor: 3, uncleanLeaderElection: false, idempotence: true },
  'unclean': { acks: -1, minInsyncReplicas: 2, replicationFactor: 3, uncleanLeaderElection: true },
  'retries-one-in-flight': { acks: -1, idempotence: false, retries: true, maxInFlight: 1, replicationFactor: 3, minInsyncReplicas: 2, uncleanLeaderElection: false },
  'retries-pipelined': { acks: -1, idempotence: false, retries: true, maxInFlight: 5, replicationFactor: 3, minInsyncReplicas: 2, uncleanLeaderElection: false },
  'idempotent': { acks: -1, idempotence: true, maxInFlight: 5, replicationFactor: 3, minInsyncReplicas: 2, uncleanLeaderElection: false },
  'follower-reads': { acks: -1, followerReads: true, replicationFactor: 3, minInsyncReplicas: 2, uncleanLeaderElection: false },
  'clock-skew': { acks: -1, idempotence: true, replicationFactor: 3, minInsyncReplicas: 2, uncleanLeaderElection: false, clockSkewMinutes: true },
  'safe': { acks: -1, idempotence: true, minInsyncReplicas: 2, replicationFactor: 3, uncleanLeaderElection: false },
  'transactions-tv1': { acks: -1, idempotence: true, minInsyncReplicas: 2, replicationFactor: 3, uncleanLeaderElection: false, transactionVersion: 1 },
  'transactions-tv2': { acks: -1, idempotence: true, minInsyncReplicas: 2, replicationFactor: 3, uncleanLeaderElection: false, transactionVersion: 2 },
  'no-group-metadata': { acks: -1, idempotence: true, minInsyncReplicas: 2, replicationFactor: 3, uncleanLeaderElection: false, withoutGroupMetadata: true },
  'read-uncommitted': { acks: -1, idempotence: true, minInsyncReplicas: 2, replicationFactor: 3, uncleanLeaderElection: false, uncommittedReader: true },
} as const satisfies Record<string, PinnedConfig>
export type ProfileName = keyof typeof PROFILES
export const PROFILE_NAMES = Object.keys(PROFILES) as readonly ProfileName[]

export interface GenerateOptions {
  readonly workload: string
  readonly profile: ProfileName
  /** 0: drawn. */
  readonly operations: number
  /** Length of the fault phase; 0: drawn, 4 to 10 seconds. */
  readonly chaosMs: number
  readonly families: readonly FaultFamily[]
  readonly faultRate: FaultRate
  readonly defects: readonly DefectId[]
  readonly mends: readonly MendId[]
  readonly wire: 'objects' | 'bytes'
  readonly beyondBudget: boolean
  /** Number of brokers; 0: drawn. */
  readonly brokers: number
}

export const ALL_FAMILIES = Object.keys(FAULT_FAMILIES) as readonly FaultFamily[]

export const DEFAULT_GENERATE_OPTIONS: GenerateOptions = Object.freeze({
  workload: 'produce-consume',
  profile: 'any',
  operations: 0,
  chaosMs: 0,
  families: ALL_FAMILIES,
  faultRate: 'normal',
  defects: [],
  mends: [],
  wire: 'objects',
  beyondBudget: false,
  brokers: 0,
})
