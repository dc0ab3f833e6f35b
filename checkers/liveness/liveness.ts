/**
 * Liveness after healing: with the faults stopped for `bound`, every partition that can have a leader has one, every
 * running replica is back in the ISR, no request is unanswered and the drain has reached the end of every partition.
 *
 * What was left broken on purpose is excused: replicas on machines that do not run, and partitions without any electable
 * replica among the running ones.
 */
import type { CheckResult, ExplanationStep } from '../contract.ts'
import { FindingCollector } from '../finding-collector.ts'
import type { GuaranteeSet } from '../guarantees.ts'

export interface LivePartition {
  /** `topic-partition` */
  readonly key: string
  /** -1: none. */
  readonly leader: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly elr: readonly number[]
}

/** The state of a trial at its end; times in virtual microseconds. */
export interface LivenessInput {
  /** When the last fault was healed. */
  readonly healedAt: number
  readonly endedAt: number
  /** How long recovery may take, derived from the configured time-outs. */
  readonly bound: number
  readonly partitions: readonly LivePartition[]
  /** Brokers whose machines run at the end. */
  readonly running: ReadonlySet<number>
  readonly unansweredRequests: readonly { readonly operation: number; readonly time: number; readonly text: string }[]
  readonly drained: boolean
  readonly uncleanElections: (key: string) => boolean
}

/** `unknown` when something is missing but the bound has not passed. */
export function checkLiveness(input: LivenessInput, guarantees: GuaranteeSet): CheckResult {
  const found = new FindingCollector('liveness', guarantees)
  const missing: string[] = []
  const waited = input.endedAt - input.healedAt
  const late = waited >= input.bound

  const miss = (title: string, evidence: { readonly [key: string]: number | string | readonly number[] | boolean }, before: readonly ExplanationStep[], now: string, key?: string): void => {
    missing.push(title)
    if (!late) return
    found.add('no-progress', () => ({
      title,
      evidence: { ...evidence, healedAt: input.healedAt, endedAt: input.endedAt, bound: input.bound },
      steps: [...before, { text: 'Every fault has been healed.', time: input.healedAt }, { text: now, time: input.endedAt }],
      contradiction: `Recovery takes at most ${seconds(input.bound)} after the faults stop, because the time-outs say so; however, ${seconds(waited)} later: ${title}`,
      ...(key === undefined ? {} : { key }),
    }))
  }

  for (const { key, leader, replicas, isr, elr } of input.partitions) {
    const running = replicas.filter(id => input.running.has(id))
    const electable = input.uncleanElections(key) ? running : running.filter(id => isr.includes(id) || elr.includes(id))
    if (electable.length === 0) continue
    const state = `${key}: leader ${leader === -1 ? 'none' : leader}, ISR [${isr.join(' ')}], running replicas [${running.join(' ')}].`
    const absent = running.filter(id => !isr.includes(id))
    if (leader === -1) miss(`${key} has no leader.`, { key, isr, elr, running }, [], state, key)
    else if (absent.length > 0) miss(`Replica ${absent.join(', ')} of ${key} is not back in the ISR.`, { key, leader, isr, running }, [], state, key)
  }
  for (const { operation, time, text } of input.unansweredRequests) {
    miss(`A request was never answered: ${text}`, { operation }, [{ text, operation, time }], 'It is still open.')
  }
  if (!input.drained) miss('The final drain did not reach the end of every partition.', { drained: false }, [], 'Records that should be readable are not.')
  return found.result(missing.length === 0 || late ? undefined : `${missing[0]} Only ${seconds(waited)} of ${seconds(input.bound)} have passed since the faults stopped.`)
}

function seconds(us: number): string {
  return `${Math.round(us / 1_000) / 1_000} s`
}
