/** UpdateFeatures: a level changes when everybody supports it, upwards, all or nothing. */
import { describe, expect, it } from 'vitest'
import { DEFAULT_SERVER_CONFIG } from '../../src/config/cluster.ts'
import { ControllerState } from '../../src/controller/controller-state.ts'
import type { ControllerContext } from '../../src/controller/decision.ts'
import { bootstrapRecords } from '../../src/controller/features.ts'
import { updateFeatures } from '../../src/controller/update-features.ts'
import { ErrorCode } from '../../src/protocol/errors.ts'
import { metadataRecord } from '../../src/protocol/metadata-records.ts'

const DIRECTORY = 'DDDDDDDDDDDDDDDDDDDDDQ'
const server = { ...DEFAULT_SERVER_CONFIG, metadataVersion: 26 }
const context = { server } as ControllerContext

/** Brokers 1 and 2 support metadata.version up to these. */
function stateOf(...newest: readonly number[]): ControllerState {
  const state = new ControllerState()
  const records = [...bootstrapRecords(server), ...newest.map((maxSupportedVersion, index) => metadataRecord('RegisterBrokerRecord', {
    brokerId: index + 1, brokerEpoch: 5 + index, incarnationId: DIRECTORY, endPoints: [{ name: 'PLAINTEXT', host: 'broker', port: 9092, securityProtocol: 0 }],
    features: [{ name: 'metadata.version', minSupportedVersion: 7, maxSupportedVersion }], rack: null, fenced: false, inControlledShutdown: false, logDirs: [DIRECTORY],
  }))]
  state.apply({ baseOffset: 0, lastOffset: records.length - 1, epoch: 1, records })
  return state
}

function update(state: ControllerState, o: { feature?: string; level: number; type?: number; validateOnly?: boolean }) {
  return updateFeatures(state, context, { timeoutMs: 0, validateOnly: o.validateOnly ?? false, featureUpdates: [{ feature: o.feature ?? 'metadata.version', maxVersionLevel: o.level, allowDowngrade: false, upgradeType: o.type ?? 1 }] })
}

describe('UpdateFeatures', () => {
  it('raises the metadata version once every broker supports it', () => {
    const state = stateOf(30, 30)
    const { records, response } = update(state, { level: 30 })
    expect(response.errorCode).toBe(ErrorCode.NONE)
    state.apply({ baseOffset: 50, lastOffset: 50, epoch: 1, records })
    expect(state.image.features.get('metadata.version')).toBe(30)
  })

  it.each([
    ['a broker that does not support it', () => update(stateOf(30, 28), { level: 30 })],
    ['a controller that does not support it', () => update(stateOf(31, 31), { level: 31 })],
    ['an unknown feature', () => update(stateOf(30), { feature: 'made.up', level: 1 })],
    ['a downgrade that does not say so', () => update(stateOf(30), { level: 25 })],
    ['a downgrade of the metadata version at all', () => update(stateOf(30), { level: 25, type: 3 })],
    ['an upgrade that claims to be a downgrade', () => update(stateOf(30), { level: 30, type: 2 })],
    ['a negative level', () => update(stateOf(30), { level: -1 })],
    ['an upgrade type that does not exist', () => update(stateOf(30), { level: 30, type: 0 })],
  ])('refuses %s', (_, ask) => {
    expect(ask()).toMatchObject({ records: [], response: { errorCode: ErrorCode.INVALID_UPDATE_VERSION } })
  })

  it('writes nothing when it only validates', () => {
    expect(update(stateOf(30), { level: 30, validateOnly: true })).toMatchObject({ records: [], response: { errorCode: ErrorCode.NONE } })
  })
})
