/**
 * The controller of one voter: a single event loop over the metadata log (Kafka: QuorumController).
 *
 *   state    | event                      | what happens
 *   ---------|----------------------------|------------------------------------------------------------------------
 *   standby  | batches committed          | applied to the committed state
 *   standby  | this node leads            | active: uncommitted := clone of committed; the first leader of an empty
 *            |                            | log writes the bootstrap records
 *   standby  | operation                  | NOT_CONTROLLER
 *   active   | operation                  | records decided on the uncommitted state, appended, applied; the response
 *            |                            | waits until the high watermark passes them (a read: all pending ones)
 *   active   | batches committed          | applied to the committed state too; pending responses up to there go out
 *   active   | this node leads no more    | standby: pending fail with NOT_CONTROLLER, uncommitted state is forgotten
 *
 * Every event, from the log or from a request, goes through one queue; events run to completion, one at a time.
 *
 * Unlike Kafka: rolling back means dropping the uncommitted copy instead of reverting snapshots of timeline structures;
 * an operation's records are one batch however many they are, so there are no metadata transactions.
 */
import { invariant } from '../base/assert.ts'
import { Future, Signal } from '../base/task.ts'
import type { Task } from '../base/task.ts'
import { msToUs } from '../base/time.ts'
import type { ServerConfig } from '../config/cluster.ts'
import type { Env } from '../env/env.ts'
import { ApiError } from '../protocol/api-error.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { MetadataRecord } from '../protocol/metadata-records.ts'
import { BrokerHeartbeats } from './broker-heartbeats.ts'
import { ControllerState } from './controller-state.ts'
import type { ControllerContext, Decision } from './decision.ts'
import { bootstrapRecords, METADATA_VERSION_FEATURE } from './features.ts'
import type { MetadataBatch, MetadataImage } from './metadata-image.ts'
import { observeChanges, observePartitions } from './observe-changes.ts'
import { PERIODIC_TASKS } from './periodic-tasks.ts'
import type { PeriodicTask } from './periodic-tasks.ts'

/** The part of the raft client that a controller needs. */
export interface ControllerRaft {
  /** Offset of the next record that the leader appends. */
  readonly nextWriteOffset: number
  /** Appends one atomic batch and returns the offset of its last record. Throws ApiError when not the leader of `epoch`. */
  append(epoch: number, records: readonly MetadataRecord[]): number
  register(listener: {
    handleCommit(batches: readonly MetadataBatch[]): void
    handleLeaderChange(leader: { readonly leaderId: number; readonly epoch: number }): void
  }): void
}

export interface QuorumControllerOptions {
  readonly nodeId: number
  readonly clusterId: string
  readonly server: ServerConfig
  readonly raft: ControllerRaft
}

export type Operation<R> = (state: ControllerState, context: ControllerContext) => Decision<R>

/** What exists only while this controller is active. */
interface Claim {
  readonly epoch: number
  /** Applied when appended. */
  readonly state: ControllerState
  readonly heartbeats: BrokerHeartbeats
  /** Responses that wait for a commit, in order of offset. */
  readonly pending: { readonly offset: number; readonly complete: () => void; readonly fail: () => void }[]
}

export class QuorumController {
  private readonly env: Env
  private readonly options: QuorumControllerOptions
  /** Applied when committed. */
  private readonly committed = new ControllerState()
  private claim: Claim | undefined = undefined
  private readonly queue: (() => void)[] = []
  private readonly wake = new Signal()

  constructor(env: Env, options: QuorumControllerOptions) {
    this.env = env
    this.options = options
    options.raft.register({
      handleCommit: batches => this.enqueue(() => this.handleCommit(batches)),
      handleLeaderChange: leader => this.enqueue(() => this.handleLeaderChange(leader)),
    })
    env.spawn('controller', this.run())
  }

  get isActive(): boolean {
    return this.claim !== undefined
  }

  /** Cluster metadata up to the high watermark, as this node has applied it. Read only. */
  get committedImage(): MetadataImage {
    return this.committed.image
  }

  /**
   * Runs an operation in its turn. The future completes once its records are committed; it fails with ApiError, with
   * NOT_CONTROLLER whenever this node is not, or no longer, the active controller (then the fate of records is open).
   */
  submit<R>(operation: Operation<R>): Future<R> {
    const future = new Future<R>()
    this.enqueue(() => this.perform(operation, future))
    return future
  }

  /** Notes a heartbeat at once, ahead of the queue, so that a backlog fences nobody. False when not active. */
  contact(brokerId: number, brokerEpoch: number): boolean {
    this.claim?.heartbeats.contact(brokerId, brokerEpoch, this.env.now())
    return this.claim !== undefined
  }

  private *run(): Task<void> {
    for (;;) {
      while (this.queue.length === 0) yield* this.wake.wait()
      yield* this.env.pause('controller-event')
      this.queue.shift()!()
    }
  }

  private enqueue(event: () => void): void {
    this.queue.push(event)
    this.wake.notifyAll()
  }

  private handleCommit(batches: readonly MetadataBatch[]): void {
    for (const batch of batches) {
      // Raft tells of the lost leadership first; if it did not, another's batch must not answer for ours.
      if (this.claim !== undefined && batch.epoch > this.claim.epoch) this.renounce(this.claim)
      this.committed.apply(batch)
      const pending = this.claim?.pending
      while (pending?.[0] !== undefined && pending[0].offset <= batch.lastOffset) pending.shift()!.complete()
    }
  }

  private handleLeaderChange(leader: { readonly leaderId: number; readonly epoch: number }): void {
    if (this.claim !== undefined) this.renounce(this.claim)
    if (leader.leaderId === this.options.nodeId) this.activate(leader.epoch)
  }

  private activate(epoch: number): void {
    const { server } = this.options
    const state = this.committed.clone()
    const heartbeats = new BrokerHeartbeats(msToUs(server.brokerSessionTimeoutMs), state.image, this.env.now())
    const claim: Claim = { epoch, state, heartbeats, pending: [] }
    this.claim = claim
    this.env.observe({ kind: 'controller-active', epoch })
    observePartitions(this.env, state.image)
    const isNew = !state.image.features.has(METADATA_VERSION_FEATURE)
    // Ahead of everything that waits: nothing may be decided before the bootstrap records are applied.
    this.queue.unshift(() => {
      this.perform(() => ({ records: isNew ? bootstrapRecords(server) : [], response: undefined }), new Future<void>())
      for (const task of PERIODIC_TASKS) this.schedule(task, claim, task.periodMs(server))
    })
  }

  private renounce(claim: Claim): void {
    this.claim = undefined
    this.env.observe({ kind: 'controller-inactive', epoch: claim.epoch })
    for (const pending of claim.pending) pending.fail()
  }

  private perform<R>(operation: Operation<R>, future: Future<R>): void {
    const { claim } = this
    const { raft } = this.options
    if (claim === undefined) {
      future.fail(new ApiError(ErrorCode.NOT_CONTROLLER))
      return
    }
    let decision: Decision<R>
    try {
      decision = operation(claim.state, this.contextOf(claim))
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      future.fail(error)
      return
    }
    const { records, response, onAppended } = decision
    if (records.length > 0 && !this.append(claim, records)) {
      future.fail(new ApiError(ErrorCode.NOT_CONTROLLER))
      return
    }
    for (const observation of decision.observations ?? []) this.env.observe(observation)
    onAppended?.(raft.nextWriteOffset - 1)
    // A read may have seen uncommitted state, so it waits for all of it.
    const waitFor = records.length > 0 ? raft.nextWriteOffset - 1 : claim.pending.at(-1)?.offset
    if (waitFor === undefined) future.complete(response)
    else {
      claim.pending.push({
        offset: waitFor,
        complete: () => future.complete(response),
        fail: () => future.fail(new ApiError(ErrorCode.NOT_CONTROLLER)),
      })
    }
  }

  /** Appends and applies one batch. False, and standby, if raft has lost leadership before this loop has heard of it. */
  private append(claim: Claim, records: readonly MetadataRecord[]): boolean {
    const { raft } = this.options
    const baseOffset = raft.nextWriteOffset
    let lastOffset: number
    try {
      lastOffset = raft.append(claim.epoch, records)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      this.renounce(claim)
      return false
    }
    invariant(lastOffset === baseOffset + records.length - 1, 'a batch must be appended at the next write offset, whole')
    const { heartbeats, state } = claim
    const before = new Map(state.image.brokers)
    const delta = state.apply({ baseOffset, lastOffset, epoch: claim.epoch, records })
    for (const record of records) {
      if (record.type === 'RegisterBrokerRecord') {
        if (before.has(record.data.brokerId)) heartbeats.remove(record.data.brokerId)
        heartbeats.register(record.data.brokerId, record.data.fenced)
      } else if (record.type === 'BrokerRegistrationChangeRecord') {
        const broker = state.image.brokers.get(record.data.brokerId)
        if (broker !== undefined) heartbeats.register(broker.brokerId, broker.fenced)
      } else if (record.type === 'UnregisterBrokerRecord') {
        heartbeats.remove(record.data.brokerId)
      }
    }
    observeChanges(this.env, state.image, before, delta)
    return true
  }

  private contextOf({ epoch, heartbeats }: Claim): ControllerContext {
    const { server, clusterId, raft } = this.options
    const { nextWriteOffset } = raft
    return {
      server,
      clusterId,
      heartbeats,
      nextWriteOffset,
      defects: this.env.defects,
      mends: this.env.mends,
      now: this.env.now(),
      draw: (purpose, n) => this.env.draw(purpose, `${epoch}:${nextWriteOffset}`, n),
    }
  }

  /** Runs a periodic task after `delayMs` and again after its period, as long as the claim lasts. */
  private schedule(task: PeriodicTask, claim: Claim, delayMs: number): void {
    if (delayMs <= 0) return
    this.env.timer(msToUs(delayMs), () => {
      if (this.claim !== claim) return
      this.enqueue(() => {
        if (this.claim !== claim) return
        let again = false
        this.perform((state, context) => {
          const decision = task.run(state, context)
          again = decision.response
          return decision
        }, new Future<boolean>())
        this.schedule(task, claim, again ? task.againMs : task.periodMs(this.options.server))
      })
    })
  }
}
