/**
 * The registry: every checker by name, for `--checkers`, `trial list checkers` and the trial runner.
 */
import { TrialError } from '../src/base/trial-error.ts'
import { bankChecker } from './collections/bank-checker.ts'
import { counterChecker } from './collections/counter-checker.ts'
import { DELIVERY_SEMANTICS, exactlyOnceChecker } from './collections/exactly-once-checker.ts'
import { groupsChecker } from './collections/groups-checker.ts'
import { queueChecker } from './collections/queue-checker.ts'
import { setChecker } from './collections/set-checker.ts'
import { setFullChecker } from './collections/set-full-checker.ts'
import { shareGroupChecker } from './collections/share-group-checker.ts'
import { uniqueIdsChecker } from './collections/unique-ids-checker.ts'
import { compactedTableChecker } from './compaction/compacted-table-checker.ts'
import type { Checker } from './contract.ts'
import { listAppendChecker } from './isolation/list-append-checker.ts'
import { rwRegisterChecker } from './isolation/rw-register-checker.ts'
import { committedOffsetsChecker } from './linearizability/committed-offsets-checker.ts'
import { linearizabilityChecker } from './linearizability/linearizability-checker.ts'
import { MODELS } from './linearizability/models.ts'
import { MONITORS } from './invariants/invariants.ts'
import { kafkaLogChecker } from './kafka-log/kafka-log-checker.ts'

export interface CheckerEntry {
  readonly name: string
  readonly describes: string
  /**
   * `history`: judges what clients saw; `monitor`: watches every node while a trial runs; `liveness`: looks at the end;
   * `recorded`: judges histories of other data types, in `trial check` only.
   */
  readonly kind: 'history' | 'monitor' | 'liveness' | 'recorded'
}

/** Those that judge the histories of trials. */
export const HISTORY_CHECKERS: readonly Checker[] = [kafkaLogChecker, compactedTableChecker, ...DELIVERY_SEMANTICS.map(exactlyOnceChecker), groupsChecker, shareGroupChecker, committedOffsetsChecker, bankChecker({ negativeBalances: true })]

/** Those for histories that were recorded elsewhere, as they are without options. */
export const RECORDED_CHECKERS: readonly Checker[] = [linearizabilityChecker(MODELS['register']!), listAppendChecker, rwRegisterChecker, setChecker, setFullChecker(), queueChecker(), uniqueIdsChecker, counterChecker]

export const CHECKERS: readonly CheckerEntry[] = [
  ...HISTORY_CHECKERS.map(({ name, describes }): CheckerEntry => ({ name, describes, kind: 'history' })),
  ...MONITORS.map(({ name, describes }): CheckerEntry => ({ name, describes, kind: 'monitor' })),
  { name: 'broker-assertion', describes: 'no server dies of an assertion of its own', kind: 'monitor' },
  { name: 'liveness', describes: 'after healing: leaders, full ISRs, answered requests, a drained log', kind: 'liveness' },
  ...RECORDED_CHECKERS.map(({ name, describes }): CheckerEntry => ({ name, describes, kind: 'recorded' })),
]

const TRIAL_CHECKERS = CHECKERS.filter(({ kind }) => kind !== 'recorded')

/** Names that stand for several. */
export const CHECKER_GROUPS: Readonly<Record<string, readonly string[]>> = {
  all: TRIAL_CHECKERS.map(({ name }) => name),
  'black-box': TRIAL_CHECKERS.filter(({ kind }) => kind !== 'monitor').map(({ name }) => name),
  invariants: TRIAL_CHECKERS.filter(({ kind }) => kind === 'monitor').map(({ name }) => name),
}

/** Jepsen's names of ours. */
const ALIASES: ReadonlyMap<string, string> = new Map([['kafka', 'kafka-log']])

/** A checker of histories. Throws TrialError('usage') when there is none of that name. */
export function findChecker(name: string): Checker {
  const all = [...HISTORY_CHECKERS, ...RECORDED_CHECKERS]
  const checker = all.find(one => one.name === (ALIASES.get(name) ?? name))
  if (checker === undefined) throw new TrialError('usage', `There is no checker of histories named ${name}.`, `There are: ${all.map(one => one.name).join(', ')}.`)
  return checker
}

export interface SelectedCheckers {
  readonly history: readonly Checker[]
  /** Names of monitors, for `new Invariants(context, names)`. */
  readonly monitors: readonly string[]
  readonly liveness: boolean
  /** All names, groups replaced by their members. */
  readonly names: ReadonlySet<string>
}

/** Throws TrialError('usage') at a name that is neither a checker nor a group. */
export function selectCheckers(names: readonly string[]): SelectedCheckers {
  const wanted = new Set<string>()
  for (const name of names) {
    const group = Object.hasOwn(CHECKER_GROUPS, name) ? CHECKER_GROUPS[name]! : TRIAL_CHECKERS.some(entry => entry.name === name) ? [name] : undefined
    if (group === undefined) {
      throw new TrialError('usage', `There is no checker ${name}.`, `Checkers: ${TRIAL_CHECKERS.map(entry => entry.name).join(', ')}; groups: ${Object.keys(CHECKER_GROUPS).join(', ')}.`)
    }
    for (const one of group) wanted.add(one)
  }
  return {
    history: HISTORY_CHECKERS.filter(({ name }) => wanted.has(name)),
    monitors: MONITORS.map(({ name }) => name).filter(name => wanted.has(name)),
    liveness: wanted.has('liveness'),
    names: wanted,
  }
}
