/**
 * `set`: additions, and a read at the end that must contain all of them (Jepsen's `checker/set`). Only the last successful
 * read is judged. Lost: acknowledged before that read began, and not in it. Without a read the verdict is unknown.
 *
 * Unlike Jepsen's, an addition that was acknowledged only while the last read ran is not missed, and one that definitely
 * failed must not be read.
 */
import type { History } from '../../src/history/operation.ts'
import type { Checker, CheckContext, CheckResult } from '../contract.ts'
import { FindingCollector } from '../finding-collector.ts'
import { show } from '../show.ts'
import { SetFinder } from './set-finder.ts'
import { readSetHistory } from './set-history.ts'

export const setChecker: Checker = {
  name: 'set',
  describes: 'what was added is in the last read, and nothing else',
  check(history: History, context: CheckContext): CheckResult {
    const found = new FindingCollector('set', context.guarantees)
    const set = readSetHistory(history, 'set')
    const last = set.reads.at(-1)
    if (last === undefined) return found.result('The set was never read.')
    const finder = new SetFinder(history, set, found)
    finder.findStrange(last, 1)
    const present = new Uint8Array(set.elements.length)
    for (const number of last.elements) present[number] = 1
    set.elements.forEach(({ value, acknowledged }, number) => {
      if (present[number] === 1 || acknowledged >= last.invoked) return
      found.add('lost-element', () => ({
        title: `Element ${show(value)} was lost.`, evidence: { element: value, read: history[last.completed]!.index },
        steps: [finder.step(acknowledged, `The addition of ${show(value)} is acknowledged.`), finder.step(last.completed, 'The last read does not contain it.')],
        contradiction: `${show(value)} was acknowledged before the last read began; however, that read lacks it.`,
      }))
    })
    return found.result()
  },
}
