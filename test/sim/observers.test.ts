/** Observations go to the observers that want their kind, and to all of those. */
import { describe, expect, it } from 'vitest'
import type { Observer } from '../../src/env/observation.ts'
import { connected, Recorder, request, world } from './world.ts'

class Marks extends Recorder implements Observer {
  wants(kind: string): boolean {
    return kind === 'mark'
  }
}

describe('an observer', () => {
  it('sees everything unless it says what it wants', () => {
    const all = new Recorder()
    const marks = new Marks()
    const simulation = world(['client', 'server'], { observers: [marks, all] })
    const { client, clientEnv } = connected(simulation, [])
    clientEnv.observe({ kind: 'mark', name: 'here' })
    client.send(request('hello'))
    expect(marks.seen.map(({ event }) => event.kind)).toEqual(['mark'])
    expect(all.kinds('mark')).toHaveLength(1)
    expect(all.kinds('request-sent')).toHaveLength(1)
  })
})
