/**
 * Puts positions of a history into steps of an explanation.
 */
import type { Json } from '../../src/history/operation.ts'
import type { ExplanationStep } from '../contract.ts'
import { show } from '../show.ts'
import type { Scan } from './scan.ts'
import type { SendRecord } from './send-table.ts'
import type { Timeline } from './timeline.ts'

export class Story {
  private readonly timeline: Timeline

  constructor(scan: Scan) {
    this.timeline = scan.timeline
  }

  step(position: number, text: string): ExplanationStep {
    return { text, operation: this.timeline.index(position), time: this.timeline.time(position) }
  }

  who(position: number): string {
    return this.timeline.who(position)
  }

  time(position: number): number {
    return this.timeline.time(position)
  }

  error(position: number): Json {
    return this.timeline.error(position) ?? null
  }

  sent(send: SendRecord): ExplanationStep {
    return this.step(send.invoked, `${this.who(send.invoked)} sends record ${show(send.value)} to ${send.key ?? send.target}.`)
  }

  /** The send, and its answer if there was one. */
  sending(send: SendRecord): ExplanationStep[] {
    const steps = [this.sent(send)]
    if (send.outcome === 'ok') steps.push(this.step(send.completed, `It is acknowledged at offset ${send.offset}.`))
    else if (send.outcome === 'fail') steps.push(this.step(send.completed, `The answer says that it was not written: ${this.timeline.error(send.completed) ?? 'failed'}.`))
    else if (send.completed !== -1) steps.push(this.step(send.completed, `Whether it was written is unknown: ${this.timeline.error(send.completed) ?? 'no answer'}.`))
    return steps
  }

  read(position: number, key: string, offset: number, value: SendRecord['value']): ExplanationStep {
    return this.step(position, `${this.who(position)} reads record ${show(value)} at offset ${offset} of ${key}.`)
  }

  /** At most `most` faults that began between two positions, the first ones. */
  faultsBetween(from: number, to: number, most: number): ExplanationStep[] {
    const steps: ExplanationStep[] = []
    for (const { at: position, operation: { f, value } } of this.timeline.faults) {
      if (position < from || position > to || steps.length === most) continue
      if (f === 'fault-stop') continue
      const text = typeof value === 'object' && value !== null ? (value as { readonly text?: Json }).text : value
      steps.push(this.step(position, `Fault: ${typeof text === 'string' && text !== '' ? text : f}.`))
    }
    return steps
  }

  /** Steps in order of the history, each place once. */
  ordered(...steps: readonly ExplanationStep[]): ExplanationStep[] {
    const seen = new Set<string>()
    return [...steps].sort((a, b) => (a.operation ?? 0) - (b.operation ?? 0)).filter(step => {
      const id = `${step.operation}:${step.text}`
      if (seen.has(id)) return false
      seen.add(id)
      return true
    })
  }
}

