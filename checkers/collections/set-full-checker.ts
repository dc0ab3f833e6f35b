/**
 * `set-full`: the life of every element over all reads (Jepsen's `checker/set-full`). An element is known from its
 * acknowledgement or the first answer that contains it, whichever comes first. Then, by the places at which reads begin:
 *
 *   stable      the last read that lacks it began before the last read that contains it
 *   lost        known, and the last read that lacks it began later than that, and later than the last that contains it
 *   never-read  neither: no read that could tell
 *   stale       stable, and yet lacking from a read that began after it was known; invalid with `linearizable`
 *
 * No element stable and none lost: unknown. Unlike Jepsen's, an element twice in one read is seen (its comparison is the
 * wrong way round), elements that nobody added are reported, and staleness is told by order and not by milliseconds.
 *
 * Time is linear in what was read: reads are walked from the last to begin backwards, together with the elements that no
 * read has lacked yet, and each of those is either in the read or leaves the list.
 */
import type { History } from '../../src/history/operation.ts'
import type { Checker, CheckContext, CheckResult } from '../contract.ts'
import { FindingCollector } from '../finding-collector.ts'
import { show } from '../show.ts'
import { SetFinder } from './set-finder.ts'
import { NEVER, type SetElement, readSetHistory, type SetHistory, type SetRead } from './set-history.ts'

export interface SetFullOptions {
  /** Stale reads are violations. */
  readonly linearizable?: boolean
}

/** By number of element; -1: there is none. Places at which the reads begin. */
interface Lives {
  readonly known: Float64Array
  readonly lastPresent: Int32Array
  readonly lastAbsent: Int32Array
}

export function setFullChecker({ linearizable = false }: SetFullOptions = {}): Checker {
  return {
    name: 'set-full',
    describes: 'every element of a set over time: lost, stale, never read, twice, or from nowhere',
    check(history: History, context: CheckContext): CheckResult {
      const found = new FindingCollector('set-full', context.guarantees)
      const set = readSetHistory(history, 'set-full')
      const finder = new SetFinder(history, set, found)
      set.reads.forEach((read, round) => finder.findStrange(read, round + 1))
      const { known, lastPresent, lastAbsent } = livesOf(set)
      let stable = 0
      set.elements.forEach(({ value, invoked, acknowledged }, number) => {
        if (invoked === NEVER) return
        const [since, present, absent] = [known[number]!, lastPresent[number]!, lastAbsent[number]!]
        const isStable = present > absent
        const isLost = absent > present && since < absent
        if (isStable) stable++
        if (!isLost && !isStable) {
          found.add('never-read-element', () => ({
            title: `Element ${show(value)} was never read.`, evidence: { element: value }, steps: [finder.step(invoked, `Somebody begins to add ${show(value)}.`)],
            contradiction: 'No read that began after it was known could tell whether it is there.',
          }))
        }
        if (!(since < absent)) return
        const add = acknowledged === since ? finder.step(since, `The addition of ${show(value)} is acknowledged.`) : finder.step(since, `A read contains ${show(value)}.`)
        found.add(isLost ? 'lost-element' : 'stale-element', () => ({
          title: isLost ? `Element ${show(value)} was lost.` : `Element ${show(value)} was missing from a read that began after it was known.`,
          evidence: { element: value, known: history[since]!.index, lastAbsent: history[absent]!.index, ...(present === -1 ? {} : { lastPresent: history[present]!.index }) },
          steps: [add, finder.step(absent, 'A read begins that lacks it.'), ...(present === -1 ? [] : [finder.step(present, isLost ? 'Of the reads that contain it this one began last.' : 'A read begins that contains it.')])].sort((a, b) => (a.operation ?? 0) - (b.operation ?? 0)),
          contradiction: isLost ? `${show(value)} was known to be in the set; however, the last read to begin after that lacks it.` : `${show(value)} was known before that read began; however, the read lacks it and a later one does not.`,
        }), isLost ? undefined : linearizable ? [] : 'never')
      })
      return found.result(stable === 0 && !found.anyBad ? 'No element was read in a way that could tell whether it stays.' : undefined)
    },
  }
}

function livesOf({ elements, reads }: SetHistory): Lives {
  const count = elements.length
  const known = new Float64Array(count)
  const lastPresent = new Int32Array(count).fill(-1)
  const lastAbsent = new Int32Array(count).fill(-1)
  elements.forEach(({ acknowledged }, number) => { known[number] = acknowledged })
  for (const { completed, elements: present } of reads) for (const number of present) if (completed < known[number]!) known[number] = completed
  const backwards = [...reads].sort((a, b) => b.invoked - a.invoked)
  const marks = new Int32Array(count)
  let watched = Int32Array.from(elements.keys()).filter(number => elements[number]!.invoked !== NEVER)
  backwards.forEach((read, round) => {
    for (const number of read.elements) {
      marks[number] = round + 1
      if (read.invoked > lastPresent[number]!) lastPresent[number] = read.invoked
    }
    let kept = 0
    for (const number of watched) {
      if (marks[number] === round + 1) watched[kept++] = number
      else if (tells(read, elements[number]!)) lastAbsent[number] = read.invoked
    }
    watched = watched.subarray(0, kept)
  })
  return { known, lastPresent, lastAbsent }
}

/** A read that ended before anybody began to add an element says nothing of it, nor does any that began earlier still. */
function tells(read: SetRead, element: SetElement): boolean {
  return read.completed > element.invoked
}
