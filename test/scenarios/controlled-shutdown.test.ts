/** KAFKA-14296: a leader that shuts down hands its partitions over, and must know it. */
import { expect, test } from 'vitest'
import { US_PER_SECOND } from '../../src/base/time.ts'
import type { DefectId } from '../../src/config/defects.ts'
import { World, setUp } from '../broker/simulated-cluster.ts'

function demotions(defects: readonly DefectId[]): number {
  const world = new World({ defects })
  const { id, host } = world.client(setUp)
  world.handles.get(host)!.shutdown()
  world.client(client => client.leaderOf('orders', leader => leader !== id))
  world.simulation.run(world.simulation.now + 2 * US_PER_SECOND)
  return world.events.filter(({ event, node }) => node === host && event.kind === 'became-follower' && event.topic === 'orders').length
}

test('a leader learns during its shutdown that another one leads', () => {
  expect(demotions([])).toBeGreaterThan(0)
})

test('KAFKA-14296 switched on: it never does', () => {
  expect(demotions(['KAFKA-14296'])).toBe(0)
})
