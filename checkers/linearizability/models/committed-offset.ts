/** The offset that a group has committed for one partition: the last `commit` wins, `fetch` answers it, null before any. */
import { registerNamed } from './register.ts'

export const committedOffset = registerNamed('committed-offset', 'one committed offset: commit, fetch', 'fetch', 'commit')
