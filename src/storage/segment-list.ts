/** The segments of a log in order of base offset; the last one is the active segment (Kafka's LogSegments). */
import { defined, invariant } from '../base/assert.ts'
import type { Segment } from './segment.ts'

export class SegmentList {
  private readonly list: Segment[] = []

  get all(): readonly Segment[] {
    return this.list
  }

  get isEmpty(): boolean {
    return this.list.length === 0
  }

  get first(): Segment {
    return defined(this.list[0], 'a log has at least one segment')
  }

  get active(): Segment {
    return defined(this.list.at(-1), 'a log has at least one segment')
  }

  get sizeInBytes(): number {
    let size = 0
    for (const segment of this.list) size += segment.size
    return size
  }

  add(segment: Segment): void {
    const index = this.indexOfFloor(segment.baseOffset) + 1
    invariant(this.list[index - 1]?.baseOffset !== segment.baseOffset, `two segments at ${segment.baseOffset}`)
    this.list.splice(index, 0, segment)
  }

  remove(segment: Segment): void {
    const index = this.list.indexOf(segment)
    invariant(index >= 0, `no segment at ${segment.baseOffset}`)
    this.list.splice(index, 1)
  }

  /** The segment with the largest base offset at most `offset`. */
  floor(offset: number): Segment | undefined {
    return this.list[this.indexOfFloor(offset)]
  }

  after(segment: Segment): Segment | undefined {
    return this.list[this.indexOfFloor(segment.baseOffset) + 1]
  }

  /** Segments that may hold offsets of [from, to): from the floor of `from` to those that start below `to`. */
  between(from: number, to: number): Segment[] {
    if (from === to) return []
    const start = Math.max(0, this.indexOfFloor(from))
    const found: Segment[] = []
    for (let i = start; i < this.list.length && this.list[i]!.baseOffset < to; i++) found.push(this.list[i]!)
    return found
  }

  private indexOfFloor(offset: number): number {
    let low = 0
    let high = this.list.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.list[middle]!.baseOffset <= offset) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}
