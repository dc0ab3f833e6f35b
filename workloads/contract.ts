/**
 * The contract of workloads: a generator (topics, clients and their operations, drawn by fast-check), a client script
 * that runs on every client machine, a final drain that reads everything back, the checkers that judge the history and
 * the anomalies that it allows beyond what the configuration allows.
 */
import type { Arbitrary } from 'fast-check'
import type { CheckContext, CheckResult } from '../checkers/contract.ts'
import type { GuaranteeId } from '../checkers/guarantees.ts'
import type { Future, Task } from '../src/base/task.ts'
import type { ClientSpec, PlanOperation, TopicSpec, WorkloadDraft, WorkloadShape } from '../src/config/workload.ts'
import type { Env } from '../src/env/env.ts'
import type { History, Json } from '../src/history/operation.ts'

/** One invoked operation that awaits its completion. Complete it exactly once. */
export interface OpenOperation {
  ok(value: Json): void
  fail(error: string): void
  info(error: string): void
}

/** Records what this client does. Each open operation occupies one logical process. */
export interface ClientRecorder {
  invoke(f: string, value: Json, extra?: { readonly [key: string]: Json }): OpenOperation
}

/** Where `async` code meets the simulation; see `src/sim/async-edge.ts`. */
export interface Edge {
  toPromise<T>(future: Future<T>): Promise<T>
  wrap<T>(code: () => Promise<T>): Future<T>
}

/** What a client script is given. It runs as a process on its own machine. */
export interface ClientContext {
  readonly env: Env
  readonly spec: ClientSpec
  /** Its operations, by time. */
  readonly operations: readonly PlanOperation[]
  readonly topics: readonly TopicSpec[]
  /** Topics that the plan deletes and creates anew: what is said of them is said of a topic id. */
  readonly recreated: ReadonlySet<string>
  readonly recorder: ClientRecorder
  /** Completed when the fault phase is over and everything has healed: stop, flush, finish. */
  readonly stop: Future<void>
  /** For workloads that are `isAsync` only. */
  readonly edge: Edge
  /** Does the client process of that host run and have something left to do? */
  isBusy(host: string): boolean
  /** What lies outside the cluster and outlives a client's process, such as a database; one map a trial. */
  readonly outside: Map<string, unknown>
}

/** What the drain is given: a fresh client machine after everything healed. */
export interface DrainContext {
  readonly env: Env
  readonly topics: readonly TopicSpec[]
  readonly recorder: ClientRecorder
  readonly bootstrapServers: readonly string[]
  /** What the plan's clients had to do. */
  readonly operations: readonly PlanOperation[]
  /** Host and config of the plan's clients, for time-outs. */
  readonly clients: readonly ClientSpec[]
  /** As the clients had it. */
  readonly outside: Map<string, unknown>
  /** Told, again and again, which partitions are not read to their end yet. */
  awaits(partitions: readonly string[]): void
}

export interface DrainResult {
  /** Did every partition get read to a stable end? */
  readonly complete: boolean
  /** What the cluster refused although it was whole again and nothing stood against it. */
  readonly refused?: string
  /** First offset still in the log, `topic-partition` -> offset. */
  readonly logStart: { readonly [key: string]: number }
  readonly end: { readonly [key: string]: number }
}

export interface Workload {
  readonly name: string
  readonly describes: string
  draw(shape: WorkloadShape): Arbitrary<WorkloadDraft>
  client(context: ClientContext): Task<void>
  drain(context: DrainContext): Task<DrainResult>
  /** Names in the checker registry. */
  readonly checkers: readonly string[]
  readonly allowed?: readonly string[]
  /** Without these promises of the cluster nothing that checkers other than `kafka-log` find is a failure. */
  readonly requires?: readonly GuaranteeId[]
  /** A judgement of its own, beside that of the checkers; asked once, when the trial is over. */
  check?(history: History, context: CheckContext, outside: ReadonlyMap<string, unknown>): CheckResult
  /** Its clients run `async` code through the edge. */
  readonly isAsync?: boolean
}
