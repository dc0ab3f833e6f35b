/**
 * A growing Int32Array: a history's transactions and edges as flat numbers, 4 bytes each, no object an entry.
 */
export class IntList {
  private data: Int32Array
  private used = 0

  constructor(capacity = 1_024) {
    this.data = new Int32Array(capacity)
  }

  get length(): number {
    return this.used
  }

  /** Returns the place of the new entry. */
  push(value: number): number {
    if (this.used === this.data.length) this.grow()
    this.data[this.used] = value
    return this.used++
  }

  push3(a: number, b: number, c: number): void {
    if (this.used + 3 > this.data.length) this.grow()
    const { data, used } = this
    data[used] = a
    data[used + 1] = b
    data[used + 2] = c
    this.used = used + 3
  }

  at(place: number): number {
    return this.data[place]!
  }

  set(place: number, value: number): void {
    this.data[place] = value
  }

  /** The entries, not copied: valid until the next push. */
  view(): Int32Array {
    return this.data.subarray(0, this.used)
  }

  /** Fourfold, so that little is copied; what is never written takes no memory. */
  private grow(): void {
    const larger = new Int32Array(this.data.length * 4 + 3)
    larger.set(this.data)
    this.data = larger
  }
}
