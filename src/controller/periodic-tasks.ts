/**
 * What an active controller does by the clock (Kafka: PeriodicTaskControlManager and the tasks that QuorumController
 * registers). A task runs first one period after activation; one that says it is not done runs again soon.
 */
import type { Millis } from '../base/time.ts'
import type { ServerConfig } from '../config/cluster.ts'
import { metadataRecord } from '../protocol/metadata-records.ts'
import { fenceOneStaleBroker } from './broker-lifecycle.ts'
import type { ControllerState } from './controller-state.ts'
import type { ControllerContext, Decision } from './decision.ts'
import { balanceLeaders, electUncleanLeaders } from './leader-elections.ts'

export interface PeriodicTask {
  readonly name: string
  /** 0: never */
  readonly periodMs: (server: ServerConfig) => Millis
  /** Delay when the response was `true`: there is more to do. */
  readonly againMs: Millis
  readonly run: (state: ControllerState, context: ControllerContext) => Decision<boolean>
}

const AGAIN_MS = 10

export const PERIODIC_TASKS: readonly PeriodicTask[] = [
  {
    name: 'maybeFenceStaleBroker',
    // Sampled eight times a session, so a broker is fenced after at most 9/8 of it.
    periodMs: server => Math.max(1, server.brokerSessionTimeoutMs / 8),
    againMs: AGAIN_MS,
    run: fenceOneStaleBroker,
  },
  {
    name: 'electUnclean',
    periodMs: server => server.uncleanLeaderElectionIntervalMs,
    againMs: AGAIN_MS,
    run: electUncleanLeaders,
  },
  {
    name: 'electPreferred',
    periodMs: server => (server.autoLeaderRebalanceEnable ? server.leaderImbalanceCheckIntervalMs : 0),
    againMs: AGAIN_MS,
    run: balanceLeaders,
  },
  {
    // Keeps the high watermark moving, so that brokers can tell that they are caught up (KIP-835).
    name: 'writeNoOpRecord',
    periodMs: server => server.metadataMaxIdleIntervalMs,
    againMs: AGAIN_MS,
    run: () => ({ records: [metadataRecord('NoOpRecord', {})], response: false }),
  },
]
