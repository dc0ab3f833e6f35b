/**
 * Just-in-time search for a linearization, depth first (Wing and Gong 1993; Lowe 2017): operations are placed one after
 * another, and one may be placed as soon as everything that returned before its call has been. `target` is the completed
 * operation that returns first among those not placed; what is open then is all there is to choose from, so a step costs as
 * much as the window is wide, not as much as the history is long.
 *
 * What spares work, and why it loses nothing:
 * - an operation that changes no state and is legal now is placed now (it may be moved here from wherever it stood);
 * - of equal open operations the one that returns first is placed first (they may change places);
 * - operations of unknown outcome come last and never without changing the state; where the state is one value, never
 *   without an operation right behind that needs the value, and nothing is tried when the target needs a value that no open
 *   operation leaves;
 * - a configuration is not entered twice, nor one that is dominated (configurations.ts).
 *
 * Where operations of unknown outcome matter, a search that does not count them comes first, as if each that was called
 * could take effect again and again: its configurations are far fewer. What is impossible then is impossible, and an order
 * that it finds without taking more than there is stands; only what is left to doubt is searched once more, with counts.
 */
import { Configurations } from './configurations.ts'
import type { SearchProblem } from './search-problem.ts'
import { ILLEGAL, type Transitions } from './transitions.ts'

export interface Limits {
  /** Steps, an operation placed each; the same history exhausts it at the same place always. */
  readonly budget: number
  /** Asked every so often; true: time is up. */
  readonly deadline?: () => boolean
}

export interface SearchAnswer {
  readonly verdict: 'valid' | 'invalid' | 'unknown'
  readonly exhausted?: 'budget' | 'time'
  /** Rows in an order that explains the history: all of it, or the longest part that could be explained. */
  readonly order: Int32Array
  /** The row that must come next and cannot, and the states it was tried against. */
  readonly impossible: number
  /** False when all that returned up to `impossible` is known to be wrong together, and the longest part that is right is not known. */
  readonly isFirst: boolean
  readonly states: readonly number[]
  readonly steps: number
  readonly configurations: number
}

const FORCED = -2
const AT_TARGET = -1
const STEPS_BETWEEN_LOOKS = 1024
const STATES_KEPT = 16
/** Steps that may be spent on the longest part that is right, where the verdict is known. */
const EXPLAINING_BUDGET = 20_000

export function search(problem: SearchProblem, transitions: Transitions, limits: Limits): SearchAnswer {
  if (problem.optional.length === 0 || !transitions.isOneValue) return searchOnce(problem, transitions, limits, true)
  const rough = searchOnce(problem, transitions, { ...limits, budget: Math.ceil(limits.budget / 2) }, false)
  if (rough.isCertain) return rough
  const left = limits.budget - rough.steps
  const exact = searchOnce(problem, transitions, { ...limits, budget: rough.isImpossible ? Math.min(left, EXPLAINING_BUDGET) : left }, true)
  const [steps, configurations] = [rough.steps + exact.steps, rough.configurations + exact.configurations]
  if (exact.verdict === 'unknown' && rough.isImpossible) {
    return { verdict: 'invalid', order: new Int32Array(0), impossible: rough.furthestRow, isFirst: false, states: [], steps, configurations }
  }
  return { ...exact, steps, configurations }
}

interface OneAnswer extends SearchAnswer {
  /** It stands as it is. */
  readonly isCertain: boolean
  /** The verdict stands: not even without counts is there an order of all that returned up to `furthestRow`. */
  readonly isImpossible: boolean
  readonly furthestRow: number
}

function searchOnce(problem: SearchProblem, transitions: Transitions, { budget, deadline }: Limits, counting: boolean): OneAnswer {
  const { rows, calls, returns, classes, byReturn, twin, slots, words, optional } = problem
  const count = rows.length
  /** Operations of unknown outcome on one way; without counts that is no limit of the history, and is told when it is met. */
  const optionalLimit = counting ? problem.optionalCount : 8 * count + problem.optionalCount
  const depthLimit = count + optionalLimit + 1
  const { isOneValue, needs, leaves } = transitions
  const configurations = new Configurations(words, counting ? optional.length : 0)
  const bits = new Int32Array(words)
  const counts = new Int32Array(optional.length)
  // Unplaced operations by call, doubly linked; `count` is the head.
  const next = new Int32Array(count + 1)
  const previous = new Int32Array(count + 1)
  for (let x = 0; x <= count; x++) {
    next[x] = x === count ? 0 : x + 1
    previous[x] = x === 0 ? count : x - 1
  }
  const placed = new Uint8Array(count)
  const placedAt = new Int32Array(depthLimit)
  const stateAt = new Int32Array(depthLimit)
  const targetAt = new Int32Array(depthLimit)
  const cursorAt = new Int32Array(depthLimit)
  const branchAt = new Int32Array(depthLimit)
  const pendingAt = new Uint8Array(depthLimit)
  let depth = 0
  let state = 0
  let target = 0
  /** 1: an operation of unknown outcome was placed just now, and only one that needs its value may follow. */
  let pending = 0
  /** Placed operations of unknown outcome that there are not so many of. */
  let excess = 0
  let optionalPlaced = 0
  let isCut = false
  /** The furthest target, with an excess or without. */
  let furthest = -1
  let steps = 0
  let nextLook = 0
  // The deepest place: how far, the way there (copied only when it is left), the states in which it was found.
  let best = -1
  let bestDepth = 0
  let bestSaved = true
  let bestStates: number[] = []
  const bestPath = new Int32Array(depthLimit)
  let bestPathGood = 0

  /** Is one more of a kind there to be placed, called before the target returns? */
  const isThere = (kind: number): boolean => {
    const { calls: kindCalls } = optional[kind]!
    const used = counts[kind]!
    return used < kindCalls.length && kindCalls[used]! < returns[byReturn[target]!]!
  }
  /** The same, of a search that does not count. */
  const mayBeThere = (kind: number): boolean => {
    if (counting) return isThere(kind)
    if (optional[kind]!.calls[0]! >= returns[byReturn[target]!]!) return false
    isCut ||= optionalPlaced === optionalLimit
    return optionalPlaced < optionalLimit
  }

  const place = (x: number, nextState: number, cursor: number, branch: number): void => {
    placedAt[depth] = x
    stateAt[depth] = state
    targetAt[depth] = target
    cursorAt[depth] = cursor
    branchAt[depth] = branch
    pendingAt[depth] = pending
    pending = x < 0 && isOneValue ? 1 : 0
    depth++
    steps++
    state = nextState
    if (x < 0) {
      if (!isThere(-1 - x)) excess++
      counts[-1 - x]!++
      optionalPlaced++
      return
    }
    next[previous[x]!] = next[x]!
    previous[next[x]!] = previous[x]!
    placed[x] = 1
    bits[slots[x]! >> 5]! |= 1 << (slots[x]! & 31)
    while (target < count && placed[byReturn[target]!] === 1) {
      const slot = slots[byReturn[target++]!]!
      bits[slot >> 5]! &= ~(1 << (slot & 31))
    }
  }

  const saveBest = (): void => {
    for (let d = bestPathGood; d < bestDepth; d++) bestPath[d] = placedAt[d]!
    bestPathGood = bestDepth
    bestSaved = true
  }

  const undo = (): void => {
    if (!bestSaved && depth <= bestDepth) saveBest()
    const x = placedAt[--depth]!
    if (depth < bestPathGood) bestPathGood = depth
    state = stateAt[depth]!
    pending = pendingAt[depth]!
    if (x < 0) {
      counts[-1 - x]!--
      optionalPlaced--
      if (!isThere(-1 - x)) excess--
      return
    }
    for (const before = targetAt[depth]!; target > before;) {
      const slot = slots[byReturn[--target]!]!
      bits[slot >> 5]! |= 1 << (slot & 31)
    }
    bits[slots[x]! >> 5]! &= ~(1 << (slots[x]! & 31))
    placed[x] = 0
    next[previous[x]!] = x
    previous[next[x]!] = x
  }

  /** Of models whose state is one value: can the target's value still come about? */
  const targetIsInReach = (): boolean => {
    const wanted = needs[classes[byReturn[target]!]!]!
    if (wanted < 0 || wanted === state) return true
    const limit = returns[byReturn[target]!]!
    for (let x = next[count]!; calls[x]! < limit; x = next[x]!) if (leaves[classes[x]!] === wanted && x !== byReturn[target]) return true
    for (let kind = 0; kind < optional.length; kind++) if (leaves[optional[kind]!.cls] === wanted && mayBeThere(kind)) return true
    return false
  }

  /** Nothing more may follow where only some may, nor where more was taken than there is. */
  const isUnseen = (): boolean => (pending === 0 || !configurations.has(4 * target, state, bits, counts)) &&
    (excess === 0 || (!configurations.has(4 * target + 2 * pending, state, bits, counts) && (pending === 0 || !configurations.has(4 * target + 1, state, bits, counts))))

  const answer = (verdict: SearchAnswer['verdict'], exhausted?: 'budget' | 'time'): OneAnswer => {
    if (!bestSaved) saveBest()
    const path = verdict === 'valid' ? placedAt.subarray(0, depth) : bestPath.subarray(0, bestDepth)
    const taken = new Int32Array(optional.length)
    const order = path.map(x => (x >= 0 ? rows[x]! : optional[-1 - x]!.rows[taken[-1 - x]!++] ?? -1))
    const isCertain = counting || exhausted === 'time' || (exhausted === undefined && (verdict === 'valid' ? excess === 0 : best === furthest && !isCut))
    const impossible = verdict === 'valid' || best >= count ? -1 : rows[byReturn[Math.max(best, 0)]!]!
    return { verdict, ...(exhausted === undefined ? {} : { exhausted }), order, impossible, states: bestStates, isFirst: true, steps, configurations: configurations.size, isCertain, isImpossible: verdict === 'invalid' && !isCut, furthestRow: furthest < 0 || furthest >= count ? -1 : rows[byReturn[furthest]!]! }
  }

  for (;;) {
    // Reads that are legal now. Later calls stand behind in the list, so one pass takes those too that a new target lets in.
    for (let x = next[count]!; target < count && calls[x]! < returns[byReturn[target]!]!; x = next[x]!) {
      const cls = classes[x]!
      if (!transitions.changing[cls]! && transitions.next(state, cls) === state) place(x, state, FORCED, 0)
    }
    if (target === count) return answer('valid')
    if (target > furthest) furthest = target
    if (excess > 0) {
      // Not a place that is known to be reached.
    } else if (target > best) {
      best = target
      bestDepth = depth
      bestSaved = false
      bestStates = [state]
    } else if (target === best && bestStates.length < STATES_KEPT && !bestStates.includes(state)) bestStates.push(state)
    const isNew = isUnseen() && configurations.add(4 * target + 2 * pending + (excess > 0 ? 1 : 0), state, bits, counts)
    let cursor = isNew && (!isOneValue || targetIsInReach()) ? AT_TARGET : depthLimit + count
    let branch = 0
    choosing: for (;;) {
      const targetOperation = byReturn[target]!
      const limit = returns[targetOperation]!
      while (cursor < count) {
        const x = cursor === AT_TARGET ? targetOperation : cursor
        const after = cursor === AT_TARGET ? next[count]! : next[x]!
        if (cursor !== AT_TARGET) {
          if (calls[x]! > limit) {
            cursor = count
            break
          }
          const other = twin[x]!
          if (x === targetOperation || (other >= 0 && placed[other] === 0 && calls[other]! < limit)) {
            cursor = after
            continue
          }
        }
        const cls = classes[x]!
        const following = transitions.changing[cls]! && (pending === 0 || needs[cls]! >= 0) ? transitions.next(state, cls) : ILLEGAL
        if (following >= 0) {
          place(x, following, after, 0)
          break choosing
        }
        if (following < ILLEGAL && branch < transitions.branchCount(following)) {
          place(x, transitions.branch(following, branch), cursor, branch + 1)
          break choosing
        }
        branch = 0
        cursor = after
      }
      while (cursor - count < optional.length) {
        const kind = cursor - count
        const { cls } = optional[kind]!
        if (mayBeThere(kind) && (pending === 0 || needs[cls]! >= 0)) {
          const following = transitions.next(state, cls)
          if (following >= 0 && following !== state) {
            place(-1 - kind, following, cursor + 1, 0)
            break choosing
          }
          if (following < ILLEGAL && branch < transitions.branchCount(following)) {
            place(-1 - kind, transitions.branch(following, branch), cursor, branch + 1)
            break choosing
          }
        }
        branch = 0
        cursor++
      }
      do {
        if (depth === 0) return answer('invalid')
        undo()
        cursor = cursorAt[depth]!
        branch = branchAt[depth]!
      } while (cursor === FORCED)
    }
    if (steps >= budget) return answer('unknown', 'budget')
    if (deadline !== undefined && steps >= nextLook) {
      if (deadline()) return answer('unknown', 'time')
      nextLook = steps + STEPS_BETWEEN_LOOKS
    }
  }
}
