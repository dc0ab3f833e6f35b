/**
 * Worker threads that outlive one campaign, so that their code stays loaded and compiled: a pool has numbered places, each
 * with a thread as long as somebody has asked for it and it has not been discarded.
 */
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

const SCRIPT = fileURLToPath(new URL('./campaign-worker.js', import.meta.url))

export class WorkerPool {
  private readonly places: (Worker | undefined)[] = []

  /** The thread of a place; a new one when there is none. */
  at(place: number): Worker {
    return this.places[place] ??= new Worker(SCRIPT)
  }

  /** Ends the thread of a place: it hangs, has died, or is not needed any more. */
  async discard(place: number): Promise<void> {
    const worker = this.places[place]
    this.places[place] = undefined
    await worker?.terminate()
  }

  async close(): Promise<void> {
    await Promise.all(this.places.map((_, place) => this.discard(place)))
  }
}
