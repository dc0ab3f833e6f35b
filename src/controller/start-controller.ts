/**
 * The controller part of a server: the quorum controller behind its port (Kafka: ControllerServer, ControllerApis).
 * Raft's own APIs are handed to the raft client first; every voter answers ApiVersions, only the active controller the
 * rest, the others say NOT_CONTROLLER.
 */
import { CONTROLLER_PORT } from '../config/cluster.ts'
import type { ClusterConfig, ServerSpec } from '../config/cluster.ts'
import type { Env } from '../env/env.ts'
import { ApiError } from '../protocol/api-error.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { BrokerHeartbeatRequest, EnvelopeRequest } from '../protocol/generated/types.ts'
import { DecodeError } from '../protocol/wire.ts'
import type { RaftClient } from '../raft/raft-client.ts'
import { RpcServer } from '../rpc/rpc-server.ts'
import type { RpcRequest } from '../rpc/rpc-server.ts'
import { CONTROLLER_APIS, controllerApiVersions, saysNotController } from './controller-apis.ts'
import { decodeEnvelope, encodeEnvelopeResponse } from './envelope.ts'
import type { EnvelopedRequest } from './envelope.ts'
import { QuorumController } from './quorum-controller.ts'
import { SnapshotGenerator } from './snapshot-generator.ts'

export interface ControllerHandle {
  readonly controller: QuorumController
}

/** Starts to listen at once; the node becomes active when raft says so. */
export function startController(env: Env, cluster: ClusterConfig, spec: ServerSpec, raft: RaftClient): ControllerHandle {
  const { clusterId, server } = cluster
  const controller = new QuorumController(env, { nodeId: spec.nodeId, clusterId, server, raft, snapshots: new SnapshotGenerator(env, server, raft) })
  new RpcServer(env, CONTROLLER_PORT, request => {
    if (!raft.handle(request)) serve(controller, server, raft, request)
  })
  return { controller }
}

function serve(controller: QuorumController, server: ClusterConfig['server'], raft: RaftClient, request: RpcRequest): void {
  const { apiKey } = request
  const body = request.body as object
  if (apiKey === ApiKey.ApiVersions) request.respond(controllerApiVersions(server, controller.committedImage, raft.kraftVersion))
  else if (apiKey === ApiKey.Envelope) serveEnvelope(controller, raft, request)
  else if (!answer(controller, apiKey, body, response => request.respond(response))) request.close()
}

/** What brokers forward for clients but raft answers. */
const ENVELOPED_RAFT_APIS: readonly number[] = [ApiKey.DescribeQuorum, ApiKey.AddRaftVoter, ApiKey.RemoveRaftVoter]

function serveEnvelope(controller: QuorumController, raft: RaftClient, request: RpcRequest): void {
  const respond = (response: object): void => request.respond(response)
  let inner: EnvelopedRequest
  try {
    inner = decodeEnvelope(request.body as EnvelopeRequest)
  } catch (error) {
    if (!(error instanceof DecodeError) && !(error instanceof RangeError)) throw error
    respond({ responseData: null, errorCode: ErrorCode.INVALID_REQUEST })
    return
  }
  if (ENVELOPED_RAFT_APIS.includes(inner.apiKey)) {
    const { apiKey, apiVersion, clientId, body } = inner
    const { connectionId, peer, isConnected } = request
    raft.handle({
      apiKey, apiVersion, clientId, body, connectionId, peer, isConnected,
      respond: response => respond(encodeEnvelopeResponse(inner, response)), noResponse: () => request.noResponse(), close: () => request.close(),
    })
    return
  }
  const known = answer(controller, inner.apiKey, inner.body, response => {
    if (saysNotController(response)) respond({ responseData: null, errorCode: ErrorCode.NOT_CONTROLLER })
    else respond(encodeEnvelopeResponse(inner, response))
  })
  if (!known) respond({ responseData: null, errorCode: ErrorCode.INVALID_REQUEST })
}

/** Answers one request, now or when its records are committed. False for an API that a controller does not serve. */
function answer(controller: QuorumController, apiKey: number, request: object, respond: (response: object) => void): boolean {
  const api = CONTROLLER_APIS.get(apiKey)
  if (api === undefined) return false
  if (apiKey === ApiKey.BrokerHeartbeat) {
    const { brokerId, brokerEpoch } = request as BrokerHeartbeatRequest
    controller.contact(brokerId, brokerEpoch)
  }
  const future = controller.submit((state, context) => api.decide(state, context, request))
  future.onSettled(() => {
    let response: object
    try {
      response = future.result()
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      response = api.failure(request, error.code)
    }
    respond(response)
  })
  return true
}
