/**
 * `unique-ids`: what `generate` answers is answered once (Jepsen's `checker/unique-ids`). An answer that never arrived gave
 * nobody an id.
 */
import type { History, Json } from '../../src/history/operation.ts'
import type { Checker, CheckContext, CheckResult } from '../contract.ts'
import { FindingCollector } from '../finding-collector.ts'
import { identityOf, type Identity } from '../identity.ts'
import { show } from '../show.ts'
import { unknownFunction } from './value-table.ts'

export const uniqueIdsChecker: Checker = {
  name: 'unique-ids',
  describes: 'no id is generated twice',
  check(history: History, context: CheckContext): CheckResult {
    const found = new FindingCollector('unique-ids', context.guarantees)
    /** The place of the first answer, or of all when there are several. */
    const answers = new Map<Identity, number | number[]>()
    const repeated: { readonly id: Json; readonly places: number[] }[] = []
    for (let at = 0; at < history.length; at++) {
      const operation = history[at]!
      if (operation.process === 'nemesis') continue
      if (operation.f !== 'generate') throw unknownFunction(operation, 'unique-ids', ['generate'])
      if (operation.type !== 'ok') continue
      const identity = identityOf(operation.value)
      const before = answers.get(identity)
      if (before === undefined) answers.set(identity, at)
      else if (typeof before !== 'number') before.push(at)
      else {
        const places = [before, at]
        answers.set(identity, places)
        repeated.push({ id: operation.value, places })
      }
    }
    for (const { id, places } of repeated) {
      found.add('duplicate-id', () => ({
        title: `Id ${show(id)} was generated ${places.length} times.`, evidence: { id, operations: places.map(at => history[at]!.index) },
        steps: places.slice(0, 4).map(at => ({ text: `Process ${history[at]!.process} is given ${show(id)}.`, operation: history[at]!.index, time: history[at]!.time })),
        contradiction: 'Ids that are given out are unique.',
      }), undefined, places.length)
    }
    return found.result()
  },
}
