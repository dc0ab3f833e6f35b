/**
 * Envelopes (KIP-590): a broker wraps a client's request for the active controller, header and body as they would lie on
 * the wire, and unwraps the response in the same way (Kafka: EnvelopeUtils, RequestContext#buildResponseEnvelopePayload).
 */
import { apiDescription, ApiKey } from '../protocol/api-keys.ts'
import { compiledMessage, encodeMessage, messageTable } from '../protocol/codec.ts'
import type { EnvelopeRequest, EnvelopeResponse, RequestHeader } from '../protocol/generated/types.ts'
import { within } from '../protocol/schema.ts'
import { DecodeError, Reader } from '../protocol/wire.ts'

export interface EnvelopedRequest {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly body: object
}

const NO_BYTES = new Uint8Array(0)
/** Stands for the address of the client, which means nothing here. */
const NO_ADDRESS = new Uint8Array(4)

/** The body of an Envelope request. `body` may be a draft. */
export function encodeEnvelope(request: EnvelopedRequest): EnvelopeRequest {
  const { apiKey, apiVersion, correlationId, clientId, body } = request
  const header = encodeMessage('RequestHeader', requestHeaderVersion(apiKey, apiVersion), {
    requestApiKey: apiKey, requestApiVersion: apiVersion, correlationId, clientId,
  })
  return {
    requestData: concat(header, encodeMessage(apiDescription(apiKey).request, apiVersion, body)),
    requestPrincipal: NO_BYTES,
    clientHostAddress: NO_ADDRESS,
  }
}

/** @throws DecodeError for bytes that are no request, RangeError for an unknown API or version */
export function decodeEnvelope({ requestData }: EnvelopeRequest): EnvelopedRequest {
  if (requestData.length < 4) throw new DecodeError('an envelope without a request header')
  const apiKey = (requestData[0]! << 8) | requestData[1]!
  const apiVersion = (requestData[2]! << 8) | requestData[3]!
  const reader = new Reader(requestData)
  const header = compiledMessage('RequestHeader', requestHeaderVersion(apiKey, apiVersion)).decode(reader) as RequestHeader
  const body = compiledMessage(apiDescription(apiKey).request, apiVersion).decode(reader)
  if (reader.left !== 0) throw new DecodeError(`${reader.left} bytes left over in an envelope`)
  return { apiKey, apiVersion, correlationId: header.correlationId, clientId: header.clientId, body }
}

/** The body of an Envelope response around the response to the enveloped request. */
export function encodeEnvelopeResponse(request: EnvelopedRequest, body: object): EnvelopeResponse {
  const { apiKey, apiVersion, correlationId } = request
  const header = encodeMessage('ResponseHeader', responseHeaderVersion(apiKey, apiVersion), { correlationId })
  return { responseData: concat(header, encodeMessage(apiDescription(apiKey).response, apiVersion, body)), errorCode: 0 }
}

/** The enveloped response's body; undefined when the envelope itself failed (see its errorCode). @throws DecodeError */
export function decodeEnvelopeResponse(apiKey: number, apiVersion: number, { responseData }: EnvelopeResponse): object | undefined {
  if (responseData === null) return undefined
  const reader = new Reader(responseData)
  compiledMessage('ResponseHeader', responseHeaderVersion(apiKey, apiVersion)).decode(reader)
  const body = compiledMessage(apiDescription(apiKey).response, apiVersion).decode(reader)
  if (reader.left !== 0) throw new DecodeError(`${reader.left} bytes left over in an envelope's response`)
  return body
}

function requestHeaderVersion(apiKey: number, apiVersion: number): number {
  return within(messageTable(apiDescription(apiKey).request).flexible, apiVersion) ? 2 : 1
}

function responseHeaderVersion(apiKey: number, apiVersion: number): number {
  return apiKey !== ApiKey.ApiVersions && within(messageTable(apiDescription(apiKey).response).flexible, apiVersion) ? 1 : 0
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(a.length + b.length)
  bytes.set(a)
  bytes.set(b, a.length)
  return bytes
}
