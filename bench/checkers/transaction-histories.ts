/**
 * Long histories of transactions, operation by operation, for the bench and for planted anomalies: what clients of a strictly
 * serializable database, and of a Kafka log, would record. Each transaction takes effect at one moment between its invocation
 * and its answer, so the histories are valid.
 */
import type { Json, Operation } from '../../src/history/operation.ts'

export interface Shape {
  readonly transactions: number
  readonly clients: number
  /** Micro-operations of each transaction. */
  readonly length: number
  /** Elements of a key before a fresh one takes its place. */
  readonly elements: number
}

/** A small linear congruential generator: the same history in every process. */
export function numbers(seed: number): (bound: number) => number {
  let state = seed >>> 0
  return bound => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 4_294_967_296) * bound)
  }
}

const ACTIVE_KEYS = 10

/** Of ten keys at a time, half appends, half reads. */
export function* listAppendHistory({ transactions, clients, length, elements }: Shape, seed = 1): Generator<Operation> {
  const below = numbers(seed)
  const lists = new Map<number, number[]>()
  const next = new Map<number, number>()
  const active = Array.from({ length: ACTIVE_KEYS }, (_, key) => key)
  let fresh = ACTIVE_KEYS
  const open: (Json[][] | undefined)[] = Array.from({ length: clients })
  let left = transactions
  let index = 0
  for (let running = 0; left > 0 || running > 0;) {
    const process = below(clients)
    const micros = open[process]
    if (micros === undefined) {
      if (left === 0) continue
      left--
      running++
      const begun: Json[][] = []
      for (let i = 0; i < length; i++) {
        const slot = below(ACTIVE_KEYS)
        if (below(2) === 0) {
          begun.push(['r', active[slot]!, null])
          continue
        }
        if ((next.get(active[slot]!) ?? 0) >= elements) active[slot] = fresh++
        const key = active[slot]!
        const element = (next.get(key) ?? 0) + 1
        next.set(key, element)
        begun.push(['append', key, element])
      }
      open[process] = begun
      yield { index, time: index++ * 1_000, process, type: 'invoke', f: 'txn', value: begun }
      continue
    }
    open[process] = undefined
    running--
    const done = micros.map(([f, key, element]): Json => {
      const list = lists.get(key as number)
      if (f === 'r') return ['r', key!, [...(list ?? [])]]
      if (list === undefined) lists.set(key as number, [element as number])
      else list.push(element as number)
      return ['append', key!, element!]
    })
    yield { index, time: index++ * 1_000, process, type: 'ok', f: 'txn', value: done }
  }
}

/**
 * Transactions over `partitions` partitions: two sends, and a poll of one partition that goes on where the same client's last one ended, by at
 * most 8 records. Each writes a marker behind its records. Ends with a drain.
 */
export function* kafkaHistory({ transactions, clients }: Shape, partitions = 16, seed = 1): Generator<Operation> {
  const below = numbers(seed)
  interface Log { readonly offsets: number[]; readonly values: number[]; end: number }
  const logs = Array.from({ length: partitions }, (): Log => ({ offsets: [], values: [], end: 0 }))
  const positions = Array.from({ length: clients }, () => new Map<number, number>())
  const open: ([number, number][] | undefined)[] = Array.from({ length: clients })
  let left = transactions
  let value = 0
  let index = 0
  const keyOf = (partition: number): string => `orders-${partition}`
  for (let running = 0; left > 0 || running > 0;) {
    const process = below(clients)
    const sends = open[process]
    if (sends === undefined) {
      if (left === 0) continue
      left--
      running++
      const begun: [number, number][] = [[below(partitions), value++], [below(partitions), value++]]
      open[process] = begun
      yield { index, time: index++ * 1_000, process, type: 'invoke', f: 'txn', value: [...begun.map(([partition, sent]): Json => ['send', keyOf(partition), sent]), ['poll']] }
      continue
    }
    open[process] = undefined
    running--
    const polled: { [key: string]: Json } = {}
    for (const partition of [process % partitions]) {
      const log = logs[partition]!
      const from = positions[process]!.get(partition) ?? 0
      const to = Math.min(log.offsets.length, from + 8)
      if (to > from) polled[keyOf(partition)] = log.offsets.slice(from, to).map((offset, at): Json => [offset, log.values[from + at]!])
      positions[process]!.set(partition, to)
    }
    const done = sends.map(([partition, sent]): Json => {
      const log = logs[partition]!
      log.offsets.push(log.end)
      log.values.push(sent)
      return ['send', keyOf(partition), [log.end++, sent]]
    })
    for (const partition of new Set(sends.map(([one]) => one))) logs[partition]!.end++
    yield { index, time: index++ * 1_000, process, type: 'ok', f: 'txn', value: [...done, ['poll', polled]] }
  }
  for (let partition = 0; partition < partitions; partition++) {
    const { offsets, values } = logs[partition]!
    const process = clients + partition
    yield { index, time: index++ * 1_000, process, type: 'invoke', f: 'poll', value: [['poll']], drain: true }
    yield { index, time: index++ * 1_000, process, type: 'ok', f: 'poll', value: [['poll', { [keyOf(partition)]: offsets.map((offset, at): Json => [offset, values[at]!]) }]], drain: true }
  }
}
