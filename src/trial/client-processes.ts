/**
 * The clients of a plan as processes. One that a fault kills leaves its open operations with an unknown fate; started
 * again, it goes on with those of its operations whose time has not come, and takes up its partitions anew.
 */
import { Future } from '../base/task.ts'
import type { Micros } from '../base/time.ts'
import type { ClientSpec, PlanOperation } from '../config/workload.ts'
import type { Observation, ObservationKind, Observer } from '../env/observation.ts'
import type { HistoryRecorder } from '../history/history-recorder.ts'
import type { Plan } from '../plan/plan.ts'
import type { Workload } from '../../workloads/contract.ts'
import type { World } from './world.ts'
import { recreatedTopics } from '../../workloads/topic-incarnations.ts'

export class ClientProcesses implements Observer {
  private readonly plan: Plan
  private readonly workload: Workload
  private readonly history: HistoryRecorder
  private readonly stop: Future<void>
  private readonly outside: Map<string, unknown>
  private readonly recreated: ReadonlySet<string>
  private readonly busy = new Set<string>()
  private world: World | undefined = undefined
  private startedAt: Micros = 0

  /** `stop` is completed when the clients shall finish; `outside` is what their scripts keep outside the cluster. */
  constructor(plan: Plan, workload: Workload, history: HistoryRecorder, stop: Future<void>, outside: Map<string, unknown>) {
    this.plan = plan
    this.workload = workload
    this.history = history
    this.stop = stop
    this.outside = outside
    this.recreated = recreatedTopics(plan.operations)
  }

  startAll(world: World): void {
    this.world = world
    this.startedAt = world.simulation.now
    world.startClient = host => this.start(host)
    for (const { host } of this.plan.clients) this.start(host)
  }

  /** Clients that run and have not done all that they had to. */
  get unfinished(): readonly string[] {
    return [...this.busy]
  }

  wants(kind: ObservationKind): boolean {
    return kind === 'process-stopped'
  }

  observe(_event: Observation, node: string): void {
    if (!this.busy.delete(node)) return
    this.history.abandon(node, 'the client process died')
  }

  private start(host: string): void {
    const { world, plan, workload, stop } = this
    const spec = plan.clients.find(client => client.host === host)
    if (world === undefined || spec === undefined || world.machine(host).isRunning) return
    const operations = this.operationsOf(spec, world.simulation.now - this.startedAt)
    this.busy.add(host)
    const { busy, history, outside, recreated } = this
    world.runClient(host, function* (env) {
      yield* workload.client({ env, spec, operations, topics: plan.topics, recreated, recorder: history.client(host), stop, edge: world.simulation.edge, outside, isBusy: other => busy.has(other) })
      busy.delete(host)
    })
  }

  /** Operations as a process sees them that starts `elapsed` after the first one. */
  private operationsOf(spec: ClientSpec, elapsed: Micros): PlanOperation[] {
    const own = this.plan.operations.filter(operation => operation.client === spec.host)
    if (elapsed === 0) return own
    return own.flatMap(operation =>
      operation.at > elapsed ? [{ ...operation, at: operation.at - elapsed }] : operation.f === 'consume' || operation.f === 'run' ? [{ ...operation, at: 0 }] : [])
  }
}
