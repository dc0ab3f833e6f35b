/** A topic's configuration is changed while it is used, and changed back. */
import type { ActionOf } from '../fault.ts'
import type { Struck, StrikeContext } from './strike.ts'

export function alterConfig({ world }: StrikeContext, { topic, name, value, former }: ActionOf<'alter-config'>): Struck {
  world.alterConfig(topic, name, value)
  return { hosts: [], heal: () => world.alterConfig(topic, name, former) }
}
