/**
 * `groups`: who owned which partition of a consumer group, and which offsets were committed. The history of its members:
 *
 *   assign   {group, generation, member, partitions}      ok: the member owns them from now on, in this generation
 *   revoke   the same                                      invoked when it gives them up, before it joins again
 *   commit   {group, generation, member, offsets: {partition: offset}}
 *   fetch    {group, partition}, answered {group, partition, offset}; offset null: none is committed
 *   stable   answered {group, generation, members: {member: [partitions]}, partitions: [all]}: the group when all has settled
 *
 * A generation is what the coordinator numbers: that of the classic protocol, or the group epoch of KIP-848.
 * A history alone cannot tell whether a member knew that it was fenced, so owners in different generations may overlap; what
 * counts is that a commit of an old generation does not succeed once a later owner had the partition.
 */
import type { History, Json, Operation, Process } from '../../src/history/operation.ts'
import { TrialError } from '../../src/base/trial-error.ts'
import type { Checker, CheckContext, CheckResult, ExplanationStep } from '../contract.ts'
import { FindingCollector } from '../finding-collector.ts'
import { unknownFunction } from './value-table.ts'

type Fields = { readonly [name: string]: Json | undefined }

interface Ownership {
  readonly member: string
  readonly generation: number
  readonly at: number
}

interface Commit {
  readonly offset: number
  readonly invoked: number
  /** Infinity: nobody knows. */
  completed: number
}

const FUNCTIONS: readonly string[] = ['assign', 'revoke', 'commit', 'fetch', 'stable']

export const groupsChecker: Checker = {
  name: 'groups',
  describes: 'consumer groups: one owner of a partition in a generation, no commit of a fenced member, no offset that goes back',
  concerns: ({ f, value }) => FUNCTIONS.includes(f) && typeof value === 'object' && value !== null && 'group' in value,
  check(history: History, context: CheckContext): CheckResult {
    const found = new FindingCollector('groups', context.guarantees)
    new GroupHistory(history, found).judge()
    return found.result()
  },
}

class GroupHistory {
  private readonly history: History
  private readonly found: FindingCollector
  /** By group and partition: each generation's owner, and the latest one. */
  private readonly owners = new Map<string, Map<number, Ownership>>()
  private readonly latest = new Map<string, Ownership>()
  private readonly commits = new Map<string, Commit[]>()
  private readonly open = new Map<Process, number>()

  constructor(history: History, found: FindingCollector) {
    this.history = history
    this.found = found
  }

  judge(): void {
    const answers: (readonly [invoked: number, at: number])[] = []
    for (let at = 0; at < this.history.length; at++) {
      const operation = this.history[at]!
      const { process, type, f } = operation
      if (process === 'nemesis') continue
      if (!FUNCTIONS.includes(f)) throw unknownFunction(operation, 'groups', FUNCTIONS)
      if (type === 'invoke') {
        this.open.set(process, at)
        if (f === 'commit') this.beginCommit(at)
        continue
      }
      const invoked = this.open.get(process)!
      this.open.delete(process)
      if (f === 'commit') this.endCommit(invoked, at)
      else if (type === 'ok' && f === 'assign') this.assign(at)
      else if (type === 'ok' && f === 'fetch') answers.push([invoked, at])
      else if (type === 'ok' && f === 'stable') this.settled(at)
    }
    for (const [invoked, at] of answers) this.fetched(invoked, at)
  }

  private step(at: number, text: string): ExplanationStep {
    const { index, time } = this.history[at]!
    return { text, operation: index, time }
  }

  private assign(at: number): void {
    const operation = this.history[at]!
    const fields = fieldsOf(operation)
    const [group, member, generation] = [textOf(operation, fields, 'group'), textOf(operation, fields, 'member'), numberOf(operation, fields, 'generation')]
    for (const partition of listOf(operation, fields['partitions'])) {
      const key = keyOf(group, partition)
      let generations = this.owners.get(key)
      if (generations === undefined) this.owners.set(key, generations = new Map())
      const other = generations.get(generation)
      if (other !== undefined && other.member !== member) this.doubleOwnership(group, partition, generation, other.member, member, [this.step(other.at, `${other.member} is assigned ${partition}.`), this.step(at, `${member} is assigned ${partition} in the same generation.`)])
      const owner: Ownership = { member, generation, at }
      generations.set(generation, owner)
      const before = this.latest.get(key)
      if (before === undefined || before.generation < generation) this.latest.set(key, owner)
    }
  }

  private doubleOwnership(group: string, partition: string, generation: number, first: string, second: string, steps: ExplanationStep[]): void {
    this.found.add('double-ownership', () => ({
      title: `${first} and ${second} both own ${partition} in generation ${generation} of group ${group}.`, evidence: { group, partition, generation, members: [first, second] }, steps, key: partition,
      contradiction: 'A partition has at most one owner in a group and generation.',
    }))
  }

  private beginCommit(at: number): void {
    for (const [key, offset] of this.offsetsOf(at)) {
      let commits = this.commits.get(key)
      if (commits === undefined) this.commits.set(key, commits = [])
      commits.push({ offset, invoked: at, completed: Number.POSITIVE_INFINITY })
    }
  }

  private endCommit(invoked: number, at: number): void {
    const operation = this.history[invoked]!
    const { type } = this.history[at]!
    const fields = fieldsOf(operation)
    const [group, member, generation] = [textOf(operation, fields, 'group'), textOf(operation, fields, 'member'), numberOf(operation, fields, 'generation')]
    for (const [key, offset, partition] of this.offsetsOf(invoked)) {
      const commits = this.commits.get(key)!
      const place = commits.findLastIndex(one => one.invoked === invoked)
      if (type === 'fail') commits.splice(place, 1)
      if (type !== 'ok') continue
      commits[place]!.completed = at
      const owner = this.latest.get(key)
      if (owner === undefined || owner.generation <= generation || owner.member === member || owner.at >= invoked) continue
      this.found.add('fenced-commit', () => ({
        title: `${member} committed offset ${offset} of ${partition} in generation ${generation}, after ${owner.member} had it in generation ${owner.generation}.`, key: partition, offset,
        evidence: { group, partition, member, generation, owner: owner.member, later: owner.generation },
        steps: [this.step(owner.at, `${owner.member} is assigned ${partition} in generation ${owner.generation}.`), this.step(invoked, `${member} begins to commit offset ${offset} in generation ${generation}.`), this.step(at, 'The commit is acknowledged.')],
        contradiction: 'The coordinator refuses commits of a generation that is over (ILLEGAL_GENERATION, STALE_MEMBER_EPOCH).',
      }))
    }
  }

  private offsetsOf(at: number): (readonly [key: string, offset: number, partition: string])[] {
    const operation = this.history[at]!
    const fields = fieldsOf(operation)
    const group = textOf(operation, fields, 'group')
    const { offsets } = fields
    if (typeof offsets !== 'object' || offsets === null || Array.isArray(offsets)) throw wrong(operation, 'offsets is a map of partitions to offsets')
    return Object.entries(offsets as Fields).map(([partition, offset]) => {
      if (typeof offset !== 'number' || !Number.isSafeInteger(offset)) throw wrong(operation, 'an offset is a whole number')
      return [keyOf(group, partition), offset, partition] as const
    })
  }

  /** Right is every commit that is not surely overwritten: no other began after it had ended and ended before the fetch began. */
  private fetched(invoked: number, at: number): void {
    const operation = this.history[at]!
    const fields = fieldsOf(operation)
    const [group, partition] = [textOf(operation, fields, 'group'), textOf(operation, fields, 'partition')]
    const offset = fields['offset'] ?? null
    const commits = this.commits.get(keyOf(group, partition)) ?? []
    // From the last to begin backwards: what is right is nearly always near. Of what had ended, the first met this way hides all that ended before it began.
    let hiding: Commit | undefined
    for (let place = commits.length - 1; place >= 0; place--) {
      const one = commits[place]!
      if (one.invoked >= at) continue
      if (one.offset === offset && (hiding === undefined || one.completed >= hiding.invoked)) return
      if (hiding === undefined && one.completed < invoked) {
        hiding = one
        if (offset === null) break
      }
    }
    if (offset === null && hiding === undefined) return
    const own = offset === null ? undefined : commits.findLast(one => one.offset === offset && one.invoked < at)
    const regression = offset === null || own !== undefined
    this.found.add(regression ? 'commit-regression' : 'invented-commit', () => ({
      title: regression ? `The committed offset of ${partition} went back to ${offset ?? 'nothing'}.` : `Offset ${JSON.stringify(offset)} of ${partition} was read, and nobody had committed it.`, key: partition,
      evidence: { group, partition, offset, ...(hiding === undefined ? {} : { committed: hiding.offset }) },
      steps: [
        ...(own === undefined ? [] : [this.step(own.invoked, `The commit of offset ${own.offset} begins.`)]),
        ...(hiding === undefined ? [] : [this.step(hiding.completed, `Offset ${hiding.offset} is committed.`)]),
        this.step(invoked, 'Somebody asks for the committed offset.'), this.step(at, `The answer is ${offset === null ? 'that there is none' : JSON.stringify(offset)}.`),
      ],
      contradiction: regression ? 'An acknowledged commit is what is read until a later one replaces it.' : 'Only what was committed is read.',
    }))
  }

  private settled(at: number): void {
    const operation = this.history[at]!
    const fields = fieldsOf(operation)
    const [group, generation] = [textOf(operation, fields, 'group'), numberOf(operation, fields, 'generation')]
    const members = fields['members']
    if (typeof members !== 'object' || members === null || Array.isArray(members)) throw wrong(operation, 'members is a map of members to their partitions')
    const owner = new Map<string, string>()
    for (const [member, partitions] of Object.entries(members as Fields)) {
      for (const partition of listOf(operation, partitions)) {
        const other = owner.get(partition)
        if (other !== undefined) this.doubleOwnership(group, partition, generation, other, member, [this.step(at, `The group is stable, and both ${other} and ${member} have ${partition}.`)])
        owner.set(partition, member)
      }
    }
    for (const partition of listOf(operation, fields['partitions'])) {
      if (owner.has(partition)) continue
      this.found.add('unassigned-partition', () => ({
        title: `Nobody owns ${partition} although group ${group} is stable.`, evidence: { group, partition, generation }, key: partition, steps: [this.step(at, `The group is stable in generation ${generation}, with the members ${[...new Set(owner.values())].join(', ') || 'nobody'}.`)],
        contradiction: 'A stable group owns every partition that it subscribes to.',
      }))
    }
  }
}

function keyOf(group: string, partition: string): string {
  return JSON.stringify([group, partition])
}

function wrong(operation: Operation, what: string): TrialError {
  return new TrialError('input', `operation ${operation.index}: ${operation.f}: ${what}.`, 'See docs/histories.md for the shapes.')
}

/** Keys are as JSON has them, or keywords of EDN. */
function fieldsOf(operation: Operation): Fields {
  const { value } = operation
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(operation, 'its value is a map')
  return Object.fromEntries(Object.entries(value as Fields).map(([name, one]) => [name.startsWith('~:') ? name.slice(2) : name, one]))
}

function textOf(operation: Operation, fields: Fields, name: string): string {
  const value = fields[name]
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  throw wrong(operation, `${name} is a name or a number`)
}

function numberOf(operation: Operation, fields: Fields, name: string): number {
  const value = fields[name]
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw wrong(operation, `${name} is a whole number`)
  return value
}

function listOf(operation: Operation, value: Json | undefined): string[] {
  const list = Array.isArray(value) ? value as readonly Json[] : undefined
  if (list === undefined || !list.every(one => typeof one === 'string' || typeof one === 'number')) throw wrong(operation, 'partitions are a list of names')
  return list.map(String)
}
