/**
 * What list-append histories show without any cycle: reads that contradict their own transaction, each other, or what
 * became of the writers. Definitions in the catalogue (`catalogue/isolation.ts`).
 */
import type { Json } from '../../src/history/operation.ts'
import { show } from '../show.ts'
import type { IsolationReport } from './isolation-report.ts'
import { findInner, findLostUpdates, shown, stepOf } from './list-append-inner.ts'
import { commonPrefix, type ListAppendHistory } from './list-append-history.ts'
import { FAILED, OK } from './transaction-table.ts'

const NONE = -1
const NEVER = Number.MAX_SAFE_INTEGER

export function findListAppendAnomalies(history: ListAppendHistory, report: IsolationReport): void {
  findInner(history, report)
  findOrders(history, report)
  findReads(history, report)
  findDirtyUpdates(history, report)
  findLostUpdates(history, report)
}

function findOrders(history: ListAppendHistory, report: IsolationReport): void {
  for (const key of history.keys) {
    const odd = key.odd.find(({ version }) => version === NONE)
    if (odd === undefined && key.agreed >= key.longest.length) continue
    const order = key.elements
    const other = odd?.list ?? key.longest
    report.add('incompatible-order', () => {
      const place = commonPrefix(order, other)
      return {
        title: `Two reads of ${show(key.name)} cannot both be right: ${shown(order.slice(0, place + 1))} and ${shown(other.slice(0, place + 1))}.`,
        evidence: { key: key.name, reads: [order.slice(0, 1_000), other.slice(0, 1_000)], differAt: place },
        steps: [{ text: `One transaction read ${shown(order)} from ${show(key.name)}.` }, { text: `Another read ${shown(other)}.` }],
        contradiction: `A list only grows at its end, so of two reads one begins with the other; however, these differ at place ${place}.`,
      }
    })
  }
}

/** Per key, the first place in its order of what must not be read; NEVER when all is well. */
interface Flaws {
  readonly failed: number
  readonly garbage: number
  readonly twice: number
}

function flawsOf(history: ListAppendHistory): Flaws[] {
  return history.keys.map(({ order }) => {
    let failed = NEVER
    let garbage = NEVER
    let twice = NEVER
    for (let place = order.length - 1; place >= 0; place--) {
      const append = order[place]!
      if (append === NONE) garbage = place
      else {
        if (history.transactions.status(history.appendTransactions.at(append)) === FAILED) failed = place
        if (history.appendPlaces[append] !== place) twice = place
      }
    }
    return { failed, garbage, twice }
  })
}

function findReads(history: ListAppendHistory, report: IsolationReport): void {
  const { transactions, keys } = history
  const flaws = flawsOf(history)
  for (let reader = 0; reader < transactions.count; reader++) {
    if (transactions.status(reader) !== OK) continue
    const end = history.end(reader)
    for (let micro = history.firstMicro.at(reader); micro < end; micro++) {
      if (history.micros.at(micro) < 0) continue
      const number = history.microKeys.at(micro)
      const key = keys[number]!
      const version = history.version(micro)
      if (version === NONE) {
        findOddRead(history, report, reader, micro)
        continue
      }
      const { failed, garbage, twice } = flaws[number]!
      if (version > failed) addAborted(history, report, reader, micro, key.order[failed]!)
      if (version > garbage) addGarbage(history, report, reader, micro, garbage)
      if (version > twice) addTwice(history, report, reader, micro, history.appendValues[key.order[twice]!]!)
      if (version > 0) findIntermediate(history, report, reader, micro, key.order[version - 1]!)
    }
  }
}

function findOddRead(history: ListAppendHistory, report: IsolationReport, reader: number, micro: number): void {
  const key = history.keys[history.microKeys.at(micro)]!
  const list = history.readList(micro)
  const appends = list.map(value => key.index.get(value))
  const failed = appends.find(append => append !== NONE && history.transactions.status(history.appendTransactions.at(append)) === FAILED)
  if (failed !== undefined) addAborted(history, report, reader, micro, failed)
  const garbage = appends.indexOf(NONE)
  if (garbage !== -1) addGarbage(history, report, reader, micro, garbage)
  const seen = new Set<number>()
  const twice = appends.find(append => append !== NONE && (seen.has(append) || !seen.add(append)))
  if (twice !== undefined) addTwice(history, report, reader, micro, history.appendValues[twice]!)
  if (list.length > 0 && appends.at(-1) !== NONE) findIntermediate(history, report, reader, micro, appends.at(-1)!)
}

function reading(history: ListAppendHistory, reader: number, micro: number) {
  const name = show(history.keys[history.microKeys.at(micro)]!.name)
  const list = history.readList(micro)
  return { name, list, step: stepOf(history, reader, `A transaction of process ${history.transactions.process(reader)} reads ${shown(list)} from ${name}.`), operation: history.transactions.completed(reader).index }
}

function addAborted(history: ListAppendHistory, report: IsolationReport, reader: number, micro: number, append: number): void {
  report.add('G1a', () => {
    const { name, list, step: read, operation } = reading(history, reader, micro)
    const writer = history.appendTransactions.at(append)
    const value = history.appendValues[append]!
    return {
      title: `${show(value)} was read from ${name}, but the transaction that appended it had failed.`,
      evidence: { key: history.keys[history.microKeys.at(micro)]!.name, value, read: list.slice(0, 1_000), reader: operation, writer: history.transactions.completed(writer).index },
      steps: [stepOf(history, writer, `A transaction appends ${show(value)} to ${name}, and fails.`), read].sort((a, b) => a.operation! - b.operation!),
      contradiction: `Nothing of the transaction that appended ${show(value)} took effect, because it failed; however, another read ${shown(list)}.`,
    }
  })
}

function addGarbage(history: ListAppendHistory, report: IsolationReport, reader: number, micro: number, place: number): void {
  report.add('garbage-read', () => {
    const { name, list, step: read, operation } = reading(history, reader, micro)
    const value = list[place] ?? null
    return {
      title: `${show(value)} was read from ${name}, but nobody ever appended it.`,
      evidence: { key: history.keys[history.microKeys.at(micro)]!.name, value, read: list.slice(0, 1_000), reader: operation },
      steps: [read],
      contradiction: `Every element of ${name} was appended by some transaction; however, a read found ${show(value)}, which none did.`,
    }
  })
}

function addTwice(history: ListAppendHistory, report: IsolationReport, reader: number, micro: number, value: Json): void {
  report.add('duplicate-elements', () => {
    const { name, list, step: read, operation } = reading(history, reader, micro)
    return {
      title: `${show(value)} is in ${name} twice, but was appended once.`,
      evidence: { key: history.keys[history.microKeys.at(micro)]!.name, value, read: list.slice(0, 1_000), reader: operation },
      steps: [read],
      contradiction: `${show(value)} was appended to ${name} once; however, a read found it there twice.`,
    }
  })
}

function findIntermediate(history: ListAppendHistory, report: IsolationReport, reader: number, micro: number, append: number): void {
  if (append === NONE || history.appendIntermediate[append] === 0) return
  const writer = history.appendTransactions.at(append)
  if (writer === reader) return
  report.add('G1b', () => {
    const { name, list, step: read, operation } = reading(history, reader, micro)
    const value = history.appendValues[append]!
    return {
      title: `A read of ${name} ends with ${show(value)}, in the middle of the transaction that appended it.`,
      evidence: { key: history.keys[history.microKeys.at(micro)]!.name, value, read: list.slice(0, 1_000), reader: operation, writer: history.transactions.completed(writer).index },
      steps: [stepOf(history, writer, `A transaction appends ${show(value)} to ${name}, and then more: ${show(history.describe(writer))}.`), read].sort((a, b) => a.operation! - b.operation!),
      contradiction: `The appends of one transaction become visible together; however, a read saw ${show(value)} and not what the same transaction appended to ${name} after it.`,
    }
  })
}

/** A committed append right after a failed one, those of unknown fate passed over: it built on what never was. */
function findDirtyUpdates(history: ListAppendHistory, report: IsolationReport): void {
  const { transactions } = history
  for (const { order, name } of history.keys) {
    let failed = NONE
    for (const append of order) {
      if (append === NONE) continue
      const status = transactions.status(history.appendTransactions.at(append))
      if (status === FAILED) failed = append
      if (status !== OK || failed === NONE) continue
      const [first, second] = [failed, append]
      failed = NONE
      report.add('dirty-update', () => {
        const [one, other] = [first, second].map(each => history.appendTransactions.at(each)) as [number, number]
        const [value, next] = [history.appendValues[first]!, history.appendValues[second]!]
        return {
          title: `A committed transaction appended ${show(next)} to ${show(name)} after ${show(value)}, whose transaction had failed.`,
          evidence: { key: name, values: [value, next], transactions: [transactions.completed(one).index, transactions.completed(other).index] },
          steps: [stepOf(history, one, `A transaction appends ${show(value)} to ${show(name)}, and fails.`), stepOf(history, other, `Another appends ${show(next)}, and commits.`)].sort((a, b) => a.operation! - b.operation!),
          contradiction: `${show(value)} never was in ${show(name)}, because its transaction failed; however, the committed ${show(next)} follows it there.`,
        }
      })
    }
  }
}
