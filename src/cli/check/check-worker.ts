/** The worker thread of `trial check`: one request, given at its start; a shared flag tells it that time is up. */
import { parentPort, workerData } from 'node:worker_threads'
import { TrialError } from '../../base/trial-error.ts'
import { checkHistory } from './check-history.ts'
import type { CheckRequest, FromCheckWorker } from './check-request.ts'

const { request, flag } = workerData as { readonly request: CheckRequest; readonly flag: Int32Array }

function answer(message: FromCheckWorker): void {
  parentPort?.postMessage(message)
}

try {
  answer({ outcome: checkHistory(request, () => Atomics.load(flag, 0) !== 0, progress => answer({ progress })) })
} catch (error) {
  if (error instanceof TrialError) answer({ refusal: { code: error.code, message: error.message, hint: error.hint } })
  else answer({ crash: { message: error instanceof Error ? error.message : String(error), stack: error instanceof Error ? error.stack ?? '' : '' } })
}
