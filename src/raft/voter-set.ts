/**
 * The voters of the metadata quorum (KIP-853, org.apache.kafka.raft.VoterSet). Immutable: a change makes another set, of
 * which at most one voter differs, so that any two majorities of neighbouring sets overlap.
 *
 * With kraft.version 0 the set is configured and knows no directory ids: every disk of a voter's id is the voter. With
 * version 1 a voter is an id *and* a directory, so that a voter whose disk was replaced is another one.
 */
import { CONTROLLER_PORT } from '../config/cluster.ts'
import type { Draft } from '../protocol/codec.ts'
import type { VotersRecord } from '../protocol/generated/types.ts'
import { ZERO_UUID } from '../protocol/uuid.ts'

export interface ReplicaKey {
  readonly id: number
  /** The zero Uuid: unknown, of any directory. */
  readonly directoryId: string
}

export interface Voter extends ReplicaKey {
  readonly host: string
}

export const LISTENER_NAME = 'CONTROLLER'
export const SUPPORTED_KRAFT_VERSIONS = { minSupportedVersion: 0, maxSupportedVersion: 1 } as const

export class VoterSet {
  static readonly EMPTY = new VoterSet([])
  /** In order of id. */
  readonly voters: readonly Voter[]
  readonly ids: readonly number[]

  constructor(voters: readonly Voter[]) {
    this.voters = [...voters].sort((a, b) => a.id - b.id)
    this.ids = this.voters.map(({ id }) => id)
  }

  static fromRecord(record: VotersRecord): VoterSet {
    return new VoterSet(record.voters.map(({ voterId, voterDirectoryId, endpoints }) => ({ id: voterId, directoryId: voterDirectoryId, host: endpoints[0]?.host ?? '' })))
  }

  toRecord(): Draft<VotersRecord> {
    return {
      version: 0,
      voters: this.voters.map(({ id, directoryId, host }) => ({
        voterId: id, voterDirectoryId: directoryId, endpoints: [{ name: LISTENER_NAME, host, port: CONTROLLER_PORT }], kRaftVersionFeature: { ...SUPPORTED_KRAFT_VERSIONS },
      })),
    }
  }

  get size(): number {
    return this.voters.length
  }

  find(id: number): Voter | undefined {
    return this.voters.find(voter => voter.id === id)
  }

  isVoter(key: ReplicaKey): boolean {
    const voter = this.find(key.id)
    return voter !== undefined && (voter.directoryId === ZERO_UUID || voter.directoryId === key.directoryId)
  }

  /** undefined: there is a voter of this id. */
  with(voter: Voter): VoterSet | undefined {
    return this.find(voter.id) === undefined ? new VoterSet([...this.voters, voter]) : undefined
  }

  /** undefined: no such voter. */
  without(key: ReplicaKey): VoterSet | undefined {
    const voter = this.find(key.id)
    return voter === undefined || voter.directoryId !== key.directoryId ? undefined : new VoterSet(this.voters.filter(({ id }) => id !== key.id))
  }
}
