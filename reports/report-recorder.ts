/**
 * Collects from a traced run what the report draws: messages between hosts, role changes, log contents. Keeps plain rows
 * only; the report is cut to its window later.
 */
import type { Frame } from '../src/env/network.ts'
import type { Observation, Observer } from '../src/env/observation.ts'
import type { DiagramMark, DiagramSpan, LogCell, PartitionSection, ReplicaLog } from './report-model.ts'

export interface RecordedMessage {
  readonly id: number
  readonly from: string
  readonly to: string
  readonly sentAt: number
  arrivedAt: number | null
  readonly apiKey: number
  readonly isResponse: boolean
  held: boolean
}

interface Lane {
  readonly host: string
  logStart: number
  end: number
  highWatermark: number
  cells: { -readonly [K in keyof LogCell]: LogCell[K] }[]
}

interface PartitionRows {
  readonly lanes: Map<string, Lane>
  readonly leaders: { time: number; leader: string; epoch: number; reason: string }[]
  readonly isr: { time: number; members: readonly string[] }[]
}

/** A trace sink and an observer in one. Structurally the kernel's TraceSink. */
export class ReportRecorder implements Observer {
  readonly messages: RecordedMessage[] = []
  readonly marks: DiagramMark[] = []
  readonly spans: DiagramSpan[] = []
  private readonly byId = new Map<number, RecordedMessage>()
  private readonly partitions = new Map<string, PartitionRows>()
  private readonly openSpans = new Map<string, { from: number; kind: DiagramSpan['kind']; text: string }>()
  private readonly hostOf: (brokerId: number) => string

  constructor(hostOf: (brokerId: number) => string) {
    this.hostOf = hostOf
  }

  frame(kind: 'sent' | 'delivered' | 'held' | 'dropped', time: number, id: number, _connection: number, from: string, to: string, frame: Frame): void {
    if (kind === 'sent') {
      const message: RecordedMessage = { id, from, to, sentAt: time, arrivedAt: null, apiKey: frame.apiKey, isResponse: frame.isResponse, held: false }
      this.messages.push(message)
      this.byId.set(id, message)
      return
    }
    const message = this.byId.get(id)
    if (message === undefined) return
    if (kind === 'delivered') message.arrivedAt = time
    else if (kind === 'held') message.held = true
    if (kind !== 'held') this.byId.delete(id)
  }

  connection(): void {}

  fsync(): void {}

  choice(): void {}

  observation(): void {}

  process(kind: 'started' | 'stopped' | 'paused' | 'resumed', time: number, node: string, _incarnation: number, detail: string): void {
    if (kind === 'stopped') this.open(`${node}:down`, time, 'down', detail)
    else if (kind === 'started') this.close(`${node}:down`, node, time)
    else if (kind === 'paused') this.open(`${node}:paused`, time, 'paused', 'process paused')
    else this.close(`${node}:paused`, node, time)
    if (kind === 'stopped') this.mark(node, time, `stops: ${detail}`, 'crash')
  }

  observe(event: Observation, node: string, _incarnation: number, time: number): void {
    switch (event.kind) {
      case 'fault':
        if (event.phase === 'start') this.mark(this.hostIn(event.text) ?? node, time, event.text, 'fault')
        return
      case 'leader-elected': {
        const rows = this.rows(event.topic, event.partition)
        rows.leaders.push({ time, leader: event.leader < 0 ? 'none' : this.hostOf(event.leader), epoch: event.leaderEpoch, reason: event.reason })
        this.mark(node, time, `elects ${event.leader < 0 ? 'nobody' : this.hostOf(event.leader)} for ${event.topic}-${event.partition}, epoch ${event.leaderEpoch} (${event.reason})`, 'leader')
        return
      }
      case 'partition-registered': {
        const rows = this.rows(event.topic, event.partition)
        const members = event.isr.map(this.hostOf)
        const last = rows.isr.at(-1)
        if (last === undefined || last.members.join() !== members.join()) rows.isr.push({ time, members })
        return
      }
      case 'became-leader': return this.mark(node, time, `leads ${event.topic}-${event.partition} from offset ${event.logEndOffset}, epoch ${event.leaderEpoch}`, 'leader')
      case 'isr-proposed': return this.mark(node, time, `proposes ISR {${event.isr.map(this.hostOf).join(', ')}} for ${event.topic}-${event.partition}`, 'isr')
      case 'log-append': {
        const lane = this.lane(event.topic, event.partition, node)
        const { batch } = event
        lane.cells.push({
          baseOffset: batch.baseOffset, lastOffset: batch.lastOffset, leaderEpoch: batch.leaderEpoch, crc: batch.crc, isControl: batch.isControl, truncatedAt: null, appendedAt: time,
          producer: batch.producerId < 0 ? 'no producer id' : `producer ${batch.producerId} epoch ${batch.producerEpoch} sequence ${batch.baseSequence}`,
        })
        lane.end = batch.lastOffset + 1
        return
      }
      case 'log-truncate':
        this.cut(event.topic, event.partition, node, event.endOffset, time)
        if (event.endOffset < event.previousEnd) this.mark(node, time, `truncates ${event.topic}-${event.partition} from ${event.previousEnd} to ${event.endOffset}`, 'truncate')
        return
      case 'log-cleaned':
        if (event.removed.length > 0) this.mark(node, time, `compacts ${event.topic}-${event.partition} from ${event.from} to ${event.to}: ${event.removed.length} records are gone`, 'truncate')
        return
      case 'log-loaded': {
        this.cut(event.topic, event.partition, node, event.endOffset, time)
        const lane = this.lane(event.topic, event.partition, node)
        lane.logStart = event.logStartOffset
        lane.end = event.endOffset
        lane.highWatermark = event.highWatermark
        return
      }
      case 'log-start':
        this.lane(event.topic, event.partition, node).logStart = event.offset
        return
      case 'high-watermark':
        this.lane(event.topic, event.partition, node).highWatermark = event.offset
        return
      case 'machine-crash-loss': return this.mark(node, time, `loses ${event.bytesDropped} unsynced bytes of ${event.path}`, 'crash')
      case 'client-retry': return this.mark(node, time, `retries ${event.topic}-${event.partition}`, 'client')
      case 'client-rebalance': return this.mark(node, time, `${event.change} in generation ${event.generationId}: ${event.partitions.map(({ topic, partition }) => `${topic}-${partition}`).join(' ') || 'nothing'}`, 'client')
      case 'client-transaction': return this.mark(node, time, `${event.transactionalId}: ${event.error ?? event.phase}`, 'client')
      default:
    }
  }

  finish(time: number): void {
    for (const key of this.openSpans.keys()) this.close(key, key.slice(0, key.lastIndexOf(':')), time)
  }

  partitionSections(): PartitionSection[] {
    return [...this.partitions.entries()].map(([key, rows]) => {
      const replicas: ReplicaLog[] = [...rows.lanes.values()].sort((a, b) => (a.host < b.host ? -1 : 1))
      return { key, replicas, leaders: rows.leaders, isr: rows.isr, divergent: divergences(replicas) }
    })
  }

  private rows(topic: string, partition: number): PartitionRows {
    const key = `${topic}-${partition}`
    let rows = this.partitions.get(key)
    if (rows === undefined) this.partitions.set(key, rows = { lanes: new Map(), leaders: [], isr: [] })
    return rows
  }

  private lane(topic: string, partition: number, host: string): Lane {
    const { lanes } = this.rows(topic, partition)
    let lane = lanes.get(host)
    if (lane === undefined) lanes.set(host, lane = { host, logStart: 0, end: 0, highWatermark: 0, cells: [] })
    return lane
  }

  private cut(topic: string, partition: number, host: string, end: number, time: number): void {
    const lane = this.lane(topic, partition, host)
    for (const cell of lane.cells) if (cell.truncatedAt === null && cell.lastOffset >= end) cell.truncatedAt = time
    lane.end = Math.min(lane.end, end)
  }

  private mark(host: string, time: number, text: string, kind: DiagramMark['kind']): void {
    this.marks.push({ host, time, text, kind })
  }

  private hostIn(text: string): string | undefined {
    return /\b((?:broker|controller|client)-\d+)\b/.exec(text)?.[1]
  }

  private open(key: string, from: number, kind: DiagramSpan['kind'], text: string): void {
    if (!this.openSpans.has(key)) this.openSpans.set(key, { from, kind, text })
  }

  private close(key: string, host: string, to: number): void {
    const span = this.openSpans.get(key)
    if (span === undefined) return
    this.openSpans.delete(key)
    this.spans.push({ host, from: span.from, to, kind: span.kind, text: span.text })
  }
}

/** Offsets at which two replicas hold different live batches, spelled out. */
function divergences(replicas: readonly ReplicaLog[]): string[] {
  const found: string[] = []
  const seen = new Map<number, { host: string; cell: LogCell }>()
  for (const replica of replicas) {
    for (const cell of replica.cells) {
      if (cell.truncatedAt !== null) continue
      const other = seen.get(cell.baseOffset)
      if (other === undefined) seen.set(cell.baseOffset, { host: replica.host, cell })
      else if (other.cell.crc !== cell.crc && other.host !== replica.host) {
        found.push(`offset ${cell.baseOffset}: ${other.host} has content ${other.cell.crc.toString(16)} (epoch ${other.cell.leaderEpoch}), ${replica.host} has ${cell.crc.toString(16)} (epoch ${cell.leaderEpoch})`)
      }
    }
  }
  return found.slice(0, 8)
}
