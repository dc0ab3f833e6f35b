/**
 * The standard transactional trial: the standard trial with two instances of copy-exactly-once that make a transaction of
 * every record instead of two consumers, and 500 transactions. Growth: processor time a transaction with four times as many in
 * the same time, relative to once.
 */
import type { ClientSpec, PlanOperation } from '../src/config/workload.ts'
import { settleBoundMs } from '../src/plan/generate-plan.ts'
import type { Plan } from '../src/plan/plan.ts'
import { runPlan } from '../src/trial/run-plan.ts'
import { copyExactlyOnce } from '../workloads/pipeline-workload.ts'
import { STANDARD, standardTrial } from './standard-trial.ts'

const TRANSACTIONS = 500
const INSTANCES = 2
const INPUT = 'orders'
const OUTPUT = 'invoices'
const TIMES = 4

function transactionalTrial(transactions: number): Plan {
  const base = standardTrial({ seconds: STANDARD.seconds, records: transactions })
  const [topic] = base.topics
  const feeders = base.clients.filter(({ kind }) => kind === 'producer')
  const timeouts = { requestTimeoutMs: 5_000, bootstrapServers: ['broker-1', 'broker-2', 'broker-3'] }
  const apps = Array.from({ length: INSTANCES }, (_, index): ClientSpec => ({
    host: `client-${feeders.length + index + 1}`, kind: 'app', config: timeouts,
    producer: { acks: -1, enableIdempotence: true, transactionalId: `bench-${index + 1}`, transactionTimeoutMs: 20_000, deliveryTimeoutMs: 30_000, maxBlockMs: 30_000 },
    consumer: { groupId: 'bench', groupProtocol: 'consumer', enableAutoCommit: false, isolationLevel: 'read_committed', autoOffsetReset: 'earliest', maxPollRecords: 1 },
  }))
  const runs = apps.map(({ host }, index): PlanOperation => ({ id: 1_000_000 + index, at: 0, client: host, f: 'run', script: 'pipeline' }))
  const sends = base.operations.flatMap((operation): PlanOperation[] => (operation.f === 'send' ? [{ ...operation, topic: INPUT }] : []))
  return {
    ...base, workload: copyExactlyOnce.name,
    topics: [INPUT, OUTPUT].map(name => ({ ...topic!, name })),
    clients: [...feeders, ...apps], operations: [...runs, ...sends],
    faults: base.faults.map(fault => JSON.parse(JSON.stringify(fault).replaceAll('"bench"', `"${INPUT}"`)) as typeof fault),
    cluster: { ...base.cluster, server: { ...base.cluster.server, offsetsTopicNumPartitions: 3, transactionStateLogNumPartitions: 3 } },
    // What the last instance has to do comes on top: a session and a transaction that must time out, and what is left of the input.
    timing: { ...base.timing, settleUs: (settleBoundMs(base.cluster.server, 30_000, 5_000) + 120_000) * 1_000 },
  }
}

/** Processor seconds of a trial, and what it gave. */
function measure(transactions: number): { readonly cpuSeconds: number; readonly virtualSeconds: number; readonly committed: number; readonly verdict: string } {
  const plan = transactionalTrial(transactions)
  const begin = process.cpuUsage().user
  const result = runPlan(plan, copyExactlyOnce)
  const cpuSeconds = (process.cpuUsage().user - begin) / 1e6
  return { cpuSeconds, virtualSeconds: result.virtualUs / 1e6, committed: result.history.filter(({ f, type }) => f === 'txn' && type === 'ok').length, verdict: result.verdict }
}

export function benchTransactions(): unknown {
  const round = (value: number): number => Number(value.toFixed(2))
  measure(TRANSACTIONS)
  const once = measure(TRANSACTIONS)
  const more = measure(TRANSACTIONS * TIMES)
  return {
    transactions: once.committed, verdict: once.verdict, virtualSecondsPerCpuSecond: round(once.virtualSeconds / once.cpuSeconds), cpuMillisPerTransaction: round((once.cpuSeconds * 1_000) / once.committed),
    growth: round(more.cpuSeconds / more.committed / (once.cpuSeconds / once.committed)), peakMemoryMB: Math.round(process.resourceUsage().maxRSS / 1024),
  }
}
