/**
 * Records the operations of one client machine into the trial's history. A client keeps several operations in flight,
 * and a Jepsen process has one: each open operation occupies a logical process, freed by `ok` and `fail`, and abandoned
 * for ever by `info`.
 */
import type { Json, Operation } from '../history/operation.ts'
import type { ClientRecorder, OpenOperation } from '../../workloads/contract.ts'

/** The history of one trial while it grows. */
export class TrialHistory {
  readonly operations: Operation[] = []
  private nextProcess = 0
  private readonly now: () => number

  constructor(now: () => number) {
    this.now = now
  }

  freshProcess(): number {
    return this.nextProcess++
  }

  push(operation: Omit<Operation, 'index' | 'time'>): number {
    const index = this.operations.length
    this.operations.push({ index, time: this.now(), ...operation } as Operation)
    return index
  }

  fault(phase: 'start' | 'stop', id: number, text: string): void {
    this.push({ process: 'nemesis', type: 'info', f: `fault-${phase}`, value: text === '' ? id : { id, text } })
  }
}

export function clientRecorder(history: TrialHistory, node: string): ClientRecorder {
  const free: number[] = []
  return {
    invoke(f, value, extra): OpenOperation {
      const process = free.pop() ?? history.freshProcess()
      history.push({ process, type: 'invoke', f, value, node, ...extra })
      let open = true
      const complete = (type: 'ok' | 'fail' | 'info', completed: Json, error?: string): void => {
        if (!open) return
        open = false
        history.push({ process, type, f, value: completed, node, ...(error === undefined ? {} : { error }), ...extra })
        if (type !== 'info') free.push(process)
      }
      return {
        ok: completed => complete('ok', completed),
        fail: error => complete('fail', value, error),
        info: error => complete('info', value, error),
      }
    },
  }
}
