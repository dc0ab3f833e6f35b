/** Ctrl-C and SIGTERM: the first lets the running trials finish and results be written, the second ends at once. */
import { ExitCode } from './exit-code.ts'
import type { Output } from './output.ts'

export interface Interrupt {
  readonly signal: AbortSignal
  /** Set once a signal has come. */
  readonly code: ExitCode | undefined
  done(): void
}

export function onInterrupt(output: Output, note = 'interrupted: finishing the trials that run; once more to stop at once'): Interrupt {
  const controller = new AbortController()
  let code: ExitCode | undefined
  const stop = (which: ExitCode) => (): void => {
    if (code !== undefined) process.exit(which)
    code = which
    if (note !== '') output.note(note)
    controller.abort()
  }
  const interrupt = stop(ExitCode.Interrupted)
  const terminate = stop(ExitCode.Terminated)
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', terminate)
  return {
    signal: controller.signal,
    get code() {
      return code
    },
    done() {
      process.off('SIGINT', interrupt)
      process.off('SIGTERM', terminate)
    },
  }
}
