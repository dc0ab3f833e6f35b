/** What the recorder of a traced run keeps for the report: logs with their ghosts, leaders, ISRs, marks and spans. */
import { describe, expect, it } from 'vitest'
import { ReportRecorder } from '../../reports/report-recorder.ts'
import type { BatchSummary, Observation } from '../../src/env/observation.ts'
import { request } from '../sim/world.ts'

const PLACE = { topic: 't', topicId: 'T', partition: 0 }

function recorded() {
  const recorder = new ReportRecorder(id => `broker-${id}`)
  let time = 0
  const tell = (node: string, event: Observation): void => recorder.observe(event, node, 0, ++time)
  const append = (node: string, baseOffset: number, leaderEpoch: number, crc: number): void => tell(node, {
    ...PLACE, kind: 'log-append', asLeader: true,
    batch: { baseOffset, lastOffset: baseOffset, leaderEpoch, crc, producerId: 7, producerEpoch: 1, baseSequence: 3, lastSequence: 3, isControl: false, recordCount: 1, maxTimestamp: 0, sizeInBytes: 70 } satisfies BatchSummary,
  })
  return { recorder, tell, append }
}

describe('a partition log', () => {
  it('keeps a lane a replica, and what was truncated as a ghost', () => {
    const { recorder, tell, append } = recorded()
    append('broker-2', 0, 0, 10)
    append('broker-1', 0, 0, 10)
    append('broker-1', 1, 0, 11)
    tell('broker-1', { ...PLACE, kind: 'high-watermark', offset: 1, leaderEpoch: 0, asLeader: true, isr: [1], maximalIsr: [1] } as unknown as Observation)
    tell('broker-1', { ...PLACE, kind: 'log-truncate', endOffset: 1, previousEnd: 2, highWatermark: 1, reason: 'diverging-epoch' })
    append('broker-1', 1, 1, 12)
    const [section] = recorder.partitionSections()
    expect(section!.key).toBe('t-0')
    expect(section!.replicas.map(({ host, end, highWatermark }) => [host, end, highWatermark])).toEqual([['broker-1', 2, 1], ['broker-2', 1, 0]])
    expect(section!.replicas[0]!.cells.map(({ baseOffset, leaderEpoch, crc, truncatedAt }) => [baseOffset, leaderEpoch, crc, truncatedAt])).toEqual([[0, 0, 10, null], [1, 0, 11, 5], [1, 1, 12, null]])
    expect(section!.replicas[0]!.cells[0]!.producer).toBe('producer 7 epoch 1 sequence 3')
    expect(recorder.marks).toEqual([{ host: 'broker-1', time: 5, text: 'truncates t-0 from 2 to 1', kind: 'truncate' }])
    expect(section!.divergent).toEqual([])
  })

  it('spells out where two replicas hold different batches', () => {
    const { recorder, append } = recorded()
    append('broker-1', 4, 3, 0xaa)
    append('broker-2', 4, 5, 0xbb)
    expect(recorder.partitionSections()[0]!.divergent).toEqual(['offset 4: broker-1 has content aa (epoch 3), broker-2 has bb (epoch 5)'])
  })

  it('follows leaders, and ISRs when they change', () => {
    const { recorder, tell } = recorded()
    const registered = (isr: readonly number[]): Observation => ({ ...PLACE, kind: 'partition-registered', leader: 1, leaderEpoch: 0, partitionEpoch: 0, replicas: [1, 2], isr, elr: [], lastKnownElr: [], recovering: false })
    tell('controller-1', { ...PLACE, kind: 'leader-elected', leader: -1, leaderEpoch: 4, reason: 'none' } as unknown as Observation)
    for (const isr of [[1, 2], [1, 2], [1]]) tell('controller-1', registered(isr))
    const [section] = recorder.partitionSections()
    expect(section!.leaders).toEqual([{ time: 1, leader: 'none', epoch: 4, reason: 'none' }])
    expect(section!.isr).toEqual([{ time: 2, members: ['broker-1', 'broker-2'] }, { time: 4, members: ['broker-1'] }])
    expect(recorder.marks.map(({ text }) => text)).toEqual(['elects nobody for t-0, epoch 4 (none)'])
  })
})

describe('the diagram', () => {
  it('gets messages with their fate, and faults at the host that they name', () => {
    const { recorder, tell } = recorded()
    for (const [id, kinds] of [[1, ['sent', 'delivered']], [2, ['sent', 'held', 'delivered']], [3, ['sent', 'dropped']], [4, ['delivered']]] as const) {
      kinds.forEach((kind, index) => recorder.frame(kind, id * 10 + index, id, 1, 'client-1', 'broker-1', request('x')))
    }
    expect(recorder.messages.map(({ id, arrivedAt, held }) => [id, arrivedAt, held])).toEqual([[1, 11, false], [2, 22, true], [3, null, false]])
    tell('', { kind: 'fault', phase: 'start', id: 0, fault: 'crash', text: 'process crash of broker-3 for 5 ms' })
    tell('', { kind: 'fault', phase: 'stop', id: 0, fault: 'crash', text: '' })
    expect(recorder.marks).toEqual([{ host: 'broker-3', time: 1, text: 'process crash of broker-3 for 5 ms', kind: 'fault' }])
  })

  it('gets spans of hosts that are down or paused, the last ones to the end', () => {
    const { recorder } = recorded()
    recorder.process('paused', 5, 'broker-1', 0, '')
    recorder.process('resumed', 8, 'broker-1', 0, '')
    recorder.process('stopped', 10, 'broker-1', 0, 'killed')
    recorder.process('started', 20, 'broker-1', 1, '')
    recorder.process('stopped', 30, 'broker-2', 0, 'power cut')
    recorder.finish(40)
    expect(recorder.spans.map(({ host, from, to, kind, text }) => [host, from, to, kind, text])).toEqual([
      ['broker-1', 5, 8, 'paused', 'process paused'], ['broker-1', 10, 20, 'down', 'killed'], ['broker-2', 30, 40, 'down', 'power cut'],
    ])
  })
})
