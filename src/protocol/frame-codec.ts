/**
 * What the simulated network does to each frame: project its body to the negotiated version, measure it as it would lie
 * on the wire (length prefix and header included), and hash it for the event digest. `bytesFrameCodec` goes through the
 * encoded bytes of the whole frame, reads them as the receiver would, and must give the same.
 */
import { invariant } from '../base/assert.ts'
import { mix, mixString } from '../base/random.ts'
import type { Frame } from '../env/network.ts'
import { decodeRequest, decodeResponse, encodeFrame, frameShape } from './frame-bytes.ts'
import { utf8Length } from './wire.ts'

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

const result = { body: {} as object, size: 0, hash: 0 }

function project(frame: Frame): TransferredFrame {
  const { message, overhead } = frameShape(frame.isResponse, frame.apiKey, frame.apiVersion)
  const clientId = frame.isResponse ? null : frame.clientId
  result.body = message.transfer(frame.body)
  result.size = overhead + (clientId === null ? 0 : utf8Length(clientId)) + message.tally.size
  const hash = mix(mix(message.tally.hash, frame.correlationId), frame.isResponse ? 1 : 0)
  result.hash = clientId === null ? hash : mixString(hash, clientId)
  return result
}

/** Bytes of a frame on the wire, with the four bytes of its length: what quotas count. */
export function frameSize(frame: Omit<Frame, 'correlationId'>): number {
  return project({ ...frame, correlationId: 0 }).size
}

export const objectFrameCodec: FrameCodec = { transfer: project }

export const bytesFrameCodec: FrameCodec = {
  transfer(frame) {
    const bytes = encodeFrame(frame)
    const read = frame.isResponse ? decodeResponse(bytes, frame.apiKey, frame.apiVersion) : decodeRequest(bytes)
    invariant(read.apiKey === frame.apiKey && read.apiVersion === frame.apiVersion && read.correlationId === frame.correlationId && (frame.isResponse || read.clientId === frame.clientId), 'a header was read as another')
    const transferred = project(read)
    invariant(transferred.size === bytes.length, `measured ${transferred.size} bytes, encoded ${bytes.length}`)
    return transferred
  },
}
