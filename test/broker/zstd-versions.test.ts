/** Clients too old for zstd (KIP-110): Produce before 7, and Fetch before 10 where the topic stores it. */
import { expect, it } from 'vitest'
import { handleFetch } from '../../src/broker/handlers/fetch.ts'
import { handleProduce } from '../../src/broker/handlers/produce.ts'
import { type ByteRate, ClientQuotas } from '../../src/broker/client-quotas.ts'
import type { BrokerContext } from '../../src/broker/broker-context.ts'
import { ApiKey } from '../../src/protocol/api-keys.ts'
import { projectMessage } from '../../src/protocol/codec.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import type { FetchRequest, FetchResponse, ProduceRequest, ProduceResponse } from '../../src/protocol/generated/types.ts'
import { metadataRecord } from '../../src/protocol/metadata-records.ts'
import type { RpcRequest } from '../../src/rpc/rpc-server.ts'
import { batch, TOPIC_ID } from '../storage/log-fixture.ts'
import { Fixture } from './partition-fixture.ts'

function ask<T>(handle: (context: BrokerContext, request: RpcRequest) => Iterable<unknown>, compressionType: string, apiKey: number, apiVersion: number, body: object): T {
  const fixture = new Fixture()
  fixture.partition.makeLeader(fixture.registration)
  fixture.image.apply(metadataRecord('TopicRecord', { name: 'orders', topicId: TOPIC_ID }))
  const quotas = (key: ByteRate): ClientQuotas => new ClientQuotas(fixture.env, { key, image: fixture.image, windows: { samples: 1, windowMs: 1_000 } })
  const context = {
    ...fixture.host, produceQuotas: quotas('producer_byte_rate'), fetchQuotas: quotas('consumer_byte_rate'), cluster: { server: fixture.host.server }, replicas: { require: () => fixture.partition, find: () => fixture.partition }, topicConfig: () => ({ ...fixture.host.topicConfig('orders'), compressionType }),
  } as unknown as BrokerContext
  let answer: object | undefined
  const request = { apiKey, apiVersion, clientId: 'c', body, connectionId: 1, peer: 'client', isConnected: true, respond: (given: object) => { answer = given }, noResponse: () => undefined, close: () => undefined }
  for (const _ of handle(context, request)) void _
  return answer as T
}

const produced = (apiVersion: number, compression: 'zstd' | 'lz4'): number => {
  const body = projectMessage<ProduceRequest>('ProduceRequest', apiVersion, { acks: 1, timeoutMs: 100, topicData: [{ name: 'orders', partitionData: [{ index: 0, records: batch(['a'], { compression }) }] }] })
  return ask<ProduceResponse>(handleProduce, 'producer', ApiKey.Produce, apiVersion, body).responses[0]!.partitionResponses[0]!.errorCode
}

const fetched = (apiVersion: number, compressionType: string): number => {
  const body = projectMessage<FetchRequest>('FetchRequest', apiVersion, { replicaId: -1, maxWaitMs: 0, minBytes: 0, maxBytes: 1_000, topics: [{ topic: 'orders', partitions: [{ partition: 0, partitionMaxBytes: 1_000 }] }] })
  return ask<FetchResponse>(handleFetch, compressionType, ApiKey.Fetch, apiVersion, body).responses[0]!.partitions[0]!.errorCode
}

it('may not produce it before version 7', () => {
  expect([produced(6, 'zstd'), produced(6, 'lz4'), produced(7, 'zstd')]).toEqual([ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, ErrorCode.NONE, ErrorCode.NONE])
})

it('may not fetch from a topic that stores it before version 10', () => {
  expect([fetched(9, 'zstd'), fetched(9, 'producer'), fetched(10, 'zstd')]).toEqual([ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, ErrorCode.NONE, ErrorCode.NONE])
})
