/**
 * Completes an operation of an admin: a definite failure changed nothing, any other may have.
 */
import type { OpenOperation } from './contract.ts'

export function finish(
  invoked: OpenOperation,
  result: { readonly ok: true } | { readonly ok: false; readonly error: string; readonly definite: boolean } | undefined,
): void {
  if (result === undefined) invoked.info('no answer')
  else if (result.ok) invoked.ok(null)
  else if (result.definite) invoked.fail(result.error)
  else invoked.info(result.error)
}
