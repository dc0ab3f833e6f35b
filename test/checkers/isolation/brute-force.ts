/**
 * Isolation by definition, for small histories: is there an order of the transactions (or, for snapshot isolation, of their
 * snapshots and commits) that explains every read? Tries all of them. Transactions of unknown fate may be left out.
 */
import type { Json, Operation } from '../../../src/history/operation.ts'

type Micro = readonly [string, Json, Json]

interface Transaction {
  readonly micros: readonly Micro[]
  readonly process: number
  readonly invoked: number
  readonly completed: number
  readonly certain: boolean
}

export type Order = 'none' | 'process' | 'realtime'

function transactionsOf(operations: readonly Operation[]): Transaction[] {
  const found: Transaction[] = []
  operations.forEach((operation, at) => {
    if (operation.type !== 'invoke') return
    const completion = operations.findIndex((other, later) => later > at && other.process === operation.process)
    const { type, value } = completion === -1 ? { type: 'info', value: operation.value } : operations[completion]!
    if (type === 'fail') return
    found.push({ micros: value as unknown as Micro[], process: operation.process as number, invoked: at, completed: completion === -1 || type === 'info' ? Number.MAX_SAFE_INTEGER : completion, certain: type === 'ok' })
  })
  return found
}

function precedes(a: Transaction, b: Transaction, order: Order): boolean {
  if (order === 'none' || a.completed > b.invoked) return false
  return order === 'realtime' || a.process === b.process
}

type State = ReadonlyMap<string, readonly Json[]>

/** The state after the transaction, or undefined when its reads cannot be explained by the one before. */
function execute(state: State, { micros, certain }: Transaction): Map<string, readonly Json[]> | undefined {
  const after = new Map(state)
  for (const [f, name, value] of micros) {
    const key = JSON.stringify(name)
    const versions = after.get(key) ?? []
    if (f === 'append' || f === 'w') after.set(key, [...versions, value])
    else if (certain && JSON.stringify(value ?? null) !== JSON.stringify(Array.isArray(value) ? versions : versions.at(-1) ?? null)) return undefined
  }
  return after
}

/** Strict serializability with realtime order, strong session serializability with process order. */
export function isSerializable(operations: readonly Operation[], order: Order): boolean {
  const transactions = transactionsOf(operations)
  const search = (state: State, done: number): boolean => {
    if (transactions.every(({ certain }, i) => !certain || (done & (1 << i)) !== 0)) return true
    return transactions.some((one, i) => {
      if ((done & (1 << i)) !== 0 || transactions.some((other, j) => (done & (1 << j)) === 0 && other.certain && precedes(other, one, order))) return false
      const after = execute(state, one)
      return after !== undefined && search(after, done | (1 << i))
    })
  }
  return search(new Map(), 0)
}

/**
 * Generalized snapshot isolation: each transaction has a snapshot and later a commit; it reads the snapshot and its own
 * writes; of two with overlapping lives that write one key, one may not commit.
 */
export function isSnapshotIsolated(operations: readonly Operation[]): boolean {
  const transactions = transactionsOf(operations)
  const writes = transactions.map(({ micros }) => new Set(micros.filter(([f]) => f !== 'r').map(([, key]) => JSON.stringify(key))))
  const search = (state: State, begun: number, done: number, clock: number, starts: readonly number[], commits: readonly number[]): boolean => {
    if (transactions.every(({ certain }, i) => !certain || (done & (1 << i)) !== 0)) return true
    return transactions.some((one, i) => {
      const bit = 1 << i
      if ((done & bit) !== 0) return false
      if ((begun & bit) === 0) {
        if (execute(state, one) === undefined) return false
        const later = [...starts]
        later[i] = clock
        return search(state, begun | bit, done, clock + 1, later, commits)
      }
      const conflict = transactions.some((_, j) => j !== i && (done & (1 << j)) !== 0 && commits[j]! > starts[i]! && [...writes[j]!].some(key => writes[i]!.has(key)))
      if (conflict) return false
      const after = new Map(state)
      for (const [f, name, value] of one.micros) if (f !== 'r') after.set(JSON.stringify(name), [...(after.get(JSON.stringify(name)) ?? []), value])
      const later = [...commits]
      later[i] = clock
      return search(after, begun, done | bit, clock + 1, starts, later)
    })
  }
  return search(new Map(), 0, 0, 0, [], [])
}
