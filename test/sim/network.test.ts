import { describe, expect, it } from 'vitest'
import type { Frame } from '../../src/env/network.ts'
import { connected, PORT, request, response, textOf, watch, world } from './world.ts'

const HOSTS = ['client', 'server']

describe('connections', () => {
  it('open after a round trip, carry copies in order, and close behind what was sent', () => {
    const simulation = world(HOSTS)
    const log: string[] = []
    const { client, server } = connected(simulation, log)
    const body = { text: 'a' }
    client.send({ ...request('a'), body })
    client.send(request('b'))
    server.send(response('lost to the closer'))
    client.close()
    body.text = 'changed after sending'
    client.send(request('after close'))
    simulation.run(10_000)
    expect(log).toEqual(['2000 client open', '3000 server a', '3001 server b', '3002 server closed-by-peer'])
  })

  it('are refused by a live machine where nobody listens, and by unknown hosts', () => {
    const simulation = world(HOSTS)
    const log: string[] = []
    simulation.machine('client').start(env => {
      watch(simulation, 'no process', env.network.connect('server', PORT), log)
      watch(simulation, 'unknown', env.network.connect('nowhere', PORT), log)
    })
    simulation.run(10_000)
    expect(log).toEqual(['2000 no process refused', '2001 unknown refused'].map(line => expect.stringContaining(line.slice(5))))
  })

  it('see a reset when the process at the other end is killed, after what it had sent', () => {
    const simulation = world(HOSTS)
    const log: string[] = []
    const { server } = connected(simulation, log)
    server.send(response('last words'))
    simulation.machine('server').crashProcess()
    simulation.run(10_000)
    expect(log.slice(1)).toEqual(['3000 client last words', '3001 client reset'])
  })

  it('see silence from a dead machine, and a reset once it is back and they send', () => {
    const simulation = world(HOSTS)
    const log: string[] = []
    const { client } = connected(simulation, log)
    simulation.machine('server').crashMachine()
    client.send(request('into the void'))
    simulation.run(10_000)
    expect(log.slice(1)).toEqual([])
    simulation.machine('server').start(() => {})
    client.send(request('hello?'))
    simulation.run(20_000)
    expect(log.slice(1)).toEqual(['12000 client reset'])
  })

  it('are accepted for a paused process, which hears of everything when it resumes', () => {
    const simulation = world(HOSTS)
    const log: string[] = []
    simulation.machine('server').start(env => env.network.listen(PORT, connection => watch(simulation, 'server', connection, log)))
    simulation.machine('server').pause()
    simulation.machine('client').start(env => {
      const connection = watch(simulation, 'client', env.network.connect('server', PORT), log)
      connection.onOpen = () => {
        connection.send(request('a'))
        connection.send(request('b'))
      }
    })
    simulation.schedule(50_000, () => simulation.machine('server').resume())
    simulation.run(60_000)
    expect(log).toEqual(['50000 server a', '50000 server b'])
  })
})

describe('a path', () => {
  it('that is blocked holds frames, and lets them flow in order, one way only', () => {
    const simulation = world(HOSTS)
    const log: string[] = []
    const { client, server } = connected(simulation, log)
    client.send(request('in flight'))
    simulation.network.block('client', 'server')
    simulation.network.block('client', 'server')
    client.send(request('held'))
    server.send(response('other way'))
    simulation.run(10_000)
    simulation.network.unblock('client', 'server')
    simulation.run(20_000)
    expect(log.slice(1)).toEqual(['3000 client other way'])
    simulation.network.unblock('client', 'server')
    client.send(request('later'))
    simulation.run(30_000)
    expect(log.slice(2)).toEqual(['21000 server in flight', '21001 server held', '21002 server later'])
  })

  it('lets late requests through after the client has closed, unless a choice drops them', () => {
    const outcomes = new Set<string>()
    for (let rootKey = 0; rootKey < 12; rootKey++) {
      const simulation = world(HOSTS, { rootKey })
      const log: string[] = []
      const { client } = connected(simulation, log)
      simulation.network.block('client', 'server')
      client.send(request('late'))
      client.close()
      simulation.run(10_000)
      simulation.network.unblock('client', 'server')
      simulation.run(20_000)
      outcomes.add(log.slice(1).map(line => line.slice(line.indexOf(' ') + 1)).join())
      expect(simulation.choicesFired.map(({ key }) => key)).toEqual(log.length > 1 ? [] : ['drop:client>server:0:1'])
    }
    expect(outcomes).toEqual(new Set(['server late,server closed-by-peer', '']))
  })

  it('that is slow keeps the order of each connection', () => {
    const simulation = world(HOSTS)
    const log: string[] = []
    const { client } = connected(simulation, log)
    simulation.network.slow('client', 'server', 5_000)
    client.send(request('slow'))
    simulation.network.slow('client', 'server', 0)
    client.send(request('behind'))
    simulation.run(20_000)
    expect(log.slice(1)).toEqual(['8000 server slow', '8001 server behind'])
  })
})

describe('a broken connection', () => {
  it('resets both ends, and delivers any prefix of what was on its way before the reset', () => {
    const outcomes = new Set<string>()
    const lateness = new Set<boolean>()
    for (let rootKey = 0; rootKey < 40; rootKey++) {
      const simulation = world(HOSTS, { rootKey, choices: { mode: 'drawn', delay: 0, delayMaxUs: 4_000, break: 0, tornWrite: 0 } })
      const log: string[] = []
      const { client } = connected(simulation, log)
      for (const text of ['1', '2']) client.send(request(text))
      expect(simulation.network.breakConnections('server', 'client')).toBe(1)
      client.send(request('after the break'))
      simulation.run(20_000)
      expect(log).toContain('3000 client reset')
      const server = log.filter(line => line.includes('server'))
      outcomes.add(server.map(line => line.split(' ')[2]).join())
      if (server.length > 1) lateness.add(!server[0]!.startsWith('3000'))
      expect(simulation.network.breakConnections('server', 'client')).toBe(0)
    }
    expect(outcomes).toEqual(new Set(['reset', '1,reset', '1,2,reset']))
    expect(lateness).toEqual(new Set([true, false]))
  })

  it('by chance loses its request or not, while the client sees a reset', () => {
    const outcomes = new Set<string>()
    for (let rootKey = 0; rootKey < 12; rootKey++) {
      const simulation = world(HOSTS, { rootKey, choices: { mode: 'drawn', delay: 0, delayMaxUs: 0, break: 1, tornWrite: 0 } })
      const log: string[] = []
      const { client } = connected(simulation, log)
      client.send(request('request'))
      simulation.run(20_000)
      expect(log).toContain('3000 client reset')
      outcomes.add(log.filter(line => line.includes('server')).map(line => line.split(' ')[2]).join())
    }
    expect(outcomes).toEqual(new Set(['reset', 'request,reset']))
  })
})

describe('a long delay', () => {
  it('makes later frames of its connection wait, and not those of another', () => {
    const simulation = world(HOSTS, { choices: { mode: 'explicit', fired: [{ key: 'delay:client>server:0:2', value: 9_000 }] } })
    const log: string[] = []
    const { client, clientEnv } = connected(simulation, log)
    const other = watch(simulation, 'other', clientEnv.network.connect('server', PORT), [])
    simulation.run(4_000)
    for (const text of ['a', 'delayed', 'waits']) client.send(request(text))
    other.send(request('overtakes'))
    simulation.run(20_000)
    expect(log.slice(1)).toEqual(['5000 server a', '5000 server overtakes', '14000 server delayed', '14001 server waits'])
    expect(simulation.choicesFired).toEqual([{ key: 'delay:client>server:0:2', value: 9_000, time: 4_000 }])
  })
})

describe('frames', () => {
  it('pass the codec exactly once each', () => {
    let transfers = 0
    const codec = { transfer: (frame: Frame) => ({ body: { text: `${textOf(frame)}${++transfers}` }, size: 1, hash: 1 }) }
    const simulation = world(HOSTS, { codec })
    const log: string[] = []
    const { client } = connected(simulation, log)
    client.send(request('x'))
    simulation.run(10_000)
    expect(log.at(-1)).toBe('3000 server x1')
    expect(transfers).toBe(1)
  })
})
