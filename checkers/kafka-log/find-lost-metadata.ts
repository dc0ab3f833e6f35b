/**
 * Acknowledged topics and configurations against the final description of the cluster (operations with `drain: true`;
 * brokers may answer earlier questions from an older image).
 *
 * describe-topics    ok: {topic: partitions, ...}            all topics there are
 * describe-configs   invoke: topic; ok: [topic, {name: value}]
 *
 * Partitions are only ever added: a topic has at least as many as any acknowledged change gave it.
 *
 * A client or broker that gets no answer sends a change again, and the first may arrive late, after others that were
 * acknowledged since. So a configuration may end at any value that was asked for and did not fail, and a topic that may
 * have been deleted at any time says nothing; but once a change was acknowledged, what was there before may not come back.
 */
import type { Json, Process } from '../../src/history/operation.ts'
import type { FindingCollector } from '../finding-collector.ts'
import type { Story } from './story.ts'
import type { PlacedOperation } from './timeline.ts'

interface Change {
  readonly f: string
  readonly value: { readonly [key: string]: Json }
  readonly invoked: number
  completed: number
  outcome: 'open' | 'ok' | 'fail'
}

export function findLostMetadata(operations: readonly PlacedOperation[], story: Story, found: FindingCollector): void {
  const subjects = new Map<string, Change[]>()
  const open = new Map<Process, Change>()
  let topics: { readonly [topic: string]: Json } | undefined
  let topicsAt = -1
  const configs = new Map<string, { readonly at: number; readonly entries: { readonly [name: string]: Json } }>()
  for (const { at, operation } of operations) {
    const { f, type, value, process } = operation
    if (f === 'create-topic' || f === 'delete-topic' || f === 'alter-config' || f === 'create-partitions') {
      if (type === 'invoke' && isObject(value)) {
        const change: Change = { f, value, invoked: at, completed: -1, outcome: 'open' }
        open.set(process, change)
        const subject = f === 'create-partitions' ? `partitions ${String(value['topic'])}` : f === 'alter-config' ? `config ${String(value['topic'])} ${String(value['name'])}` : `topic ${String(value['topic'])}`
        const changes = subjects.get(subject)
        if (changes === undefined) subjects.set(subject, [change])
        else changes.push(change)
      } else {
        const change = open.get(process)
        if (change === undefined) continue
        open.delete(process)
        change.completed = at
        if (type === 'ok') change.outcome = 'ok'
        else if (type === 'fail') change.outcome = 'fail'
      }
    } else if (operation['drain'] === true && type === 'ok' && f === 'describe-topics' && isObject(value)) {
      topics = value
      topicsAt = at
    } else if (operation['drain'] === true && type === 'ok' && f === 'describe-configs' && Array.isArray(value) && isObject((value as readonly Json[])[1]!)) {
      configs.set(String((value as readonly Json[])[0]), { at, entries: (value as readonly Json[])[1] as { readonly [name: string]: Json } })
    }
  }
  for (const all of subjects.values()) {
    const changes = all.filter(({ outcome }) => outcome !== 'fail')
    const acknowledged = changes.filter(({ f, outcome }) => outcome === 'ok' && f !== 'delete-topic')
    const last = acknowledged[0]?.f === 'create-partitions' ? mostPartitions(acknowledged) : acknowledged.at(-1)
    if (last === undefined) continue
    const topic = String(last.value['topic'])
    if (subjects.get(`topic ${topic}`)?.some(({ f, outcome }) => f === 'delete-topic' && outcome !== 'fail') === true) continue
    if ((last.f === 'create-topic' || last.f === 'create-partitions') && topics !== undefined) {
      const partitions = Object.hasOwn(topics, topic) ? topics[topic] : undefined
      const wanted = last.value['partitions']
      const lacking = typeof wanted === 'number' && typeof partitions === 'number' && partitions < wanted
      if (partitions === undefined || lacking) {
        const what = lacking ? `has ${partitions} of ${wanted} partitions` : 'does not exist'
        add(`Topic ${topic} was ${last.f === 'create-topic' ? 'created' : `given ${wanted as number} partitions`} and ${what}.`, last, topicsAt, { topic, wanted: wanted ?? null, found: partitions ?? null }, `Topic ${topic} exists, because its creation was acknowledged; however, in the end it ${what}.`)
      }
    } else if (last.f === 'alter-config') {
      const described = configs.get(topic)
      if (described === undefined) continue
      const name = String(last.value['name'])
      const actual = Object.hasOwn(described.entries, name) ? described.entries[name]! : null
      if (changes.some(({ value }) => value['value'] === actual)) continue
      const wanted = String(last.value['value'])
      add(`${name} of ${topic} was set to ${wanted} and is ${String(actual)}.`, last, described.at, { topic, name, wanted, found: actual }, `${name} of ${topic} is ${wanted}, because the change was acknowledged, or another value that was asked for; however, in the end it is ${String(actual)}.`)
    }
  }

  function add(title: string, change: Change, seenAt: number, evidence: Json, contradiction: string): void {
    found.add('lost-metadata', () => ({
      title,
      evidence,
      steps: story.ordered(
        story.step(change.invoked, `${story.who(change.invoked)} asks for ${change.f} ${String(change.value['topic'])}.`),
        story.step(change.completed, 'It is acknowledged.'),
        ...story.faultsBetween(change.invoked, seenAt, 3),
        story.step(seenAt, `${story.who(seenAt)} asks the cluster: ${title}`),
      ),
      contradiction,
    }))
  }
}

function mostPartitions(changes: readonly Change[]): Change {
  return changes.reduce((most, change) => (Number(change.value['partitions']) > Number(most.value['partitions']) ? change : most))
}

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
