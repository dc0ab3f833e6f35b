/**
 * Values as small numbers, by identity: equal values have one number. Sets and lists of them, as they are recorded: a list,
 * or the set of an EDN history.
 */
import { TrialError } from '../../src/base/trial-error.ts'
import type { Json, Operation } from '../../src/history/operation.ts'
import { identityOf, type Identity } from '../identity.ts'

export class ValueTable {
  readonly values: Json[] = []
  private readonly numbers = new Map<Identity, number>()

  get size(): number {
    return this.values.length
  }

  numberOf(value: Json): number {
    const identity = identityOf(value)
    let number = this.numbers.get(identity)
    if (number === undefined) {
      number = this.values.length
      this.values.push(value)
      this.numbers.set(identity, number)
    }
    return number
  }
}

/** The elements of a list or of a set. @throws TrialError('input') at anything else; null is the empty set */
export function elementsOf(operation: Operation): readonly Json[] {
  const { value } = operation
  if (value === null) return []
  if (Array.isArray(value)) return value as readonly Json[]
  if (typeof value === 'object') {
    const elements = (value as { readonly [key: string]: Json })['~#set']
    if (Array.isArray(elements)) return elements as readonly Json[]
  }
  throw new TrialError('input', `operation ${operation.index}: ${operation.f} answers neither a list nor a set.`, 'Such as [1,2,3], in EDN also #{1 2 3}.')
}

/** @throws TrialError('input') */
export function unknownFunction(operation: Operation, checker: string, functions: readonly string[]): TrialError {
  return new TrialError('input', `operation ${operation.index}: ${checker} does not know what '${operation.f}' is.`, `It judges ${functions.join(', ')}.`)
}
