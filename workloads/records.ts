/**
 * What the records of our workloads look like. The value of a history is the id of the send operation, unique in a
 * trial; it travels in the header `id`, and the payload is a pure function of operation and topic, so that a reader can
 * tell a corrupted or misdirected record from a real one without having seen it sent.
 */
import { decodeUtf8, encodeUtf8, isUtf8Of } from '../src/base/utf8.ts'
import type { PlanOperation } from '../src/config/workload.ts'
import type { Json } from '../src/history/operation.ts'

export type SendOperation = Extract<PlanOperation, { f: 'send' }>

const EMPTY = new Uint8Array(0)

export type PayloadOf = (id: number, key: string | null, size: number) => string

export interface ReadRecord {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly { readonly key: string; readonly value: Uint8Array | null }[]
}

/** `v17|<key>|<padding>`: enough to verify itself. */
export const plainPayload: PayloadOf = (id, key, size) => `v${id}|${key ?? ''}|${'x'.repeat(size)}`

/** Stands for the size of a tombstone, which has no value. */
const NO_VALUE = '-'

export function encodeRecord(operation: Pick<SendOperation, 'id' | 'key' | 'size' | 'tombstone'>, payload: PayloadOf): ReadRecord {
  const isTombstone = operation.tombstone === true
  return {
    key: operation.key === null ? null : encodeUtf8(operation.key),
    value: isTombstone ? null : encodeUtf8(payload(operation.id, operation.key, operation.size)),
    headers: [{ key: 'id', value: encodeUtf8(`${operation.id}/${isTombstone ? NO_VALUE : operation.size}`) }],
  }
}

/** The value that the history records for a record that was read: its id, or a description of what is wrong with it. */
export function valueOf(record: ReadRecord, payload: PayloadOf): Json {
  const header = record.headers.find(({ key }) => key === 'id')?.value
  const match = header === undefined || header === null ? null : /^(\d+)\/(\d+|-)$/.exec(decodeUtf8(header))
  if (match === null) return `no id header: ${describe(record.value)}`
  const id = Number(match[1])
  if (match[2] === NO_VALUE) return record.value === null ? id : `corrupt ${id}: ${describe(record.value)}`
  const key = record.key === null ? null : decodeUtf8(record.key)
  const expected = payload(id, key, Number(match[2]))
  return isUtf8Of(record.value ?? EMPTY, expected) ? id : `corrupt ${id}: ${describe(record.value)}`
}

function describe(value: Uint8Array | null): string {
  return value === null ? 'null' : decodeUtf8(value.subarray(0, 40))
}
