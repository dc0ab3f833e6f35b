/** The models that ship, by the names that `trial check --model` takes. */
import { casRegister } from './models/cas-register.ts'
import { committedOffset } from './models/committed-offset.ts'
import { counter } from './models/counter.ts'
import { fifoQueue } from './models/fifo-queue.ts'
import { log } from './models/log.ts'
import { multiRegister } from './models/multi-register.ts'
import { mutex } from './models/mutex.ts'
import { register } from './models/register.ts'
import { set } from './models/set.ts'
import { uniqueIds } from './models/unique-ids.ts'
import { unorderedQueue } from './models/unordered-queue.ts'
import type { Model } from './model.ts'

export const MODELS: { readonly [name: string]: Model } = {
  __proto__: null as never,
  ...Object.fromEntries([register, casRegister, multiRegister, counter, set, fifoQueue, unorderedQueue, mutex, log, uniqueIds, committedOffset].map(model => [model.name, model])),
}
