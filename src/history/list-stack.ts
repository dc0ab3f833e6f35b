/**
 * Elements of lists that are being read, innermost on top. A finished list is made with exactly as much room as it needs:
 * one that grew by `push` would keep room for 17 elements, and histories hold millions of short lists.
 */
import type { Json } from './operation.ts'

export class ListStack {
  private readonly elements: Json[] = []
  /** Where the next list begins. */
  top = 0

  clear(): void {
    this.top = 0
  }

  push(element: Json): void {
    this.elements[this.top++] = element
  }

  /** Everything above `base`, as a list. */
  take(base: number): Json[] {
    const { elements, top } = this
    this.top = base
    switch (top - base) {
      case 0: return []
      case 1: return [elements[base]!]
      case 2: return [elements[base]!, elements[base + 1]!]
      case 3: return [elements[base]!, elements[base + 1]!, elements[base + 2]!]
      case 4: return [elements[base]!, elements[base + 1]!, elements[base + 2]!, elements[base + 3]!]
      default: return elements.slice(base, top)
    }
  }
}
