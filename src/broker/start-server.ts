/**
 * One server process of any role (Kafka: KafkaRaftServer, SharedServer): a raft client, a controller if it has that role,
 * a broker if it has that one.
 */
import type { Task } from '../base/task.ts'
import { controllersOf } from '../config/cluster.ts'
import type { ClusterConfig, ServerSpec } from '../config/cluster.ts'
import { startController } from '../controller/start-controller.ts'
import { SnapshotGenerator } from '../controller/snapshot-generator.ts'
import type { Env } from '../env/env.ts'
import { RaftClient } from '../raft/raft-client.ts'
import { Broker } from './broker.ts'
import { formatQuorum } from './format-storage.ts'
import { ensureMetaProperties, readMetaProperties } from './meta-properties.ts'

export interface ServerHandle {
  /** Starts a controlled shutdown, which ends in `env.halt('shutdown')`. */
  shutdown(): void
}

export function startServer(env: Env, cluster: ClusterConfig, spec: ServerSpec): ServerHandle {
  let broker: Broker | undefined
  let raft: RaftClient | undefined
  const start = function* (): Task<void> {
    if (spec.roles.includes('controller') && readMetaProperties(env) === undefined) yield* formatQuorum(env, cluster.initialVoters ?? [])
    yield* ensureMetaProperties(env, { clusterId: cluster.clusterId, nodeId: spec.nodeId, directoryId: env.disk.id })
    raft = new RaftClient(env, {
      nodeId: spec.nodeId,
      directoryId: env.disk.id,
      clusterId: cluster.clusterId,
      voters: controllersOf(cluster).map(({ nodeId, host }) => ({ id: nodeId, host })),
      isVoter: spec.roles.includes('controller'),
      config: cluster.server,
    })
    if (spec.roles.includes('broker')) broker = new Broker(env, cluster, spec, raft, spec.roles.includes('controller') ? undefined : new SnapshotGenerator(env, cluster.server, raft))
    if (spec.roles.includes('controller')) startController(env, cluster, spec, raft)
    raft.start()
    if (broker !== undefined) yield* broker.start()
  }
  const stop = function* (): Task<void> {
    if (raft !== undefined) yield* raft.shutdown()
    env.halt('shutdown')
  }
  env.spawn('server', start())
  return {
    shutdown() {
      if (broker === undefined) env.spawn('shutdown', stop())
      else broker.shutdown()
    },
  }
}
