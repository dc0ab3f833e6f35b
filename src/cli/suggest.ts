/** Names a user may have meant. */
import { TrialError } from '../base/trial-error.ts'

/** Levenshtein distance, small strings. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}

export function closest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1
  for (const candidate of known) {
    const d = distance(name.toLowerCase(), candidate.toLowerCase())
    if (d < bestDistance) {
      best = candidate
      bestDistance = d
    }
  }
  return best
}

/** `name`, when it is one of `known`. @throws TrialError('usage') with a suggestion otherwise */
export function oneOf<T extends string>(what: string, name: string, known: readonly T[]): T {
  if ((known as readonly string[]).includes(name)) return name as T
  const near = closest(name, known)
  throw new TrialError('usage', `there is no ${what} called '${name}'`, near === undefined ? `known: ${known.join(', ')}` : `did you mean '${near}'? All: ${known.join(', ')}`)
}

/** A whole number in a range. @throws TrialError('usage') */
export function wholeNumber(what: string, text: string, min: number, max: number): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < min || value > max) {
    throw new TrialError('usage', `${what} takes a whole number from ${min} to ${max}, not '${text}'`, `for example ${what} ${Math.min(max, Math.max(min, 100))}`)
  }
  return value
}

/** `500ms`, `10s`, `5m`, `1h` or plain seconds, in milliseconds. @throws TrialError('usage') */
export function duration(what: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text.trim())
  if (match === null) throw new TrialError('usage', `${what} takes a duration such as 30s or 10m, not '${text}'`)
  return Math.round(Number(match[1]) * { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match[2] ?? 's']!)
}
