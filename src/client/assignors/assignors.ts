/** The assignors by name, and what a list of them means for the rebalance protocol. */
import { TrialError } from '../../base/trial-error.ts'
import type { PartitionAssignmentStrategy } from '../../config/client.ts'
import type { Assignor, RebalanceProtocol } from './assignor.ts'
import { cooperativeStickyAssignor } from './cooperative-sticky-assignor.ts'
import { rangeAssignor } from './range-assignor.ts'
import { roundRobinAssignor } from './round-robin-assignor.ts'
import { stickyAssignor } from './sticky-assignor.ts'

const ASSIGNORS: Readonly<Record<PartitionAssignmentStrategy, Assignor>> = {
  'range': rangeAssignor,
  'roundrobin': roundRobinAssignor,
  'sticky': stickyAssignor,
  'cooperative-sticky': cooperativeStickyAssignor,
}

/** In order of preference. @throws TrialError for none */
export function assignorsOf(strategies: readonly PartitionAssignmentStrategy[]): readonly Assignor[] {
  if (strategies.length === 0) throw new TrialError('config', 'partition.assignment.strategy names no assignor.')
  return strategies.map(strategy => ASSIGNORS[strategy])
}

/** Cooperative only if every assignor can; the default pair is eager (ConsumerCoordinator). */
export function rebalanceProtocolOf(assignors: readonly Assignor[]): RebalanceProtocol {
  return assignors.every(({ protocols }) => protocols.includes('cooperative')) ? 'cooperative' : 'eager'
}
