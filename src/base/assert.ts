/**
 * Assertions of the harness and of the simulated nodes.
 *
 * An `InvariantError` is a broken promise of our own code: inside a simulated node it kills that node's process (and is
 * reported as a finding), anywhere else it is an internal error of the harness (exit code 70).
 */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
}

/** Throws InvariantError when `condition` is false. Use in pairs: where a value is written and where it is read. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message)
}

/** Marks code that the types say cannot be reached. */
export function unreachable(value: never, message = 'unreachable'): never {
  throw new InvariantError(`${message}: ${String(value)}`)
}

/** Returns `value`, or throws InvariantError when it is null or undefined. */
export function defined<T>(value: T | null | undefined, message: string): T {
  if (value === null || value === undefined) throw new InvariantError(message)
  return value
}
