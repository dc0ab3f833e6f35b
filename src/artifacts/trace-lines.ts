/** A trace as JSON Lines, one event a line, and in words for people. Bodies are cut: a trace is read, not replayed. */
import { formatTime } from '../base/time.ts'
import { apiName } from '../protocol/api-keys.ts'
import type { ColumnarTrace, TraceEvent } from '../sim/columnar-trace.ts'

/** Characters of a message body or observation at most, after FoundationDB's limit of a trace event. */
const LONGEST_BODY = 495

/** JSON of any message body; bytes as their length and first bytes, bigints as text. */
function bodyText(body: unknown): string {
  const text = JSON.stringify(body, (_, value: unknown) => {
    if (typeof value === 'bigint') return String(value)
    if (value instanceof Uint8Array) return `<${value.length} bytes ${Buffer.from(value.subarray(0, 8)).toString('hex')}>`
    return value
  }) ?? ''
  return text.length > LONGEST_BODY ? `${text.slice(0, LONGEST_BODY)}…` : text
}

/** One event in one line. Equal lines mean equal events, so that two traces can be compared by them. */
export function eventText(event: TraceEvent): string {
  const at = formatTime(event.time)
  switch (event.type) {
    case 'frame': return `${at} ${event.from} > ${event.to} ${apiName(event.frame.apiKey)}${event.frame.isResponse ? ' reply' : ''} #${event.frame.correlationId} ${event.kind} (${event.size} bytes) ${bodyText(event.frame.body)}`
    case 'connection': return `${at} ${event.node} connection ${event.connection} with ${event.peer} ${event.kind}`
    case 'process': return `${at} ${event.node}#${event.incarnation} ${event.kind}${event.detail === '' ? '' : `: ${event.detail}`}`
    case 'fsync': return `${at} ${event.node} fsync ${event.path} took ${event.durationUs} us`
    case 'choice': return `${at} choice ${event.key} = ${event.value}`
    case 'observation': return `${at} ${event.node}#${event.incarnation} ${bodyText(event.event)}`
  }
}

export function* traceLines(trace: ColumnarTrace): Generator<string> {
  for (const event of trace) {
    if (event.type === 'frame') {
      const { frame, ...rest } = event
      yield JSON.stringify({ ...rest, api: apiName(frame.apiKey), version: frame.apiVersion, response: frame.isResponse, correlationId: frame.correlationId, body: bodyText(frame.body) })
    } else if (event.type === 'observation') yield JSON.stringify({ ...event, event: bodyText(event.event) })
    else yield JSON.stringify(event)
  }
}

/** Index of the first event that differs; undefined when the traces are equal. */
export function firstDifferentEvent(a: ColumnarTrace, b: ColumnarTrace): number | undefined {
  const length = Math.max(a.length, b.length)
  for (let row = 0; row < length; row++) {
    if (row >= a.length || row >= b.length || eventText(a.at(row)) !== eventText(b.at(row))) return row
  }
  return undefined
}
