/**
 * The administrator who changes configurations of topics (`kafka-configs.sh --alter`), one after the other, each until the
 * cluster has said yes. A machine of its own, which no fault touches.
 */
import type { Task } from '../base/task.ts'
import { msToUs } from '../base/time.ts'
import { Admin } from '../client/admin.ts'
import { DEFAULT_ADMIN_CONFIG } from '../config/client.ts'
import type { Env } from '../env/env.ts'

export const CONFIG_HOST = 'client-configs'
const BACKOFF_MS = 50
const MOST_ATTEMPTS = 200

export interface ConfigChange {
  readonly topic: string
  readonly name: string
  /** null: back to the default. */
  readonly value: string | null
}

/** Works until `changes` is empty; more may be added meanwhile. */
export function* alterConfigs(env: Env, bootstrapServers: readonly string[], changes: ConfigChange[], done: () => void): Task<void> {
  const admin = new Admin(env, {
    ...DEFAULT_ADMIN_CONFIG, clientId: 'operator', bootstrapServers, requestTimeoutMs: 700, defaultApiTimeoutMs: 1_500, retryBackoffMs: 20, retryBackoffMaxMs: 100,
    reconnectBackoffMs: 20, reconnectBackoffMaxMs: 100, socketConnectionSetupTimeoutMs: 500, metadataMaxAgeMs: 500,
  })
  for (let change = changes.shift(); change !== undefined; change = changes.shift()) {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const [result] = yield* admin.incrementalAlterConfigs([{ topic: change.topic, entries: [{ name: change.name, value: change.value }] }])
      if (result?.ok === true) {
        env.observe({ kind: 'mark', name: `config-altered-${change.name}` })
        break
      }
      yield* env.sleep(msToUs(BACKOFF_MS)).wait()
    }
  }
  admin.close()
  done()
}
