/**
 * Long valid histories, drawn from a seed: pipelining producers whose sends end every way, readers that seek and crash,
 * questions about the end, a drain. Recorded as trials record. The log that it follows is the truth; tests bend the
 * reads and answers away from it.
 */
import { below, draw32 } from '../../../src/base/random.ts'
import { HistoryRecorder, type RecordedOperation } from '../../../src/history/history-recorder.ts'
import type { Json, Operation } from '../../../src/history/operation.ts'

export interface Stored {
  readonly value: string
  readonly producer: string
  /** Acknowledged, or of unknown fate? */
  readonly acknowledged: boolean
}

export interface Generated {
  readonly operations: Operation[]
  /** Per key: what its log holds, by offset. */
  readonly logs: { readonly [key: string]: readonly Stored[] }
  /** Sends of unknown fate that are in no log. */
  readonly dropped: readonly string[]
}

const KEYS = ['orders-0', 'orders-1', 'refunds-0']
const PRODUCERS = ['producer-1', 'producer-2', 'producer-3']
const READERS = ['reader-1', 'reader-2', 'reader-3']

interface Pending {
  readonly due: number
  readonly run: () => void
}

export function generateHistory(seed: number, steps: number): Generated {
  let step = 0
  let draws = 0
  const draw = (bound: number): number => below(draw32(seed, draws++), bound)
  const recorder = new HistoryRecorder(() => step * 100)
  const logs: { [key: string]: Stored[] } = Object.fromEntries(KEYS.map(key => [key, []]))
  const dropped: string[] = []
  const positions = new Map<string, Map<string, number>>()
  let pending: Pending[] = []
  let sent = 0

  const later = (run: () => void): void => {
    pending.push({ due: step + draw(8), run })
  }
  const send = (): void => {
    const producer = PRODUCERS[draw(PRODUCERS.length)]!
    const key = KEYS[draw(KEYS.length)]!
    const value = `v${sent++}`
    const target = draw(2) === 0 ? key : key.slice(0, key.lastIndexOf('-'))
    const operation = recorder.client(producer).invoke('send', [['send', target, value]], { producer })
    const fate = draw(20)
    const log = logs[key]!
    const offset = log.length
    if (fate < 18) {
      log.push({ value, producer, acknowledged: fate < 16 })
      later(() => (fate < 16 ? operation.ok([['send', key, [offset, value]]]) : operation.info('TIMED_OUT')))
    } else if (fate === 18) {
      dropped.push(value)
      later(() => operation.info('TIMED_OUT'))
    } else later(() => operation.fail('MESSAGE_TOO_LARGE'))
  }
  const read = (position: Map<string, number>, most: number, operation: RecordedOperation): void => {
    const records: { [key: string]: [number, Json][] } = {}
    for (const key of KEYS) {
      const from = position.get(key) ?? 0
      const found = logs[key]!.slice(from, from + 1 + draw(most))
      if (found.length === 0) continue
      records[key] = found.map(({ value }, i): [number, Json] => [from + i, value])
      position.set(key, from + found.length)
    }
    operation.ok([['poll', records]])
  }
  const poll = (): void => {
    const node = READERS[draw(READERS.length)]!
    const client = recorder.client(node)
    const position = positions.get(node) ?? new Map<string, number>()
    positions.set(node, position)
    if (draw(40) === 0) {
      const key = KEYS[draw(KEYS.length)]!
      client.invoke('seek', { [key]: 'earliest' }).ok(null)
      position.set(key, 0)
    }
    const operation = client.invoke('poll', [['poll']])
    if (draw(100) === 0) {
      // The reader dies; the next one of this machine starts over.
      recorder.abandon(node, 'crashed')
      position.clear()
    } else read(position, 12, operation)
  }

  for (step = 0; step < steps; step++) {
    for (const { run } of pending.filter(({ due }) => due <= step)) run()
    pending = pending.filter(({ due }) => due > step)
    const what = draw(10)
    if (what < 6) send()
    else if (what < 9) poll()
    else {
      const key = KEYS[draw(KEYS.length)]!
      recorder.client('admin').invoke('list-offsets', [key, 'latest']).ok([key, 'latest', logs[key]!.length])
    }
  }
  for (const { run } of pending) run()
  recorder.abandonAll('the trial is over')
  const drained = new Map<string, number>()
  while (KEYS.some(key => (drained.get(key) ?? 0) < logs[key]!.length)) read(drained, 50, recorder.client('drain').invoke('poll', [['poll']], { drain: true }))
  return { operations: [...recorder.history], logs, dropped }
}

type Reads = { [key: string]: [number, Json][] }

/** Rewrites what polls returned of one partition; `change` gets the records of each and the poll. */
export function rewriteReads(operations: readonly Operation[], key: string, change: (records: [number, Json][], poll: Operation) => [number, Json][]): Operation[] {
  return operations.map(operation => {
    if (operation.f !== 'poll' || operation.type !== 'ok') return operation
    const [[, found]] = operation.value as unknown as [[string, Reads]]
    const records = found[key]
    if (records === undefined) return operation
    return { ...operation, value: [['poll', { ...found, [key]: change([...records], operation) }]] }
  })
}

/** Where polls returned a record: the index of each poll. */
export function readersOf(operations: readonly Operation[], key: string, offset: number): number[] {
  const at: number[] = []
  rewriteReads(operations, key, (records, poll) => {
    if (records.some(([one]) => one === offset)) at.push(poll.index)
    return records
  })
  return at
}

/** The index of the invocation (or of the answer) of the send of a value. */
export function sendOf(operations: readonly Operation[], value: string, type: 'invoke' | 'ok' | 'info' = 'invoke'): number {
  return operations.findIndex(operation => operation.f === 'send' && operation.type === type && JSON.stringify(operation.value).includes(`"${value}"`))
}
