/**
 * Runs one plan from an empty world to a verdict:
 *
 *   start the cluster, create the topics        until every partition has a leader (bounded)
 *   chaos: client operations and faults         `timing.chaosUs`
 *   heal everything (or leave a core), settle   until leaders and ISRs are back and clients are done (bounded)
 *   drain: read everything back                 (bounded)
 *   judge
 *
 * The run is a generator of steps of virtual time, driven by a plain loop or, when a workload's clients are `async` code of
 * users, by one that drains their promises after each kernel event. What happens is the same either way.
 */
import { allowAnomalies, compose, requireGuarantees, runCheckersOnTrial } from '../../checkers/compose.ts'
import { selectCheckers } from '../../checkers/index.ts'
import type { CheckResult, Finding } from '../../checkers/contract.ts'
import { guaranteesFor } from '../../checkers/guarantees.ts'
import { kafkaLogChecker } from '../../checkers/kafka-log/kafka-log-checker.ts'
import { Invariants } from '../../checkers/invariants/invariants.ts'
import { checkLiveness } from '../../checkers/liveness/liveness.ts'
import { LostMarkers } from '../../checkers/liveness/lost-markers.ts'
import type { DrainResult, Workload } from '../../workloads/contract.ts'
import { recreatedTopics } from '../../workloads/topic-incarnations.ts'
import { invariant } from '../base/assert.ts'
import { Future } from '../base/task.ts'
import { type Micros, US_PER_MS } from '../base/time.ts'
import { TrialError } from '../base/trial-error.ts'
import { Admin } from '../client/admin.ts'
import { DEFAULT_ADMIN_CONFIG } from '../config/client.ts'
import { brokersOf, DEFAULT_SERVER_CONFIG } from '../config/cluster.ts'
import type { Observation, Observer } from '../env/observation.ts'
import { historyDigest } from '../history/history-digest.ts'
import { HistoryRecorder } from '../history/history-recorder.ts'
import { ObservedCluster } from '../nemesis/cluster-view.ts'
import { Nemesis } from '../nemesis/nemesis.ts'
import type { Plan } from '../plan/plan.ts'
import type { ProcessCrash } from '../sim/options.ts'
import type { Simulation } from '../sim/simulation.ts'
import type { TraceSink } from '../sim/trace.ts'
import { ClientProcesses } from './client-processes.ts'
import { Coverage } from './coverage.ts'
import { FaultCoverage } from './fault-coverage.ts'
import { guaranteeConfigOf, lossyBudget, permittedLogStart } from './plan-guarantees.ts'
import type { TrialResult } from './trial-result.ts'
import { World } from './world.ts'

export interface RunOptions {
  /** Names of checkers to run; absent: all. */
  readonly checkers?: readonly string[]
  readonly trace?: TraceSink
  readonly observers?: readonly Observer[]
  /** false: no marks are counted. */
  readonly coverage?: boolean
  readonly flip?: { readonly kind: 'frame' | 'disk' | 'draw'; readonly nth: number }
}

const SETUP_LIMIT_US = 60_000_000
const STEP_US = 20 * US_PER_MS

interface Advance {
  readonly simulation: Simulation
  readonly until: Micros
}

/**
 * Runs a plan of a workload without `async` clients.
 * @throws TrialError('internal') when the cluster of the plan never comes up without a fault
 */
export function runPlan(plan: Plan, workload: Workload, options: RunOptions = {}): TrialResult {
  invariant(workload.isAsync !== true, `workload ${workload.name} has async clients`)
  const steps = runSteps(plan, workload, options)
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    step.value.simulation.run(step.value.until)
  }
}

/** Runs any plan. Throws as `runPlan`, and TrialError('input') when a client waits for something outside the simulation. */
export async function runTrial(plan: Plan, workload: Workload, options: RunOptions = {}): Promise<TrialResult> {
  if (workload.isAsync !== true) return runPlan(plan, workload, options)
  const steps = runSteps(plan, workload, options)
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    await step.value.simulation.runAsync(step.value.until)
  }
}

function* runSteps(plan: Plan, workload: Workload, options: RunOptions): Generator<Advance, TrialResult, void> {
  const coverage = new Coverage()
  const view = new ObservedCluster(plan.cluster.servers)
  const guarantees = guaranteesFor(guaranteeConfigOf(plan))
  const selected = selectCheckers(options.checkers ?? ['all'])
  const invariants = new Invariants({
    guarantees, uncleanElections: () => guarantees.config.uncleanLeaderElection, servers: plan.cluster.servers,
    producersExpire: plan.cluster.server.producerIdExpirationMs < DEFAULT_SERVER_CONFIG.producerIdExpirationMs,
  }, selected.monitors)
  const lostMarkers = new LostMarkers()
  let nemesis: Nemesis | undefined
  const stop = new Future<void>()
  const history = new HistoryRecorder(() => world.simulation.now)
  const outside = new Map<string, unknown>()
  const clients = new ClientProcesses(plan, workload, history, stop, outside)
  const toNemesis: Observer = {
    wants: kind => Nemesis.wants(kind, plan.faults),
    observe: (event: Observation, node: string) => nemesis?.observe(event, node),
  }
  const world: World = new World(plan, {
    observers: [...(options.coverage === false ? [] : [coverage, new FaultCoverage(coverage.counts)]), view, invariants, clients, toNemesis, lostMarkers, ...(options.observers ?? [])],
    ...(options.trace === undefined ? {} : { trace: options.trace }),
    ...(options.flip === undefined ? {} : { flip: options.flip }),
  })
  const { simulation } = world
  world.observeFault = (phase, id, fault, text): void => {
    history.fault(phase, id, text)
    simulation.observe({ kind: 'fault', phase, id, fault, text })
  }

  world.startServers()
  const bootstrapServers = brokersOf(plan.cluster).map(server => server.host)
  const ready = createTopics(world, plan, bootstrapServers)
  const allLed = (): boolean => ready.isSettled && plan.topics.every(topic =>
    Array.from({ length: topic.partitions }, (_, partition) => view.leaderOf(topic.name, partition)).every(leader => leader !== undefined))
  yield* until(world, SETUP_LIMIT_US, allLed)
  if (!allLed()) throw new TrialError('internal', 'the cluster of this plan did not come up although nothing was injected', `seed ${plan.seed}`)

  const start = simulation.now
  nemesis = new Nemesis(world, view, plan.faults, { maxLossy: lossyBudget(plan), beyond: plan.beyondBudget })
  nemesis.activate()
  clients.startAll(world)
  yield { simulation, until: start + plan.timing.chaosUs }

  nemesis.healAll()
  simulation.calm()
  const healedAt = simulation.now
  const deadline = healedAt + plan.timing.settleUs
  stop.complete()
  const isDown = (host: string): boolean => nemesis?.isPermanentlyDown(host) === true
  const recreated = recreatedTopics(plan.operations)
  const settled = (): boolean => {
    nemesis?.completeCore()
    return clients.unfinished.length === 0 && isHealthy(view, plan, recreated, isDown)
  }
  yield* until(world, plan.timing.settleUs, settled)

  const drained = new Future<DrainResult>()
  let unread: readonly string[] = []
  world.addClient('client-drain')
  world.runClient('client-drain', function* (env) {
    drained.complete(yield* workload.drain({
      env, topics: plan.topics, recorder: history.client('client-drain'),
      bootstrapServers: bootstrapServers.filter(host => !isDown(host)), clients: plan.clients, operations: plan.operations, outside,
      awaits: partitions => void (unread = partitions),
    }))
  })
  yield* until(world, Math.max(plan.timing.settleUs / 2, deadline - simulation.now), () => drained.isSettled)
  // A replica may have left its ISR again meanwhile: what counts is that all is well before the bound has passed.
  if (simulation.now < deadline) yield* until(world, deadline - simulation.now, settled)

  if (simulation.edge.isStuck) {
    throw new TrialError('input', `a client of workload ${workload.name} waits for something outside the simulation`, 'await only what the context gives: no real timers, sockets or files')
  }

  const drain = drained.isSettled ? drained.result() : undefined
  const isUp = (host: string): boolean => simulation.machine(host).isRunning
  if (drain?.complete === true && settled()) invariants.settled(isUp, simulation.now)
  const context = { guarantees, drained: drain?.complete === true, logStart: permittedLogStart(plan, drain?.logStart ?? {}) }
  const results: CheckResult[] = [
    ...runCheckersOnTrial(selected.history.filter(({ name }) => workload.checkers.includes(name)), history.history, context)
      .map(result => (result.checker === kafkaLogChecker.name ? result : requireGuarantees(result, workload.requires ?? [], guarantees))),
    ...invariants.results(),
  ]
  if (workload.check !== undefined && selected.names.size > 0) results.push(workload.check(history.history, context, outside))
  if (selected.liveness) {
    results.push(checkLiveness({
      healedAt,
      endedAt: simulation.now,
      boundUs: plan.timing.settleUs,
      partitions: view.partitions().filter(({ topic }) => plan.topics.some(({ name }) => name === topic)).map(({ topic, partition }) => {
        const replicas = view.replicasOf(topic, partition).filter(isUp)
        const isr = view.isrOf(topic, partition)
        const elr = view.elrOf(topic, partition)
        return {
          topic, partition, replicas, isr,
          leader: view.leaderOf(topic, partition) ?? null,
          electable: guarantees.config.uncleanLeaderElection ? replicas : replicas.filter(host => isr.includes(host) || elr.includes(host)),
        }
      }),
      clientsUnfinished: clients.unfinished,
      drained: drain?.complete === true,
      unread, lostMarkers: lostMarkers.partitions,
      ...(drain?.refused === undefined ? {} : { refused: drain.refused }),
    }, guarantees))
  }
  if (simulation.crashes.length > 0) results.push(ownErrors(simulation.crashes, host => plan.cluster.servers.some(server => server.host === host)))
  const { verdict, findings } = compose(results.map(result => allowAnomalies(result, workload.allowed ?? [])))
  return {
    verdict,
    results,
    findings,
    owed: [...guarantees.owed],
    history: history.history,
    digests: { events: simulation.digest.events, history: historyDigest(history.history), eventCount: simulation.digest.count },
    checkpoints: simulation.digest.checkpoints,
    marks: coverage.counts,
    faults: nemesis.fired,
    skippedFaults: nemesis.skipped,
    choicesFired: simulation.choicesFired,
    virtualUs: simulation.now,
    drained: drain?.complete === true,
    checkers: results.map(result => result.checker),
  }
}

/** Processes that died of an error of their own code: always bad, whatever was asked to be checked. */
function ownErrors(crashes: readonly ProcessCrash[], isServer: (host: string) => boolean): CheckResult {
  const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
  const findings = crashes.map((crash): Finding => ({
    anomaly: isServer(crash.node) ? 'broker-assertion' : 'client-error', checker: 'broker-assertion', status: 'bad', guarantee: null,
    title: `${crash.node} died of its own error: ${textOf(crash.error)}`,
    evidence: { node: crash.node, time: crash.time, stack: crash.error instanceof Error ? (crash.error.stack ?? '').split('\n').slice(0, 6).map(line => line.replace(/\(?(?:file:\/\/)?\/.*\/(?=[^/]+$)/, '(')).join('\n') : '' },
    steps: [{ text: `${crash.node} stops at an error of its own.`, time: crash.time }],
    contradiction: isServer(crash.node) ? 'A server must survive whatever its peers and its disk may do to it; this one stopped by itself.' : 'The code of this client let an error escape, which ends its process.',
  }))
  const counts: { [anomaly: string]: number } = {}
  for (const { anomaly } of findings) counts[anomaly] = (counts[anomaly] ?? 0) + 1
  return { checker: 'broker-assertion', verdict: 'invalid', findings: findings.slice(0, 8), counts, bad: { ...counts } }
}

/** Goes on in steps until the condition holds or the limit is used up. */
function* until({ simulation }: World, limitUs: Micros, condition: () => boolean): Generator<Advance, void, void> {
  const end = simulation.now + limitUs
  while (simulation.now < end && !condition()) yield { simulation, until: Math.min(end, simulation.now + STEP_US) }
}

function createTopics(world: World, plan: Plan, bootstrapServers: readonly string[]): Future<void> {
  const ready = new Future<void>()
  world.addClient('client-setup')
  world.runClient('client-setup', function* (env) {
    const { server } = plan.cluster
    const admin = new Admin(env, {
      ...DEFAULT_ADMIN_CONFIG, clientId: 'setup', bootstrapServers, requestTimeoutMs: 2_000, retryBackoffMs: 20, retryBackoffMaxMs: 100,
      reconnectBackoffMs: 20, reconnectBackoffMaxMs: 100, socketConnectionSetupTimeoutMs: 1_000, metadataMaxAgeMs: 500,
    })
    // All brokers first, or replicas would crowd onto the early ones.
    yield* env.sleep(4 * server.brokerHeartbeatIntervalMs * US_PER_MS).wait()
    for (;;) {
      const results = yield* admin.createTopics(plan.topics.map(topic => ({
        name: topic.name, numPartitions: topic.partitions, replicationFactor: topic.replicationFactor, configs: topic.configs,
      })))
      if (results.every(result => result.ok || result.error === 'TOPIC_ALREADY_EXISTS')) break
      yield* env.sleep(50 * US_PER_MS).wait()
    }
    ready.complete()
  })
  return ready
}

function isHealthy(view: ObservedCluster, plan: Plan, recreated: ReadonlySet<string>, isDown: (host: string) => boolean): boolean {
  return plan.topics.every(topic => {
    const present = view.partitions().filter(({ topic: name }) => name === topic.name)
    // A topic that was deleted and could not be created anew is whole without partitions.
    if (present.length < topic.partitions && !(present.length === 0 && recreated.has(topic.name))) return false
    return present.every(({ partition }) => {
      const isr = view.isrOf(topic.name, partition)
      if (view.leaderOf(topic.name, partition) === undefined) return false
      return !view.replicasOf(topic.name, partition).some(host => !isDown(host) && !isr.includes(host))
    })
  })
}
