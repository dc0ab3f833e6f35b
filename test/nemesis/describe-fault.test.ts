/** Faults in words: every kind, every sort of target and trigger, and nothing left out of the lists. */
import { readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import { FAULT_DESCRIPTIONS, FAULT_TESTS, describeAction, describeFault } from '../../src/nemesis/describe-fault.ts'
import { FAULT_FAMILIES, FAULT_KINDS, type Fault, type FaultAction, type Target, type Trigger } from '../../src/nemesis/fault.ts'

const LEADER: Target = { role: 'leader', topic: 'a', partition: 1, pick: 0 }
const HOST: Target = { host: 'broker-2' }
const durationUs = 250_000

describe('an action', () => {
  const cases: readonly (readonly [string, FaultAction])[] = [
    ['network partition (halves) around the leader of a-1 for 250 ms', { kind: 'partition', shape: 'halves', direction: 'both', target: LEADER, durationUs }],
    ['network partition (one, one way (outgoing lost)) around broker-2 for 250 ms', { kind: 'partition', shape: 'one', direction: 'out', target: HOST, durationUs }],
    ['network partition (one, one way (incoming lost)) around broker-2 for 250 ms', { kind: 'partition', shape: 'one', direction: 'in', target: HOST, durationUs }],
    ['path the leader of a-1 > broker-2 held for 250 ms', { kind: 'clog', from: LEADER, to: HOST, durationUs }],
    ['network of broker-2 slower by 40 ms for 250 ms', { kind: 'slow', target: HOST, extraUs: 40_000, durationUs }],
    ['connections of broker-2 reset', { kind: 'break', target: HOST }],
    ['process crash of broker-2 for 250 ms', { kind: 'crash', machine: false, target: HOST, durationUs }],
    ['machine crash (unsynced writes lost) of broker-2 for 250 ms', { kind: 'crash', machine: true, target: HOST, durationUs }],
    ['process of broker-2 paused for 250 ms', { kind: 'pause', target: HOST, durationUs }],
    ['controlled restart of broker-2, down for 250 ms', { kind: 'restart', target: HOST, durationUs }],
    ['disk of broker-2 replaced by an empty one, down for 250 ms', { kind: 'replace-disk', target: HOST, durationUs }],
    ['broker-2 removed from the voters of the metadata quorum for 250 ms', { kind: 'remove-voter', target: HOST, durationUs }],
    ['disk of voter broker-2 replaced, down for 250 ms; its old self is removed from the voters, its new one added', { kind: 'replace-voter', target: HOST, durationUs }],
    ['rolling restart from broker-2 on, then metadata.version 30 (producerIdBlockSize 5)', { kind: 'rolling-restart', target: HOST, server: { producerIdBlockSize: 5 }, metadataVersion: 30, durationUs }],
    ['min.insync.replicas=1 for a for 250 ms', { kind: 'alter-config', topic: 'a', name: 'min.insync.replicas', value: '1', former: '2', durationUs }],
    ['wall clock of broker-2 stepped by -300 ms for 250 ms', { kind: 'clock-step', target: HOST, stepMs: -300, durationUs }],
    ['clock of broker-2 drifting by 500 ppm for 250 ms', { kind: 'clock-drift', target: HOST, driftPpm: 500, durationUs }],
    ['connections of broker-2 lead nowhere, unnoticed', { kind: 'half-open', target: HOST }],
    ['3 servers cut off and back one by one, 20 ms apart', { kind: 'swizzle', hosts: 3, pick: 1, spacingUs: 20_000, durationUs }],
    ['crash of all processes of a rack for 250 ms', { kind: 'outage', scope: 'rack', pick: 0, machine: false, durationUs }],
    ['power failure (unsynced writes lost) of every server for 250 ms', { kind: 'outage', scope: 'all', pick: 0, machine: true, durationUs }],
    ['disk of broker-2 full for 250 ms', { kind: 'disk-full', target: HOST, durationUs }],
    ['fsync on broker-2 fails for 250 ms', { kind: 'fsync-error', target: HOST, durationUs }],
    ['fsync on broker-2 slower by 40 ms for 250 ms', { kind: 'disk-slow', target: HOST, extraUs: 40_000, durationUs }],
    ['bit flipped on the disk of broker-2, outside the CRC, replaced after 250 ms', { kind: 'bit-flip', target: HOST, covered: false, pick: 0, durationUs }],
    ['batch written to the wrong place on the disk of broker-2, replaced after 250 ms', { kind: 'misdirected-write', target: HOST, pick: 0, durationUs }],
    ['sector error on the disk of broker-2, replaced after 250 ms', { kind: 'bad-sector', target: HOST, pick: 0, durationUs }],
    ['wall clock of broker-2 stepping by 300 ms and back every 20 ms for 250 ms', { kind: 'clock-strobe', target: HOST, stepMs: 300, periodUs: 20_000, durationUs }],
  ]

  it.each(cases)('%s', (text, action) => {
    expect(describeAction(action)).toBe(text)
  })

  it('names who it met, once that is known', () => {
    expect(describeAction({ kind: 'pause', target: LEADER, durationUs }, 'broker-3')).toBe('process of broker-3 paused for 250 ms')
    expect(describeAction({ kind: 'clog', from: LEADER, to: HOST, durationUs }, 'broker-3 > broker-2')).toBe('path broker-3 > broker-2 held for 250 ms')
  })

  it('of every kind is among them', () => {
    expect(new Set(cases.map(([, { kind }]) => kind))).toEqual(new Set(FAULT_KINDS))
  })
})

describe('a fault', () => {
  const of = (when: Trigger, target: Target = HOST, permanent?: boolean): string =>
    describeFault({ id: 0, when, action: { kind: 'break', target }, ...(permanent === undefined ? {} : { permanent }) } satisfies Fault)

  it('says when', () => {
    expect(of({ at: 1_500_000 })).toBe('at 1.500000s: connections of broker-2 reset')
    expect(of({ on: { kind: 'leader-elected', topic: 'a', partition: 1 }, nth: 2, after: 0 })).toBe('occurrence 2 of leader-elected on a-1: connections of broker-2 reset')
    expect(of({ on: { kind: 'isr-proposed', topic: 'a' }, nth: 1, after: 0 })).toContain('on a-*')
    expect(of({ on: { kind: 'request-sent', apiKey: 56 }, nth: 3, after: 20_000 })).toBe('0.020000s after occurrence 3 of request 56 sent: connections of broker-2 reset')
    expect(of({ on: { kind: 'controller-active' }, nth: 1, after: 0 })).toBe('occurrence 1 of controller-active: connections of broker-2 reset')
  })

  it('says at whom', () => {
    const roles = ['subject', 'other-end', 'leader', 'isr-follower', 'out-of-isr', 'newest-isr-member', 'active-controller', 'standby-controller', 'any-broker', 'any-server', 'any-client'] as const
    expect(roles.map(role => of({ at: 0 }, { role, topic: 'a', pick: 0 }).slice('at 0.000000s: connections of '.length))).toEqual([
      'the node that did it reset', 'the receiver of that request reset', 'the leader of a-0 reset', 'an in-sync follower of a-0 reset', 'a replica outside the ISR of a-0 reset',
      'the newest ISR member of a-0 reset', 'the active controller reset', 'a standby controller reset', 'a broker reset', 'a server reset', 'a client reset',
    ])
    expect(of({ at: 0 }, { role: 'leader', pick: 0 })).toContain('of the leader reset')
  })

  it('says when it is for ever', () => {
    expect(describeFault({ id: 1, when: { at: 0 }, action: { kind: 'crash', machine: false, target: { host: 'broker-2' }, durationUs: 0 }, permanent: true })).toBe('at 0.000000s: process crash of broker-2 for good')
    expect(of({ at: 0 }, HOST, false)).not.toContain('for good')
  })
})

describe('the lists', () => {
  it('describe every kind and put it into one family', () => {
    expect(Object.keys(FAULT_DESCRIPTIONS).sort()).toEqual([...FAULT_KINDS].sort())
    for (const kind of FAULT_KINDS) expect(FAULT_DESCRIPTIONS[kind].length).toBeGreaterThan(20)
    expect(Object.values(FAULT_FAMILIES).flat().sort()).toEqual([...FAULT_KINDS].sort())
  })
})

test('every kind names the test that does it to a world', () => {
  for (const kind of FAULT_KINDS) expect(readFileSync(FAULT_TESTS[kind], 'utf8'), kind).toMatch(new RegExp(`kind: '${kind}'|it.each\\(\\[.*'${kind}'`))
})
