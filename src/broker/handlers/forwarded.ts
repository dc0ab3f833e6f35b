/**
 * Requests for the active controller, which a client may send to any broker (KIP-590: ForwardingManager). When the answer
 * does not come in time the connection is closed: the request may have been executed.
 */
import type { Task } from '../../base/task.ts'
import { decodeEnvelopeResponse, encodeEnvelope } from '../../controller/envelope.ts'
import { ApiKey } from '../../protocol/api-keys.ts'
import type { EnvelopeResponse } from '../../protocol/generated/types.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import type { BrokerContext } from '../broker-context.ts'

export function* handleForwarded(context: BrokerContext, request: RpcRequest): Task<void> {
  const { apiKey, apiVersion, clientId } = request
  const envelope = encodeEnvelope({ apiKey, apiVersion, correlationId: 0, clientId, body: request.body as object })
  const reply = yield* context.forwarding.send(ApiKey.Envelope, envelope).wait()
  const response = reply.ok ? decodeEnvelopeResponse(apiKey, apiVersion, reply.body as EnvelopeResponse) : undefined
  if (response === undefined) request.close()
  else request.respond(response)
}
