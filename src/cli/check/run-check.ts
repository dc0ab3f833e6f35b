/**
 * Runs a check in a thread of its own, so that Ctrl-C and a time limit are heeded whatever it is doing: it is first asked to
 * stop and answer with what it knows, and ended when it does not; then the last thing that it told is what is known.
 */
import { totalmem } from 'node:os'
import { Worker } from 'node:worker_threads'
import { mergeVerdicts } from '../../../checkers/compose.ts'
import { TrialError } from '../../base/trial-error.ts'
import type { CheckOutcome, CheckProgress, CheckRequest, FromCheckWorker } from './check-request.ts'

/** For an answer, once asked to stop. */
const GRACE_MS = 600
const MEGABYTE = 1 << 20

export interface CheckBounds {
  readonly timeMs: number | undefined
  /** Aborted at Ctrl-C. */
  readonly interrupt: AbortSignal
}

export function runCheck(request: CheckRequest, { timeMs, interrupt }: CheckBounds): Promise<CheckOutcome> {
  const flag = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(new URL('./check-worker.js', import.meta.url), {
    workerData: { request, flag },
    resourceLimits: { maxOldGenerationSizeMb: Math.max(2_048, Math.floor(totalmem() / MEGABYTE * 0.75)) },
  })
  let progress: CheckProgress = { operations: 0, doing: 'starting', results: [] }
  let why: 'time' | 'interrupt' | undefined
  return new Promise<CheckOutcome>((resolve, reject) => {
    let grace: NodeJS.Timeout | undefined
    const limit = timeMs === undefined ? undefined : setTimeout(() => stop('time'), timeMs)
    const onInterrupt = (): void => stop('interrupt')
    interrupt.addEventListener('abort', onInterrupt)

    function stop(reason: 'time' | 'interrupt'): void {
      if (why !== undefined) return
      why = reason
      Atomics.store(flag, 0, 1)
      grace = setTimeout(() => end(() => resolve(cutShort(reason))), GRACE_MS)
    }

    function cutShort(reason: 'time' | 'interrupt' | 'memory'): CheckOutcome {
      const { operations, doing, results } = progress
      return { verdict: mergeVerdicts([...results.map(({ verdict }) => verdict), 'unknown']), operations, independent: false, results, cut: { why: reason, doing } }
    }

    function end(settle: () => void): void {
      clearTimeout(limit)
      clearTimeout(grace)
      interrupt.removeEventListener('abort', onInterrupt)
      worker.removeAllListeners()
      // What it still says while it ends is nobody's concern.
      worker.on('error', () => undefined)
      void worker.terminate().then(settle)
    }

    worker.on('message', (message: FromCheckWorker) => {
      if ('progress' in message) progress = message.progress
      else if ('outcome' in message) end(() => resolve(why === undefined || message.outcome.verdict === 'valid' ? message.outcome : withCause(message.outcome, why)))
      else if ('refusal' in message) end(() => reject(new TrialError(message.refusal.code, message.refusal.message, message.refusal.hint)))
      else end(() => reject(Object.assign(new Error(message.crash.message), { stack: message.crash.stack })))
    })
    worker.on('error', (error: NodeJS.ErrnoException) => end(() => (error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? resolve(cutShort('memory')) : reject(error))))
    worker.on('exit', () => end(() => reject(new Error('the thread of the check ended without an answer'))))
    if (interrupt.aborted) stop('interrupt')
  })
}

/** An answer that came because it was asked to stop. One that is complete all the same stands as it is. */
function withCause(outcome: CheckOutcome, why: 'time' | 'interrupt'): CheckOutcome {
  const doing = outcome.cut?.doing ?? outcome.results.find(({ verdict }) => verdict === 'unknown')?.reason
  return doing === undefined ? outcome : { ...outcome, cut: { why, doing } }
}
