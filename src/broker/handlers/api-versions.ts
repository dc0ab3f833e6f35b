/**
 * ApiVersions. An unsupported version is answered in the format of version 0, which every client understands.
 */
import { TRANSACTION_VERSION_FEATURE } from '../../controller/features.ts'
import { ALL_API_KEYS, apiVersions } from '../../protocol/api-keys.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import type { BrokerContext } from '../broker-context.ts'

const EPOCH_BUMP_VERSION = 2

export function handleApiVersions(context: BrokerContext, request: RpcRequest, served: ReadonlySet<number>): void {
  const { offset } = context.image
  const features = new Map(context.image.features)
  // Mended: clients take the version in which late copies are told apart.
  if (context.env.mends.has('KAFKA-17754')) features.set(TRANSACTION_VERSION_FEATURE, EPOCH_BUMP_VERSION)
  request.respond({
    errorCode: ErrorCode.NONE,
    apiKeys: ALL_API_KEYS.filter(key => served.has(key)).map(apiKey => {
      const { min, max } = apiVersions(apiKey)
      return { apiKey, minVersion: min, maxVersion: max }
    }),
    finalizedFeaturesEpoch: offset,
    finalizedFeatures: [...features].map(([name, level]) => ({ name, maxVersionLevel: level, minVersionLevel: level })),
    supportedFeatures: [],
  })
}
