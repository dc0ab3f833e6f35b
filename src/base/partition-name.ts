/**
 * The string `name-index` that stands for a partition in maps. Made once and kept: a string that is built anew for a
 * look-up must also be hashed anew and compared character by character.
 */
const KEPT_NAMES = 4_096
const KEPT_INDEXES = 1_024
const kept = new Map<string, string[]>()

/** `name` is that of a topic, or its id. */
export function partitionName(name: string, index: number): string {
  if (!(index >= 0 && index < KEPT_INDEXES)) return `${name}-${index}`
  let names = kept.get(name)
  if (names === undefined) {
    if (kept.size >= KEPT_NAMES) kept.clear()
    names = []
    kept.set(name, names)
  }
  return (names[index] ??= `${name}-${index}`)
}
