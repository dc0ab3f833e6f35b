/**
 * The configurations that a search has been in: (completed operations placed, state, used operations of unknown outcome).
 *
 * What was placed is a position in the order of returns and a bitset over the operations open there, so an entry is as
 * large as the window is wide. Operations of unknown outcome are counted by class, since equal ones can stand in for each
 * other, and one configuration dominates another if it used no more of any class: if the first fails, so does the second.
 *
 * When memory for it is used up nothing more is remembered. The search then may do work twice but errs not.
 */
const MOST_INTEGERS = 64 << 20

export class Configurations {
  private readonly words: number
  private readonly kinds: number
  private readonly stride: number
  private slots = new Int32Array(16)
  private entries: Int32Array
  private used = 0
  /** Vectors of used counts: each the place of the next one plus one, then the counts. */
  private vectors = new Int32Array(16)
  private vectorsUsed = 0
  size = 0

  /** `words` of bitset, `kinds` of operations of unknown outcome. */
  constructor(words: number, kinds: number) {
    this.words = words
    this.kinds = kinds
    // position, state, words, first vector
    this.stride = 2 + words + (kinds > 0 ? 1 : 0)
    this.entries = new Int32Array(this.stride * 4)
  }

  /** False when this configuration, or one that dominates it, was there already. */
  add(position: number, state: number, bits: Int32Array, counts: Int32Array): boolean {
    const { words, stride } = this
    const slot = this.slotOf(position, state, bits)
    const known = this.slots[slot]!
    if (known !== 0) {
      const head = (known - 1) * stride + 2 + words
      return this.kinds > 0 && !this.dominated(head, counts) && this.addVector(head, counts)
    }
    if (this.full()) return true
    const at = this.used * stride
    if (at + stride > this.entries.length) this.entries = grown(this.entries, at + stride)
    this.entries[at] = position
    this.entries[at + 1] = state
    for (let w = 0; w < words; w++) this.entries[at + 2 + w] = bits[w]!
    this.slots[slot] = ++this.used
    if (this.kinds > 0) {
      this.entries[at + 2 + words] = 0
      this.addVector(at + 2 + words, counts)
    } else this.size++
    if (this.used * 2 > this.slots.length) this.rehash()
    return true
  }

  /** Was this configuration, or one that dominates it, there already? */
  has(position: number, state: number, bits: Int32Array, counts: Int32Array): boolean {
    const known = this.slots[this.slotOf(position, state, bits)]!
    return known !== 0 && (this.kinds === 0 || this.dominated((known - 1) * this.stride + 2 + this.words, counts))
  }

  /** Where its entry is, or would be. */
  private slotOf(position: number, state: number, bits: Int32Array): number {
    const { words, stride, entries } = this
    let hash = Math.imul(position, 0x9e3779b1) ^ Math.imul(state + 1, 0x85ebca6b)
    for (let w = 0; w < words; w++) hash = Math.imul(hash ^ bits[w]!, 0xc2b2ae35) ^ (hash >>> 15)
    hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d)
    hash ^= hash >>> 15
    const mask = this.slots.length - 1
    let slot = hash & mask
    for (let entry = this.slots[slot]!; entry !== 0; entry = this.slots[slot = (slot + 1) & mask]!) {
      const at = (entry - 1) * stride
      if (entries[at] !== position || entries[at + 1] !== state) continue
      let w = 0
      while (w < words && entries[at + 2 + w] === bits[w]) w++
      if (w === words) break
    }
    return slot
  }

  private dominated(head: number, counts: Int32Array): boolean {
    const { kinds, vectors } = this
    for (let at = this.entries[head]!; at !== 0; at = vectors[at - 1]!) {
      let k = 0
      while (k < kinds && vectors[at + k]! <= counts[k]!) k++
      if (k === kinds) return true
    }
    return false
  }

  private addVector(head: number, counts: Int32Array): boolean {
    const { kinds } = this
    if (this.full()) return true
    const place = this.vectorsUsed
    this.vectorsUsed += kinds + 1
    if (this.vectorsUsed > this.vectors.length) this.vectors = grown(this.vectors, this.vectorsUsed)
    this.vectors[place] = this.entries[head]!
    for (let k = 0; k < kinds; k++) this.vectors[place + 1 + k] = counts[k]!
    this.entries[head] = place + 1
    this.size++
    return true
  }

  private full(): boolean {
    return this.used * this.stride + this.vectorsUsed > MOST_INTEGERS
  }

  private rehash(): void {
    const slots = new Int32Array(this.slots.length * 4)
    this.slots = slots
    const { words, stride, entries } = this
    const bits = new Int32Array(words)
    for (let entry = 0; entry < this.used; entry++) {
      const at = entry * stride
      for (let w = 0; w < words; w++) bits[w] = entries[at + 2 + w]!
      slots[this.slotOf(entries[at]!, entries[at + 1]!, bits)] = entry + 1
    }
  }
}

function grown(array: Int32Array, need: number): Int32Array<ArrayBuffer> {
  const next = new Int32Array(Math.max(need, array.length * 2))
  next.set(array)
  return next
}
