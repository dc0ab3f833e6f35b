/**
 * Liveness after healing: with the faults stopped for `bound`, every partition that can have a leader has one, every
 * running replica is back in the ISR, no request is unanswered, the drain has reached the end of every partition, and nothing
 * is refused to clients that nobody stands against.
 *
 * What was left broken on purpose is excused: replicas on machines that do not run, partitions without any electable
 * replica among the running ones, and a drain that waits for nothing but transactions whose markers an unclean
 * election has lost.
 */
import type { Json } from '../../src/history/operation.ts'
import type { CheckResult } from '../contract.ts'
import { FindingCollector } from '../finding-collector.ts'
import type { GuaranteeSet } from '../guarantees.ts'

export interface LivePartition {
  readonly topic: string
  readonly partition: number
  /** Hosts throughout. null: no leader. */
  readonly leader: string | null
  readonly isr: readonly string[]
  /** Those whose machines run at the end. */
  readonly replicas: readonly string[]
  /** Of those, which may be elected (ISR, ELR; all with unclean elections). Absent: any. */
  readonly electable?: readonly string[]
}

/** The state of a trial at its end; times in virtual microseconds. */
export interface LivenessInput {
  /** When the last fault was healed. */
  readonly healedAt: number
  readonly endedAt: number
  /** How long recovery may take, derived from the configured time-outs. */
  readonly boundUs: number
  readonly partitions: readonly LivePartition[]
  /** Clients with a request that was never answered. */
  readonly clientsUnfinished: readonly string[]
  readonly drained: boolean
  /** Where the drain had not come to the end yet, as far as that is told. */
  readonly unread?: readonly string[]
  /** Partitions that readers of committed records cannot get past, see LostMarkers. */
  readonly lostMarkers?: readonly string[]
  /** What was refused after healing although nothing stood against it. */
  readonly refused?: string
}

/** `unknown` when something is missing but the bound has not passed. */
export function checkLiveness(input: LivenessInput, guarantees: GuaranteeSet): CheckResult {
  const found = new FindingCollector('liveness', guarantees)
  const waited = input.endedAt - input.healedAt
  const late = waited >= input.boundUs
  let missing: string | undefined

  const miss = (title: string, evidence: { readonly [key: string]: Json }, now: string, key?: string): void => {
    missing ??= title
    if (!late) return
    found.add('no-progress', () => ({
      title,
      evidence: { ...evidence, healedAt: input.healedAt, endedAt: input.endedAt, boundUs: input.boundUs },
      steps: [{ text: 'Every fault has been healed.', time: input.healedAt }, { text: now, time: input.endedAt }],
      contradiction: `Recovery takes at most ${seconds(input.boundUs)} after the faults stop, because the time-outs say so; however, ${seconds(waited)} later: ${title}`,
      ...(key === undefined ? {} : { key }),
    }))
  }

  const { refused, healedAt, endedAt } = input
  if (refused !== undefined) {
    found.add('no-progress', () => ({
      title: `After everything had healed a client was refused: ${refused}.`,
      evidence: { refused, healedAt, endedAt },
      steps: [{ text: 'Every fault has been healed.', time: healedAt }, { text: `${refused}.`, time: endedAt }],
      contradiction: `The cluster is whole and nobody else does what this client does; however, it is refused again and again: ${refused}.`,
    }))
  }
  for (const { topic, partition, leader, isr, replicas, electable = replicas } of input.partitions) {
    if (electable.length === 0) continue
    const key = `${topic}-${partition}`
    const state = `${key}: leader ${leader ?? 'none'}, ISR [${isr.join(' ')}], running replicas [${replicas.join(' ')}].`
    const absent = replicas.filter(host => !isr.includes(host))
    if (leader === null) miss(`${key} has no leader.`, { isr, replicas }, state, key)
    else if (absent.length > 0) miss(`${absent.join(', ')} is not back in the ISR of ${key}.`, { leader, isr, replicas }, state, key)
  }
  for (const client of input.clientsUnfinished) miss(`${client} still waits for an answer.`, { client }, `A request of ${client} is still open.`)
  const { unread = [], lostMarkers = [] } = input
  const isHeldUp = unread.length > 0 && unread.every(key => lostMarkers.includes(key))
  if (!input.drained && !isHeldUp) {
    const where = unread.length === 0 ? 'every partition' : unread.join(', ')
    miss(`The final drain did not reach the end of ${where}.`, { drained: false, unread: [...unread] }, 'Records that should be readable are not.')
  }
  return found.result(missing === undefined || late ? undefined : `${missing} Only ${seconds(waited)} of ${seconds(input.boundUs)} have passed since the faults stopped.`)
}

function seconds(us: number): string {
  return `${Math.round(us / 1_000) / 1_000} s`
}
