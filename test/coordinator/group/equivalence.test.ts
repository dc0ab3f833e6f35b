/**
 * Coordinator equivalence (invariant 9): whenever a coordinator dies, the next one has the state that the committed prefix of
 * the log makes, and clients that ask again end up with what they would have had. Every moment is tried, none drawn.
 */
import { expect, test } from 'vitest'
import { loadState } from '../../../src/coordinator/load-state.ts'
import { GroupState } from '../../../src/coordinator/group/group-state.ts'
import { GROUP_TOPIC } from '../../../src/coordinator/internal-topics.ts'
import { Coordinator, form, joinNew, settled } from './group-fixture.ts'

type Step = (coordinator: Coordinator) => void

/** What replaying the log gives: all of it, or what is committed. */
function replayed(coordinator: Coordinator, committedOnly: boolean): GroupState {
  const state = new GroupState()
  const leading = () => {
    const log = coordinator.logs.leading(GROUP_TOPIC, 0)!
    return committedOnly ? { ...log, logEndOffset: log.highWatermark } : log
  }
  const visitor = {
    record: state.replay.bind(state),
    endTransaction: state.replayEndTransaction.bind(state),
  }
  coordinator.env.await(loadState(coordinator.env, GROUP_TOPIC, { find: leading, isCurrent: () => true, readMs: 0 }, visitor))
  return state
}

const joiningConsumer = { rebalanceTimeoutMs: 20_000, subscribedTopicNames: ['orders'], topicPartitions: [] }

/** Two hundred operations of every kind, in rounds that differ. */
function scenario(): Step[] {
  const steps: Step[] = []
  let classic: string[] = []
  for (let round = 0; round < 20; round++) {
    steps.push(
      coordinator => void coordinator.commit(round, { groupId: `simple-${round % 3}` }),
      coordinator => void coordinator.txnCommit(100 + round, 70 + (round % 4), { groupId: `simple-${round % 2}` }),
      coordinator => void coordinator.endTransaction(70 + ((round + 2) % 4), round % 3 !== 0),
      coordinator => {
        if (round % 5 === 0) {
          // Asked for once more after a kill, it finds them there.
          coordinator.leave(...classic.map(memberId => ({ memberId })))
          classic = form(coordinator, 1 + (round % 2)).members
        }
        else if (round % 5 === 4) coordinator.leave(...classic.map(memberId => ({ memberId })))
        else coordinator.join({ memberId: classic[0]! })
      },
      coordinator => void coordinator.sync({ memberId: classic[0] ?? '', generationId: coordinator.state.groups.get('g')?.kind === 'classic' ? round : 0, assignments: [] }),
      coordinator => void coordinator.join({ groupId: 'static', groupInstanceId: 'one' }),
      coordinator => void coordinator.env.run(200),
      coordinator => void coordinator.consumer({ groupId: 'new', memberId: `m${round % 3}`, memberEpoch: round % 7 === 6 ? -1 : 0, ...joiningConsumer }),
      coordinator => void coordinator.consumer({ groupId: 'regex', memberId: `m${round % 2}`, memberEpoch: 0, ...joiningConsumer, subscribedTopicNames: null, subscribedTopicRegex: round % 2 === 0 ? 'or.*' : 'o.*s' }),
      coordinator => void (round % 6 === 5 ? coordinator.topic('orders', 2 + round) : coordinator.env.run(5_000)),
    )
  }
  return steps
}

test('after each of two hundred operations a replay of the log gives the state, and one of its committed prefix what is committed', () => {
  const coordinator = new Coordinator({ server: { groupConsumerAssignmentIntervalMs: 0, offsetsRetentionMs: 12_000, offsetsRetentionCheckIntervalMs: 7_000 } })
  coordinator.topic('orders', 2)
  const steps = scenario()
  expect(steps.length).toBe(200)
  let ahead = 0
  steps.forEach((step, i) => {
    // Every third operation finds followers that lag.
    coordinator.logs.commitsAtOnce = i % 3 !== 0
    step(coordinator)
    const [state, committed] = [coordinator.state, coordinator.committed]
    if (state.digest !== committed.digest) ahead++
    for (const [live, again] of [[state, replayed(coordinator, false)], [committed, replayed(coordinator, true)]] as const) {
      expect(again.describe(), `operation ${i}`).toEqual(live.describe())
      expect(again.digest).toBe(live.digest)
    }
    if (i % 3 === 0) coordinator.logs.commit(0)
  })
  // It was not quiet: groups of each kind, offsets and open transactions are there, some have gone, some were ahead of the high watermark.
  expect(ahead).toBeGreaterThan(20)
  const kinds = [...coordinator.state.groups].map(([groupId, { kind }]) => `${groupId} ${kind}`)
  expect(kinds).toEqual(expect.arrayContaining(['new consumer', 'regex consumer', 'static classic']))
  expect(coordinator.marks('offsets-expired')).toBeGreaterThan(0)
})

test.each(['before append', 'before commit', 'before answer'] as const)('killed %s of each of two hundred operations: the next one has the committed prefix, and who asks again sees the same offsets in the end', boundary => {
  let unchanged = 0
  /** What clients see at the end, the operation `kill` having been asked for twice. */
  const final = (kill: number): (number | string)[] => {
    const coordinator = new Coordinator({ server: { groupConsumerAssignmentIntervalMs: 0 } })
    coordinator.topic('orders', 2)
    scenario().forEach((step, i) => {
      if (i === kill) {
        coordinator.logs.commitsAtOnce = boundary === 'before answer'
        if (boundary !== 'before append') step(coordinator)
        coordinator.logs.commitsAtOnce = true
        const committed = replayed(coordinator, true).digest
        const end = coordinator.logs.log(0).highWatermark
        coordinator.failOver()
        // Who takes over may add to it at once: it ends rebalances that nobody is there for.
        const untouched = coordinator.logs.log(0).end === end
        if (untouched) unchanged++
        expect(coordinator.state.digest, `operation ${i}`).toBe(untouched ? committed : replayed(coordinator, false).digest)
      }
      step(coordinator)
    })
    return ['simple-0', 'simple-1', 'simple-2'].flatMap(groupId => [coordinator.fetch({ groupId }), coordinator.fetch({ groupId, requireStable: true })])
  }
  const undisturbed = final(-1)
  expect(undisturbed).toEqual([18, 'UNSTABLE_OFFSET_COMMIT', 19, 'UNSTABLE_OFFSET_COMMIT', 17, 17])
  for (let kill = 0; kill < 200; kill++) expect(final(kill), `operation ${kill}`).toEqual(undisturbed)
  expect(unchanged).toBeGreaterThan(150)
})

test('a group that was forming is formed again, however often its coordinator dies', () => {
  const coordinator = new Coordinator()
  for (let i = 0; i < 5; i++) {
    joinNew(coordinator)
    coordinator.env.run(i * 40)
    coordinator.failOver()
  }
  const { memberId, answer } = joinNew(coordinator)
  coordinator.env.run(500)
  expect(settled(answer)).toMatchObject({ errorCode: 0, leader: memberId })
})
