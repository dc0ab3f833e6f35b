import { expect, it } from 'vitest'
import { CONTROLLER_APIS, saysNotController } from '../../src/controller/controller-apis.ts'
import { decodeEnvelope, decodeEnvelopeResponse, encodeEnvelope, encodeEnvelopeResponse } from '../../src/controller/envelope.ts'
import { apiDescription, ApiKey } from '../../src/protocol/api-keys.ts'
import { projectMessage } from '../../src/protocol/codec.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { DecodeError } from '../../src/protocol/wire.ts'

// 4 has the old header and encoding, 7 the flexible ones.
it.each([4, 7])('wraps and unwraps CreateTopics version %i both ways', apiVersion => {
  const body = projectMessage<object>('CreateTopicsRequest', apiVersion, { topics: [{ name: 't', numPartitions: 3, replicationFactor: 2 }], timeoutMs: 9 })
  const request = { apiKey: ApiKey.CreateTopics, apiVersion, correlationId: 77, clientId: 'admin', body }
  const envelope = encodeEnvelope(request)
  expect(decodeEnvelope(envelope)).toEqual(request)
  const response = projectMessage<object>('CreateTopicsResponse', apiVersion, { topics: [{ name: 't', errorCode: 36, errorMessage: 'exists' }] })
  expect(decodeEnvelopeResponse(ApiKey.CreateTopics, apiVersion, encodeEnvelopeResponse(request, response))).toEqual(response)
  expect(() => decodeEnvelope({ ...envelope, requestData: envelope.requestData.slice(0, -1) })).toThrow(DecodeError)
})

it('every API says NOT_CONTROLLER in a form that its response table takes and that an envelope notices', () => {
  for (const [apiKey, api] of CONTROLLER_APIS) {
    const { request, response, max } = apiDescription(apiKey)
    const one: Record<string, object> = {
      CreateTopicsRequest: { topics: [{ name: 't' }] }, DeleteTopicsRequest: { topics: [{ name: 't' }] }, CreatePartitionsRequest: { topics: [{ name: 't' }] },
      AlterClientQuotasRequest: { entries: [{ entity: [{ entityType: 'user', entityName: null }] }] },
      AlterConfigsRequest: { resources: [{ resourceType: 2, resourceName: 't' }] }, IncrementalAlterConfigsRequest: { resources: [{ resourceType: 2, resourceName: 't' }] },
    }
    const body = projectMessage<object>(request, max, (one[request] ?? {}) as never)
    const failure = projectMessage<object>(response, max, api.failure(body, ErrorCode.NOT_CONTROLLER) as never)
    expect(saysNotController(failure), response).toBe(true)
    expect(saysNotController(projectMessage<object>(response, max, api.failure(body, ErrorCode.NONE) as never)), response).toBe(false)
  }
})
