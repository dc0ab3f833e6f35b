/**
 * What a check may spend: steps (edges looked at), which are deterministic, and a deadline that the caller watches (checkers
 * never read a clock). When it is used up, the search ends where it stands and the verdict is unknown unless something bad
 * was found.
 */
export interface Limits {
  readonly steps?: number
  /** Asked now and then; true ends the search. */
  readonly expired?: () => boolean
}

/** About 20 seconds of search: more than any history without an adversary needs. */
export const DEFAULT_STEPS = 4_000_000_000
const ASK_EVERY = 1 << 18

export class Exhausted extends Error {
  override readonly name = 'Exhausted'
}

export class Budget {
  spent = 0
  private readonly steps: number
  private readonly expired: (() => boolean) | undefined
  private nextQuestion = ASK_EVERY

  constructor({ steps = DEFAULT_STEPS, expired }: Limits = {}) {
    this.steps = steps
    this.expired = expired
  }

  /** Throws Exhausted. */
  spend(steps: number): void {
    this.spent += steps
    if (this.spent > this.steps) throw new Exhausted(`the budget of ${this.steps} steps was used up`)
    if (this.spent < this.nextQuestion) return
    this.nextQuestion = this.spent + ASK_EVERY
    if (this.expired?.() === true) throw new Exhausted(`the time was up after ${this.spent} steps`)
  }
}
