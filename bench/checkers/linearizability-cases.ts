/** The cases of linearizability: the rows of what must be shown, and how time grows with each of three sizes. */
import { LinearizabilityCheck, type LinearizabilityOptions } from '../../checkers/linearizability/check-linearizability.ts'
import { casRegister } from '../../checkers/linearizability/models/cas-register.ts'
import { log } from '../../checkers/linearizability/models/log.ts'
import { register } from '../../checkers/linearizability/models/register.ts'
import type { Operation } from '../../src/history/operation.ts'
import type { Case, CaseChecker } from './case.ts'
import { appendLog, independent, type SimulatedObject, simulate, type Simulation, smallRegister, uniqueRegister } from './simulated-clients.ts'
import { wingGongLowe } from './wing-gong-lowe.ts'

function checkerOf(options: LinearizabilityOptions): CaseChecker {
  const check = new LinearizabilityCheck(options)
  return {
    add: operation => void check.add(operation),
    finish() {
      const { verdict, explored, witness, engines, wrongPartitions } = check.finish()
      const placed = witness().reduce((sum, { order }) => sum + order.length, 0)
      return { verdict, detail: { steps: explored.steps, configurations: explored.configurations, placed, wrong: wrongPartitions, engines: Object.keys(engines).join(' ') } }
    },
  }
}

interface Wanted extends Partial<Pick<Case, 'aim' | 'series'>>, Omit<Simulation, 'object' | 'seed'> {
  readonly options?: Partial<LinearizabilityOptions>
}

function caseOf(name: string, model: LinearizabilityOptions['model'], object: () => SimulatedObject, { aim, series, options, ...simulation }: Wanted): Case {
  return {
    name, operations: simulation.operations,
    history: () => simulate({ object: object(), seed: 7, ...simulation }),
    checker: () => checkerOf({ model, ...options }),
    expect: simulation.late === true ? 'invalid' : 'valid',
    ...(aim === undefined ? {} : { aim }), ...(series === undefined ? {} : { series }),
  }
}

const FAST = [['log', log, appendLog], ['unique-register', register, uniqueRegister]] as const

function fastCases(): Case[] {
  return FAST.flatMap(([name, model, object]) => [
    ...[1_000, 10_000, 100_000, 1_000_000].map(operations => caseOf(`${name}/${operations}-operations`, model, object, { operations, clients: 10, series: { name: `${name} by operations`, by: 'operations', at: operations } })),
    ...[5, 10, 20, 50].map(clients => caseOf(`${name}/valid-${clients}-clients`, model, object, {
      operations: 100_000, clients, aim: { medianMs: 60, peakMemoryMB: 150 }, series: { name: `${name} by clients`, by: 'clients', at: clients },
    })),
    caseOf(`${name}/late-stale-read`, model, object, { operations: 100_000, clients: 10, late: true, aim: { medianMs: 60, peakMemoryMB: 150 } }),
    caseOf(`${name}/million-some-indeterminate`, model, object, { operations: 1_000_000, clients: 50, indeterminate: 500, aim: { endToEndMs: 2_000, peakMemoryMB: 500 } }),
    ...[0, 8, 20, 100].map(indeterminate => caseOf(`${name}/${indeterminate}-indeterminate`, model, object, {
      operations: 1_000, clients: 50, indeterminate, aim: { medianMs: 10 }, series: { name: `${name} by indeterminate`, by: 'indeterminate', at: indeterminate },
    })),
    ...[8, 20, 100].map(indeterminate => caseOf(`${name}/${indeterminate}-indeterminate-stale`, model, object, { operations: 1_000, clients: 50, indeterminate, late: true, aim: { medianMs: 10 } })),
  ])
}

/**
 * A hundred logs like those that Jepsen recorded of etcd: 170 operations of 5 clients, one in seven without an answer, every
 * fourth log with a wrong read. Each is a key of its own, one after another.
 */
function* etcdLogs(): Generator<Operation> {
  let base = 0
  let processes = 0
  for (let log = 0; log < 100; log++) {
    const events = [...simulate({ object: smallRegister(5, true), operations: 170, clients: 5, seed: 1_000 + log, indeterminate: 24 })]
    const reads = events.filter(({ type, f }) => type === 'ok' && f === 'read')
    const wrong = log % 4 === 0 ? reads[(reads.length * 3) >> 2] : undefined
    for (const event of events) {
      const value = event === wrong ? ((event.value as number | null) ?? 0) + 1 : event.value
      yield { ...event, index: base + event.index, time: (base + event.index) * 1_000, process: processes + (event.process as number), value: [log, value] }
    }
    base += events.length
    processes += 1 + Math.max(...events.map(({ process }) => process as number))
  }
}

export const LINEARIZABILITY_CASES: readonly Case[] = [
  ...fastCases(),
  caseOf('unique-register/100-keys', register, () => independent(100, uniqueRegister), { operations: 1_000_000, clients: 50, options: { independent: true }, aim: { medianMs: 400 } }),
  caseOf('log/16-partitions', log, () => independent(16, appendLog), { operations: 1_000_000, clients: 50, options: { independent: true }, aim: { medianMs: 400 } }),
  ...[5, 10, 20, 50].flatMap((clients): Case[] => {
    const ours = caseOf(`small-register/${clients}-clients`, register, () => smallRegister(5, false), { operations: 1_000, clients, series: { name: 'small-register by clients', by: 'clients', at: clients } })
    // With 50 clients the yardstick does not end: after minutes it holds 8 GB of configurations.
    if (clients === 50) return [ours]
    const theirs = `small-register/${clients}-clients-wing-gong-lowe`
    return [{ ...ours, comparedWith: theirs }, { ...ours, name: theirs, checker: () => wingGongLowe(register), series: { name: 'small-register by clients, Wing-Gong-Lowe', by: 'clients', at: clients } }]
  }),
  {
    name: 'cas-register/100-logs-many-timeouts', operations: 17_000, history: etcdLogs,
    checker: () => checkerOf({ model: casRegister, independent: true }), expect: 'invalid', aim: { medianMs: 30 },
  },
  ...[1_000, 10_000, 100_000].map(operations => caseOf(`cas-register/${operations}-operations`, casRegister, () => smallRegister(5, true), { operations, clients: 10, series: { name: 'cas-register by operations', by: 'operations', at: operations } })),
]
