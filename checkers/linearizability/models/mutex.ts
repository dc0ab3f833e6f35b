/** A lock: `acquire` only when it is free, `release` only when it is held. Who holds it is not looked at, as in Knossos. */
import type { ShippedModel } from '../shipped-model.ts'
import { PlainEncoding } from '../encoding.ts'

const FUNCTIONS = ['acquire', 'release']

export const mutex: ShippedModel<boolean> = {
  name: 'mutex',
  describes: 'a lock: acquire, release',
  functions: FUNCTIONS,
  init: false,
  step: (held, { f }) => (f === 'acquire' ? [!held, true] : [held, false]),
  changes: () => true,
  effect: ({ f }) => ({ needs: f === 'release', leaves: f === 'acquire' }),
  describeState: held => (held ? 'held' : 'free'),
  encoding: () => new PlainEncoding(FUNCTIONS, FUNCTIONS, FUNCTIONS),
}
