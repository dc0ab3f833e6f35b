/**
 * One case in this process, cold: reads the file piece by piece, and hands each piece to the checker. The two are timed
 * by turns, a piece at a time, so that no more than a piece of the history is ever held.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import type { Verdict } from '../../checkers/contract.ts'
import { HistoryReader, formatHistory } from '../../src/history/json-lines.ts'
import type { History } from '../../src/history/operation.ts'
import type { Case, CaseAnswer } from './case.ts'

export interface Measured {
  readonly verdict: Verdict
  readonly detail?: CaseAnswer['detail']
  readonly checkMs: number
  readonly parseMs: number
  readonly peakMemoryMB: number
}

const PIECE_BYTES = 1 << 18

export function measureCase(one: Case, path: string): Measured {
  const buffer = Buffer.allocUnsafe(PIECE_BYTES)
  const decoder = new StringDecoder('utf8')
  const reader = new HistoryReader()
  const file = openSync(path, 'r')
  let parseMs = 0
  let checkMs = 0
  let from = performance.now()
  const lap = (): number => {
    const now = performance.now()
    const took = now - from
    from = now
    return took
  }
  const checker = one.checker()
  const hand = (history: History): void => {
    parseMs += lap()
    for (const operation of history) checker.add(operation)
    checkMs += lap()
  }
  checkMs += lap()
  for (let read = readSync(file, buffer); read > 0; read = readSync(file, buffer)) {
    reader.push(decoder.write(buffer.subarray(0, read)))
    hand(reader.take())
  }
  hand(reader.end())
  const { verdict, detail } = checker.finish()
  checkMs += lap()
  closeSync(file)
  return { verdict, ...(detail === undefined ? {} : { detail }), checkMs, parseMs, peakMemoryMB: Math.round(process.resourceUsage().maxRSS / 1024) }
}

export function writeCase(one: Case, path: string): void {
  const file = openSync(path, 'w')
  for (const chunk of formatHistory(one.history())) writeSync(file, chunk)
  closeSync(file)
}
