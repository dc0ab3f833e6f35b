/** The anomaly of the checker `linearizable`. */
import type { Anomaly } from '../anomalies.ts'

export const LINEARIZABILITY_ANOMALIES: readonly Anomaly[] = [
  {
    id: 'nonlinearizable',
    title: 'No order explains the answers',
    checker: 'linearizable',
    definition: 'No single order of all operations, in which each stands after every one that returned before it was called, explains every answer.',
    forbiddenBy: [],
    example: [
      'client 1: write 1                        invoke',
      'client 1: write 1                        ok',
      'client 2: read                           invoke',
      'client 2: read                           ok, null',
      '',
      'The read was called when the write had returned, and yet it found nothing.',
    ],
    falseAlarm: 'A model that is not what the system promises (a follower read is stale by design); operations recorded as failed that took effect; clocks of several machines merged into one history.',
    link: 'https://jepsen.io/consistency/models/linearizable',
  },
]
