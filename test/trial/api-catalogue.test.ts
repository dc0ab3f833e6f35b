/** The catalogue of APIs is what a running cluster answers, and names tests that there are. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { BROKER_PORT, CONTROLLER_PORT } from '../../src/config/cluster.ts'
import { ALL_API_KEYS, ApiKey, apiName } from '../../src/protocol/api-keys.ts'
import { encodeEnvelope } from '../../src/controller/envelope.ts'
import { RpcClient } from '../../src/rpc/rpc-client.ts'
import { API_CATALOGUE, API_TESTS } from '../../src/trial/api-catalogue.ts'
import { SmallCluster } from '../scenarios/small-cluster.ts'

const served = API_CATALOGUE.filter(({ servedBy }) => servedBy.length > 0)

/** APIs that answer an empty request on a port of a live server; the others close the connection. */
function answered(cluster: SmallCluster, host: string, port: number): Set<number> {
  return cluster.client(function* (clients) {
    const found = new Set<number>()
    const rpc = new RpcClient(clients.env, { clientId: 'raw', requestTimeoutMs: 3_000, connectionSetupTimeoutMs: 500, maxInFlight: 1, reconnectBackoffMs: 1, reconnectBackoffMaxMs: 1 })
    for (const key of ALL_API_KEYS) {
      // acks=0 would get no answer, and an envelope holds another request
      const body = key === ApiKey.Produce ? { acks: 1 } : key === ApiKey.Envelope ? encodeEnvelope({ apiKey: ApiKey.ElectLeaders, apiVersion: 2, correlationId: 0, clientId: null, body: { electionType: 0, topicPartitions: [] } }) : {}
      const result = yield* rpc.send(host, port, key, body).wait()
      if (result.ok) found.add(key)
      else if (result.reason !== 'disconnected') throw new Error(`${apiName(key)}: ${result.reason}`)
    }
    return found
  })
}

describe('the catalogue', () => {
  it('says who serves what, as a running cluster does', () => {
    const cluster = new SmallCluster()
    cluster.client(clients => clients.createTopic('orders', [[1, 2, 3]]))
    const names = (keys: Iterable<number>): string[] => [...keys].map(apiName).sort()
    const listed = (role: 'broker' | 'controller'): string[] => names(served.filter(({ servedBy }) => servedBy.includes(role)).map(({ key }) => key))
    expect(names(answered(cluster, 'broker-1', BROKER_PORT))).toEqual(listed('broker'))
    const active = cluster.of('controller-active').at(-1)!.node
    expect(names(answered(cluster, active, CONTROLLER_PORT))).toEqual(listed('controller'))
    for (const key of [ApiKey.ApiVersions, ApiKey.BeginQuorumEpoch, ApiKey.EndQuorumEpoch, ApiKey.UpdateRaftVoter]) expect(listed('controller')).toContain(apiName(key))
  })

  it('names a test for everything that is served, which asks it', () => {
    for (const { key, name, test } of served) {
      expect(test, name).toBeDefined()
      const [file, asks] = API_TESTS.get(key)!
      expect(file, `${name}: what tests have in common is no test`).toMatch(/\.test\.ts$/)
      expect(readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8').includes(asks), `${name}: '${asks}' in ${file}`).toBe(true)
    }
    expect([...API_TESTS.keys()].every(key => served.some(entry => entry.key === key))).toBe(true)
  })
})
