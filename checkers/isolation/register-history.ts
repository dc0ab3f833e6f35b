/**
 * A history of transactions over registers, operation by operation into columns. Every value of a key is a version: the
 * initial one (nil), those that were written, and those that were only read. Writes are unique, so a read names its writer.
 *
 * What a transaction shows to others, per key, is its first read, if it came before any own write, and its last write. Reads
 * count only of transactions that are `ok`.
 */
import { TrialError } from '../../src/base/trial-error.ts'
import type { Json, Operation } from '../../src/history/operation.ts'
import { isSame } from '../identity.ts'
import { IntList } from './int-list.ts'
import { OK, TransactionTable } from './transaction-table.ts'
import { ValueIndex } from './value-index.ts'

const NONE = -1

class RegisterKey {
  readonly name: Json
  readonly versions = new ValueIndex()
  /** The version nil, once somebody read it. */
  initial = NONE

  constructor(name: Json) {
    this.name = name
  }
}

export class RegisterHistory {
  readonly transactions = new TransactionTable()
  readonly keys: RegisterKey[] = []
  readonly versionKeys = new IntList()
  /** The transaction that wrote a version; -1: nobody did. */
  readonly writers = new IntList()
  /** 1: its transaction overwrote it. */
  readonly intermediate = new IntList()
  readonly values: Json[] = []
  repeated: { readonly key: Json; readonly value: Json } | undefined = undefined
  /** First micro-operation of each transaction. */
  private readonly firstMicro = new IntList()
  private readonly microKeys = new IntList()
  private readonly microWrites = new IntList()
  /** The version that was written or read; -1: a read whose answer is not known. */
  private readonly microVersions = new IntList()
  private readonly keyIndex = new ValueIndex()

  take(operation: Operation): void {
    if (operation.process === 'nemesis') return
    if (operation.type === 'invoke') {
      if (operation.f === 'txn' || isTransaction(operation.value)) this.invoke(operation)
      return
    }
    const transaction = this.transactions.complete(operation)
    if (transaction !== NONE && operation.type === 'ok') this.complete(operation, transaction)
  }

  /** Micro-operations are numbered from `first` to before `end`. */
  first(transaction: number): number {
    return this.firstMicro.at(transaction)
  }

  end(transaction: number): number {
    return transaction + 1 < this.firstMicro.length ? this.firstMicro.at(transaction + 1) : this.microKeys.length
  }

  key(micro: number): number {
    return this.microKeys.at(micro)
  }

  isWrite(micro: number): boolean {
    return this.microWrites.at(micro) === 1
  }

  version(micro: number): number {
    return this.microVersions.at(micro)
  }

  /** Is this the first read of its key, before any write of the transaction? */
  isOuterRead(transaction: number, micro: number): boolean {
    if (this.isWrite(micro) || this.version(micro) === NONE) return false
    for (let earlier = this.first(transaction); earlier < micro; earlier++) if (this.key(earlier) === this.key(micro)) return false
    return true
  }

  /** Is this the last write of its key? */
  isOuterWrite(micro: number): boolean {
    return this.isWrite(micro) && this.intermediate.at(this.version(micro)) === 0
  }

  describe(transaction: number): Json {
    const micros: Json[] = []
    for (let micro = this.first(transaction); micro < this.end(transaction) && micros.length < 64; micro++) {
      const version = this.version(micro)
      micros.push([this.isWrite(micro) ? 'w' : 'r', this.keys[this.key(micro)]!.name, version === NONE ? null : this.values[version]!])
    }
    return micros
  }

  private invoke(operation: Operation): void {
    const micros = microsOf(operation)
    const transaction = this.transactions.invoke(operation)
    const first = this.microKeys.length
    this.firstMicro.push(first)
    for (let i = 0; i < micros.length; i++) {
      const [f, name, value] = micros[i]!
      const key = this.keyOf(name)
      let version = NONE
      if (f === 'w') {
        version = this.versionOf(key, value)
        if (this.writers.at(version) !== NONE) this.repeated ??= { key: name, value }
        this.writers.set(version, transaction)
        for (let earlier = first; earlier < this.microKeys.length; earlier++) {
          if (this.microKeys.at(earlier) === key && this.microWrites.at(earlier) === 1) this.intermediate.set(this.microVersions.at(earlier), 1)
        }
      }
      this.microKeys.push(key)
      this.microWrites.push(f === 'w' ? 1 : 0)
      this.microVersions.push(version)
    }
  }

  private complete(operation: Operation, transaction: number): void {
    const micros = microsOf(operation)
    const first = this.first(transaction)
    if (micros.length !== this.end(transaction) - first) throw mismatch(operation)
    for (let i = 0; i < micros.length; i++) {
      const [f, name, value] = micros[i]!
      const micro = first + i
      const key = this.key(micro)
      if (!isSame(this.keys[key]!.name, name) || (f === 'w') !== this.isWrite(micro)) throw mismatch(operation)
      if (f === 'r') this.microVersions.set(micro, this.versionOf(key, value ?? null))
      else if (!isSame(this.values[this.version(micro)]!, value)) throw mismatch(operation)
    }
  }

  private keyOf(name: Json): number {
    const known = this.keyIndex.get(name)
    if (known !== NONE) return known
    const key = this.keys.length
    this.keys.push(new RegisterKey(name))
    this.keyIndex.set(name, key)
    return key
  }

  private versionOf(number: number, value: Json): number {
    const key = this.keys[number]!
    const known = value === null ? key.initial : key.versions.get(value)
    if (known !== NONE) return known
    const version = this.versionKeys.push(number)
    this.writers.push(NONE)
    this.intermediate.push(0)
    this.values.push(value)
    if (value === null) key.initial = version
    else key.versions.set(value, version)
    return version
  }
}

type Micro = readonly [f: string, key: Json, value: Json]

function isTransaction(value: Json): boolean {
  return Array.isArray(value) && value.length > 0 && (value as readonly Json[]).every(micro => Array.isArray(micro) && (micro[0] === 'w' || micro[0] === 'r'))
}

function microsOf(operation: Operation): readonly Micro[] {
  const { value } = operation
  if (!Array.isArray(value)) throw malformed(operation, 'its value is no list of micro-operations')
  for (let i = 0; i < value.length; i++) {
    const micro = value[i] as readonly Json[]
    if (!Array.isArray(micro) || micro.length < 2 || micro.length > 3) throw malformed(operation, 'a micro-operation is a list of two or three')
    const f = micro[0]
    if (f !== 'w' && f !== 'r') throw malformed(operation, `there is a micro-operation ${JSON.stringify(f)?.slice(0, 40)}`)
    if (micro[1] === null || micro[1] === undefined || (f === 'w' && (micro[2] === null || micro[2] === undefined))) throw malformed(operation, 'a key is missing, or nil is written')
  }
  return value as unknown as readonly Micro[]
}

function malformed({ index }: Operation, why: string): TrialError {
  return new TrialError('input', `operation ${index} is no transaction over registers: ${why}.`, 'Transactions are lists of ["w", key, value] and ["r", key, value].')
}

function mismatch({ index }: Operation): TrialError {
  return new TrialError('input', `operation ${index} completes another transaction than its process invoked.`, 'A completion repeats the invoked micro-operations, with what was read.')
}

/** The last own version that others may see of a key, and the first that the transaction met: for orders of whole transactions. */
export function outerVersions(history: RegisterHistory, transaction: number): Map<number, { first: number; last: number }> {
  const met = new Map<number, { first: number; last: number }>()
  const reads = history.transactions.status(transaction) === OK
  for (let micro = history.first(transaction); micro < history.end(transaction); micro++) {
    if (history.isWrite(micro) ? !history.isOuterWrite(micro) : !reads || !history.isOuterRead(transaction, micro)) continue
    const version = history.version(micro)
    const known = met.get(history.key(micro))
    if (known === undefined) met.set(history.key(micro), { first: version, last: version })
    else known.last = version
  }
  return met
}
