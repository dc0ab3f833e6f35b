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
    if (this.used === this.data.length) {
      const larger = new Int32Array(this.data.length * 2)
      larger.set(this.data)
      this.data = larger
    }
    this.data[this.used] = value
    return this.used++
  }

  push3(a: number, b: number, c: number): void {
    this.push(a)
    this.push(b)
    this.push(c)
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
}
