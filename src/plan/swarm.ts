/**
 * What a plan is made of before any operation or fault is drawn: which features it has and which it leaves out (swarm
 * testing), so that rare combinations get plans of their own. Two sizes of plan:
 *
 *   wide       up to five brokers, several partitions, a few hundred operations and seconds: everything meets everything
 *   close-up   three brokers, mostly one partition, a handful of records, short: many trials for the price of a wide one,
 *              each with a long run of faults around that one partition or the quorum
 */
import fc, { type Arbitrary } from 'fast-check'
import { FAULT_FAMILIES, type FaultKind } from '../nemesis/fault.ts'
import type { GenerateOptions, PinnedConfig } from './generate-options.ts'

const often = (percent: number): Arbitrary<boolean> => fc.integer({ min: 0, max: 99 }).map(n => n < percent)

export interface Swarm {
  readonly closeUp: boolean
  readonly combined: boolean
  readonly controllers: number
  readonly brokers: number
  readonly racks: boolean
  readonly kinds: readonly FaultKind[]
  readonly machineCrashes: boolean
  readonly jitter: boolean
  readonly delays: boolean
  readonly breaks: boolean
  readonly interleaving: 'off' | 'random' | 'pct'
  readonly tinySegments: boolean
  readonly shortRetention: boolean
  readonly slowFsync: boolean
  readonly permanent: boolean
  /** Clocks are minutes off all the time, where clocks may fail. */
  readonly skewed: boolean
  readonly minIsr: number
  readonly factor: number
  readonly unclean: boolean
  readonly elr: boolean
  readonly chaosMs: number
  /** Of Kafka's timeouts, scaled down, in percent. */
  readonly scale: number
  /** Between looks for leaders that are not the preferred ones, before scaling. */
  readonly imbalanceCheckMs: number
}

/** How many of a hundred plans are close-ups. */
const CLOSE_UPS = 55

export function swarm(options: GenerateOptions, pinned: PinnedConfig): Arbitrary<Swarm> {
  return often(CLOSE_UPS).chain(closeUp => (closeUp ? closeUpSwarm(options, pinned) : wideSwarm(options, pinned)))
}

function wideSwarm(options: GenerateOptions, pinned: PinnedConfig): Arbitrary<Swarm> {
  const allowed = allowedKinds(options, pinned)
  return fc.record({
    closeUp: fc.constant(false),
    combined: often(25),
    controllers: fc.constantFrom(1, 3, 3, 3),
    brokers: options.brokers > 0 ? fc.constant(options.brokers) : fc.constantFrom(3, 3, 3, 4, 5),
    racks: pinned.followerReads === true ? fc.constant(true) : often(25),
    kinds: allowed.length === 0 ? fc.constant<FaultKind[]>([]) : fc.subarray(allowed, { minLength: 1 }),
    machineCrashes: pinned.machineCrashes === undefined ? often(60) : fc.constant(pinned.machineCrashes),
    jitter: often(80),
    delays: often(50),
    breaks: often(40),
    interleaving: fc.constantFrom('off' as const, 'off' as const, 'random' as const, 'pct' as const),
    tinySegments: often(35),
    shortRetention: often(15),
    slowFsync: often(30),
    permanent: often(15),
    skewed: often(12),
    minIsr: fc.constantFrom(1, 2, 2, 2),
    factor: fc.constantFrom(3, 3, 3, 2, 1),
    unclean: often(15),
    elr: often(85),
    chaosMs: options.chaosMs > 0 ? fc.constant(options.chaosMs) : fc.integer({ min: 3_000, max: 9_000 }),
    scale: fc.integer({ min: 60, max: 160 }),
    imbalanceCheckMs: fc.constant(3_000),
  })
}

function closeUpSwarm(options: GenerateOptions, pinned: PinnedConfig): Arbitrary<Swarm> {
  const allowed = allowedKinds(options, pinned)
  return fc.record({
    closeUp: fc.constant(true),
    combined: often(10),
    controllers: fc.constantFrom(1, 1, 3),
    brokers: fc.constant(options.brokers > 0 ? options.brokers : 3),
    racks: pinned.followerReads === true ? fc.constant(true) : often(30),
    // A run needs several kinds: a few are left out, not most.
    kinds: allowed.length === 0 ? fc.constant<FaultKind[]>([]) : fc.subarray(allowed, { minLength: Math.ceil(allowed.length * 0.7) }),
    machineCrashes: pinned.machineCrashes === undefined ? often(40) : fc.constant(pinned.machineCrashes),
    jitter: often(70),
    delays: often(45),
    breaks: often(30),
    interleaving: fc.constantFrom('off' as const, 'off' as const, 'off' as const, 'random' as const, 'pct' as const),
    tinySegments: often(20),
    shortRetention: often(5),
    slowFsync: often(30),
    permanent: often(5),
    skewed: often(12),
    minIsr: fc.constantFrom(1, 2, 2, 2, 2, 2, 2),
    factor: fc.constantFrom(3, 3, 3, 3, 2),
    unclean: often(5),
    elr: often(85),
    chaosMs: options.chaosMs > 0 ? fc.constant(options.chaosMs) : fc.integer({ min: 2_500, max: 5_000 }),
    scale: fc.integer({ min: 40, max: 90 }),
    imbalanceCheckMs: fc.constantFrom(400, 1_000, 3_000),
  })
}

function allowedKinds(options: GenerateOptions, pinned: PinnedConfig): FaultKind[] {
  // Changes of the quorum, rolling changes and configurations are drawn apart (draw-quorum.ts, draw-rolling.ts, draw-config.ts).
  return (pinned.families ?? options.families).filter(family => family !== 'membership' && family !== 'rolling' && family !== 'config').flatMap(family => [...FAULT_FAMILIES[family]])
}

/** The features of a plan in words. */
export function swarmWords(drawn: Swarm): readonly string[] {
  const words = [
    drawn.closeUp ? 'close-up' : 'wide', `${drawn.brokers} brokers`, `${drawn.controllers} ${drawn.combined ? 'combined ' : ''}controllers`, `faults ${drawn.kinds.join(' ')}`,
  ]
  for (const [name, on] of Object.entries({
    racks: drawn.racks, jitter: drawn.jitter, 'long delays': drawn.delays, 'connection breaks': drawn.breaks,
    'tiny segments': drawn.tinySegments, 'short retention': drawn.shortRetention, 'slow fsync': drawn.slowFsync, 'machine crashes': drawn.machineCrashes,
    'unclean election': drawn.unclean, ELR: drawn.elr,
  })) if (on) words.push(name)
  if (drawn.interleaving !== 'off') words.push(`interleaving ${drawn.interleaving}`)
  return words
}
