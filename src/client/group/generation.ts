/** One membership of a classic group: what a rebalance gave it. */
export interface Generation {
  readonly generationId: number
  readonly memberId: string
  /** Assignor that the group has agreed on; null before that. */
  readonly protocolName: string | null
}

export const NO_GENERATION: Generation = Object.freeze({ generationId: -1, memberId: '', protocolName: null })
