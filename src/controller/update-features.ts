/**
 * UpdateFeatures (KIP-584, KIP-778; Kafka: FeatureControlManager): the finalized level of a feature changes, once every
 * registered broker and this controller support it. All updates of a request or none.
 *
 * Unlike Kafka: controllers do not register, so the others' support is not verified, and metadata.version is never lowered.
 */
import { ErrorCode } from '../protocol/errors.ts'
import type { UpdateFeaturesRequest, UpdateFeaturesRequestFeatureUpdateKey, UpdateFeaturesResponse } from '../protocol/generated/types.ts'
import { metadataRecord, type MetadataRecord } from '../protocol/metadata-records.ts'
import type { ControllerState } from './controller-state.ts'
import type { ControllerContext, Decision } from './decision.ts'
import { type FeatureRange, METADATA_VERSION_FEATURE, supportedFeatures } from './features.ts'

const UPGRADE = 1
const UNSAFE_DOWNGRADE = 3

export function updateFeatures(state: ControllerState, context: ControllerContext, request: UpdateFeaturesRequest): Decision<UpdateFeaturesResponse> {
  const records: MetadataRecord[] = []
  for (const update of request.featureUpdates) {
    const problem = problemOf(state, context, update)
    if (problem !== undefined) return { records: [], response: { throttleTimeMs: 0, errorCode: ErrorCode.INVALID_UPDATE_VERSION, errorMessage: problem, results: [] } }
    records.push(metadataRecord('FeatureLevelRecord', { name: update.feature, featureLevel: update.maxVersionLevel }))
  }
  return { records: request.validateOnly ? [] : records, response: { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null, results: [] } }
}

function problemOf({ image }: ControllerState, { server }: ControllerContext, update: UpdateFeaturesRequestFeatureUpdateKey): string | undefined {
  const { feature, maxVersionLevel: level, upgradeType } = update
  const isInvalid = `Invalid update version ${level} for feature ${feature}.`
  if (upgradeType < UPGRADE || upgradeType > UNSAFE_DOWNGRADE) return `${isInvalid} The controller does not support the given upgrade type.`
  if (level < 0) return `${isInvalid} A feature version cannot be less than 0.`
  if (!isSupported(supportedFeatures(server), feature, level)) return `${isInvalid} The controller does not support it.`
  for (const broker of image.brokers.values()) {
    if (!isSupported(broker.features, feature, level)) return `${isInvalid} Broker ${broker.brokerId} does not support it.`
  }
  const current = image.features.get(feature) ?? 0
  if (level < current && upgradeType === UPGRADE) return `${isInvalid} Can't downgrade without setting the upgrade type to either safe or unsafe downgrade.`
  if (level < current && feature === METADATA_VERSION_FEATURE) return `${isInvalid} Refusing to perform the requested downgrade because it might delete metadata information.`
  if (level > current && upgradeType !== UPGRADE) return `${isInvalid} Can't downgrade to a newer version.`
  return undefined
}

/** A feature that a server does not name is at level 0 there. */
function isSupported(ranges: readonly FeatureRange[], name: string, level: number): boolean {
  const range = ranges.find(feature => feature.name === name)
  return level >= (range?.minSupportedVersion ?? 0) && level <= (range?.maxSupportedVersion ?? 0)
}
