/**
 * A task in flight: drives a generator until it has to wait. A settled future resumes it at once, in the same step; a
 * pending one gets a listener that puts the task into the run queue. A task of a dead process is dropped where it stands,
 * its `finally` blocks do not run; one of a paused machine waits until the machine resumes.
 */
import type { Future, Task } from '../base/task.ts'
import { DigestKind } from './digest.ts'
import type { Deferrable } from './machine.ts'
import type { Process } from './process.ts'

export class RunningTask implements Deferrable {
  readonly process: Process
  readonly name: string
  private readonly id: number
  private readonly generator: Task<void>
  private awaited: Future<unknown> | undefined = undefined
  private readonly wake: () => void

  constructor(process: Process, name: string, generator: Task<void>) {
    const { kernel } = process
    this.process = process
    this.name = name
    this.generator = generator
    this.id = kernel.nextTaskId()
    this.wake = () => kernel.wake(this)
    kernel.wake(this)
  }

  /** Called when the task's turn has come. */
  run(): void {
    const { process } = this
    if (!process.isAlive) return
    if (process.machine.isDeferring) process.machine.defer(this)
    else this.perform()
  }

  perform(): void {
    const { process, generator } = this
    if (!process.isAlive) return
    process.kernel.digest.event(DigestKind.Task, process.kernel.now, this.id)
    try {
      for (;;) {
        const step = resume(generator, this.awaited)
        if (step.done === true) return
        const future = step.value
        this.awaited = future
        if (future.isSettled) continue
        if (process.isAlive) future.onSettled(this.wake)
        return
      }
    } catch (error) {
      process.fail(error)
    }
  }
}

function resume(generator: Task<void>, awaited: Future<unknown> | undefined): IteratorResult<Future<unknown>, void> {
  if (awaited === undefined) return generator.next(undefined)
  if (!awaited.isFailed) return generator.next(awaited.result())
  let failure: unknown
  try {
    awaited.result()
  } catch (error) {
    failure = error
  }
  return generator.throw(failure)
}
