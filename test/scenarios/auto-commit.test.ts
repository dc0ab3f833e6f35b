/** Auto-commit and a consumer that dies while it works on what it was handed: nothing is skipped for its group. */
import { expect, it } from 'vitest'
import type { Task } from '../../src/base/task.ts'
import type { DefectId } from '../../src/config/defects.ts'
import { Clients, SmallCluster } from './small-cluster.ts'

const COUNT = 40

/** Numbers that were worked on, by two consumers one after the other; the first is killed at work. */
function processed(groupProtocol: 'classic' | 'consumer', defects: readonly DefectId[]): number[] {
  const cluster = new SmallCluster({
    defects, server: { groupInitialRebalanceDelayMs: 100, groupMinSessionTimeoutMs: 500, groupConsumerSessionTimeoutMs: 1_000, groupConsumerHeartbeatIntervalMs: 200, offsetsTopicNumPartitions: 2 },
  })
  cluster.client(function* (clients) {
    yield* clients.createTopic('orders', [[1, 2, 3]])
    yield* clients.send(clients.producer(), 'orders', Array.from({ length: COUNT }, (_, i) => `${i}`))
  })
  const done: number[] = []
  let polls = 0
  const start = (host: string): (() => void) => {
    const machine = cluster.simulation.addMachine(host)
    machine.start(env => env.spawn('worker', (function* (): Task<void> {
      const clients = new Clients(env)
      const consumer = clients.consumer({ groupId: 'g', groupProtocol, sessionTimeoutMs: 1_000, heartbeatIntervalMs: 200, maxPollRecords: 5, autoCommitIntervalMs: 1 })
      consumer.subscribe(['orders'])
      for (;;) {
        const { records } = yield* consumer.poll(100)
        if (records.length > 0) polls++
        yield* clients.sleep(300)
        for (const { value } of records) done.push(Number(new TextDecoder().decode(value!)))
      }
    })()))
    return () => machine.crashProcess()
  }
  const kill = start('worker-1')
  cluster.simulation.run(cluster.simulation.now + 20_000_000, () => polls === 4)
  cluster.run(150)
  kill()
  start('worker-2')
  cluster.run(15_000)
  return [...new Set(done)].sort((a, b) => a - b)
}

const all = Array.from({ length: COUNT }, (_, i) => i)

it.each(['classic', 'consumer'] as const)('what was handed out but not worked on is handed out again (%s)', protocol => {
  expect(processed(protocol, [])).toEqual(all)
})

it.each(['classic', 'consumer'] as const)('under KAFKA-18641 it is lost (%s)', protocol => {
  const found = processed(protocol, ['KAFKA-18641'])
  expect(all.filter(each => !found.includes(each))).toEqual([15, 16, 17, 18, 19])
})
