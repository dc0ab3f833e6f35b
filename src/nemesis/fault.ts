/**
 * Faults as data. A fault says when it fires (a virtual time, or some time after the n-th occurrence of an observation),
 * what it does, to whom (a host, or a role resolved when it fires) and how long it lasts. Plans hold these; the nemesis
 * fires and heals them; `describe-fault.ts` puts them into words.
 */
import type { Micros, Millis } from '../base/time.ts'
import type { ServerConfig } from '../config/cluster.ts'
import type { ObservationKind, RaftRole } from '../env/observation.ts'

/** What the n-th occurrence of fires a fault. Every field but `kind` narrows it, where the observation has such a field. */
export interface TriggerEvent {
  readonly kind: ObservationKind
  /** Only for request-sent: the API key. */
  readonly apiKey?: number
  readonly topic?: string
  readonly partition?: number
  /** By the leader, or by a follower. */
  readonly asLeader?: boolean
  /** Only for raft-role: into which one. */
  readonly role?: RaftRole
  /** Only for client-transaction: what has happened to it; for transaction-state: which one; for client-rebalance: which way. */
  readonly phase?: string
  readonly state?: string
  readonly change?: string
}

/**
 * `since`: occurrences count only once that fault has come due. Without it, or without that fault, all of them count.
 * `within`: how long it waits for the occurrence, from then; it then fires without.
 */
export type Trigger =
  | { readonly at: Micros }
  | { readonly on: TriggerEvent; readonly nth: number; readonly after: Micros; readonly since?: number; readonly within?: Micros }

/** `subject` is the node that made the observation (the leader, if none did), `other-end` the receiver of the request. */
export type Role =
  | 'subject'
  | 'other-end'
  | 'leader'
  | 'isr-follower'
  | 'out-of-isr'
  | 'newest-isr-member'
  | 'active-controller'
  | 'standby-controller'
  | 'any-broker'
  | 'any-server'
  | 'any-client'

export type Target =
  | { readonly host: string }
  | { readonly role: Role; readonly topic?: string; readonly partition?: number; readonly pick: number }

export const PARTITION_SHAPES = [
  'one', 'halves', 'majority', 'majorities-ring', 'minority-third', 'bridge', 'primaries', 'isolate-client', 'controller-only', 'voters-only',
] as const
export type PartitionShape = (typeof PARTITION_SHAPES)[number]

export type FaultAction =
  /** Cuts hosts into groups. `direction`: both ways, or only what goes out of / into the first group. */
  | { readonly kind: 'partition'; readonly shape: PartitionShape; readonly direction: 'both' | 'out' | 'in'; readonly target: Target; readonly durationUs: Micros }
  /** One directed path is held; what was sent arrives late, in order. */
  | { readonly kind: 'clog'; readonly from: Target; readonly to: Target; readonly durationUs: Micros }
  | { readonly kind: 'slow'; readonly target: Target; readonly extraUs: Micros; readonly durationUs: Micros }
  /** Resets the live connections of a host; frames on their way may still arrive, late, or all arrive `lateUs` later. */
  | { readonly kind: 'break'; readonly target: Target; readonly lateUs?: Micros }
  /** The live connections of a host lead nowhere, and neither end is told: half-open, as after a firewall lost its state. */
  | { readonly kind: 'half-open'; readonly target: Target }
  /** Some servers are cut off one after another and come back one after another, in another order. */
  | { readonly kind: 'swizzle'; readonly hosts: number; readonly pick: number; readonly spacingUs: Micros; readonly durationUs: Micros }
  /** Process crash (page cache kept) or machine crash (each file loses a suffix of its unsynced writes). */
  | { readonly kind: 'crash'; readonly machine: boolean; readonly target: Target; readonly durationUs: Micros }
  /** A rack, or every server, goes down at the same moment. */
  | { readonly kind: 'outage'; readonly scope: 'rack' | 'all'; readonly pick: number; readonly machine: boolean; readonly durationUs: Micros }
  | { readonly kind: 'pause'; readonly target: Target; readonly durationUs: Micros }
  /** Controlled shutdown, then start after `durationUs`. */
  | { readonly kind: 'restart'; readonly target: Target; readonly durationUs: Micros }
  /** Process crash, then start on an empty disk. Never a quorum voter. */
  | { readonly kind: 'replace-disk'; readonly target: Target; readonly durationUs: Micros }
  /** No room for anything that makes a file longer. */
  | { readonly kind: 'disk-full'; readonly target: Target; readonly durationUs: Micros }
  | { readonly kind: 'fsync-error'; readonly target: Target; readonly durationUs: Micros }
  | { readonly kind: 'disk-slow'; readonly target: Target; readonly extraUs: Micros; readonly durationUs: Micros }
  /** One bit of a stored batch; `covered` by its CRC or not. Like the next two it lasts until the disk is replaced. */
  | { readonly kind: 'bit-flip'; readonly target: Target; readonly covered: boolean; readonly pick: number; readonly durationUs: Micros }
  /** A whole batch lies where another one was. */
  | { readonly kind: 'misdirected-write'; readonly target: Target; readonly pick: number; readonly durationUs: Micros }
  /** A latent sector error: a log file that cannot be read. */
  | { readonly kind: 'bad-sector'; readonly target: Target; readonly pick: number; readonly durationUs: Micros }
  | { readonly kind: 'clock-step'; readonly target: Target; readonly stepMs: Millis; readonly durationUs: Micros }
  /** Every server in turn, from `target` on, restarts with `server` over its configuration; `metadataVersion`: raised to that afterwards, 0: not. */
  | { readonly kind: 'rolling-restart'; readonly target: Target; readonly server: Partial<ServerConfig>; readonly metadataVersion: number; readonly durationUs: Micros }
  /** A voter of the metadata quorum is removed, and added again after `durationUs` (KIP-853). */
  | { readonly kind: 'remove-voter'; readonly target: Target; readonly durationUs: Micros }
  /** A voter dies, comes back on an empty disk, and takes the place of the one that it was: removed and added. */
  | { readonly kind: 'replace-voter'; readonly target: Target; readonly durationUs: Micros }
  /** An administrator sets a configuration of a topic, and sets it back; `former` null: to its default. */
  | { readonly kind: 'alter-config'; readonly topic: string; readonly name: string; readonly value: string; readonly former: string | null; readonly durationUs: Micros }
  | { readonly kind: 'clock-drift'; readonly target: Target; readonly driftPpm: number; readonly durationUs: Micros }
  /** Steps away and back again every `periodUs`. */
  | { readonly kind: 'clock-strobe'; readonly target: Target; readonly stepMs: Millis; readonly periodUs: Micros; readonly durationUs: Micros }

export type FaultKind = FaultAction['kind']
export type ActionOf<K extends FaultKind> = Extract<FaultAction, { readonly kind: K }>

/** Families that `--faults` selects by. */
export const FAULT_FAMILIES = {
  partition: ['partition', 'clog', 'swizzle'],
  network: ['slow', 'break', 'half-open'],
  crash: ['crash', 'pause', 'restart', 'outage'],
  disk: ['replace-disk', 'disk-full', 'fsync-error', 'disk-slow', 'bit-flip', 'misdirected-write', 'bad-sector'],
  clock: ['clock-step', 'clock-drift', 'clock-strobe'],
  membership: ['remove-voter', 'replace-voter'],
  rolling: ['rolling-restart'],
  config: ['alter-config'],
} as const satisfies Record<string, readonly FaultKind[]>
export const FAULT_KINDS: readonly FaultKind[] = Object.values(FAULT_FAMILIES).flat()
export type FaultFamily = keyof typeof FAULT_FAMILIES

/** Kinds that are over as soon as they have happened: nothing of them is healed. */
export const MOMENTARY_KINDS: ReadonlySet<FaultKind> = new Set(['break', 'half-open'])

/** Whom it is aimed at. */
export function targetsOf(action: FaultAction): readonly Target[] {
  if (action.kind === 'clog') return [action.from, action.to]
  return 'target' in action ? [action.target] : []
}

/** Does it cost a machine data that was written? */
export function losesData(action: FaultAction): boolean {
  switch (action.kind) {
    case 'crash':
    case 'outage': return action.machine
    case 'replace-disk':
    case 'bit-flip':
    case 'misdirected-write':
    case 'bad-sector': return true
    default: return false
  }
}

export interface Fault {
  readonly id: number
  readonly when: Trigger
  readonly action: FaultAction
  /** Never healed, not even at the end: the rest is a core that must suffice. Only for crashes. */
  readonly permanent?: boolean
}
