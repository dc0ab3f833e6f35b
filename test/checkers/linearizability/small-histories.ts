/**
 * Small random histories for each model: a few clients use a correct object; outcomes get lost, and about every second
 * history has answers that need not be right.
 */
import { Random } from '../../../bench/checkers/simulated-clients.ts'
import { MODELS } from '../../../checkers/linearizability/models.ts'
import type { Call, Model } from '../../../checkers/linearizability/model.ts'
import type { Json, Operation, OperationType } from '../../../src/history/operation.ts'
import { statesAfter } from './brute-force.ts'

export interface Family {
  readonly name: string
  readonly model: Model
  /** `fresh` gives a value that was not given before. */
  readonly call: (random: Random, fresh: () => number) => Call
  /** Answers that a client might get, right or wrong; the state is for those that are too many to list. */
  readonly answers: (call: Call, state: any, given: number) => readonly Json[]
}

const of = (name: string): Model => MODELS[name]!
const upTo = (count: number): number[] => Array.from({ length: count + 1 }, (_, i) => i)

function registers(name: string, read: string, write: string): Family[] {
  const answers: Family['answers'] = ({ f, value }, _state, given) => (f === write ? [value] : [null, ...upTo(given)])
  return [
    { name: `${name}, distinct writes`, model: of(name), call: (random, fresh) => (random.below(2) === 0 ? { f: read, value: null } : { f: write, value: fresh() }), answers },
    { name: `${name}, few values`, model: of(name), call: random => (random.below(2) === 0 ? { f: read, value: null } : { f: write, value: random.below(3) }), answers: (call, state) => answers(call, state, 2) },
  ]
}

const SUBSETS: Json[][] = []

function subsets(elements: readonly number[]): readonly Json[] {
  return SUBSETS[elements.length] ??= elements.reduce<number[][]>((sets, element) => [...sets, ...sets.map(set => [...set, element])], [[]])
}

function logAnswers({ f, value }: Call, state: { readonly length: number; readonly text: string; readonly before: unknown }, given: number): readonly Json[] {
  const records: Json[] = []
  for (let at: any = state; at.before !== null; at = at.before) records.unshift(JSON.parse(at.text) as Json)
  if (f === 'end') return upTo(records.length + 1)
  if (f === 'append') return upTo(records.length + 1).map(offset => [offset, value])
  const from = value as number
  return [[from, []], [from, records.slice(from, from + 1)], [from, records.slice(from, from + 2)], [from, records.slice(from)], [from, [given]], [from, [...records.slice(from), given]], [from + 1, []]]
}

export const FAMILIES: readonly Family[] = [
  ...registers('register', 'read', 'write'),
  ...registers('committed-offset', 'fetch', 'commit'),
  {
    name: 'cas-register', model: of('cas-register'),
    call: random => [{ f: 'read', value: null }, { f: 'write', value: random.below(3) }, { f: 'cas', value: [random.below(3), random.below(3)] }][random.below(3)]!,
    answers: ({ f, value }) => (f === 'read' ? [null, 0, 1, 2] : [value]),
  },
  {
    name: 'multi-register', model: of('multi-register'),
    call: random => ({ f: 'txn', value: upTo(random.below(2)).map(() => (random.below(2) === 0 ? ['r', random.below(2), null] : ['w', random.below(2), random.below(3)])) }),
    answers: ({ value }) => (value as readonly (readonly [string, Json, Json])[]).reduce<Json[][]>(
      (all, [f, key, wanted]) => all.flatMap(before => (f === 'w' ? [[...before, [f, key, wanted]]] : [null, 0, 1, 2].map(seen => [...before, [f, key, seen]]))), [[]],
    ),
  },
  ...[[1], [2], [-1], [1, 2]].map((deltas): Family => ({
    name: `counter, steps of ${deltas.join(' and ')}`, model: of('counter'),
    call: random => (random.below(2) === 0 ? { f: 'read', value: null } : { f: 'add', value: deltas[random.below(deltas.length)]! }),
    answers: ({ f, value }) => (f === 'read' ? upTo(9).map(sum => (deltas[0]! < 0 ? -sum : sum)) : [value]),
  })),
  {
    name: 'set, growing', model: of('set'), call: (random, fresh) => (random.below(2) === 0 ? { f: 'read', value: null } : { f: 'add', value: random.below(3) === 0 ? 0 : fresh() }),
    answers: ({ f, value }, _state, given) => (f === 'read' ? subsets(upTo(Math.min(given, 4))) : [value]),
  },
  {
    name: 'set, with removals', model: of('set'),
    call: random => [{ f: 'read', value: null }, { f: 'add', value: random.below(2) }, { f: 'remove', value: random.below(2) }, { f: 'contains', value: random.below(2) }][random.below(4)]!,
    answers: ({ f, value }) => (f === 'read' ? subsets([0, 1]) : f === 'contains' ? [true, false] : [value]),
  },
  ...['fifo-queue', 'unordered-queue'].flatMap(name => [true, false].map((distinct): Family => ({
    name: `${name}, ${distinct ? 'distinct' : 'few'} values`, model: of(name),
    call: (random, fresh) => (random.below(2) === 0 ? { f: 'dequeue', value: null } : { f: 'enqueue', value: distinct ? fresh() : random.below(2) }),
    answers: ({ f, value }, _state, given) => (f === 'enqueue' ? [value] : [null, ...upTo(distinct ? given : 1)]),
  }))),
  { name: 'mutex', model: of('mutex'), call: random => ({ f: random.below(2) === 0 ? 'acquire' : 'release', value: null }), answers: () => [null] },
  ...[true, false].map((distinct): Family => ({
    name: `log, ${distinct ? 'distinct' : 'few'} values`, model: of('log'),
    call: (random, fresh) => [{ f: 'append', value: distinct ? fresh() : random.below(2) }, { f: 'fetch', value: random.below(3) }, { f: 'end', value: null }, { f: 'append', value: distinct ? fresh() : 0 }][random.below(4)]!,
    answers: logAnswers,
  })),
  { name: 'unique-ids', model: of('unique-ids'), call: () => ({ f: 'generate', value: null }), answers: () => upTo(6) },
]

interface Open {
  readonly call: Call
  readonly process: number
  outcome: OperationType | undefined
  answer: Json
}

/** Up to `most` operations of up to four clients. */
export function smallHistory(family: Family, seed: number, most = 6): Operation[] {
  const random = new Random(Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995)
  const history: Operation[] = []
  let given = 0
  const fresh = (): number => ++given
  const clients = 2 + random.below(3)
  const open = new Array<Open | undefined>(clients).fill(undefined)
  let nextProcess = 0
  const careless = random.below(2) === 0
  const total = 3 + random.below(most - 2)
  const lossy = random.below(3) === 0 ? 0 : 2
  let begun = 0
  let state = family.model.init as unknown
  const record = (process: number, type: OperationType, f: string, value: Json): void => {
    history.push({ index: history.length, time: history.length, process, type, f, value })
  }
  for (let guard = 0; guard < 100 && (begun < total || open.some(one => one !== undefined)); guard++) {
    const client = random.below(clients)
    const one = open[client]
    if (one === undefined) {
      if (begun++ >= total) continue
      const call = family.call(random, fresh)
      const process = nextProcess++
      open[client] = { call, process, outcome: undefined, answer: null }
      record(process, 'invoke', call.f, call.value)
    } else if (one.outcome === undefined) {
      const answers = family.answers(one.call, state, given)
      const wild = careless && random.below(4) === 0
      const start = random.below(answers.length)
      const turned = (i: number): Json => answers[(start + i) % answers.length]!
      let at = 0
      if (!wild) while (at < answers.length && statesAfter(family.model, state, { ...one.call, output: turned(at) }).length === 0) at++
      one.answer = turned(at)
      const [next] = statesAfter(family.model, state, { ...one.call, output: one.answer })
      const fate = random.below(10)
      one.outcome = fate < lossy ? 'info' : fate === 9 || (next === undefined && !wild) ? 'fail' : 'ok'
      if (next !== undefined && one.outcome !== 'fail' && (one.outcome === 'ok' || random.below(2) === 0)) state = next
    } else {
      record(one.process, one.outcome, one.call.f, one.outcome === 'ok' ? one.answer : one.call.value)
      open[client] = undefined
    }
  }
  return history
}
