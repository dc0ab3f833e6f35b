/**
 * What a large consumer group costs: so many reference consumers join a group over three times as many partitions of a three
 * broker cluster, and go on until every partition has its owner. By both protocols. Growth: processor time a member and virtual
 * second with all of them, relative to a tenth. The topic is empty, so what is measured is the group.
 */
import type { Task } from '../src/base/task.ts'
import { US_PER_SECOND, msToUs } from '../src/base/time.ts'
import { startServer } from '../src/broker/start-server.ts'
import { Admin } from '../src/client/admin.ts'
import { Consumer } from '../src/client/consumer.ts'
import { DEFAULT_ADMIN_CONFIG, DEFAULT_CONSUMER_CONFIG } from '../src/config/client.ts'
import { DEFAULT_SERVER_CONFIG } from '../src/config/cluster.ts'
import type { ClusterConfig, ServerSpec } from '../src/config/cluster.ts'
import { objectFrameCodec } from '../src/protocol/frame-codec.ts'
import { Simulation } from '../src/sim/simulation.ts'

const BROKERS = ['broker-1', 'broker-2', 'broker-3']
const HOSTS = 10
const LIMIT_US = 120 * US_PER_SECOND

interface Converged {
  readonly cpuSeconds: number
  readonly virtualSeconds: number
  readonly converged: boolean
}

function cluster(): { simulation: Simulation; config: ClusterConfig } {
  const servers: ServerSpec[] = BROKERS.map((host, i) => ({ nodeId: i + 1, host, roles: ['broker', 'controller'], rack: null }))
  const config: ClusterConfig = { clusterId: 'AAAAAAAAAAAAAAAAAAAAAw', servers, server: { ...DEFAULT_SERVER_CONFIG, offsetsTopicNumPartitions: 1 } }
  const simulation = new Simulation({
    rootKey: 1, codec: objectFrameCodec, network: { kind: 'drawn', minUs: 200, maxUs: 1_500 }, disk: { fsyncMinUs: 100, fsyncMaxUs: 2_000 },
    interleaving: { kind: 'off', probability: 0, depth: 0 }, choices: { mode: 'explicit', fired: [] }, defects: new Set(), mends: new Set(), observers: [], epochMs: 1_700_000_000_000,
  })
  for (const spec of servers) {
    simulation.addMachine(spec.host)
    simulation.machine(spec.host).start(env => void startServer(env, config, spec))
  }
  return { simulation, config }
}

function converge(members: number, groupProtocol: 'classic' | 'consumer'): Converged {
  const { simulation } = cluster()
  const partitions = members * 3
  simulation.addMachine('admin')
  let isCreated = false
  simulation.machine('admin').start(env => env.spawn('create', (function* (): Task<void> {
    const admin = new Admin(env, { ...DEFAULT_ADMIN_CONFIG, bootstrapServers: BROKERS, clientId: 'admin' })
    for (;;) {
      const [created] = yield* admin.createTopics([{ name: 'orders', numPartitions: partitions, replicationFactor: 1 }])
      if (created?.ok === true) break
      yield* env.sleep(msToUs(200)).wait()
    }
    yield* env.sleep(msToUs(5_000)).wait()
    isCreated = true
  })()))
  simulation.run(LIMIT_US, () => isCreated)
  const owned = Array.from({ length: members }, () => 0)
  const [cpuBegin, virtualBegin] = [process.cpuUsage().user, simulation.now]
  for (let host = 0; host < HOSTS; host++) {
    const name = `client-${host}`
    simulation.addMachine(name)
    simulation.machine(name).start(env => {
      for (let i = host; i < members; i += HOSTS) {
        env.spawn('member', (function* (): Task<void> {
          const consumer = new Consumer(env, { ...DEFAULT_CONSUMER_CONFIG, bootstrapServers: BROKERS, clientId: `member-${i}`, groupId: 'g', groupProtocol, partitionAssignmentStrategy: ['range'], fetchMaxWaitMs: 5_000 })
          consumer.subscribe(['orders'])
          for (;;) {
            yield* consumer.poll(1_000)
            owned[i] = consumer.assignment.length
          }
        })())
      }
    })
  }
  const isDone = (): boolean => owned.every(count => count === 3)
  while (simulation.now < virtualBegin + LIMIT_US && !isDone()) simulation.run(simulation.now + US_PER_SECOND / 10)
  const [crash] = simulation.crashes
  if (crash !== undefined) throw crash.error
  return { cpuSeconds: (process.cpuUsage().user - cpuBegin) / 1e6, virtualSeconds: (simulation.now - virtualBegin) / 1e6, converged: isDone() }
}

/** 1000 members over 3000 partitions. */
export function benchGroups(members = 1_000): unknown {
  const round = (value: number): number => Number(value.toFixed(2))
  return Object.fromEntries((['classic', 'consumer'] as const).map(protocol => {
    converge(members / 10, protocol)
    const tenth = converge(members / 10, protocol)
    const whole = converge(members, protocol)
    return [protocol, {
      members, partitions: members * 3, converged: whole.converged, cpuSeconds: round(whole.cpuSeconds), virtualSeconds: round(whole.virtualSeconds),
      growth: round(whole.cpuSeconds / whole.virtualSeconds / 10 / (tenth.cpuSeconds / tenth.virtualSeconds)),
    }]
  }))
}
