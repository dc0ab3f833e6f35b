/**
 * What histories over registers show without any cycle of transactions. Definitions in `catalogue/isolation.ts`.
 *
 * One value per key that nobody wrote is taken for the state in which the register began, unless nil was read, too.
 */
import type { Json } from '../../src/history/operation.ts'
import type { ExplanationStep } from '../contract.ts'
import { show } from '../show.ts'
import type { IsolationReport } from './isolation-report.ts'
import type { RegisterHistory } from './register-history.ts'
import type { CyclicVersions } from './register-versions.ts'
import { FAILED, OK } from './transaction-table.ts'

const NONE = -1

export function findRegisterAnomalies(history: RegisterHistory, report: IsolationReport): void {
  const { transactions } = history
  const unwritten = unwrittenByKey(history)
  /** Per version read first and then overwritten, by whom. */
  const updaters = new Map<number, number[]>()
  for (let reader = 0; reader < transactions.count; reader++) {
    if (transactions.status(reader) !== OK) continue
    const first = history.first(reader)
    let internal = false
    for (let micro = first; micro < history.end(reader); micro++) {
      if (history.isWrite(micro)) continue
      const version = history.version(micro)
      const writer = history.writers.at(version)
      if (writer !== NONE && transactions.status(writer) === FAILED) addAborted(history, report, reader, micro)
      if (writer === NONE && history.values[version] !== null) {
        const known = unwritten.get(history.key(micro))!
        if (known.size > 1 || history.keys[history.key(micro)]!.initial !== NONE) addGarbage(history, report, reader, micro)
      }
      if (writer !== NONE && writer !== reader && history.intermediate.at(version) === 1) addIntermediate(history, report, reader, micro)
      if (writer === reader && isLater(history, reader, micro)) addFuture(history, report, reader, micro)
      const known = lastBefore(history, first, micro)
      if (!internal && known !== NONE && known !== version) {
        internal = true
        addInternal(history, report, reader, micro, known)
      }
      if (history.isOuterRead(reader, micro) && writesAfter(history, reader, micro)) {
        const same = updaters.get(version)
        if (same === undefined) updaters.set(version, [reader])
        else same.push(reader)
      }
    }
  }
  for (const [version, both] of updaters) if (both.length > 1) addLostUpdate(history, report, version, both)
}

export function addCyclicVersions(history: RegisterHistory, report: IsolationReport, { key, versions, sources }: CyclicVersions): void {
  report.add('cyclic-versions', () => {
    const name = history.keys[key]!.name
    const values = versions.slice(0, 1_000).map(version => history.values[version]!)
    const listed = values.slice(0, 8).map(show).join(', ')
    return {
      title: `The versions ${listed} of ${show(name)} are each before the others.`,
      evidence: { key: name, versions: values, assumed: [...sources] },
      steps: [{ text: `The order of versions follows from: ${sources.join(', ')}.` }],
      contradiction: `Each version of ${show(name)} is written once, so their order is a line; however, ${listed} form a circle.`,
    }
  })
}

function unwrittenByKey(history: RegisterHistory): Map<number, Set<number>> {
  const found = new Map<number, Set<number>>()
  for (let version = 0; version < history.values.length; version++) {
    if (history.writers.at(version) !== NONE || history.values[version] === null) continue
    const key = history.versionKeys.at(version)
    const known = found.get(key)
    if (known === undefined) found.set(key, new Set([version]))
    else known.add(version)
  }
  return found
}

/** The version that the transaction last read or wrote of the same key. */
function lastBefore(history: RegisterHistory, first: number, micro: number): number {
  for (let earlier = micro - 1; earlier >= first; earlier--) if (history.key(earlier) === history.key(micro)) return history.version(earlier)
  return NONE
}

function isLater(history: RegisterHistory, transaction: number, micro: number): boolean {
  for (let later = micro + 1; later < history.end(transaction); later++) if (history.isWrite(later) && history.version(later) === history.version(micro)) return true
  return false
}

function writesAfter(history: RegisterHistory, transaction: number, micro: number): boolean {
  for (let later = micro + 1; later < history.end(transaction); later++) if (history.isWrite(later) && history.key(later) === history.key(micro)) return true
  return false
}

function stepOf(history: RegisterHistory, transaction: number, text: string): ExplanationStep {
  return { text, operation: history.transactions.invoked(transaction).index, time: history.transactions.invoked(transaction).time }
}

function reading(history: RegisterHistory, reader: number, micro: number) {
  const key = history.keys[history.key(micro)]!.name
  const value = history.values[history.version(micro)]!
  const writer = history.writers.at(history.version(micro))
  const said = show(history.describe(reader))
  return {
    name: show(key), shown: show(value), writer,
    evidence: { key, value, reader: history.transactions.completed(reader).index, ...(writer === NONE ? {} : { writer: history.transactions.completed(writer).index }) } as { readonly [field: string]: Json },
    steps: [
      ...(writer === NONE || writer === reader ? [] : [stepOf(history, writer, `A transaction runs ${show(history.describe(writer))}${history.transactions.status(writer) === FAILED ? ', and fails' : ''}.`)]),
      stepOf(history, reader, `A transaction of process ${history.transactions.process(reader)} runs ${said}.`),
    ].sort((a, b) => a.operation! - b.operation!),
  }
}

function addAborted(history: RegisterHistory, report: IsolationReport, reader: number, micro: number): void {
  report.add('G1a', () => {
    const { name, shown, evidence, steps } = reading(history, reader, micro)
    return { title: `${name} = ${shown} was read, but the transaction that wrote it had failed.`, evidence, steps, contradiction: `Nothing of the transaction that wrote ${shown} took effect, because it failed; however, another read it.` }
  })
}

function addGarbage(history: RegisterHistory, report: IsolationReport, reader: number, micro: number): void {
  report.add('garbage-read', () => {
    const { name, shown, evidence, steps } = reading(history, reader, micro)
    return { title: `${name} = ${shown} was read, but nobody ever wrote it.`, evidence, steps, contradiction: `Every value of ${name} was written by some transaction; however, ${shown} was read, which none did.` }
  })
}

function addIntermediate(history: RegisterHistory, report: IsolationReport, reader: number, micro: number): void {
  report.add('G1b', () => {
    const { name, shown, evidence, steps } = reading(history, reader, micro)
    return { title: `${name} = ${shown} was read, in the middle of the transaction that wrote it.`, evidence, steps, contradiction: `Of several writes of one transaction to ${name} others see the last; however, another transaction read ${shown}, which was not the last.` }
  })
}

function addFuture(history: RegisterHistory, report: IsolationReport, reader: number, micro: number): void {
  report.add('future-read', () => {
    const { name, shown, evidence, steps } = reading(history, reader, micro)
    return { title: `A transaction read ${name} = ${shown}, which it wrote only afterwards.`, evidence, steps, contradiction: `${shown} did not exist when it was read, because only the same transaction wrote it, later; however, it was read.` }
  })
}

function addInternal(history: RegisterHistory, report: IsolationReport, reader: number, micro: number, known: number): void {
  report.add('internal', () => {
    const { name, shown, evidence, steps } = reading(history, reader, micro)
    const expected = history.values[known]!
    return { title: `One transaction read ${name} = ${shown}, but had read or written ${show(expected)} before.`, evidence: { ...evidence, expected }, steps, contradiction: `A transaction sees its own last read or write of ${name}, ${show(expected)}; however, it read ${shown}.` }
  })
}

function addLostUpdate(history: RegisterHistory, report: IsolationReport, version: number, both: readonly number[]): void {
  report.add('lost-update', () => {
    const key = history.keys[history.versionKeys.at(version)]!.name
    const value = history.values[version]!
    return {
      title: `${both.length} transactions read ${show(key)} = ${show(value)}, and each wrote it.`,
      evidence: { key, value, transactions: both.slice(0, 1_000).map(one => history.transactions.completed(one).index) },
      steps: both.slice(0, 8).map(one => stepOf(history, one, `A transaction runs ${show(history.describe(one))}.`)),
      contradiction: `Whichever of them was second should have read what the first wrote; however, all read ${show(value)}.`,
    }
  })
}
