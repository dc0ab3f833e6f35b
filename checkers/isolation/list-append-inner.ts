/**
 * List-append transactions that touch a key more than once: do they agree with themselves (internal, future-read), and did
 * two of them build on the same version (lost-update)?
 *
 * Reads that fit the key's order are numbers of elements, so most of this is arithmetic on places in that order.
 */
import type { Json } from '../../src/history/operation.ts'
import type { ExplanationStep } from '../contract.ts'
import type { FindingBody } from '../finding-collector.ts'
import { isSame } from '../identity.ts'
import { show } from '../show.ts'
import type { IsolationReport } from './isolation-report.ts'
import type { ListAppendHistory } from './list-append-history.ts'

const NONE = -1

export function findInner(history: ListAppendHistory, report: IsolationReport): void {
  for (const transaction of history.repeating.view()) {
    const first = history.firstMicro.at(transaction)
    const end = history.end(transaction)
    let internal = false
    let future = false
    for (let micro = first; micro < end; micro++) {
      const key = history.microKeys.at(micro)
      if (history.micros.at(micro) < 0) {
        const read = future ? NONE : readerBefore(history, first, micro)
        if (read === NONE) continue
        future = true
        const expected = [history.appendValues[-1 - history.micros.at(micro)]!]
        report.add('future-read', () => inner(history, transaction, key, history.readList(read), expected, 'it appended only afterwards'))
        continue
      }
      if (internal || agrees(history, first, micro)) continue
      internal = true
      report.add('internal', () => inner(history, transaction, key, history.readList(micro), expectedAt(history, first, micro), 'its own reads and appends before that say'))
    }
  }
}

/** An earlier read of the transaction that saw what is appended only now. */
function readerBefore(history: ListAppendHistory, first: number, micro: number): number {
  const key = history.microKeys.at(micro)
  const append = -1 - history.micros.at(micro)
  const place = history.appendPlaces[append]!
  for (let earlier = first; earlier < micro; earlier++) {
    if (history.microKeys.at(earlier) !== key || history.micros.at(earlier) < 0) continue
    const version = history.version(earlier)
    if (version === NONE ? history.readList(earlier).some(element => isSame(element, history.appendValues[append]!)) : place !== NONE && version > place) return earlier
  }
  return NONE
}

/** What the transaction knew of the key when it read: its last read of it, and what it appended since. */
function knownBefore(history: ListAppendHistory, first: number, micro: number): { readonly read: number; readonly appends: readonly number[] } {
  const key = history.microKeys.at(micro)
  const appends: number[] = []
  for (let earlier = micro - 1; earlier >= first; earlier--) {
    if (history.microKeys.at(earlier) !== key) continue
    const code = history.micros.at(earlier)
    if (code >= 0) return { read: earlier, appends: appends.reverse() }
    appends.push(-1 - code)
  }
  return { read: NONE, appends: appends.reverse() }
}

function agrees(history: ListAppendHistory, first: number, micro: number): boolean {
  const { read, appends } = knownBefore(history, first, micro)
  if (read === NONE && appends.length === 0) return true
  const version = history.version(micro)
  const before = read === NONE ? version - appends.length : history.version(read)
  if (version !== NONE && (read === NONE || before !== NONE)) {
    return before >= 0 && version === before + appends.length && appends.every((append, i) => history.keys[history.microKeys.at(micro)]!.order[before + i] === append)
  }
  const list = history.readList(micro)
  const expected = expectedAt(history, first, micro)
  const from = read === NONE ? list.length - expected.length : 0
  return from >= 0 && list.length - from === expected.length && expected.every((element, i) => isSame(element, list[from + i]!))
}

function expectedAt(history: ListAppendHistory, first: number, micro: number): Json[] {
  const { read, appends } = knownBefore(history, first, micro)
  return [...(read === NONE ? [] : history.readList(read)), ...appends.map(append => history.appendValues[append]!)]
}

function inner(history: ListAppendHistory, transaction: number, key: number, read: readonly Json[], expected: readonly Json[], why: string): FindingBody {
  const name = show(history.keys[key]!.name)
  return {
    title: `One transaction read ${shown(read)} from ${name}, but ${why} ${shown(expected)}.`,
    evidence: { key: history.keys[key]!.name, read: read.slice(0, 1_000), expected: expected.slice(0, 1_000), operation: history.transactions.completed(transaction).index },
    steps: [stepOf(history, transaction, `The transaction is ${show(history.describe(transaction))}.`)],
    contradiction: `A transaction sees its own appends, and only those that it has made; however, it read ${shown(read)} where ${why} ${shown(expected)}.`,
  }
}

/** A list in a sentence. */
export function shown(list: readonly Json[]): string {
  return list.length <= 8 ? `[${list.map(show).join(' ')}]` : `[${list.slice(0, 3).map(show).join(' ')} ... ${list.slice(-3).map(show).join(' ')}]`
}

export function stepOf(history: ListAppendHistory, transaction: number, text: string): ExplanationStep {
  return { text, operation: history.transactions.invoked(transaction).index, time: history.transactions.invoked(transaction).time }
}

/** Two committed transactions read the same version of a key first, and both appended to it. */
export function findLostUpdates(history: ListAppendHistory, report: IsolationReport): void {
  const { transactions, keys } = history
  const readers = new Map<number, number[]>()
  for (const transaction of history.repeating.view()) {
    const first = history.firstMicro.at(transaction)
    const end = history.end(transaction)
    for (let micro = first; micro < end; micro++) {
      if (history.micros.at(micro) < 0 || history.version(micro) === NONE) continue
      const key = history.microKeys.at(micro)
      if (touches(history, first, micro, key, false) || !touches(history, micro + 1, end, key, true)) continue
      const pairs = readers.get(key)
      if (pairs === undefined) readers.set(key, [history.version(micro), transaction])
      else pairs.push(history.version(micro), transaction)
    }
  }
  for (const [number, pairs] of readers) {
    const byVersion = new Map<number, number[]>()
    for (let i = 0; i < pairs.length; i += 2) {
      const same = byVersion.get(pairs[i]!)
      if (same === undefined) byVersion.set(pairs[i]!, [pairs[i + 1]!])
      else same.push(pairs[i + 1]!)
    }
    for (const [version, updaters] of byVersion) {
      if (updaters.length < 2) continue
      const { name, order } = keys[number]!
      report.add('lost-update', () => {
        const value = version === 0 ? null : history.appendValues[order[version - 1]!] ?? null
        const state = value === null ? 'empty' : `ending with ${show(value)}`
        return {
          title: `${updaters.length} transactions read ${show(name)} ${state}, and each appended to it.`,
          evidence: { key: name, value, transactions: updaters.slice(0, 1_000).map(one => transactions.completed(one).index) },
          steps: updaters.slice(0, 8).map(one => stepOf(history, one, `A transaction reads ${show(name)} ${state} and appends: ${show(history.describe(one))}.`)),
          contradiction: `Whichever of them was second should have read what the first appended; however, all read ${show(name)} ${state}.`,
        }
      })
    }
  }
}

/** Is there a micro-operation on the key in this range (`appends`: an append)? */
function touches(history: ListAppendHistory, from: number, to: number, key: number, appends: boolean): boolean {
  for (let micro = from; micro < to; micro++) if (history.microKeys.at(micro) === key && (!appends || history.micros.at(micro) < 0)) return true
  return false
}
