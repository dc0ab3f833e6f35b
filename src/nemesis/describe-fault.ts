/**
 * Faults in words, for reports, logs and shrunk stories.
 */
import { formatTime } from '../base/time.ts'
import type { Fault, FaultAction, FaultKind, Target, Trigger } from './fault.ts'

/** What each kind is, for lists. */
export const FAULT_DESCRIPTIONS: Readonly<Record<FaultKind, string>> = {
  'partition': 'hosts are cut into groups, in any of Jepsen\'s shapes, both ways or one way; what was sent is held or lost with its connection',
  'clog': 'one directed path is held; what was sent arrives late, in order',
  'slow': 'everything to and from a host takes longer',
  'break': 'the connections of a host are reset; what is on its way may still arrive, late',
  'half-open': 'the connections of a host lead nowhere, and neither end is told',
  'swizzle': 'servers are cut off one after another and come back one after another, in another order',
  'outage': 'a rack, or every server, goes down at the same moment; processes only, or power',
  'disk-full': 'nothing can be written that needs room; the process dies of it until there is some',
  'fsync-error': 'every fsync fails and makes nothing durable; the process dies of it',
  'disk-slow': 'every fsync takes longer',
  'bit-flip': 'one bit of a stored batch changes, until the disk is replaced; what the CRC does not cover only beyond the budget',
  'misdirected-write': 'a valid batch lies where another one was, until the disk is replaced; only beyond the budget',
  'bad-sector': 'a log file cannot be read any more (latent sector error), until the disk is replaced',
  'clock-strobe': 'the wall clock of a host steps back and forth',
  'crash': 'a process is killed (page cache kept) or a machine loses power (each file loses a suffix of its unsynced writes)',
  'pause': 'a process stands still, as in a long garbage collection, and goes on with stale state',
  'restart': 'controlled shutdown and start',
  'replace-disk': 'a broker comes back with an empty disk; never a quorum voter',
  'remove-voter': 'a voter of the metadata quorum is removed, and added again later (KIP-853)',
  'replace-voter': 'a voter of the metadata quorum comes back on an empty disk: its old self is removed, its new one added (KIP-853)',
  'rolling-restart': 'every server in turn is restarted with another configuration, or as a newer release, after which the metadata version is raised',
  'alter-config': 'an administrator changes min.insync.replicas or the retention of a topic that is in use, and changes it back',
  'clock-step': 'the wall clock of a host steps, forwards or back',
  'clock-drift': 'the clocks of a host run fast or slow',
}

const FIRST = 'test/nemesis/nemesis.test.ts'
const MORE = 'test/nemesis/more-strikes.test.ts'

/** The test that does each kind to a world and undoes it. */
export const FAULT_TESTS: Readonly<Record<FaultKind, string>> = {
  'partition': FIRST, 'clog': FIRST, 'slow': FIRST, 'break': FIRST, 'crash': FIRST, 'pause': FIRST, 'restart': FIRST, 'replace-disk': FIRST,
  'clock-step': FIRST, 'clock-drift': FIRST,
  'half-open': MORE, 'swizzle': MORE, 'outage': MORE, 'disk-full': MORE, 'fsync-error': MORE, 'disk-slow': MORE, 'bit-flip': MORE,
  'misdirected-write': MORE, 'bad-sector': MORE, 'clock-strobe': MORE,
  'remove-voter': 'test/nemesis/change-voter.test.ts', 'replace-voter': 'test/nemesis/change-voter.test.ts', 'rolling-restart': 'test/nemesis/rolling-restart.test.ts', 'alter-config': 'test/nemesis/alter-config.test.ts',
}

function describeTarget(target: Target): string {
  if ('host' in target) return target.host
  const where = target.topic === undefined ? '' : ` of ${target.topic}-${target.partition ?? 0}`
  switch (target.role) {
    case 'subject': return 'the node that did it'
    case 'other-end': return 'the receiver of that request'
    case 'isr-follower': return `an in-sync follower${where}`
    case 'out-of-isr': return `a replica outside the ISR${where}`
    case 'newest-isr-member': return `the newest ISR member${where}`
    case 'leader': return `the leader${where}`
    case 'active-controller': return 'the active controller'
    case 'standby-controller': return 'a standby controller'
    case 'any-broker': return 'a broker'
    case 'any-server': return 'a server'
    case 'any-client': return 'a client'
  }
}

function describeTrigger(when: Trigger): string {
  if ('at' in when) return `at ${formatTime(when.at)}`
  const narrowed = when.on.topic === undefined ? '' : ` on ${when.on.topic}-${when.on.partition ?? '*'}`
  const { kind, asLeader, role, phase, state, change } = when.on
  const which = role ?? phase ?? state ?? change
  const by = asLeader === undefined ? '' : asLeader ? ' by the leader' : ' by a follower'
  const what = kind === 'request-sent' ? `request ${when.on.apiKey ?? '?'} sent` : `${kind}${which === undefined ? '' : ` (${which})`}${by}`
  const delay = when.after === 0 ? '' : `${formatTime(when.after)} after `
  const since = when.since === undefined ? '' : ` since fault ${when.since}`
  const within = when.within === undefined ? '' : `, or without it ${formatTime(when.within)} later`
  return `${delay}occurrence ${when.nth} of ${what}${narrowed}${since}${within}`
}

function lasting(us: number, isForGood: boolean): string {
  return isForGood ? ' for good' : ` for ${Math.round(us / 1000)} ms`
}

/** What is done, with `who` in place of the target once it is known. */
export function describeAction(action: FaultAction, who?: string, isForGood = false): string {
  const target = who ?? ('target' in action ? describeTarget(action.target) : '')
  switch (action.kind) {
    case 'partition': {
      const way = action.direction === 'both' ? '' : action.direction === 'out' ? ', one way (outgoing lost)' : ', one way (incoming lost)'
      return `network partition (${action.shape}${way}) around ${target}${lasting(action.durationUs, isForGood)}`
    }
    case 'clog':
      return `path ${who ?? `${describeTarget(action.from)} > ${describeTarget(action.to)}`} held${lasting(action.durationUs, isForGood)}`
    case 'slow': return `network of ${target} slower by ${Math.round(action.extraUs / 1000)} ms${lasting(action.durationUs, isForGood)}`
    case 'break': return `connections of ${target} reset${action.lateUs === undefined ? '' : `, what is on its way arrives ${Math.round(action.lateUs / 1000)} ms late`}`
    case 'half-open': return `connections of ${target} lead nowhere, unnoticed`
    case 'swizzle': return `${who ?? `${action.hosts} servers`} cut off and back one by one, ${Math.round(action.spacingUs / 1000)} ms apart`
    case 'outage': return `${action.machine ? 'power failure (unsynced writes lost)' : 'crash of all processes'} of ${who ?? (action.scope === 'all' ? 'every server' : 'a rack')}${lasting(action.durationUs, isForGood)}`
    case 'disk-full': return `disk of ${target} full${lasting(action.durationUs, isForGood)}`
    case 'fsync-error': return `fsync on ${target} fails${lasting(action.durationUs, isForGood)}`
    case 'disk-slow': return `fsync on ${target} slower by ${Math.round(action.extraUs / 1000)} ms${lasting(action.durationUs, isForGood)}`
    case 'bit-flip': return `bit flipped on the disk of ${target}${action.covered ? '' : ', outside the CRC'}, replaced after ${Math.round(action.durationUs / 1000)} ms`
    case 'misdirected-write': return `batch written to the wrong place on the disk of ${target}, replaced after ${Math.round(action.durationUs / 1000)} ms`
    case 'bad-sector': return `sector error on the disk of ${target}, replaced after ${Math.round(action.durationUs / 1000)} ms`
    case 'clock-strobe': return `wall clock of ${target} stepping by ${action.stepMs} ms and back every ${Math.round(action.periodUs / 1000)} ms${lasting(action.durationUs, isForGood)}`
    case 'crash': return `${action.machine ? 'machine crash (unsynced writes lost)' : 'process crash'} of ${target}${lasting(action.durationUs, isForGood)}`
    case 'pause': return `process of ${target} paused${lasting(action.durationUs, isForGood)}`
    case 'restart': return `controlled restart of ${target}, down${lasting(action.durationUs, isForGood)}`
    case 'replace-disk': return `disk of ${target} replaced by an empty one, down${lasting(action.durationUs, isForGood)}`
    case 'remove-voter': return `${target} removed from the voters of the metadata quorum${lasting(action.durationUs, isForGood)}`
    case 'replace-voter': return `disk of voter ${target} replaced, down${lasting(action.durationUs, isForGood)}; its old self is removed from the voters, its new one added`
    case 'rolling-restart': return `rolling restart from ${target} on${action.metadataVersion === 0 ? '' : `, then metadata.version ${action.metadataVersion}`}${Object.keys(action.server).length === 0 ? '' : ` (${Object.entries(action.server).map(([name, value]) => `${name} ${value}`).join(', ')})`}`
    case 'alter-config': return `${action.name}=${action.value} for ${action.topic}${lasting(action.durationUs, isForGood)}`
    case 'clock-step': return `wall clock of ${target} stepped by ${action.stepMs} ms${lasting(action.durationUs, isForGood)}`
    case 'clock-drift': return `clock of ${target} drifting by ${action.driftPpm} ppm${lasting(action.durationUs, isForGood)}`
  }
}

export function describeFault(fault: Fault): string {
  return `${describeTrigger(fault.when)}: ${describeAction(fault.action, undefined, fault.permanent === true)}`
}
