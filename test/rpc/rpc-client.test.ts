/** Time-outs of requests: one alarm a destination finds them all, each at its own time, and answers keep clear of it. */
import { describe, expect, it } from 'vitest'
import { ApiKey } from '../../src/protocol/api-keys.ts'
import { objectFrameCodec } from '../../src/protocol/frame-codec.ts'
import { RpcClient, type RpcResult } from '../../src/rpc/rpc-client.ts'
import { RpcServer, type RpcRequest } from '../../src/rpc/rpc-server.ts'
import { PORT, world } from '../sim/world.ts'

const MS = 1_000
const TIMEOUT_MS = 100

function outcome(result: RpcResult): string {
  return result.ok ? 'ok' : result.reason
}

/** A client whose request `n` is `ask(n)`, and a server that leaves requests to `answer`. */
function pair(answer: (request: RpcRequest, later: (ms: number, again: () => void) => void) => void, maxInFlight = 5) {
  const simulation = world(['client', 'server'], { codec: objectFrameCodec })
  const settled: string[] = []
  let rpc!: RpcClient
  simulation.machine('server').start(env => new RpcServer(env, PORT, request => answer(request, (ms, again) => env.timer(ms * MS, again))))
  simulation.machine('client').start(env => {
    rpc = new RpcClient(env, { clientId: 'c', requestTimeoutMs: TIMEOUT_MS, connectionSetupTimeoutMs: 1_000, maxInFlight, reconnectBackoffMs: 5, reconnectBackoffMaxMs: 5 })
  })
  const ask = (name: string, timeoutMs?: number): void => {
    const sent = rpc.send('server', PORT, ApiKey.ApiVersions, {}, timeoutMs === undefined ? {} : { timeoutMs })
    sent.onSettled(() => settled.push(`${simulation.now / MS} ${name} ${outcome(sent.result())}`))
  }
  const run = (ms: number): void => simulation.run(simulation.now + ms * MS)
  return { simulation, settled, ask, run }
}

const silent = (): void => undefined

describe('a request that gets no answer', () => {
  it('times out at its own time, and what is in flight beside it is disconnected', () => {
    const { settled, ask, run } = pair(silent)
    ask('a')
    run(30)
    ask('b')
    run(200)
    expect(settled).toEqual(['100 a timeout', '100 b disconnected'])
  })

  it('times out by its own limit when that comes before the alarm that is set', () => {
    const { settled, ask, run } = pair(silent)
    ask('long', 500)
    ask('short', 50)
    run(600)
    expect(settled).toEqual(['50 short timeout', '50 long disconnected'])
  })

  it('times out in the queue without harm to the one in flight', () => {
    const { settled, ask, run } = pair((request, later) => later(70, () => request.respond({})), 1)
    ask('a')
    ask('b', 60)
    run(200)
    expect(settled).toEqual(['60 b timeout', '74 a ok'])
  })

  it('is found by an alarm that was set for an earlier one', () => {
    let requests = 0
    const { settled, ask, run } = pair(request => {
      if (++requests === 1) request.respond({})
    })
    ask('a')
    run(40)
    ask('b')
    run(200)
    expect(settled).toEqual(['4 a ok', '140 b timeout'])
  })
})

describe('a client that was paused', () => {
  it('reads the answer that came meanwhile before it looks for time-outs', () => {
    const { simulation, settled, ask, run } = pair((request, later) => later(30, () => request.respond({})))
    ask('a')
    run(75)
    ask('b')
    run(5)
    // The alarm of a's time comes, then b's answer, then b's time.
    simulation.machine('client').pause()
    run(200)
    simulation.machine('client').resume()
    run(50)
    expect(settled.map(text => text.split(' ').slice(1).join(' '))).toEqual(['a ok', 'b ok'])
  })
})

describe('throttling (KIP-219)', () => {
  it('the client sends nothing for the time that an answer asks for, whatever the server would read', () => {
    const arrived: number[] = []
    const { simulation, settled, ask, run } = pair(request => {
      arrived.push(simulation.now / MS)
      request.respond({ throttleTimeMs: arrived.length === 1 ? 60 : 0 })
    })
    ask('a')
    run(10)
    ask('b')
    run(200)
    expect(arrived).toEqual([3, 65])
    expect(settled).toEqual(['4 a ok', '66 b ok'])
  })

  it('the server reads nothing more from the connection for that time, though the client sends', () => {
    const arrived: number[] = []
    const { simulation, ask, run } = pair(request => {
      arrived.push(simulation.now / MS)
      request.respond({}, arrived.length === 1 ? 60 : 0)
    })
    ask('a')
    ask('b')
    run(200)
    expect(arrived).toEqual([3, 63])
  })
})
