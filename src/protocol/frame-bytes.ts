/**
 * Frames as bytes: four bytes of length, header, message (RequestHeader, ResponseHeader, ByteBufferSend).
 *
 * Request header v2 and response header v1 (with tags) go with flexible versions, but a response to ApiVersions always has v0,
 * since its reader may not know yet what the broker speaks (ApiMessageType#responseHeaderVersion).
 */
import type { Frame } from '../env/network.ts'
import { apiDescription, ApiKey, isApiKey } from './api-keys.ts'
import { compiledMessage, messageTable } from './codec.ts'
import type { CompiledMessage } from './compile-message.ts'
import type { RequestHeader, ResponseHeader } from './generated/types.ts'
import { within } from './schema.ts'
import { DecodeError, Reader, Writer } from './wire.ts'

const LENGTH_SIZE = 4

export interface FrameShape {
  readonly header: CompiledMessage
  readonly message: CompiledMessage
  /** Length and header of a frame without client id. */
  readonly overhead: number
}

const requests: (FrameShape | undefined)[][] = []
const responses: (FrameShape | undefined)[][] = []

/** @throws RangeError for an API or version that does not exist */
export function frameShape(isResponse: boolean, apiKey: number, apiVersion: number): FrameShape {
  const table = isResponse ? responses : requests
  const versions = (table[apiKey] ??= [])
  const known = versions[apiVersion]
  if (known !== undefined) return known
  const api = apiDescription(apiKey)
  const name = isResponse ? api.response : api.request
  const isFlexible = within(messageTable(name).flexible, apiVersion) && !(isResponse && apiKey === ApiKey.ApiVersions)
  const header = isResponse ? compiledMessage('ResponseHeader', isFlexible ? 1 : 0) : compiledMessage('RequestHeader', isFlexible ? 2 : 1)
  header.transfer({ clientId: null })
  return versions[apiVersion] = { header, message: compiledMessage(name, apiVersion), overhead: LENGTH_SIZE + header.tally.size }
}

function headerOf(frame: Frame): RequestHeader | ResponseHeader {
  if (frame.isResponse) return { correlationId: frame.correlationId }
  return { requestApiKey: frame.apiKey, requestApiVersion: frame.apiVersion, correlationId: frame.correlationId, clientId: frame.clientId }
}

/** The frame as it lies on the wire, with its length in front. */
export function encodeFrame(frame: Frame): Uint8Array {
  const { header, message } = frameShape(frame.isResponse, frame.apiKey, frame.apiVersion)
  const head = header.transfer(headerOf(frame))
  const body = message.transfer(frame.body)
  const size = header.tally.size + message.tally.size
  const writer = new Writer(LENGTH_SIZE + size)
  writer.int32(size)
  header.encode(writer, head)
  message.encode(writer, body)
  if (writer.position !== writer.bytes.length) throw new DecodeError(`measured ${writer.bytes.length} bytes, wrote ${writer.position}`)
  return writer.bytes
}

/** Where the payload of a frame begins and ends; checks its length. */
function payloadOf(bytes: Uint8Array): Reader {
  const reader = new Reader(bytes)
  const length = reader.int32()
  if (length !== reader.left) throw new DecodeError(`a frame of ${length} bytes in ${reader.left}`)
  return reader
}

function decodeBody(reader: Reader, message: CompiledMessage): object {
  const body = message.decode(reader)
  if (reader.left !== 0) throw new DecodeError(`${reader.left} bytes left over`)
  return body
}

/** @throws DecodeError when the bytes are not exactly one request of an API and version that Kafka 4.3.1 knows */
export function decodeRequest(bytes: Uint8Array): Frame {
  const reader = payloadOf(bytes)
  const start = reader.position
  const apiKey = reader.int16()
  const apiVersion = reader.int16()
  reader.position = start
  if (!isApiKey(apiKey)) throw new DecodeError(`no API with key ${apiKey}`)
  const [low, high] = messageTable(apiDescription(apiKey).request).versions
  if (apiVersion < low! || apiVersion > high!) throw new DecodeError(`no version ${apiVersion} of API ${apiKey}`)
  const { header, message } = frameShape(false, apiKey, apiVersion)
  const { correlationId, clientId } = header.decode(reader) as RequestHeader
  return { apiKey, apiVersion, isResponse: false, correlationId, clientId, body: decodeBody(reader, message) }
}

/** The response to a request of this API and version. @throws DecodeError */
export function decodeResponse(bytes: Uint8Array, apiKey: number, apiVersion: number): Frame {
  const reader = payloadOf(bytes)
  const { header, message } = frameShape(true, apiKey, apiVersion)
  const { correlationId } = header.decode(reader) as ResponseHeader
  return { apiKey, apiVersion, isResponse: true, correlationId, clientId: null, body: decodeBody(reader, message) }
}
