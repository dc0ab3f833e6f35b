/**
 * The deletable elements of a plan, in a fixed order: client operations, faults, explicit choices, buggify sites, servers, partitions.
 * A shrunk plan is its parent with a subset of these kept, which is what lets a token name it.
 */
import type { BuggifySite } from '../config/buggify.ts'
import type { ServerConfig, ServerSpec } from '../config/cluster.ts'
import type { PlanOperation, TopicSpec } from '../config/workload.ts'
import type { Plan } from './plan.ts'

export type Element =
  | { readonly kind: 'operation'; readonly id: number }
  | { readonly kind: 'fault'; readonly id: number }
  | { readonly kind: 'choice'; readonly key: string }
  | { readonly kind: 'buggify'; readonly site: BuggifySite }
  | { readonly kind: 'server'; readonly host: string }
  | { readonly kind: 'partition'; readonly topic: string; readonly partition: number }

export function elementsOf(plan: Plan): readonly Element[] {
  const elements: Element[] = []
  // Without the script that it starts a user's client would not be one: what its check then says means nothing.
  for (const operation of plan.operations) if (operation.f !== 'run') elements.push({ kind: 'operation', id: operation.id })
  for (const fault of plan.faults) elements.push({ kind: 'fault', id: fault.id })
  if (plan.choices.mode === 'explicit') for (const choice of plan.choices.fired) elements.push({ kind: 'choice', key: choice.key })
  for (const site of plan.buggify ?? []) elements.push({ kind: 'buggify', site })
  for (const server of plan.cluster.servers) elements.push({ kind: 'server', host: server.host })
  for (const topic of plan.topics) {
    for (let partition = 0; partition < topic.partitions; partition++) elements.push({ kind: 'partition', topic: topic.name, partition })
  }
  return elements
}

/** The plan with only the kept elements (`kept[i]` for `elements[i]`), or undefined when no cluster would remain. */
export function keepElements(plan: Plan, elements: readonly Element[], kept: readonly boolean[]): Plan | undefined {
  const operations = new Set<number>()
  const faults = new Set<number>()
  const choices = new Set<string>()
  const sites = new Set<BuggifySite>()
  const hosts = new Set<string>()
  const partitions = new Map<string, number>()
  elements.forEach((element, index) => {
    if (kept[index] !== true) return
    if (element.kind === 'operation') operations.add(element.id)
    else if (element.kind === 'fault') faults.add(element.id)
    else if (element.kind === 'choice') choices.add(element.key)
    else if (element.kind === 'buggify') sites.add(element.site)
    else if (element.kind === 'server') hosts.add(element.host)
    else partitions.set(element.topic, Math.max(partitions.get(element.topic) ?? 0, element.partition + 1))
  })
  const servers = plan.cluster.servers.filter(server => hosts.has(server.host))
  const brokers = servers.filter(server => server.roles.includes('broker')).length
  if (brokers === 0 || !servers.some(server => server.roles.includes('controller'))) return undefined
  const topics: TopicSpec[] = []
  for (const topic of plan.topics) {
    const count = partitions.get(topic.name)
    if (count !== undefined) topics.push({ ...topic, partitions: count, replicationFactor: Math.min(topic.replicationFactor, brokers) })
  }
  if (topics.length === 0) return undefined
  const known = new Map(topics.map(topic => [topic.name, topic.partitions]))
  const keptOperations = plan.operations.filter(operation => operation.f === 'run' || operations.has(operation.id)).flatMap(operation => fitOperation(operation, known))
  const clients = new Set(keptOperations.map(operation => operation.client))
  return {
    ...plan,
    cluster: { ...plan.cluster, servers, ...(servers.length < plan.cluster.servers.length ? { server: fitServer(plan.cluster.server, brokers) } : {}) },
    topics,
    clients: plan.clients.filter(client => clients.has(client.host)).map(client => ({
      ...client,
      config: withBootstrap(client.config, servers),
    }) as typeof client),
    operations: keptOperations,
    ...(plan.buggify === undefined ? {} : { buggify: plan.buggify.filter(site => sites.has(site)) }),
    faults: plan.faults.filter(fault => faults.has(fault.id)),
    choices: plan.choices.mode === 'explicit' ? { mode: 'explicit', fired: plan.choices.fired.filter(choice => choices.has(choice.key)) } : plan.choices,
  }
}

/** Coordinators must still find room for the topics that they keep their state in, or nobody would ever get an answer. */
function fitServer(server: ServerConfig, brokers: number): ServerConfig {
  const most = (count: number): number => Math.min(count, brokers)
  return {
    ...server, offsetsTopicReplicationFactor: most(server.offsetsTopicReplicationFactor),
    transactionStateLogReplicationFactor: most(server.transactionStateLogReplicationFactor), transactionStateLogMinIsr: most(server.transactionStateLogMinIsr),
  }
}

function withBootstrap<T extends { readonly bootstrapServers?: readonly string[] }>(config: T, servers: readonly ServerSpec[]): T {
  const hosts = new Set(servers.map(server => server.host))
  return { ...config, bootstrapServers: (config.bootstrapServers ?? []).filter(host => hosts.has(host)) }
}

/** An operation as far as its topic and partitions still exist. */
function fitOperation(operation: PlanOperation, known: ReadonlyMap<string, number>): PlanOperation[] {
  if (operation.f === 'create-topic' || operation.f === 'run' || operation.f === 'transfer') return [operation]
  if (operation.f === 'transact') {
    const sends = operation.sends.filter(({ topic, partition }) => partition < (known.get(topic) ?? 0))
    return sends.length === 0 && operation.sends.length > 0 ? [] : [{ ...operation, sends }]
  }
  const count = known.get(operation.topic)
  if (count === undefined) return operation.f === 'delete-topic' || operation.f === 'alter-config' ? [operation] : []
  if (operation.f === 'send' && operation.partition !== null && operation.partition >= count) return []
  if ((operation.f === 'list-offsets' || operation.f === 'delete-records' || operation.f === 'elect-leader' || operation.f === 'reassign' || operation.f === 'commit-offset' || operation.f === 'fetch-offset') && operation.partition >= count) return []
  if (operation.f !== 'consume') return [operation]
  const partitions = operation.partitions.filter(partition => partition < count)
  return partitions.length === 0 ? [] : [{ ...operation, partitions }]
}
