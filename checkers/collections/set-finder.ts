/** What both checkers of sets look for in a read by itself: elements that nobody can have added, and elements twice. */
import type { History } from '../../src/history/operation.ts'
import type { ExplanationStep } from '../contract.ts'
import type { FindingCollector } from '../finding-collector.ts'
import { show } from '../show.ts'
import { NEVER, type SetHistory, type SetRead } from './set-history.ts'

export class SetFinder {
  private readonly history: History
  private readonly set: SetHistory
  private readonly found: FindingCollector
  private readonly seen: Int32Array

  constructor(history: History, set: SetHistory, found: FindingCollector) {
    this.history = history
    this.set = set
    this.found = found
    this.seen = new Int32Array(set.elements.length)
  }

  step(at: number, text: string): ExplanationStep {
    const { index, time } = this.history[at]!
    return { text, operation: index, time }
  }

  /** `round`: another number for every read, from 1. */
  findStrange(read: SetRead, round: number): void {
    const { seen } = this
    for (const number of read.elements) {
      const element = this.set.elements[number]!
      const value = show(element.value)
      if (seen[number] === round) {
        this.found.add('duplicate-element', () => ({
          title: `Element ${value} occurs twice in one read.`, evidence: { element: element.value, read: this.history[read.completed]!.index },
          steps: [this.step(read.completed, `This read contains ${value} more than once.`)], contradiction: 'A set has no element twice.',
        }))
        continue
      }
      seen[number] = round
      if (element.invoked < read.completed) continue
      const failed = element.failed !== NEVER && element.invoked === NEVER
      this.found.add('unexpected-element', () => ({
        title: failed ? `Element ${value} was read although adding it failed.` : `Element ${value} was read, and nobody had added it.`,
        evidence: { element: element.value, read: this.history[read.completed]!.index },
        steps: [
          ...(failed ? [this.step(element.failed, `The addition of ${value} definitely failed.`)] : []),
          this.step(read.completed, `This read contains ${value}.`),
          ...(element.invoked !== NEVER ? [this.step(element.invoked, `Only now somebody begins to add ${value}.`)] : []),
        ],
        contradiction: failed ? 'What failed has not happened.' : 'A set contains only what somebody began to add before.',
      }))
    }
  }
}
