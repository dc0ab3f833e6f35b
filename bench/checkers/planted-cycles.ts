/**
 * A cycle of each kind, planted into a long valid list-append history: a few transactions of clients of their own, on keys of
 * their own. Each has a near miss: the same transactions, of which one reads what makes them valid.
 */
import type { Json, Operation } from '../../src/history/operation.ts'

type Micro = readonly ['append' | 'r', string, Json]

/** `+A` invokes transaction A, `-A` answers it with `ok`. */
export interface Plant {
  readonly anomaly: string
  readonly events: string
  /** The client of each transaction (its own by default). */
  readonly clients?: { readonly [transaction: string]: string }
  readonly transactions: { readonly [transaction: string]: readonly Micro[] }
  /** What a transaction does instead, in the near miss. */
  readonly nearMiss: { readonly [transaction: string]: readonly Micro[] }
  /** Transactions of the shortest cycle. */
  readonly length: number
}

const a = (key: string, element: number): Micro => ['append', key, element]
const r = (key: string, ...elements: number[]): Micro => ['r', key, elements]

/** Four transactions: B overwrote what A read, C saw it and missed D, which came before A. */
const fork = { A: [r('x')], B: [a('x', 1)], C: [r('x', 1), r('z')], D: [a('z', 1)] }
const forkMissed = { C: [r('x', 1), r('z', 1)] }
/** A came before B, B missed C, and C missed A. */
const skew = { A: [a('x', 1)], B: [r('y')], C: [r('x'), a('y', 1)] }
const skewMissed = { B: [r('y', 1)], C: [r('x'), a('y', 1)] }

export const PLANTS: readonly Plant[] = [
  { anomaly: 'G0', events: '+A +B -A -B +C -C', transactions: { A: [a('x', 1), a('y', 1)], B: [a('x', 2), a('y', 2)], C: [r('x', 1, 2), r('y', 2, 1)] }, nearMiss: { C: [r('x', 1, 2), r('y', 1, 2)] }, length: 2 },
  { anomaly: 'G1c', events: '+A +B -A -B', transactions: { A: [a('x', 1), r('y', 1)], B: [a('y', 1), r('x', 1)] }, nearMiss: { A: [a('x', 1), r('y')] }, length: 2 },
  { anomaly: 'G-single', events: '+A +B -A -B', transactions: { A: [a('x', 1), a('y', 1)], B: [r('x', 1), r('y')] }, nearMiss: { B: [r('x', 1), r('y', 1)] }, length: 2 },
  { anomaly: 'G-nonadjacent', events: '+A +B +C +D -A -B -C -D', transactions: { A: [a('x', 1)], B: [a('y', 1)], C: [r('x', 1), r('y')], D: [r('x'), r('y', 1)] }, nearMiss: { D: [r('x', 1), r('y', 1)] }, length: 4 },
  { anomaly: 'G2-item', events: '+A +B -A -B', transactions: { A: [r('x'), a('y', 1)], B: [r('y'), a('x', 1)] }, nearMiss: { B: [r('y', 1), a('x', 1)] }, length: 2 },

  { anomaly: 'G0-process', events: '+A -A +B -B +C -C', clients: { A: 'p', B: 'p' }, transactions: { A: [a('x', 1)], B: [a('x', 2)], C: [r('x', 2, 1)] }, nearMiss: { C: [r('x', 1, 2)] }, length: 2 },
  { anomaly: 'G1c-process', events: '+A -A +B -B', clients: { A: 'p', B: 'p' }, transactions: { A: [r('x', 1)], B: [a('x', 1)] }, nearMiss: { A: [r('x')] }, length: 2 },
  { anomaly: 'G-single-process', events: '+A -A +B -B', clients: { A: 'p', B: 'p' }, transactions: { A: [a('x', 1)], B: [r('x')] }, nearMiss: { B: [r('x', 1)] }, length: 2 },
  { anomaly: 'G-nonadjacent-process', events: '+B +C +D -D +A -A -B -C', clients: { D: 'p', A: 'p' }, transactions: fork, nearMiss: forkMissed, length: 4 },
  { anomaly: 'G2-item-process', events: '+C +A -A +B -B -C', clients: { A: 'p', B: 'p' }, transactions: skew, nearMiss: skewMissed, length: 3 },

  { anomaly: 'G0-realtime', events: '+A -A +B -B +C -C', transactions: { A: [a('x', 1)], B: [a('x', 2)], C: [r('x', 2, 1)] }, nearMiss: { C: [r('x', 1, 2)] }, length: 2 },
  { anomaly: 'G1c-realtime', events: '+A -A +B -B', transactions: { A: [r('x', 1)], B: [a('x', 1)] }, nearMiss: { A: [r('x')] }, length: 2 },
  { anomaly: 'G-single-realtime', events: '+A -A +B -B', transactions: { A: [a('x', 1)], B: [r('x')] }, nearMiss: { B: [r('x', 1)] }, length: 2 },
  { anomaly: 'G-nonadjacent-realtime', events: '+B +C +D -D +A -A -B -C', transactions: fork, nearMiss: forkMissed, length: 4 },
  { anomaly: 'G2-item-realtime', events: '+C +A -A +B -B -C', transactions: skew, nearMiss: skewMissed, length: 3 },
]

/**
 * The history with the plants in it. The events of one plant lie up to `spread` operations apart, of all at the same time, so
 * that each is in the middle of the others and of what is valid.
 */
export function* plantCycles(history: Iterable<Operation>, plants: readonly Plant[], { near = false, spread = 500, firstAt = 1_000, firstProcess = 1_000_000 } = {}): Generator<Operation> {
  const due: { readonly at: number; readonly event: string; readonly plant: number }[] = []
  plants.forEach(({ events }, plant) => events.split(' ').forEach((event, i) => due.push({ at: firstAt + plant * 7 + i * spread, event, plant })))
  due.sort((one, other) => one.at - other.at)
  const processes = new Map<string, number>()
  let next = 0
  let index = 0
  let taken = 0
  const emit = (operation: Operation): Operation => ({ ...operation, index, time: index++ * 1_000 })
  function* planted(until: number): Generator<Operation> {
    for (; next < due.length && due[next]!.at <= until; next++) {
      const { event, plant } = due[next]!
      const { transactions, nearMiss, clients } = plants[plant]!
      const name = event.slice(1)
      const client = `${plant}/${clients?.[name] ?? name}`
      if (!processes.has(client)) processes.set(client, firstProcess + processes.size)
      const micros = (near ? nearMiss[name] : undefined) ?? transactions[name]!
      const invoked = event.startsWith('+')
      const value = micros.map(([f, key, given]): Json => [f, `${key}-${plants[plant]!.anomaly}-${plant}`, f === 'r' && invoked ? null : given])
      yield emit({ index: 0, time: 0, process: processes.get(client)!, type: invoked ? 'invoke' : 'ok', f: 'txn', value })
    }
  }
  for (const operation of history) {
    yield* planted(taken++)
    yield emit(operation)
  }
  yield* planted(Number.MAX_SAFE_INTEGER)
}
