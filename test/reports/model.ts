/** A report model with something in every section, and one in which every text is an attack. */
import type { ReportModel } from '../../reports/report-model.ts'

const EVIL = '<script>alert("1")</script><img src=x onerror=\'alert(2)\'>&\u0000\u202e]]>'

export function model(text: (plain: string) => string = plain => plain): ReportModel {
  return {
    schema: 1,
    workload: text('produce-consume'),
    seed: text('2hym49lfxf'),
    verdict: {
      badge: 'SAFETY',
      anomaly: text('lost-write'),
      isAllowed: false,
      whatBroke: text('Record 17 is gone.'),
      promise: { text: text('It is not lost.'), link: 'https://kafka.apache.org/' },
      whatHappened: [{ text: text('client-1 sends 17'), time: 1_500_000 }, { text: text('broker-1 dies') }],
      whyImpossible: text('It was acknowledged; however, it is gone.'),
      whichFaults: text('One fault: crash of broker-1.'),
      howSure: [text('The plan was run twice.')],
      seenButAllowed: [{ anomaly: text('duplicate'), count: 2, status: 'allowed', note: text('retries') }],
      evidence: { [text('key')]: [text('value'), 1, null] },
    },
    reproduce: { token: text('t2-ABC-12'), command: text('trial replay t2-ABC-12'), build: text('0123'), eventDigest: text('aa'), historyDigest: text('bb'), vitest: text('import {}') },
    story: {
      sizes: [{ what: text('operations'), before: text('300'), after: text('3') }],
      executions: 40,
      cutShort: true,
      remaining: [{ text: text('client-1: send #1'), kind: text('operation'), without: 'passes' }, { text: text('server broker-1'), kind: 'server', without: 'not tested' }],
    },
    diagram: {
      hosts: [{ name: text('broker-1'), group: 'broker' }, { name: text('client-1'), group: 'client' }],
      messages: [
        { from: text('client-1'), to: text('broker-1'), sentAt: 10, arrivedAt: 20, label: text('Produce'), fate: 'delivered' },
        { from: text('broker-1'), to: text('client-1'), sentAt: 30, arrivedAt: null, label: text('Produce reply'), fate: 'lost' },
        { from: text('client-1'), to: text('broker-1'), sentAt: 40, arrivedAt: 90_000, label: text('Produce'), fate: 'late' },
      ],
      marks: [{ host: text('broker-1'), time: 50, text: text('dies'), kind: 'crash' }],
      spans: [{ host: text('broker-1'), from: 50, to: 90_000, kind: 'down', text: text('killed') }],
      from: 0,
      to: 100_000,
      omitted: text('3 of 6 messages are not drawn.'),
    },
    partitions: [{
      key: text('orders-0'),
      replicas: [{
        host: text('broker-1'), logStart: 0, end: 2, highWatermark: 1,
        cells: [
          { baseOffset: 0, lastOffset: 0, leaderEpoch: 0, crc: 255, producer: text('producer 1'), isControl: false, truncatedAt: null, appendedAt: 1 },
          { baseOffset: 1, lastOffset: 2, leaderEpoch: 1, crc: 254, producer: text('producer 2'), isControl: true, truncatedAt: 60, appendedAt: 2 },
        ],
      }],
      leaders: [{ time: 1, leader: text('broker-1'), epoch: 0, reason: text('isr') }],
      isr: [{ time: 1, members: [text('broker-1')] }],
      divergent: [text('offset 1: broker-1 has content ff')],
    }],
    operations: [{ index: 0, time: 10, node: text('client-1'), process: text('0'), type: text('ok'), f: text('send'), value: text('[["send","orders-0",17]]') }],
    operationsOmitted: 5,
    environment: [[text('swarm'), text('3 brokers')]],
    marks: [[text('isr-shrink'), 4]],
    guarantees: [text('durability')],
    checkers: [text('kafka-log')],
  }
}

/** Every text of the model is replaced by one that would run, break out or turn round if it were not escaped. */
export const evilModel = (): ReportModel => model(plain => `${EVIL}${plain}`)
