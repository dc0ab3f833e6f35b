/**
 * Answers of the classic protocol as drafts (absent fields take their defaults), and what is known of the sender of a request.
 */
import type { JoinGroupRequestJoinGroupRequestProtocol, JoinGroupResponse, SyncGroupResponse } from '../../../protocol/generated/types.ts'

export type JoinProtocol = JoinGroupRequestJoinGroupRequestProtocol
export type JoinAnswer = Partial<JoinGroupResponse> & { readonly errorCode: number; readonly memberId: string }
export type SyncAnswer = Partial<SyncGroupResponse> & { readonly errorCode: number }

/** Kafka: RequestContext. */
export interface Sender {
  readonly clientId: string
  readonly clientHost: string
  readonly apiVersion: number
}

export const UNKNOWN_MEMBER = ''
