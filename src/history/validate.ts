/**
 * What makes a sequence of operations a history: a process invokes once and completes once before it invokes again, a
 * process whose operation ended as `info` never speaks again, time does not go back, indices rise. The nemesis is exempt
 * from pairing (as in Jepsen, its operations may be of type `info` throughout).
 *
 * Errors are TrialError('input') and name the line of a file or the place in the list.
 */
import { TrialError } from '../base/trial-error.ts'
import type { History, Operation } from './operation.ts'

/** Deeper values are refused: every walk over a value may then be recursive. */
export const MAX_VALUE_DEPTH = 64
/** Processes below this are looked up in a list, the others in a map. */
const USUAL_PROCESSES = 1 << 16
/** The process ended an operation as `info`. */
const RETIRED = Symbol('retired')

/** Checks one operation after another; `where` says in errors where it stands ("line 17"). */
export class HistoryValidator {
  private readonly where: () => string
  private readonly times: 'rising' | 'any'
  private readonly usual: (Operation | typeof RETIRED | undefined)[] = []
  private readonly others = new Map<number, Operation | typeof RETIRED>()
  private lastTime = Number.NEGATIVE_INFINITY
  private lastIndex = Number.NEGATIVE_INFINITY

  /** `times: 'any'`: times may go back; the order of the operations is what counts. */
  constructor(where: () => string, times: 'rising' | 'any' = 'rising') {
    this.where = where
    this.times = times
  }

  add(operation: Operation): void {
    const { process } = operation
    if (operation.time < this.lastTime && this.times === 'rising') {
      throw this.wrong(`time goes backwards, from ${this.lastTime} to ${operation.time}.`, 'Operations are listed in the order in which they happened. If the order of the lines is that, and only the times are not: --any-times.')
    }
    if (operation.index <= this.lastIndex) {
      throw this.wrong(`index ${operation.index} does not follow ${this.lastIndex}.`, 'Indices rise with every operation.')
    }
    this.lastTime = operation.time
    this.lastIndex = operation.index
    if (process === 'nemesis') return
    const open = this.state(process)
    if (operation.type === 'invoke') {
      if (open === RETIRED) {
        throw this.wrong(`process ${process} invokes ${operation.f} after an operation of unknown fate.`, 'After `info` a client goes on under a new process number.')
      }
      if (open !== undefined) {
        throw this.wrong(`process ${process} invokes ${operation.f} while its ${open.f} (index ${open.index}) is open.`, 'A process does one operation at a time; give concurrent operations processes of their own.')
      }
      this.setState(process, operation)
      return
    }
    if (open === undefined || open === RETIRED) {
      throw this.wrong(`process ${process} completes ${operation.f} that it never invoked.`, 'Every ok, fail or info follows an invoke of the same process.')
    }
    if (open.f !== operation.f) {
      throw this.wrong(`process ${process} completes ${operation.f}, but what it invoked is ${open.f} (index ${open.index}).`)
    }
    this.setState(process, operation.type === 'info' ? RETIRED : undefined)
  }

  private state(process: number): Operation | typeof RETIRED | undefined {
    return process >= 0 && process < USUAL_PROCESSES ? this.usual[process] : this.others.get(process)
  }

  private setState(process: number, state: Operation | typeof RETIRED | undefined): void {
    if (process >= 0 && process < USUAL_PROCESSES) {
      while (this.usual.length <= process) this.usual.push(undefined)
      this.usual[process] = state
    } else if (state === undefined) this.others.delete(process)
    else this.others.set(process, state)
  }

  private wrong(what: string, hint?: string): TrialError {
    return new TrialError('input', `${this.where()}: ${what}`, hint)
  }
}

export function validateHistory(history: History): void {
  let place = 0
  const validator = new HistoryValidator(() => `operation ${place}`)
  for (; place < history.length; place++) validator.add(history[place]!)
}
