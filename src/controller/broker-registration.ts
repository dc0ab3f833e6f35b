/**
 * One broker as the metadata log describes it (Kafka: BrokerRegistration). Immutable; records make new ones.
 */
import type { Defects } from '../config/defects.ts'
import type { BrokerRegistrationChangeRecord, RegisterBrokerRecord } from '../protocol/generated/types.ts'

export interface BrokerRegistration {
  readonly brokerId: number
  /** Identity of the process's registration: the next write offset when it registered. */
  readonly brokerEpoch: number
  readonly incarnationId: string
  /** Address of the first listener. */
  readonly host: string
  readonly port: number
  readonly rack: string | null
  readonly fenced: boolean
  readonly inControlledShutdown: boolean
  readonly logDirs: readonly string[]
  /** Levels that it supports, by feature. */
  readonly features: readonly { readonly name: string; readonly minSupportedVersion: number; readonly maxSupportedVersion: number }[]
}

export function brokerFromRecord(record: RegisterBrokerRecord): BrokerRegistration {
  const endPoint = record.endPoints[0]
  return {
    brokerId: record.brokerId,
    brokerEpoch: record.brokerEpoch,
    incarnationId: record.incarnationId,
    host: endPoint?.host ?? '',
    port: endPoint?.port ?? -1,
    rack: record.rack,
    fenced: record.fenced,
    inControlledShutdown: record.inControlledShutdown,
    logDirs: record.logDirs,
    features: record.features,
  }
}

/**
 * Whether an ISR may take the broker in: unfenced and not about to leave (KIP-841). Asked by the leader, of what it knows,
 * and again by the controller.
 */
export function mayJoinIsr(defects: Defects, broker: BrokerRegistration): boolean {
  return defects.has('KIP-841') ? true : !broker.fenced && !broker.inControlledShutdown
}

/** The registration after a change: fenced is -1, 0 or 1 for unfenced, unchanged, fenced; shutting down never ends. */
export function mergeBroker(old: BrokerRegistration, change: BrokerRegistrationChangeRecord): BrokerRegistration {
  return {
    ...old,
    fenced: change.fenced === 0 ? old.fenced : change.fenced === 1,
    inControlledShutdown: old.inControlledShutdown || change.inControlledShutdown === 1,
    logDirs: change.logDirs.length === 0 ? old.logDirs : change.logDirs,
  }
}
