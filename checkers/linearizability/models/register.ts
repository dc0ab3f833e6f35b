/** `read` answers the last value that was written, null before any. */
import { PlainEncoding } from '../encoding.ts'
import { sameValue } from '../model.ts'
import { registerMonitor } from '../monitors/register-monitor.ts'
import type { ShippedModel } from '../shipped-model.ts'
import type { Json } from '../../../src/history/operation.ts'

export const register: ShippedModel<Json> = registerNamed('register', 'one value: read, write', 'read', 'write')

/** A register whose operations have other names. */
export function registerNamed(name: string, describes: string, read: string, write: string): ShippedModel<Json> {
  const functions = [read, write]
  return {
    name,
    describes,
    functions,
    init: null,
    step: (state, { f, value }, output) => (f === write ? [true, value] : [output === undefined || sameValue(output, state), state]),
    changes: ({ f }) => f === write,
    effect: ({ f, value }, output) => (f === write ? { leaves: value } : output === undefined ? {} : { needs: output }),
    encoding: () => new PlainEncoding(functions, [write], [read]),
    monitor: registerMonitor,
    stateAfter(table, order) {
      const last = order.findLast(row => table.callOf(row).f === write)
      return last === undefined ? null : table.callOf(last).value
    },
  }
}
