/**
 * The last offset of each key of the part of a log that is being cleaned, for a bounded number of keys (SkimpyOffsetMap).
 *
 * Unlike Kafka, keys are compared and not their hashes, so the bound is a number of keys and not of slots.
 */
export class OffsetMap {
  /** Everything up to this offset was put into the map, or had no key; -1: nothing. */
  latestOffset = -1
  private readonly mostKeys: number
  private readonly offsets = new Map<string, number>()

  constructor(mostKeys: number) {
    this.mostKeys = Math.max(1, mostKeys)
  }

  /** As Kafka, it also refuses a key that it has when it is full (Cleaner#buildOffsetMapForSegment). */
  get isFull(): boolean {
    return this.offsets.size >= this.mostKeys
  }

  put(key: Uint8Array, offset: number): void {
    this.offsets.set(keyText(key), offset)
  }

  /** -1 when the key is not in the map. */
  get(key: Uint8Array): number {
    return this.offsets.get(keyText(key)) ?? -1
  }

  updateLatestOffset(offset: number): void {
    if (offset > this.latestOffset) this.latestOffset = offset
  }
}

/** Bytes as a string of as many characters: two keys are equal if and only if these are. */
export function keyText(key: Uint8Array): string {
  let text = ''
  for (const byte of key) text += String.fromCharCode(byte)
  return text
}
