/**
 * A list-append history, taken in operation by operation and kept as columns: transactions, micro-operations, appends, and
 * for each key the longest list that was read. A read that is a prefix of that list is kept as its length alone, so memory
 * follows the elements, not what was read. Reads that fit no such list ("odd") are kept whole.
 *
 * The order of a key's elements is the longest list of all; elements that nobody read come after all those that were.
 * Reads count only of transactions that are `ok`. (Elle also believes reads of transactions of unknown fate.)
 */
import { TrialError } from '../../src/base/trial-error.ts'
import type { Json, Operation } from '../../src/history/operation.ts'
import { isSame } from '../identity.ts'
import { IntList } from './int-list.ts'
import { OK, TransactionTable } from './transaction-table.ts'
import { ValueIndex } from './value-index.ts'

const NONE = -1

export interface OddRead {
  readonly list: readonly Json[]
  /** As `version`. Only after `finish`. */
  version: number
}

export class AppendKey {
  readonly name: Json
  readonly index = new ValueIndex()
  /** The longest of the reads that are prefixes of each other. */
  longest: readonly Json[] = []
  readonly odd: OddRead[] = []
  /** Only after `finish`: the elements as numbers of appends (-1: nobody appended it), and what nobody read. */
  order: Int32Array = new Int32Array(0)
  elements: readonly Json[] = []
  readonly unread: number[] = []
  /** Elements of the order that reads of `longest` agree with: all of them unless an odd read is longer. */
  agreed = Number.MAX_SAFE_INTEGER

  constructor(name: Json) {
    this.name = name
  }
}

export class ListAppendHistory {
  readonly transactions = new TransactionTable()
  readonly keys: AppendKey[] = []
  /** First micro-operation of each transaction. */
  readonly firstMicro = new IntList()
  readonly microKeys = new IntList()
  /** An append: -1 - its number. A read: the length of the list, or ODD plus the number of the odd read. */
  readonly micros = new IntList()
  readonly appendTransactions = new IntList()
  readonly appendKeys = new IntList()
  /** Appends that another one of their transaction overwrote, once or more. */
  private readonly overwritten = new IntList()
  /** 1: an intermediate state. Only after `finish`. */
  appendIntermediate = new Uint8Array(0)
  /** Place in the key's order; -1: nobody read it. Only after `finish`. */
  appendPlaces = new Int32Array(0)
  readonly appendValues: Json[] = []
  /** Transactions that are ok and touched a key more than once. */
  readonly repeating = new IntList()
  /** A value that was appended twice to one key: nothing can be told. */
  repeated: { readonly key: Json; readonly value: Json } | undefined = undefined
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

  /** Micro-operations of a transaction: from here to before that of the next. */
  end(transaction: number): number {
    return transaction + 1 < this.firstMicro.length ? this.firstMicro.at(transaction + 1) : this.micros.length
  }

  /** The list that a micro-operation read. */
  readList(micro: number): readonly Json[] {
    const key = this.keys[this.microKeys.at(micro)]!
    const length = this.micros.at(micro)
    return length < key.longest.length + 1 ? key.longest.slice(0, length) : key.odd[length - ODD]!.list
  }

  /** The micro-operations as they were recorded; lists of more than 64 elements by their end. */
  describe(transaction: number): Json {
    const known = this.transactions.status(transaction) === OK
    const micros: Json[] = []
    for (let micro = this.firstMicro.at(transaction); micro < this.end(transaction) && micros.length < 64; micro++) {
      const key = this.keys[this.microKeys.at(micro)]!.name
      const code = this.micros.at(micro)
      if (code < 0) micros.push(['append', key, this.appendValues[-1 - code]!])
      else if (!known) micros.push(['r', key, null])
      else {
        const list = this.readList(micro)
        micros.push(['r', key, list.length > 64 ? ['...', ...list.slice(-63)] : [...list]])
      }
    }
    return micros
  }

  /** How many elements of the key's order a read saw; -1 when it does not fit the order. */
  version(micro: number): number {
    const length = this.micros.at(micro)
    const key = this.keys[this.microKeys.at(micro)]!
    if (length >= ODD) return key.odd[length - ODD]!.version
    return length > key.agreed ? NONE : length
  }

  private invoke(operation: Operation): void {
    const micros = microsOf(operation)
    const transaction = this.transactions.invoke(operation)
    const first = this.micros.length
    this.firstMicro.push(first)
    for (let i = 0; i < micros.length; i++) {
      const micro = micros[i]!
      const key = this.keyOf(micro[1])
      this.microKeys.push(key)
      if (micro[0] !== 'append') {
        this.micros.push(0)
        continue
      }
      const append = this.appendTransactions.push(transaction)
      this.appendKeys.push(key)
      this.appendValues.push(micro[2])
      const { index } = this.keys[key]!
      if (index.get(micro[2]) === NONE) index.set(micro[2], append)
      else this.repeated ??= { key: micro[1], value: micro[2] }
      for (let earlier = first; earlier < this.micros.length; earlier++) {
        if (this.microKeys.at(earlier) === key && this.micros.at(earlier) < 0) this.overwritten.push(-1 - this.micros.at(earlier))
      }
      this.micros.push(-1 - append)
    }
  }

  private complete(operation: Operation, transaction: number): void {
    const { value } = operation
    const first = this.firstMicro.at(transaction)
    if (!Array.isArray(value) || value.length !== this.end(transaction) - first) throw mismatch(operation)
    let again = false
    for (let i = 0; i < value.length; i++) {
      const micro = (value as readonly Json[])[i] as Micro
      const at = first + i
      const number = this.microKeys.at(at)
      const key = this.keys[number]!
      const code = this.micros.at(at)
      if (!Array.isArray(micro) || !isSame(key.name, micro[1]) || (micro[0] === 'append') !== code < 0) throw mismatch(operation)
      const given = micro[2]
      if (code < 0) {
        if (!isSame(this.appendValues[-1 - code]!, given)) throw mismatch(operation)
      } else if (given !== null && given !== undefined) {
        if (!Array.isArray(given)) throw malformed(operation, 'a read returns a list')
        this.micros.set(at, takeList(key, given as readonly Json[]))
      }
      for (let earlier = first; earlier < at && !again; earlier++) again = this.microKeys.at(earlier) === number
    }
    if (again) this.repeating.push(transaction)
  }

  private keyOf(name: Json): number {
    const known = this.keyIndex.get(name)
    if (known !== NONE) return known
    const key = this.keys.length
    this.keys.push(new AppendKey(name))
    this.keyIndex.set(name, key)
    return key
  }

  /** Fixes the order of every key. Call once, after the last operation. */
  finish(): void {
    const appends = this.appendTransactions.length
    const places = this.appendPlaces = new Int32Array(appends).fill(NONE)
    this.appendIntermediate = new Uint8Array(appends)
    for (const append of this.overwritten.view()) this.appendIntermediate[append] = 1
    for (const key of this.keys) {
      let order = key.longest
      for (const { list } of key.odd) if (list.length > order.length) order = list
      if (order !== key.longest) key.agreed = commonPrefix(order, key.longest)
      for (const odd of key.odd) if (commonPrefix(order, odd.list) === odd.list.length) odd.version = odd.list.length
      key.elements = order
      key.order = new Int32Array(order.length)
      for (let place = 0; place < order.length; place++) {
        const append = key.index.get(order[place]!)
        key.order[place] = append
        if (append !== NONE && places[append] === NONE) places[append] = place
      }
    }
    for (let append = 0; append < appends; append++) {
      if (places[append] === NONE && this.transactions.status(this.appendTransactions.at(append)) <= OK) this.keys[this.appendKeys.at(append)]!.unread.push(append)
    }
  }
}

/** Added to the number of an odd read, in place of a length. */
const ODD = 1 << 30

type Micro = readonly [f: string, key: Json, value: Json]

function isTransaction(value: Json): boolean {
  return Array.isArray(value) && value.length > 0 && (value as readonly Json[]).every(micro => Array.isArray(micro) && (micro[0] === 'append' || micro[0] === 'r'))
}

function microsOf(operation: Operation): readonly Micro[] {
  const { value } = operation
  if (!Array.isArray(value)) throw malformed(operation, 'its value is no list of micro-operations')
  for (let i = 0; i < value.length; i++) {
    const micro = value[i] as readonly Json[]
    if (!Array.isArray(micro) || micro.length < 2 || micro.length > 3) throw malformed(operation, 'a micro-operation is a list of two or three')
    const f = micro[0]
    const key = micro[1]
    const given = micro[2]
    if (f !== 'append' && f !== 'r') throw malformed(operation, `there is a micro-operation ${JSON.stringify(f)?.slice(0, 40)}`)
    if (key === null || key === undefined || (f === 'append' && (given === null || given === undefined))) throw malformed(operation, 'a key or an element is missing')
  }
  return value as unknown as readonly Micro[]
}

function malformed({ index }: Operation, why: string): TrialError {
  return new TrialError('input', `operation ${index} is no list-append transaction: ${why}.`, 'Transactions are lists of ["append", key, element] and ["r", key, [element, ...]].')
}

function mismatch({ index }: Operation): TrialError {
  return new TrialError('input', `operation ${index} completes another transaction than its process invoked.`, 'A completion repeats the invoked micro-operations, with what was read.')
}

/** What is kept of a read. */
function takeList(key: AppendKey, list: readonly Json[]): number {
  const { longest } = key
  const most = Math.min(list.length, longest.length)
  if (commonPrefix(list, longest) < most) {
    key.odd.push({ list, version: NONE })
    return ODD + key.odd.length - 1
  }
  if (list.length > longest.length) key.longest = list
  return list.length
}

/** How many elements two lists share at their beginning. */
export function commonPrefix(a: readonly Json[], b: readonly Json[]): number {
  const most = Math.min(a.length, b.length)
  for (let i = 0; i < most; i++) {
    i = samePrefix(a, b, i, most)
    if (i < most && !isSame(a[i]!, b[i]!)) return i
  }
  return most
}

/** Where the first elements are that are not one object or number. Calls nothing, so the engine checks the lists once and not at each element. */
function samePrefix(a: readonly Json[], b: readonly Json[], from: number, most: number): number {
  let i = from
  while (i < most && a[i] === b[i]) i++
  return i
}
