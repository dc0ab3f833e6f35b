/**
 * `share-group`: a share group (KIP-932) as a queue whose messages are leased. The history of its members:
 *
 *   acquire      {group, member}, answered {group, member, limit, records: {partition: [[offset, value, deliveries, ago], ...]},
 *                unreadable: {partition: [offset, ...]}}; ago: so many acquires of this member before it asked for the record,
 *                which was then kept for later (0 when left out)
 *   acknowledge  {group, member, partition, limit, records: [[offset, 'accept' | 'release' | 'reject', deliveries], ...]}
 *                ok: it counts; fail: it definitely does not; info: nobody knows
 *   in-log       answered {group, records: {partition: [[offset, value], ...]}}: what is there when all has settled and the
 *                group has nothing left to hand out
 *
 * Owed is delivery at least once, in any order: every record was handed to somebody, one that was accepted, rejected or
 * released for the last time is handed out no more, and none is handed out more often than the limit.
 *
 * Who holds a record cannot be told from a history: a lock ends with its time, with the session, and with the leader of the
 * partition, of which clients hear late. That no two hold one at a time is for the monitor `single-holder`. Nor is it wrong
 * that two acknowledgements of a record count: one that comes when all before it is done with is accepted unseen.
 */
import type { History, Json, Operation, Process } from '../../src/history/operation.ts'
import { TrialError } from '../../src/base/trial-error.ts'
import type { Checker, CheckContext, CheckResult, ExplanationStep } from '../contract.ts'
import { FindingCollector } from '../finding-collector.ts'
import { show } from '../show.ts'
import { unknownFunction } from './value-table.ts'

interface Delivery {
  readonly member: string
  readonly value: Json
  readonly deliveries: number
  readonly invoked: number
  readonly at: number
}

interface Decision {
  readonly member: string
  readonly type: string
  readonly invoked: number
  readonly at: number
}

interface Leased {
  readonly group: string
  readonly partition: string
  readonly offset: number
  readonly deliveries: Delivery[]
  /** The first to be confirmed that is final. */
  decided: Decision | undefined
  /** Deliveries after which a member began to say that others may have it. */
  released: number
  isUnreadable: boolean
}

type Fields = { readonly [name: string]: Json | undefined }

const FUNCTIONS: readonly string[] = ['acquire', 'acknowledge', 'in-log']

export const shareGroupChecker: Checker = {
  name: 'share-group',
  describes: 'share groups: every record is delivered, none after it was done with, none too often',
  concerns: ({ f }) => FUNCTIONS.includes(f),
  check(history: History, context: CheckContext): CheckResult {
    const found = new FindingCollector('share-group', context.guarantees)
    new ShareHistory(history, context, found).judge()
    return found.result()
  },
}

class ShareHistory {
  private readonly history: History
  private readonly context: CheckContext
  private readonly found: FindingCollector
  private readonly leased = new Map<string, Leased>()
  private readonly open = new Map<Process, number>()
  /** Places of the acquires of each member, in order. */
  private readonly asked = new Map<string, number[]>()

  constructor(history: History, context: CheckContext, found: FindingCollector) {
    this.history = history
    this.context = context
    this.found = found
  }

  judge(): void {
    let inLog = -1
    for (let at = 0; at < this.history.length; at++) {
      const operation = this.history[at]!
      const { process, type, f } = operation
      if (process === 'nemesis') continue
      if (!FUNCTIONS.includes(f)) throw unknownFunction(operation, 'share-group', FUNCTIONS)
      if (type === 'invoke') {
        this.open.set(process, at)
        if (f === 'acknowledge') this.releasing(at)
        else if (f === 'acquire') this.asking(at)
        continue
      }
      const invoked = this.open.get(process)!
      this.open.delete(process)
      if (type !== 'ok') continue
      if (f === 'acquire') this.acquired(invoked, at)
      else if (f === 'acknowledge') this.acknowledged(invoked, at)
      else inLog = at
    }
    for (const one of this.leased.values()) this.judgeRecord(one)
    if (inLog !== -1) this.settled(inLog)
  }

  private asking(at: number): void {
    const operation = this.history[at]!
    const fields = fieldsOf(operation)
    const key = `${textOf(operation, fields, 'group')} ${textOf(operation, fields, 'member')}`
    const places = this.asked.get(key)
    if (places === undefined) this.asked.set(key, [at])
    else places.push(at)
  }

  private acquired(invoked: number, at: number): void {
    const operation = this.history[at]!
    const fields = fieldsOf(operation)
    const [group, member, limit] = [textOf(operation, fields, 'group'), textOf(operation, fields, 'member'), Number(fields['limit'] ?? Infinity)]
    for (const [partition, records] of mapOf(operation, fields['records'])) {
      for (const record of records) {
        const [offset, value, deliveries, ago = 0] = record as [number, Json, number, number?]
        const one = this.of(group, partition, offset)
        const asked = this.asked.get(`${group} ${member}`)!
        const delivery = { member, value, deliveries, invoked: ago === 0 ? invoked : asked[asked.length - 1 - ago] ?? 0, at }
        one.deliveries.push(delivery)
        if (deliveries > limit) this.tooOften(one, delivery, limit)
      }
    }
    for (const [partition, offsets] of mapOf(operation, fields['unreadable'] ?? {})) for (const offset of offsets) this.of(group, partition, offset as number).isUnreadable = true
  }

  private acknowledged(invoked: number, at: number): void {
    const operation = this.history[invoked]!
    const fields = fieldsOf(operation)
    const [group, member, partition, limit] = [textOf(operation, fields, 'group'), textOf(operation, fields, 'member'), textOf(operation, fields, 'partition'), Number(fields['limit'] ?? Infinity)]
    for (const record of listOf(operation, fields['records'])) {
      const [offset, type, deliveries] = record as [number, string, number]
      if (type === 'release' && deliveries < limit) continue
      const one = this.of(group, partition, offset)
      one.decided ??= { member, type, invoked, at }
    }
  }

  private releasing(at: number): void {
    const operation = this.history[at]!
    const fields = fieldsOf(operation)
    for (const record of listOf(operation, fields['records'])) {
      const [offset, type] = record as [number, string]
      if (type === 'release') this.of(textOf(operation, fields, 'group'), textOf(operation, fields, 'partition'), offset).released++
    }
  }

  private judgeRecord(one: Leased): void {
    const { deliveries, decided } = one
    const first = deliveries[0]
    const other = deliveries.find(({ value }) => show(value) !== show(first?.value ?? null))
    if (first !== undefined && other !== undefined) this.wrong(one, first.value, this.step(first.at, `${first.member} is handed ${show(first.value)}.`), other)
    const again = decided === undefined ? undefined : deliveries.find(({ invoked }) => invoked > decided.at)
    if (decided === undefined || again === undefined) {
      if (deliveries.length > one.released + 1) this.repeated(one)
      return
    }
    const before = deliveries.findLast(({ at, member }) => at < decided.at && member === decided.member)
    this.found.add('redelivered-record', () => ({
      title: `Offset ${one.offset} of ${one.partition} was handed to ${again.member} after ${decided.member} was done with it.`, key: one.partition, offset: one.offset,
      evidence: { group: one.group, partition: one.partition, offset: one.offset, decided: decided.type, members: [decided.member, again.member] },
      steps: [
        ...(before === undefined ? [] : [this.step(before.at, `${before.member} is handed offset ${one.offset}, delivery ${before.deliveries}.`)]),
        this.step(decided.invoked, `${decided.member} begins to ${decided.type} it.`), this.step(decided.at, 'That is confirmed.'),
        this.step(again.invoked, `${again.member} asks for records.`), this.step(again.at, `It is handed offset ${one.offset}, delivery ${again.deliveries}.`),
      ],
      contradiction: 'What is accepted, rejected or released for the last time is final when that is confirmed, because it is persisted before.',
    }))
  }

  private settled(at: number): void {
    const operation = this.history[at]!
    const fields = fieldsOf(operation)
    const group = textOf(operation, fields, 'group')
    for (const [partition, records] of mapOf(operation, fields['records'])) {
      for (const record of records) {
        const [offset, value] = record as [number, Json]
        const one = this.of(group, partition, offset)
        const delivery = one.deliveries[0]
        if (delivery !== undefined) {
          if (show(delivery.value) !== show(value)) this.wrong(one, value, this.step(at, `The log holds ${show(value)} at offset ${offset}.`), delivery)
          continue
        }
        if (one.isUnreadable) continue
        this.found.add('undelivered-record', () => ({
          title: `Record ${show(value)} at offset ${offset} of ${partition} was handed to nobody.`, key: partition, offset, evidence: { group, partition, offset, value },
          steps: [this.step(at, `The log holds ${show(value)} at offset ${offset} of ${partition}, and group ${group} has nothing left to hand out.`)],
          contradiction: 'A share group delivers every record from its first offset on at least once.',
        }), this.context.drained ? undefined : 'never')
      }
    }
  }

  private repeated({ group, partition, offset, deliveries }: Leased): void {
    this.found.add('repeated-delivery', () => ({
      title: `Offset ${offset} of ${partition} was handed out ${deliveries.length} times.`, key: partition, offset, evidence: { group, partition, offset, members: deliveries.map(({ member }) => member) },
      steps: deliveries.slice(0, 6).map(({ member, at, deliveries: count }) => this.step(at, `${member} is handed offset ${offset}, delivery ${count}.`)),
      contradiction: 'A lock that runs out, a session that ends and a leader that fails each give a record to somebody else; share groups deliver at least once.',
    }))
  }

  private tooOften(one: Leased, { member, deliveries, at }: Delivery, limit: number): void {
    this.found.add('too-many-deliveries', () => ({
      title: `Offset ${one.offset} of ${one.partition} was delivered ${deliveries} times.`, key: one.partition, offset: one.offset,
      evidence: { group: one.group, partition: one.partition, offset: one.offset, deliveries, limit }, steps: [this.step(at, `${member} is handed offset ${one.offset}, delivery ${deliveries}.`)],
      contradiction: `After ${limit} deliveries a record is archived.`,
    }))
  }

  private wrong(one: Leased, value: Json, told: ExplanationStep, { member, value: delivered, at }: Delivery): void {
    this.found.add('wrong-record', () => ({
      title: `${member} was handed ${show(delivered)} at offset ${one.offset} of ${one.partition}, where ${show(value)} is.`, key: one.partition, offset: one.offset,
      evidence: { group: one.group, partition: one.partition, offset: one.offset, value, delivered }, steps: [told, this.step(at, `${member} is handed ${show(delivered)}.`)],
      contradiction: 'One offset of a partition holds one value.',
    }))
  }

  private of(group: string, partition: string, offset: number): Leased {
    const key = `${offset} ${partition} ${group}`
    let one = this.leased.get(key)
    if (one === undefined) this.leased.set(key, one = { group, partition, offset, deliveries: [], decided: undefined, released: 0, isUnreadable: false })
    return one
  }

  private step(at: number, text: string): ExplanationStep {
    const { index, time } = this.history[at]!
    return { text, operation: index, time }
  }
}

function fieldsOf(operation: Operation): Fields {
  const { value } = operation
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongShape(operation, 'the value is a map')
  return value as Fields
}

function textOf(operation: Operation, fields: Fields, name: string): string {
  const value = fields[name]
  if (typeof value !== 'string') throw wrongShape(operation, `${name} is a text`)
  return value
}

function listOf(operation: Operation, value: Json | undefined): readonly Json[] {
  if (!Array.isArray(value)) throw wrongShape(operation, 'records is a list')
  return value as readonly Json[]
}

function mapOf(operation: Operation, value: Json | undefined): (readonly [string, readonly Json[]])[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrongShape(operation, 'records is a map of partitions to lists')
  return Object.entries(value as Fields).map(([partition, records]) => [partition, listOf(operation, records)] as const)
}

function wrongShape(operation: Operation, what: string): TrialError {
  return new TrialError('input', `Operation ${operation.index} (${operation.f}) is not one that share-group understands: ${what}.`)
}
