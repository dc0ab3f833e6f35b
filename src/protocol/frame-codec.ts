/**
 * What the simulated network does to each frame: project its body to the negotiated version, measure it as it would lie
 * on the wire (length prefix and header included), and hash it for the event digest. `bytesFrameCodec` goes through the
 * encoded bytes and must give the same.
 */
import { mix, mixString } from '../base/random.ts'
import type { Frame } from '../env/network.ts'
import { apiDescription, ApiKey } from './api-keys.ts'
import { compiledMessage, messageTable } from './codec.ts'
import type { CompiledMessage } from './compile-message.ts'
import { within } from './schema.ts'
import { DecodeError, Reader, utf8Length, Writer } from './wire.ts'

export interface TransferredFrame {
  readonly body: object
  /** Bytes on the wire, with the four bytes of length and the header. */
  readonly size: number
  readonly hash: number
}

export interface FrameCodec {
  /** The result object is reused by the next call. */
  transfer(frame: Frame): TransferredFrame
}

interface Codec {
  readonly message: CompiledMessage
  readonly headerSize: number
}

const requests: (Codec | undefined)[][] = []
const responses: (Codec | undefined)[][] = []

function codecOf(frame: Frame): Codec {
  const table = frame.isResponse ? responses : requests
  const versions = (table[frame.apiKey] ??= [])
  const known = versions[frame.apiVersion]
  if (known !== undefined) return known
  const api = apiDescription(frame.apiKey)
  const name = frame.isResponse ? api.response : api.request
  const flexible = within(messageTable(name).flexible, frame.apiVersion)
  // Request header v1: key, version, correlation id, client id; v2 adds tags. Response header v0: correlation id; v1 adds
  // tags, but never for ApiVersions.
  const headerSize = frame.isResponse ? 4 + (flexible && frame.apiKey !== ApiKey.ApiVersions ? 1 : 0) : 10 + (flexible ? 1 : 0)
  return versions[frame.apiVersion] = { message: compiledMessage(name, frame.apiVersion), headerSize }
}

const result = { body: {} as object, size: 0, hash: 0 }

function finish(frame: Frame, codec: Codec, body: object): TransferredFrame {
  const clientId = frame.isResponse ? null : frame.clientId
  result.body = body
  result.size = 4 + codec.headerSize + (clientId === null ? 0 : utf8Length(clientId)) + codec.message.tally.size
  const hash = mix(mix(codec.message.tally.hash, frame.correlationId), frame.isResponse ? 1 : 0)
  result.hash = clientId === null ? hash : mixString(hash, clientId)
  return result
}

export const objectFrameCodec: FrameCodec = {
  transfer(frame) {
    const codec = codecOf(frame)
    return finish(frame, codec, codec.message.transfer(frame.body))
  },
}

export const bytesFrameCodec: FrameCodec = {
  transfer(frame) {
    const codec = codecOf(frame)
    const { message } = codec
    const projected = message.transfer(frame.body)
    const writer = new Writer(message.tally.size)
    message.encode(writer, projected)
    if (writer.position !== message.tally.size) throw new DecodeError(`measured ${message.tally.size} bytes, wrote ${writer.position}`)
    const reader = new Reader(writer.bytes)
    const decoded = message.decode(reader)
    if (reader.left !== 0) throw new DecodeError(`${reader.left} bytes left over`)
    return finish(frame, codec, message.transfer(decoded))
  },
}
