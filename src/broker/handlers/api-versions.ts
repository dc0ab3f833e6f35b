/**
 * ApiVersions. An unsupported version is answered in the format of version 0, which every client understands.
 */
import { ALL_API_KEYS, apiVersions } from '../../protocol/api-keys.ts'
import { ErrorCode } from '../../protocol/errors.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import type { BrokerContext } from '../broker-context.ts'

export function handleApiVersions(context: BrokerContext, request: RpcRequest, served: ReadonlySet<number>): void {
  const { features, offset } = context.image
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
