/**
 * Transactional histories for `npm run bench:checkers`: lists and Kafka logs, valid ones and one with a cycle of each kind.
 */
import type { CheckContext, CheckResult } from '../../checkers/contract.ts'
import { guaranteesFor } from '../../checkers/guarantees.ts'
import { ListAppendCheck } from '../../checkers/isolation/list-append-checker.ts'
import { KafkaLogCheck } from '../../checkers/kafka-log/kafka-log-checker.ts'
import type { Case, CaseAnswer, CaseChecker } from './case.ts'
import { PLANTS, plantCycles } from './planted-cycles.ts'
import { kafkaHistory, listAppendHistory, type Shape } from './transaction-histories.ts'

const CONTEXT: CheckContext = {
  guarantees: guaranteesFor({
    acks: -1, replicationFactor: 3, minInsyncReplicas: 2, uncleanLeaderElection: false, idempotence: true, retries: true, maxInFlight: 5,
    isolation: 'read_committed', followerReads: false, lossyCrashes: 0, cleanup: 'delete',
  }),
  drained: true,
  logStart: {},
}
const shape = (transactions: number, clients = 20): Shape => ({ transactions, clients, length: 4, elements: 128 })
const SIZES = [1_000, 10_000, 100_000, 1_000_000] as const

function answerOf({ verdict, counts }: CheckResult): CaseAnswer {
  return { verdict, detail: { anomalies: Object.entries(counts).map(([anomaly, count]) => (count === 1 ? anomaly : `${count} ${anomaly}`)).join(', ') } }
}

function listAppend(): CaseChecker {
  const check = new ListAppendCheck(CONTEXT)
  return { add: operation => check.add(operation), finish: () => answerOf(check.finish()) }
}

function kafkaLog(): CaseChecker {
  const check = new KafkaLogCheck(CONTEXT)
  return { add: operation => check.add(operation), finish: () => answerOf(check.finish()) }
}

const listAppendCases = SIZES.map((transactions): Case => ({
  name: `list-append/valid/${transactions}`,
  operations: transactions,
  history: () => listAppendHistory(shape(transactions)),
  checker: listAppend,
  expect: 'valid',
  ...(transactions === 100_000 ? { aim: { medianMs: 250 } } : transactions === 1_000_000 ? { aim: { endToEndMs: 10_000, peakMemoryMB: 2_000 } } : {}),
  series: { name: 'list-append/valid', by: 'operations', at: transactions },
}))

const clientCases = [5, 20, 50].map((clients): Case => ({
  name: `list-append/clients/${clients}`,
  operations: 100_000,
  history: () => listAppendHistory(shape(100_000, clients)),
  checker: listAppend,
  expect: 'valid',
  series: { name: 'list-append/clients', by: 'clients', at: clients },
}))

const kafkaCases = SIZES.slice(0, 3).map((transactions): Case => ({
  name: `kafka-log/transactions/${transactions}`,
  operations: transactions,
  history: () => kafkaHistory(shape(transactions)),
  checker: kafkaLog,
  expect: 'valid',
  ...(transactions === 100_000 ? { aim: { medianMs: 500 } } : {}),
  series: { name: 'kafka-log/transactions', by: 'operations', at: transactions },
}))

export const ISOLATION_CASES: readonly Case[] = [
  ...listAppendCases,
  ...clientCases,
  {
    name: 'list-append/planted/100000',
    operations: 100_000,
    history: () => plantCycles(listAppendHistory(shape(100_000)), PLANTS),
    checker: listAppend,
    expect: 'invalid',
  },
  {
    name: 'list-append/late stale read/100000',
    operations: 100_000,
    history: () => plantCycles(listAppendHistory(shape(100_000)), PLANTS.filter(({ anomaly }) => anomaly === 'G-single-realtime'), { spread: 60_000 }),
    checker: listAppend,
    expect: 'invalid',
  },
  ...kafkaCases,
]
