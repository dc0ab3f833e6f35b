/** What clients can see of a compacted topic that lost more than it may. Found by the checker `compacted-table`. */
import type { Anomaly } from '../anomalies.ts'

const CHECKER = 'compacted-table'
const COMPACTION = 'https://kafka.apache.org/documentation/#compaction'

export const COMPACTION_ANOMALIES: readonly Anomaly[] = [
  {
    id: 'lost-latest',
    title: 'The last record of a key is gone',
    checker: CHECKER,
    definition: 'A reader passed the offset of a record of a compacted topic and did not get it, although nobody had sent a newer record of its key.',
    forbiddenBy: ['no-loss'],
    example: [
      'client 1: send 17 (key a) to users-0      ok, offset 4',
      'client 1: send 18 (key b) to users-0      ok, offset 5',
      'drain:    poll users-0 from the start     ok, [5: 18]',
      '',
      'Key a has no value any more, and nobody deleted it.',
    ],
    falseAlarm: 'A newer record of the key, also one of unknown fate, supersedes it; what lies below the log start; a record of which the log may hold a second copy.',
    link: COMPACTION,
  },
  {
    id: 'tombstone-missed',
    title: 'A reader missed a deletion',
    checker: CHECKER,
    definition: 'A reader passed the offset of a tombstone sooner than delete.retention.ms after it had been sent, and did not get it.',
    forbiddenBy: ['no-loss'],
    example: [
      'users: delete.retention.ms 60000',
      'client 1: send 17 (key a, null) to users-0   ok, offset 4',
      'client 1: send 18 (key b) to users-0         ok, offset 5',
      'client 2: poll users-0, 10 s later           ok, [3: 12] [5: 18]',
      '',
      'Client 2 has the old value of a and will never hear that it was deleted.',
    ],
    falseAlarm: 'A reader that comes later, or whose broker\'s clock was moved; a tombstone that a newer record of the key supersedes.',
    link: COMPACTION,
  },
]
