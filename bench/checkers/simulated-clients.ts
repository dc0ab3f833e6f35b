/**
 * Histories of clients that use one correct object at the same time: each operation is called, takes effect at one moment,
 * and returns, in an order that a small generator of random numbers decides. So the history is linearizable, unless `late`
 * adds a wrong answer at its end.
 */
import type { Json, Operation, OperationType } from '../../src/history/operation.ts'

/** Draws the next call, and does it. The answer of `apply` is what the client is told. */
export interface SimulatedObject {
  next(random: Random, client: number): { readonly f: string; readonly value: Json }
  apply(f: string, value: Json): Json
  /** A call and a wrong answer to it, at the end of the history. */
  late?(): { readonly f: string; readonly value: Json; readonly answer: Json }
  /** May an operation of this kind get lost? */
  mayBeLost?(f: string): boolean
}

export interface Simulation {
  readonly object: SimulatedObject
  readonly operations: number
  readonly clients: number
  readonly seed: number
  /** So many operations, spread over the history, have no known outcome; half of them took effect. */
  readonly indeterminate?: number
  readonly late?: boolean
}

export class Random {
  private state: number

  constructor(seed: number) {
    this.state = seed | 0
  }

  /** Below `bound`, 2^31 at most (mulberry32). */
  below(bound: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * bound)
  }
}

interface Open {
  readonly f: string
  readonly value: Json
  readonly lost: boolean
  applied: boolean
  answer: Json
}

export function* simulate({ object, operations, clients, seed, indeterminate = 0, late = false }: Simulation): Generator<Operation> {
  const random = new Random(seed)
  let index = 0
  const event = (process: number, type: OperationType, f: string, value: Json): Operation => ({ index, time: index++ * 1_000, process, type, f, value })
  const processes = Array.from({ length: clients }, (_, client) => client)
  let nextProcess = clients
  const open = new Array<Open | undefined>(clients).fill(undefined)
  let begun = 0
  let lost = 0
  let busy = 0
  while (begun < operations || busy > 0) {
    const client = random.below(clients)
    const one = open[client]
    if (one === undefined) {
      if (begun === operations) continue
      const { f, value } = object.next(random, client)
      // The next one is due when its share of the history has passed.
      const isLost = lost < indeterminate && begun * indeterminate >= lost * operations && object.mayBeLost?.(f) !== false
      if (isLost) lost++
      open[client] = { f, value, lost: isLost, applied: false, answer: null }
      begun++
      busy++
      yield event(processes[client]!, 'invoke', f, value)
    } else if (one.lost) {
      if (random.below(2) === 0) object.apply(one.f, one.value)
      yield event(processes[client]!, 'info', one.f, one.value)
      processes[client] = nextProcess++
      open[client] = undefined
      busy--
    } else if (!one.applied) {
      one.answer = object.apply(one.f, one.value)
      one.applied = true
    } else {
      yield event(processes[client]!, one.answer === REFUSED ? 'fail' : 'ok', one.f, one.answer === REFUSED ? one.value : one.answer)
      open[client] = undefined
      busy--
    }
  }
  if (!late || object.late === undefined) return
  const { f, value, answer } = object.late()
  yield event(processes[0]!, 'invoke', f, value)
  yield event(processes[0]!, 'ok', f, answer)
}

/** Answered by `apply` where the operation definitely did not happen. */
export const REFUSED = ':refused'

/** Distinct values, half reads. */
export function uniqueRegister(): SimulatedObject {
  let current: Json = null
  let written = 0
  // A lost write that nobody has read may still take effect: what is read late must have been read, and overwritten, before.
  const read: Json[] = []
  return {
    next: random => (random.below(2) === 0 ? { f: 'read', value: null } : { f: 'write', value: ++written }),
    apply(f, value) {
      if (f !== 'read') return current = value
      if (current !== null) read.push(current)
      return current
    },
    mayBeLost: f => f === 'write',
    late: () => ({ f: 'read', value: null, answer: read[read.length >> 1] ?? 1 }),
  }
}

/** Half appends; the rest are fetches of up to three records and end offsets. */
export function appendLog(): SimulatedObject {
  const records: Json[] = []
  let appended = 0
  return {
    next(random) {
      const kind = random.below(4)
      if (kind < 2) return { f: 'append', value: ++appended }
      return kind === 2 ? { f: 'end', value: null } : { f: 'fetch', value: Math.max(0, records.length - random.below(4)) }
    },
    apply(f, value) {
      if (f === 'append') return [records.push(value) - 1, value]
      return f === 'end' ? records.length : [value, records.slice(value as number, (value as number) + 3)]
    },
    mayBeLost: f => f === 'append',
    late: () => ({ f: 'end', value: null, answer: records.length >> 1 }),
  }
}

/** Few values, so that nothing names its write. */
export function smallRegister(values: number, cas: boolean): SimulatedObject {
  let current: Json = null
  return {
    next(random) {
      const kind = random.below(cas ? 3 : 2)
      if (kind === 0) return { f: 'read', value: null }
      return kind === 1 ? { f: 'write', value: random.below(values) } : { f: 'cas', value: [random.below(values), random.below(values)] }
    },
    apply(f, value) {
      if (f === 'read') return current
      if (f === 'write') return current = value
      const [from, to] = value as readonly Json[]
      if (current !== from) return REFUSED
      current = to!
      return value
    },
  }
}

/** One object for each of `keys`, operations as `[key value]`. */
export function independent(keys: number, one: () => SimulatedObject): SimulatedObject {
  const objects = Array.from({ length: keys }, one)
  return {
    next(random, client) {
      const key = random.below(keys)
      const { f, value } = objects[key]!.next(random, client)
      return { f, value: [key, value] }
    },
    apply(f, tuple) {
      const [key, value] = tuple as unknown as readonly [number, Json]
      const answer = objects[key]!.apply(f, value)
      return answer === REFUSED ? answer : [key, answer]
    },
    mayBeLost: f => objects[0]!.mayBeLost?.(f) !== false,
  }
}
