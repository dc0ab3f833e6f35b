/**
 * One case in this process, cold: reads the file piece by piece, and hands each piece to the checker. The two are timed
 * by turns, a piece at a time, so that no more than a piece of the history is ever held.
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import type { Verdict } from '../../checkers/contract.ts'
import { fileSource } from '../../src/history/byte-window.ts'
import { HistoryReader } from '../../src/history/history-reader.ts'
import { formatHistory } from '../../src/history/json-lines.ts'
import type { Operation } from '../../src/history/operation.ts'
import type { Case, CaseAnswer } from './case.ts'

export interface Measured {
  readonly verdict: Verdict
  readonly detail?: CaseAnswer['detail']
  readonly checkMs: number
  /** Processor time of checking, of all threads: steadier than `checkMs` where the machine is shared. */
  readonly cpuMs: number
  readonly parseMs: number
  readonly peakMemoryMB: number
}

/** Operations read before they are handed on. */
const PIECE = 4_096

export function measureCase(one: Case, path: string): Measured {
  let parseMs = 0
  let checkMs = 0
  let cpuMs = 0
  let from = performance.now()
  let cpuFrom = process.cpuUsage()
  const lap = (checking = false): number => {
    const now = performance.now()
    const took = now - from
    from = now
    const cpu = process.cpuUsage(cpuFrom)
    cpuFrom = process.cpuUsage()
    if (checking) cpuMs += (cpu.user + cpu.system) / 1000
    return took
  }
  const checker = one.checker()
  checkMs += lap(true)
  const file = openSync(path, 'r')
  const reader = new HistoryReader(fileSource(file))
  const piece: Operation[] = []
  for (let operation = reader.next(); operation !== undefined;) {
    piece.length = 0
    for (; operation !== undefined && piece.length < PIECE; operation = reader.next()) piece.push(operation)
    parseMs += lap()
    for (const each of piece) checker.add(each)
    checkMs += lap(true)
  }
  parseMs += lap()
  const { verdict, detail } = checker.finish()
  checkMs += lap(true)
  closeSync(file)
  return { verdict, ...(detail === undefined ? {} : { detail }), checkMs, cpuMs, parseMs, peakMemoryMB: Math.round(process.resourceUsage().maxRSS / 1024) }
}

export function writeCase(one: Case, path: string): void {
  const file = openSync(path, 'w')
  for (const chunk of formatHistory(one.history())) writeSync(file, chunk)
  closeSync(file)
}
