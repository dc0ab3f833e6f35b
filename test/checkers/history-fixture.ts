/**
 * Histories by hand, as short as the story they tell. Records are written `offset:value`, so `poll(2, '3:c 4:d')` is a poll
 * of process 2 that returned two records of `orders-0`. Every history that is judged is validated first: a case that no
 * client could have recorded fails at once.
 */
import { compose } from '../../checkers/compose.ts'
import type { CheckResult, Finding } from '../../checkers/contract.ts'
import { guaranteesFor, type GuaranteeConfig } from '../../checkers/guarantees.ts'
import type { Limits } from '../../checkers/isolation/budget.ts'
import { kafkaLogChecker } from '../../checkers/kafka-log/kafka-log-checker.ts'
import type { Json, Operation, OperationType, Process } from '../../src/history/operation.ts'
import { validateHistory } from '../../src/history/validate.ts'

export const KEY = 'orders-0'

/** Everything is owed: acks=all, idempotence, two of three in sync, no unclean elections. */
export const STRICT: GuaranteeConfig = {
  acks: -1, replicationFactor: 3, minInsyncReplicas: 2, uncleanLeaderElection: false, idempotence: true, retries: true, maxInFlight: 5,
  isolation: 'read_committed', followerReads: false, lossyCrashes: 0, cleanup: 'delete',
}

type Extra = { readonly [key: string]: Json }
/** An acknowledged offset, or the fate of a send without one. `null`: acknowledged without an offset (acks=0 in imported histories). */
export type Answer = number | null | 'fail' | 'info' | 'acks=0' | 'open'
export type Records = string | { readonly [key: string]: string }

export class HistoryBuilder {
  readonly operations: Operation[] = []
  private readonly open = new Map<Process, { readonly f: string; readonly value: Json; readonly extra: Extra }>()

  add(process: Process, type: OperationType, f: string, value: Json, extra: Extra = {}): this {
    const index = this.operations.length
    this.operations.push({ index, time: index * 1_000, process, type, f, value, ...extra })
    return this
  }

  invoke(process: number, f: string, value: Json, extra: Extra = {}): this {
    this.open.set(process, { f, value, extra })
    return this.add(process, 'invoke', f, value, extra)
  }

  /** Completes what the process has open. Without a value the invoked one stands, as for every failure. */
  complete(process: number, type: 'ok' | 'fail' | 'info', value?: Json, error?: string): this {
    const { f, value: invoked, extra } = this.open.get(process)!
    this.open.delete(process)
    return this.add(process, type, f, value === undefined ? invoked : value, error === undefined ? extra : { ...extra, error })
  }

  op(process: number, f: string, value: Json, answer: Json, extra: Extra = {}): this {
    return this.invoke(process, f, value, extra).complete(process, 'ok', answer)
  }

  begin(process: number, value: Json, producer?: string, key = KEY): this {
    return this.invoke(process, 'send', [['send', key, value]], producer === undefined ? {} : { producer })
  }

  /** Answers the send that the process has open. `key` where it was invoked with a topic only. */
  answer(process: number, answer: Answer, key?: string): this {
    const micro = (this.open.get(process)!.value as readonly (readonly [string, string, Json])[])[0]!
    if (answer === 'open') return this
    if (answer === 'fail') return this.complete(process, 'fail', undefined, 'MESSAGE_TOO_LARGE')
    if (answer === 'info') return this.complete(process, 'info', undefined, 'TIMED_OUT')
    if (answer === 'acks=0') return this.complete(process, 'info', undefined, 'acks=0')
    return this.complete(process, 'ok', [['send', key ?? micro[1], [answer, micro[2]]]])
  }

  send(process: number, value: Json, answer: Answer, key = KEY): this {
    return this.begin(process, value, undefined, key).answer(process, answer)
  }

  /** Acknowledged sends of process 1, from offset 0 on: `sends('a b c')`. */
  sends(values: string): this {
    values.split(' ').forEach((value, offset) => this.send(1, value, offset))
    return this
  }

  /** Several sends in one operation: `compound(1, 'ok', ['a', 4], ['b', 5])`. */
  compound(process: number, type: 'ok' | 'fail' | 'info', ...sends: readonly (readonly [value: string, offset: number, key?: string])[]): this {
    this.invoke(process, 'txn', sends.map(([value, , key = KEY]) => ['send', key, value]))
    if (type !== 'ok') return this.complete(process, type, undefined, 'FAILED')
    return this.complete(process, 'ok', sends.map(([value, offset, key = KEY]) => ['send', key, [offset, value]]))
  }

  poll(process: number, records: Records, extra: Extra = {}): this {
    return this.op(process, 'poll', [['poll']], [['poll', recordsOf(records)]], extra)
  }

  /** The final drain: one poll that found these records and nothing else. */
  drain(records: Records, process = 90): this {
    return this.poll(process, records, { drain: true })
  }

  /** `seek`, `assign`, `reset` or `subscribe`. */
  move(process: number, f: string, ...keys: readonly string[]): this {
    return this.op(process, f, Object.fromEntries(keys.map(key => [key, 'earliest'])), null)
  }

  /** The end of the partition, as a client was told. */
  end(process: number, offset: number, extra: Extra = {}): this {
    return this.op(process, 'list-offsets', [KEY, 'latest'], [KEY, 'latest', offset], extra)
  }

  change(process: number, f: string, value: Json, answer: 'ok' | 'fail' | 'info' | 'open' = 'ok'): this {
    this.invoke(process, f, value)
    return answer === 'open' ? this : this.complete(process, answer, answer === 'ok' ? null : undefined)
  }

  fault(text: string): this {
    return this.add('nemesis', 'info', 'fault-start', { id: 1, text })
  }
}

export function recordsOf(records: Records): { [key: string]: [number, string][] } {
  const byKey = typeof records === 'string' ? { [KEY]: records } : records
  return Object.fromEntries(Object.entries(byKey).map(([key, text]) => [key, text.split(' ').filter(one => one !== '').map((one): [number, string] => {
    const colon = one.indexOf(':')
    return [Number(one.slice(0, colon)), one.slice(colon + 1)]
  })]))
}

export interface Setting {
  readonly config?: Partial<GuaranteeConfig>
  /** Did the drain reach the end? Absent: yes. A history without a drain is not drained whatever is said here. */
  readonly drained?: boolean
  readonly logStart?: { readonly [key: string]: number }
  readonly limits?: Limits
}

export function judge(operations: readonly Operation[], { config, drained = true, logStart = {}, limits = {} }: Setting = {}): CheckResult {
  validateHistory(operations)
  return kafkaLogChecker.check(operations, { guarantees: guaranteesFor({ ...STRICT, ...config }), drained, logStart, limits })
}

/** What was seen, without zeros; `bad` are those that this configuration forbids. */
export function summary(result: CheckResult): { counts: { [anomaly: string]: number }; bad: { [anomaly: string]: number } } {
  const nonZero = (counts: { readonly [anomaly: string]: number }) => Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
  const { counts, bad } = compose([result])
  return { counts: nonZero(counts), bad: nonZero(bad) }
}

export function findingsOf(result: CheckResult, anomaly: string): Finding[] {
  return result.findings.filter(finding => finding.anomaly === anomaly)
}

/** One history and all that is to be seen in it. */
export interface LogCase extends Setting {
  readonly name: string
  readonly history: (h: HistoryBuilder) => HistoryBuilder
  /** Every anomaly with its count; absent: none. */
  readonly counts?: { readonly [anomaly: string]: number }
  /** Those of them that this configuration allows; all of their instances. */
  readonly allowed?: readonly string[]
  /** Where only some instances are allowed: how many are bad. */
  readonly bad?: { readonly [anomaly: string]: number }
  /** Each must occur in the titles, evidence, steps or contradictions of the findings. */
  readonly says?: readonly string[]
}

/** What each anomaly is owed. */
export interface AnomalyCases {
  /** The smallest histories that show it. */
  readonly shows: readonly LogCase[]
  /** Near misses: it is not seen, or seen and allowed. */
  readonly passes: readonly LogCase[]
  /** Operations of unknown fate on either side. */
  readonly indeterminate: readonly LogCase[]
}

export type Cases = { readonly [anomaly: string]: AnomalyCases }
