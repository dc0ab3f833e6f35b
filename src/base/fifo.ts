/** A first-in first-out queue over a ring of a power-of-two size: no shifting, no allocation once it has grown. */
export class Fifo<T> {
  private items: (T | undefined)[] = new Array<T | undefined>(64).fill(undefined)
  private first = 0
  private count = 0

  get length(): number {
    return this.count
  }

  push(item: T): void {
    if (this.count === this.items.length) this.grow()
    this.items[(this.first + this.count) & (this.items.length - 1)] = item
    this.count++
  }

  /** The next to be shifted, which stays. */
  peek(): T | undefined {
    return this.count === 0 ? undefined : this.items[this.first]
  }

  shift(): T | undefined {
    if (this.count === 0) return undefined
    const item = this.items[this.first]
    this.items[this.first] = undefined
    this.first = (this.first + 1) & (this.items.length - 1)
    this.count--
    return item
  }

  private grow(): void {
    const old = this.items
    const items = new Array<T | undefined>(old.length * 2).fill(undefined)
    for (let i = 0; i < old.length; i++) items[i] = old[(this.first + i) & (old.length - 1)]
    this.items = items
    this.first = 0
  }
}
