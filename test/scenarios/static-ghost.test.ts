/**
 * KAFKA-10284: a static member restarts while its group is stable and gets a new member id; then its coordinator dies. The next
 * one must know the new id, or it fences the living for the sake of its ghost.
 */
import { expect, test } from 'vitest'
import type { Task } from '../../src/base/task.ts'
import type { DefectId } from '../../src/config/defects.ts'
import { Clients, SmallCluster } from './small-cluster.ts'

const SERVER = { offsetsTopicNumPartitions: 1, groupInitialRebalanceDelayMs: 100, groupMinSessionTimeoutMs: 500 }

interface Member {
  owns: number
  error: string | undefined
}

function member(cluster: SmallCluster): Member {
  const seen: Member = { owns: 0, error: undefined }
  cluster.simulation.machine('client-2').start(env => env.spawn('member', (function* (): Task<void> {
    const consumer = new Clients(env).consumer({ groupId: 'g', groupInstanceId: 'one', sessionTimeoutMs: 5_000, heartbeatIntervalMs: 300, partitionAssignmentStrategy: ['range'] })
    consumer.subscribe(['orders'])
    while (seen.error === undefined) {
      seen.error = (yield* consumer.poll(200)).error
      seen.owns = consumer.assignment.length
    }
  })()))
  return seen
}

function run(defects: readonly DefectId[]): { rejoins: number; owns: number; error: string | undefined } {
  const cluster = new SmallCluster({ server: SERVER, defects })
  cluster.simulation.addMachine('client-2')
  cluster.client(clients => clients.createTopic('orders', [[1, 2, 3], [2, 3, 1]]))
  const first = member(cluster)
  while (first.owns < 2) cluster.run(50)
  cluster.simulation.machine('client-2').crashProcess()
  const second = member(cluster)
  while (second.owns < 2) cluster.run(50)
  cluster.simulation.machine(cluster.of('coordinator-loaded').at(-1)!.node).crashProcess()
  cluster.run(8_000)
  return { rejoins: cluster.marks('group-static-rejoin'), owns: second.owns, error: second.error }
}

test('the living goes on', () => {
  expect(run([])).toEqual({ rejoins: 1, owns: 2, error: undefined })
})

test('with the defect it is fenced by its ghost', () => {
  expect(run(['KAFKA-10284'])).toMatchObject({ error: 'FENCED_INSTANCE_ID' })
})
