/** Gives every trace event to several sinks. */
import type { TraceSink } from '../sim/trace.ts'

export class TeeTrace implements TraceSink {
  private readonly sinks: readonly TraceSink[]

  constructor(sinks: readonly TraceSink[]) {
    this.sinks = sinks
  }

  frame(...event: Parameters<TraceSink['frame']>): void {
    for (const sink of this.sinks) sink.frame(...event)
  }

  connection(...event: Parameters<TraceSink['connection']>): void {
    for (const sink of this.sinks) sink.connection(...event)
  }

  process(...event: Parameters<TraceSink['process']>): void {
    for (const sink of this.sinks) sink.process(...event)
  }

  fsync(...event: Parameters<TraceSink['fsync']>): void {
    for (const sink of this.sinks) sink.fsync(...event)
  }

  choice(...event: Parameters<TraceSink['choice']>): void {
    for (const sink of this.sinks) sink.choice(...event)
  }

  observation(...event: Parameters<TraceSink['observation']>): void {
    for (const sink of this.sinks) sink.observation(...event)
  }
}
