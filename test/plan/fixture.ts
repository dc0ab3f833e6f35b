/**
 * Plans for the tests of this folder: drawn ones by a short name, and a hand-made one that is small enough to know by
 * heart: two brokers and a controller, topics `a` (two partitions) and `b`, a producer, a consumer and an idle admin.
 */
import { targetsOf } from '../../src/nemesis/fault.ts'
import { DEFAULT_SERVER_CONFIG } from '../../src/config/cluster.ts'
import { DEFAULT_GENERATE_OPTIONS, type GenerateOptions } from '../../src/plan/generate-options.ts'
import { generatePlan } from '../../src/plan/generate-plan.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { trialSeed } from '../../src/plan/seed-random.ts'
import { WORKLOADS, findWorkload } from '../../workloads/index.ts'

export const WORKLOAD_NAMES = WORKLOADS.map(({ name }) => name)

/** The `index`-th trial's plan of a fixed campaign. */
export function drawn(index: number, options: Partial<GenerateOptions> = {}): Plan {
  const all = { ...DEFAULT_GENERATE_OPTIONS, ...options }
  return generatePlan(trialSeed('plan-tests', index), all, findWorkload(all.workload)!)
}

/** As many plans as asked for, over all workloads in turn. */
export function drawnPlans(count: number, options: Partial<GenerateOptions> = {}): Plan[] {
  return Array.from({ length: count }, (_, index) => drawn(index, { workload: WORKLOAD_NAMES[index % WORKLOAD_NAMES.length]!, ...options }))
}

export const SMALL: Plan = {
  format: 1,
  workload: 'produce-consume',
  seed: 'small',
  rootKey: 1,
  cluster: {
    clusterId: 'AAAAAAAAAAAAAAAAAAAAAw',
    servers: [
      { nodeId: 1, host: 'broker-1', roles: ['broker'], rack: null },
      { nodeId: 2, host: 'broker-2', roles: ['broker'], rack: null },
      { nodeId: 101, host: 'controller-101', roles: ['controller'], rack: null },
    ],
    server: DEFAULT_SERVER_CONFIG,
  },
  topics: [
    { name: 'a', partitions: 2, replicationFactor: 2, configs: {} },
    { name: 'b', partitions: 1, replicationFactor: 2, configs: {} },
  ],
  clients: [
    { host: 'client-1', kind: 'producer', config: { bootstrapServers: ['broker-1', 'broker-2'] } },
    { host: 'client-2', kind: 'consumer', config: { bootstrapServers: ['broker-1', 'broker-2'] } },
    { host: 'client-3', kind: 'admin', config: { bootstrapServers: ['broker-1', 'broker-2'] } },
  ],
  operations: [
    { id: 0, at: 0, client: 'client-2', f: 'consume', topic: 'a', partitions: [0, 1], from: 'earliest' },
    { id: 1, at: 10, client: 'client-1', f: 'send', topic: 'a', partition: 1, key: null, size: 0 },
    { id: 2, at: 20, client: 'client-1', f: 'send', topic: 'a', partition: null, key: 'k', size: 0 },
    { id: 3, at: 30, client: 'client-1', f: 'send', topic: 'b', partition: 0, key: null, size: 10 },
    { id: 4, at: 40, client: 'client-3', f: 'list-offsets', topic: 'a', partition: 1, which: 'latest' },
    { id: 5, at: 50, client: 'client-2', f: 'rewind', topic: 'b' },
    { id: 6, at: 60, client: 'client-3', f: 'create-topic', spec: { name: 'c', partitions: 1, replicationFactor: 1, configs: {} } },
    { id: 7, at: 70, client: 'client-3', f: 'delete-topic', topic: 'b' },
  ],
  faults: [
    { id: 0, when: { at: 5 }, action: { kind: 'pause', target: { host: 'broker-1' }, durationUs: 1_000 } },
    { id: 1, when: { at: 15 }, action: { kind: 'crash', machine: false, target: { host: 'broker-2' }, durationUs: 1_000 } },
  ],
  latency: { kind: 'constant', minUs: 500, maxUs: 500 },
  fsync: { kind: 'constant', minUs: 500, maxUs: 500 },
  interleaving: { kind: 'off', probability: 0, depth: 0 },
  choices: { mode: 'explicit', fired: [{ key: 'delay:x', value: 3 }, { key: 'break:y', value: 1 }] },
  timing: { startUs: 0, chaosUs: 1_000, settleUs: 1_000 },
  defects: [],
  mends: [],
  wire: 'objects',
  beyondBudget: false,
  swarm: [],
}

/** Every proper letter of a plan: what must hold of one that may be run. Empty: it is sound. */
export function problemsOf(plan: Plan): string[] {
  const problems: string[] = []
  const expect = (condition: boolean, text: string): void => {
    if (!condition) problems.push(text)
  }
  const hosts = plan.cluster.servers.map(({ host }) => host)
  const brokers = plan.cluster.servers.filter(({ roles }) => roles.includes('broker'))
  const clients = new Map(plan.clients.map(client => [client.host, client]))
  const names = [...hosts, ...clients.keys()]
  expect(new Set(names).size === names.length, 'two machines have one name')
  expect(new Set(plan.cluster.servers.map(({ nodeId }) => nodeId)).size === hosts.length, 'two servers have one id')
  expect(plan.cluster.servers.some(({ roles }) => roles.includes('controller')), 'no controller')
  expect(plan.topics.length > 0, 'no topics')
  const partitions = new Map(plan.topics.map(topic => [topic.name, topic.partitions]))
  for (const { name, replicationFactor, configs } of plan.topics) {
    expect(replicationFactor >= 1 && replicationFactor <= brokers.length, `${name} has ${replicationFactor} replicas on ${brokers.length} brokers`)
    expect(Number(configs['min.insync.replicas'] ?? 1) <= replicationFactor, `${name} can never be written to`)
  }
  for (const { host, config } of clients.values()) {
    expect((config.bootstrapServers ?? []).length > 0, `${host} knows no broker`)
    for (const server of config.bootstrapServers ?? []) expect(brokers.some(broker => broker.host === server), `${host} bootstraps from ${server}`)
  }
  plan.operations.forEach((operation, index) => {
    const where = `operation ${operation.id} (${operation.f})`
    expect(operation.id === index, `${where} has place ${index}`)
    expect(operation.at >= (plan.operations[index - 1]?.at ?? 0) && operation.at <= plan.timing.chaosUs, `${where} at ${operation.at}`)
    const kind = clients.get(operation.client)?.kind
    const needed = operation.f === 'run' ? kind : operation.f === 'transact' || operation.f === 'transfer' ? 'app' : operation.f === 'send' ? 'producer' : operation.f === 'consume' || operation.f === 'rewind' ? 'consumer' : 'admin'
    expect(kind === needed, `${where} is one of a ${needed}, ${operation.client} is a ${kind}`)
    // Topics may come and go, and a change may be asked of one that is not there.
    if (operation.f === 'create-topic' || operation.f === 'delete-topic' || operation.f === 'alter-config' || operation.f === 'run') return
    if (operation.f === 'transfer') return
    const places = operation.f === 'transact' ? operation.sends : [operation]
    for (const { topic } of places) expect(partitions.get(topic) !== undefined, `${where} names no topic`)
    if (operation.f === 'transact') {
      for (const { topic, partition } of operation.sends) expect(partition >= 0 && partition < partitions.get(topic)!, `${where} names partition ${partition} of ${topic}`)
      return
    }
    const count = partitions.get(operation.topic)
    const wanted = operation.f === 'consume' ? operation.partitions : 'partition' in operation && operation.partition !== null ? [operation.partition] : []
    for (const partition of wanted) expect(partition >= 0 && partition < count!, `${where} names partition ${partition} of ${count}`)
  })
  // Topics of coordinators are made when somebody first asks for one.
  const own = new Map([['__consumer_offsets', plan.cluster.server.offsetsTopicNumPartitions], ['__transaction_state', plan.cluster.server.transactionStateLogNumPartitions]])
  plan.faults.forEach(({ id, when, action }, index) => {
    expect(id === index, `fault ${id} has place ${index}`)
    expect('at' in when ? when.at >= 0 : when.nth >= 1 && when.after >= 0, `fault ${id} has no time`)
    for (const target of targetsOf(action)) {
      if ('host' in target) expect(hosts.includes(target.host) || clients.has(target.host), `fault ${id} aims at ${target.host}`)
      else if (target.topic !== undefined) expect((target.partition ?? 0) < (partitions.get(target.topic) ?? own.get(target.topic) ?? 0), `fault ${id} aims at ${target.topic}-${target.partition}`)
    }
    if ('durationUs' in action) expect(action.durationUs >= 0, `fault ${id} ends before it begins`)
  })
  expect(plan.timing.chaosUs > 0 && plan.timing.settleUs > 0, 'a phase without length')
  return problems
}
