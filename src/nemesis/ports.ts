/**
 * The two ports through which the nemesis touches the world: what it may do to machines and the network (the kernel
 * satisfies this structurally), and what it may know of the cluster. It never imports the simulator or a broker.
 */
import type { Micros, Millis } from '../base/time.ts'
import type { ServerConfig } from '../config/cluster.ts'
import type { FaultKind } from './fault.ts'

export interface NetworkPort {
  block(from: string, to: string): void
  unblock(from: string, to: string): void
  slow(from: string, to: string, extraUs: Micros): void
  /** `lateUs`: what is on its way arrives so much later; absent: it may be lost, or late, or neither. */
  breakConnections(a: string, b: string, lateUs?: Micros): number
  /** The live connections lead nowhere from now on, and neither end is told. */
  loseConnections(a: string, b: string): number
}

export interface DiskPort {
  /** Identity of the medium: a replacement has another. */
  readonly id: string
  /** Writes that need room fail with ENOSPC. */
  setFull(on: boolean): void
  /** Every fsync fails with EIO and makes nothing durable. */
  setFailingSync(on: boolean): void
  /** Adds to the time of every fsync; 0 to clear. */
  slowSync(extraUs: Micros): void
  /** Paths of all files, sorted. */
  files(): readonly string[]
  /** What is stored, as the medium has it. */
  read(path: string): Uint8Array
  /** Changes stored bytes behind the back of whoever wrote them. */
  damage(path: string, position: number, bytes: Uint8Array): void
  /** From now on reading this file fails with EIO. */
  spoil(path: string): void
}

export interface MachinePort {
  readonly isRunning: boolean
  readonly isPaused: boolean
  crashProcess(): void
  crashMachine(): void
  pause(): void
  resume(): void
  replaceDisk(): void
  readonly disk: DiskPort
  readonly clock: { step(ms: Millis): void; setDriftPpm(ppm: number): void }
}

export interface WorldPort {
  readonly hosts: readonly string[]
  readonly clients: readonly string[]
  machine(host: string): MachinePort
  /** The rack of a server; servers without one are each a rack of their own. */
  rackOf(host: string): string
  readonly network: NetworkPort
  schedule(delay: Micros, callback: () => void): void
  /** Starts the server or client of a host (again). No-op when it runs. */
  startServer(host: string): void
  /** Asks the server of a host for a controlled shutdown; calls back when the process has stopped. */
  shutdownServer(host: string, stopped: () => void): void
  /** Settings that a server starts with from now on, over those of the plan. */
  reconfigure(host: string, server: Partial<ServerConfig>): void
  /** Has an administrator raise metadata.version. */
  updateMetadataVersion(level: number): void
  /** Has an administrator configure a topic, in the order of the calls; null: the default again. */
  alterConfig(topic: string, name: string, value: string | null): void
  /** Voters are recorded and may change, and nobody is at it. */
  readonly canChangeVoters: boolean
  /** Has an administrator change the voters of the metadata quorum, in order. */
  changeVoters(changes: readonly { readonly how: 'add' | 'remove'; readonly host: string; readonly directoryId: string }[]): void
  /** `kind` is the fault's, `text` empty when it stops. */
  observeFault(phase: 'start' | 'stop', id: number, kind: FaultKind, text: string): void
}

/** What the nemesis knows of the cluster: followed from observations, as an operator with a dashboard would. */
export interface ClusterView {
  readonly brokers: readonly string[]
  readonly controllers: readonly string[]
  /** Those of the metadata quorum at present: a controller may have been removed from them (KIP-853). */
  readonly voters: ReadonlySet<string>
  readonly activeController: string | undefined
  hostOf(brokerId: number): string | undefined
  isUnfenced(host: string): boolean
  leaderOf(topic: string, partition: number): string | undefined
  isrOf(topic: string, partition: number): readonly string[]
  elrOf(topic: string, partition: number): readonly string[]
  replicasOf(topic: string, partition: number): readonly string[]
  newestIsrMember(topic: string, partition: number): string | undefined
  partitions(): readonly { readonly topic: string; readonly partition: number }[]
  /** Is this broker unfenced and in the ISR of every partition that it has a replica of? */
  isFullyInSync(host: string): boolean
}
