/** Where the coordinators of a plan keep what its clients do: the partitions that their transactional ids and groups fall into. */
import { partitionForId } from '../base/java-hash.ts'
import type { ServerConfig } from '../config/cluster.ts'
import type { WorkloadDraft } from '../config/workload.ts'
import type { Coordinators, Focus } from '../nemesis/draw-action.ts'

export function coordinatorsOf({ clients, operations }: WorkloadDraft, server: ServerConfig): Coordinators {
  const transactional = clients.flatMap(client => (client.kind === 'app' ? client.producer.transactionalId ?? [] : []))
  const groups = [
    ...clients.flatMap(client => (client.kind === 'app' ? client.consumer.groupId ?? [] : client.kind === 'consumer' ? client.config.groupId ?? [] : [])),
    ...operations.flatMap(operation => (operation.f === 'commit-offset' ? [operation.group] : [])),
  ]
  return {
    transactions: partitionsOf('__transaction_state', transactional, server.transactionStateLogNumPartitions),
    groups: partitionsOf('__consumer_offsets', groups, server.offsetsTopicNumPartitions),
  }
}

function partitionsOf(topic: string, ids: readonly string[], count: number): Focus[] {
  return [...new Set(ids.map(id => partitionForId(id, count)))].sort((a, b) => a - b).map(partition => ({ topic, partition }))
}
