/**
 * A stable hash of a history: two 32-bit lanes, 16 hexadecimal digits. Object keys are hashed in sorted order, so a
 * history that went through a file has the digest that it had in memory.
 */
import { mix, mixNumber } from '../base/random.ts'
import type { History, Json, Operation } from './operation.ts'

const NULL = 1
const FALSE = 2
const TRUE = 3
const NUMBER = 4
const STRING = 5
const ARRAY = 6
const OBJECT = 7
const FRACTION = 8

/** Incremental: add operations in order, read `hex` at any time. */
export class HistoryDigest {
  private a = 0x243f6a88
  private b = 0x13198a2e

  get hex(): string {
    return lane(this.a) + lane(this.b)
  }

  add(operation: Operation): void {
    this.value(operation as unknown as Json)
  }

  private value(value: Json | undefined): void {
    if (value === null || value === undefined) this.tag(NULL)
    else if (typeof value === 'string') this.text(value)
    else if (typeof value === 'number') this.number(value)
    else if (typeof value === 'boolean') this.tag(value ? TRUE : FALSE)
    else if (Array.isArray(value)) {
      this.tag(ARRAY)
      this.tag(value.length)
      for (const element of value as readonly Json[]) this.value(element)
    } else {
      const object = value as { readonly [key: string]: Json | undefined }
      const keys = presentKeys(object)
      this.tag(OBJECT)
      this.tag(keys.length)
      for (const key of keys) {
        this.text(key)
        this.value(object[key])
      }
    }
  }

  private tag(tag: number): void {
    this.a = mix(this.a, tag)
    this.b = mix(this.b, tag + 0x5851)
  }

  private number(value: number): void {
    if (!Number.isSafeInteger(value)) {
      this.tag(FRACTION)
      this.text(String(value))
      return
    }
    this.tag(NUMBER)
    this.a = mixNumber(this.a, value)
    this.b = mixNumber(this.b, value)
  }

  private text(text: string): void {
    this.tag(STRING)
    // Both lanes in one pass; `mixString` for each gives the same.
    let a = mix(this.a, text.length)
    let b = mix(this.b, text.length)
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      a = mix(a, code)
      b = mix(b, code)
    }
    this.a = a
    this.b = b
  }
}

/** Sorted by insertion: there are few, and most objects have them nearly in order. */
function presentKeys(object: { readonly [key: string]: Json | undefined }): string[] {
  const keys: string[] = []
  for (const key of Object.keys(object)) {
    if (object[key] === undefined) continue
    let at = keys.length
    for (; at > 0 && keys[at - 1]! > key; at--) keys[at] = keys[at - 1]!
    keys[at] = key
  }
  return keys
}

export function historyDigest(history: History): string {
  const digest = new HistoryDigest()
  for (const operation of history) digest.add(operation)
  return digest.hex
}

function lane(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0')
}
