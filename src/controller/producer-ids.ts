/**
 * Blocks of producer ids for brokers (KIP-730; Kafka: ProducerIdControlManager). A block is handed out once; what a
 * broker does not use is lost.
 */
import { ErrorCode } from '../protocol/errors.ts'
import { metadataRecord } from '../protocol/metadata-records.ts'
import type { AllocateProducerIdsRequest, AllocateProducerIdsResponse } from '../protocol/generated/types.ts'
import { checkBrokerEpoch } from './broker-lifecycle.ts'
import type { ControllerState } from './controller-state.ts'
import type { ControllerContext, Decision } from './decision.ts'

/** @throws ApiError STALE_BROKER_EPOCH */
export function allocateProducerIds(
  state: ControllerState,
  context: ControllerContext,
  { brokerId, brokerEpoch }: AllocateProducerIdsRequest,
): Decision<AllocateProducerIdsResponse> {
  checkBrokerEpoch(state, context.defects, brokerId, brokerEpoch)
  const producerIdStart = state.image.nextProducerId
  const producerIdLen = context.server.producerIdBlockSize
  // Defect: the record names the last id of the block instead of the first of the next one.
  const nextProducerId = producerIdStart + producerIdLen - (context.defects.has('KAFKA-20031') ? 1 : 0)
  const record = metadataRecord('ProducerIdsRecord', { brokerId, brokerEpoch, nextProducerId })
  return { records: [record], response: { throttleTimeMs: 0, errorCode: ErrorCode.NONE, producerIdStart, producerIdLen } }
}
