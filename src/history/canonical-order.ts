/** A total order of JSON values, so that equal sets become equal lists. Objects are compared with their keys sorted. */
import type { Json } from './operation.ts'

function rank(value: Json): number {
  if (value === null) return 0
  if (Array.isArray(value)) return 4
  return typeof value === 'boolean' ? 1 : typeof value === 'number' ? 2 : typeof value === 'string' ? 3 : 5
}

export function canonicalOrder(a: Json, b: Json): number {
  if (a === b) return 0
  const [x, y] = [rank(a), rank(b)]
  if (x !== y) return x - y
  if (x <= 3) return a! < b! ? -1 : 1
  if (x === 4) return listOrder(a as readonly Json[], b as readonly Json[])
  const [left, right] = [entries(a as { readonly [key: string]: Json }), entries(b as { readonly [key: string]: Json })]
  return listOrder(left, right)
}

function entries(object: { readonly [key: string]: Json }): Json[] {
  return Object.keys(object).sort().flatMap((key): Json[] => [key, object[key]!])
}

function listOrder(a: readonly Json[], b: readonly Json[]): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const order = canonicalOrder(a[i]!, b[i]!)
    if (order !== 0) return order
  }
  return a.length - b.length
}
