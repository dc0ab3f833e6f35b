/**
 * Names of partitions and topics as small numbers, each with the topic that it belongs to.
 *
 * `topic@id-0` is a partition of one incarnation of a topic: the partition of that topic if the id is the one in the end,
 * otherwise another log, which is gone.
 */
import { topicOf } from './values.ts'

const NONE = -1

export class NameTable {
  /** Was a name with an id met? Then it cannot be told which log it is before the ids in the end are known. */
  hasIds = false
  private readonly numbers = new Map<string, number>()
  private readonly texts: string[] = []
  private readonly topics: number[] = []
  private readonly logs: number[] = []
  private topicIds: ReadonlyMap<string, string> | undefined = undefined

  get count(): number {
    return this.texts.length
  }

  number(text: string): number {
    return this.numbers.get(text) ?? this.add(text)
  }

  /** The number of a name that was met, or -1. */
  find(text: string): number {
    return this.numbers.get(text) ?? NONE
  }

  text(number: number): string {
    return this.texts[number]!
  }

  topic(number: number): number {
    return this.topics[number]!
  }

  /** The log that a name means: itself, the partition of the topic in the end, or -1. Of names with ids only once those are known. */
  log(number: number): number {
    return this.logs[number]!
  }

  /** By topic, as told last. */
  resolve(topicIds: ReadonlyMap<string, string>): void {
    this.topicIds = topicIds
    this.hasIds = false
    for (const [number, text] of [...this.texts].entries()) this.logs[number] = this.logOf(text, number)
  }

  private add(text: string): number {
    const number = this.texts.push(text) - 1
    this.numbers.set(text, number)
    this.topics.push(number)
    this.logs.push(number)
    const topic = topicOf(text)
    if (topic !== text) this.topics[number] = this.number(topic)
    this.logs[number] = this.logOf(text, number)
    return number
  }

  private logOf(text: string, number: number): number {
    const at = text.indexOf('@')
    if (at === -1) return number
    if (this.topicIds === undefined) {
      this.hasIds = true
      return NONE
    }
    const dash = text.lastIndexOf('-')
    const topic = text.slice(0, at)
    return this.topicIds.get(topic) === text.slice(at + 1, dash) ? this.number(topic + text.slice(dash)) : NONE
  }
}
