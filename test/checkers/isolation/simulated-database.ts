/**
 * A database in a few lines that runs transactions over lists or registers one step at a time, at a chosen level of
 * isolation, and records what its clients see. Where levels differ is in which versions a transaction reads and whether it
 * may commit:
 *
 *   strict          each transaction as a whole at one instant between its invocation and its answer
 *   serializable    the same, but a transaction may be placed before the last ones that were answered, as if it had run then
 *   snapshot        reads see a snapshot, the first committer wins
 *   read-committed  each read sees what is committed at that moment; appends take effect at commit
 *   broken          now and then: dirty reads, lost appends, writes of failed transactions that stay
 */
import type { Json, Operation, OperationType } from '../../../src/history/operation.ts'
import type { KeyedRandom } from './seeded.ts'

export type Level = 'strict' | 'serializable' | 'snapshot' | 'read-committed' | 'broken'
export type Data = 'list' | 'register'

export interface Run {
  readonly data: Data
  readonly level: Level
  readonly transactions: number
  readonly clients: number
  readonly keys: number
  readonly length: number
  /** Of 100 transactions, how many fail, and how many end with unknown fate. */
  readonly failing?: number
  readonly unknown?: number
}

type Micro = [string, Json, Json]
type State = Map<Json, Json[]>

interface Running {
  readonly process: number
  readonly micros: Micro[]
  readonly snapshot: State
  readonly writes: [Json, Json][]
  readonly begun: number
  next: number
}

export function simulate(run: Run, random: KeyedRandom): Operation[] {
  const operations: Operation[] = []
  const committed: State[] = [new Map()]
  const lastWrite = new Map<Json, number>()
  const running = new Map<number, Running>()
  let nextValue = 1
  let nextProcess = run.clients
  const processes = Array.from({ length: run.clients }, (_, i) => i)
  let left = run.transactions

  const record = (process: number, type: OperationType, micros: readonly Micro[]): void => {
    operations.push({ index: operations.length, time: operations.length * 10, process, type, f: 'txn', value: micros.map(([f, key, value]): Json => [f, key, value]) })
  }
  const latest = (): State => committed.at(-1)!
  const read = (state: State, key: Json): Json => {
    const versions = state.get(key) ?? []
    return run.data === 'list' ? [...versions] : versions.at(-1) ?? null
  }
  const begin = (process: number): void => {
    const micros: Micro[] = []
    const write = run.data === 'list' ? 'append' : 'w'
    for (let i = random.below(run.length) + 1; i > 0; i--) {
      const key = random.below(run.keys)
      micros.push(random.below(2) === 0 ? ['r', key, null] : [write, key, nextValue++])
    }
    record(process, 'invoke', micros)
    running.set(process, { process, micros, snapshot: new Map(latest()), writes: [], begun: committed.length, next: 0 })
  }
  const step = (one: Running): void => {
    const micro = one.micros[one.next++]!
    if (micro[0] !== 'r') {
      one.writes.push([micro[1], micro[2]])
      return
    }
    const dirty = run.level === 'broken' && random.below(4) === 0
    const base = run.level === 'read-committed' || dirty ? new Map(latest()) : new Map(one.snapshot)
    if (dirty) for (const other of running.values()) if (other !== one && random.below(2) === 0) apply(base, other.writes)
    apply(base, one.writes)
    micro[2] = read(base, micro[1])
  }
  /** The whole transaction at once, on one state. */
  const rerun = (one: Running, state: State): void => {
    const own: [Json, Json][] = []
    for (const micro of one.micros) {
      if (micro[0] !== 'r') own.push([micro[1], micro[2]])
      else {
        const base = new Map(state)
        apply(base, own)
        micro[2] = read(base, micro[1])
      }
    }
  }
  const finish = (one: Running): void => {
    running.delete(one.process)
    const fate = random.below(100)
    const fails = fate < (run.failing ?? 0) || (run.level === 'snapshot' && one.writes.some(([key]) => (lastWrite.get(key) ?? 0) >= one.begun))
    const unknown = !fails && fate >= 100 - (run.unknown ?? 0)
    const happens = !fails && (!unknown || random.below(2) === 0)
    const stays = run.level === 'broken' && fails && random.below(3) === 0
    if (run.level === 'strict') rerun(one, latest())
    // A reader may be placed in the past: nothing that it does shows.
    if (run.level === 'serializable') rerun(one, one.writes.length === 0 ? committed[Math.max(0, committed.length - 1 - random.below(4))]! : latest())
    if (happens || stays) {
      const state = new Map(latest())
      apply(state, run.level === 'broken' && random.below(8) === 0 ? one.writes.slice(1) : one.writes)
      for (const [key] of one.writes) lastWrite.set(key, committed.length)
      committed.push(state)
    }
    if (fails || unknown) {
      record(one.process, fails ? 'fail' : 'info', one.micros.map(([f, key, value]): Micro => [f, key, f === 'r' ? null : value]))
      if (unknown) {
        processes.splice(processes.indexOf(one.process), 1, nextProcess++)
      }
    } else record(one.process, 'ok', one.micros)
  }

  while (left > 0 || running.size > 0) {
    const process = processes[random.below(processes.length)]!
    const one = running.get(process)
    if (one === undefined) {
      if (left === 0) continue
      left--
      begin(process)
    } else if (one.next < one.micros.length) step(one)
    else finish(one)
  }
  return operations
}

function apply(state: State, writes: readonly (readonly [Json, Json])[]): void {
  for (const [key, value] of writes) state.set(key, [...(state.get(key) ?? []), value])
}
