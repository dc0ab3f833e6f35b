/**
 * The reference share consumer (KafkaShareConsumer, ShareConsumerImpl, ShareConsumeRequestManager): a member of a share group
 * that is handed records which it holds until it says what became of them, or until its lock on them runs out.
 *
 * A poll says of the records of the one before that they are accepted (implicit), or sends what the application has said of
 * them (explicit), and asks every leader of assigned partitions for more when nothing is left to hand out. Offsets that were
 * acquired and hold no record are acknowledged as gaps; what cannot be read is given back.
 *
 * Unlike Kafka, which rejects a batch that fails its CRC, it releases it: another replica may lead the next time.
 */
import { msToUs } from '../../base/time.ts'
import type { Micros, Millis } from '../../base/time.ts'
import type { Task } from '../../base/task.ts'
import { TrialError } from '../../base/trial-error.ts'
import type { ShareConsumerConfig } from '../../config/client.ts'
import type { Env } from '../../env/env.ts'
import { ApiKey } from '../../protocol/api-keys.ts'
import { ErrorCode, errorName } from '../../protocol/errors.ts'
import type { ShareAcknowledgeResponse, ShareFetchResponse } from '../../protocol/generated/types.ts'
import type { RpcResult } from '../../rpc/rpc-client.ts'
import { AnswerQueue } from '../answer-queue.ts'
import type { BrokerRpc } from '../broker-rpc.ts'
import { ClusterMetadata } from '../cluster-metadata.ts'
import type { BrokerNode } from '../cluster-metadata.ts'
import { connectBrokers } from '../connect.ts'
import { Wakeup } from '../wakeup.ts'
import { outcomesOf, recordsOf } from './share-fetched.ts'
import { ShareMember } from './share-member.ts'
import type { AcknowledgeOutcome, Acknowledgement, SharePollResult, ShareRecord, UnreadableRange } from './share-record.ts'
import { ShareSession } from './share-session.ts'
import type { SentAcknowledgements, SessionRequest, SharedPartition } from './share-session.ts'

const MAX_IN_FLIGHT = 100
const RECORD_LIMIT_MODE = 1

interface Node {
  readonly broker: BrokerNode
  readonly session: ShareSession
}

/** A record that was handed out or waits to be, and where it was acquired. */
interface Held {
  readonly record: ShareRecord
  readonly of: SharedPartition
  readonly node: Node
}

export class ShareConsumer {
  private readonly env: Env
  private readonly config: ShareConsumerConfig
  private readonly rpc: BrokerRpc
  private readonly metadata: ClusterMetadata
  private readonly wakeup: Wakeup
  private readonly answers: AnswerQueue
  private readonly member: ShareMember
  private readonly onAcknowledged: (outcome: AcknowledgeOutcome) => void
  private readonly nodes = new Map<number, Node>()
  /** Acquired, and not yet handed out. */
  private buffer: Held[] = []
  /** Handed out, and nothing said of it yet. */
  private handedOut = new Map<string, Held>()
  private unreadable: UnreadableRange[] = []
  private retryAt: Micros = 0
  private polls = 0
  private error: string | undefined = undefined

  /** `onAcknowledged` is called in later calls of this consumer. */
  constructor(env: Env, config: ShareConsumerConfig, onAcknowledged: (outcome: AcknowledgeOutcome) => void = () => {}, rpc: BrokerRpc = connectBrokers(env, config, MAX_IN_FLIGHT)) {
    this.env = env
    this.config = config
    this.rpc = rpc
    this.onAcknowledged = onAcknowledged
    this.metadata = new ClusterMetadata(env, rpc, config)
    this.wakeup = new Wakeup(env)
    this.answers = new AnswerQueue(rpc, this.wakeup)
    this.member = new ShareMember(env, config, rpc, this.metadata, {
      onChange: () => this.wakeup.wake(),
      onError: error => {
        this.error ??= error
        this.wakeup.wake()
      },
    })
    this.metadata.onUpdate(() => this.wakeup.wake())
    this.metadata.start()
  }

  get memberId(): string {
    return this.member.memberId
  }

  subscribe(topics: readonly string[]): void {
    for (const topic of topics) this.metadata.add(topic)
    this.member.subscribe(topics)
  }

  /** Says what became of a record that a poll returned. @throws TrialError for one that is not held */
  acknowledge(record: ShareRecord, type: Acknowledgement): void {
    const key = keyOf(record)
    const held = this.handedOut.get(key)
    if (held === undefined) throw new TrialError('usage', `The record at offset ${record.offset} is not held by this consumer.`)
    this.handedOut.delete(key)
    held.node.session.acknowledge(held.of, record.offset, type)
  }

  /** Polls so far. */
  get pollCount(): number {
    return this.polls
  }

  /** Records, or none after `timeoutMs`. @throws TrialError in explicit mode while something of the last poll is not acknowledged */
  *poll(timeoutMs: Millis): Task<SharePollResult> {
    const deadline = this.env.now() + msToUs(timeoutMs)
    this.polls++
    if (this.config.shareAcknowledgementMode === 'implicit') for (const { record } of this.handedOut.values()) this.acknowledge(record, 'accept')
    else if (this.handedOut.size > 0) throw new TrialError('usage', 'All records of a poll must be acknowledged before the next one.')
    for (;;) {
      this.answers.run()
      if (this.buffer.length > 0 || this.unreadable.length > 0) return this.handOut()
      const { error } = this
      if (error !== undefined) {
        this.error = undefined
        return { records: [], unreadable: [], error }
      }
      const next = this.sendFetches()
      if (this.env.now() >= deadline) return { records: [], unreadable: [] }
      yield* this.wakeup.waitUntil(Math.min(deadline, next))
    }
  }

  /** Sends what was acknowledged, in implicit mode all that was handed out, and waits at most `timeoutMs` for what becomes of it. */
  *commitSync(timeoutMs: Millis = this.config.defaultApiTimeoutMs): Task<void> {
    if (this.config.shareAcknowledgementMode === 'implicit') for (const { record } of this.handedOut.values()) this.acknowledge(record, 'accept')
    const deadline = this.env.now() + msToUs(timeoutMs)
    for (;;) {
      this.answers.run()
      for (const node of this.nodes.values()) if (!node.session.isInFlight && node.session.hasPending) this.sendAcknowledgements(node, false)
      const isBusy = [...this.nodes.values()].some(({ session }) => session.isInFlight || session.hasPending)
      if (!isBusy || this.env.now() >= deadline) return
      yield* this.wakeup.waitUntil(deadline)
    }
  }

  /** Ends it at once: nobody is told, and what it holds is freed when its connections or locks end. */
  close(): void {
    this.member.close()
    this.metadata.close()
    this.rpc.close()
  }

  /** Sends what was acknowledged, gives back the rest, leaves the group and closes; waits at most `timeoutMs`. */
  *shutDown(timeoutMs: Millis): Task<void> {
    const deadline = this.env.now() + msToUs(timeoutMs)
    yield* this.commitSync(timeoutMs)
    for (const node of this.nodes.values()) if (node.session.isOpen && !node.session.isInFlight) this.sendAcknowledgements(node, true)
    while ([...this.nodes.values()].some(({ session }) => session.isInFlight) && this.env.now() < deadline) {
      yield* this.wakeup.waitUntil(deadline)
      this.answers.run()
    }
    yield* this.member.leave(deadline)
    this.close()
  }

  // ---- fetching ----

  private handOut(): SharePollResult {
    const taken = this.buffer.slice(0, this.config.maxPollRecords)
    this.buffer = this.buffer.slice(taken.length)
    for (const held of taken) this.handedOut.set(keyOf(held.record), held)
    const { unreadable } = this
    this.unreadable = []
    return { records: taken.map(({ record }) => record), unreadable }
  }

  /** Returns when to look again. */
  private sendFetches(): Micros {
    const now = this.env.now()
    if (now < this.retryAt) return this.retryAt
    const wanted = new Map<number, { readonly broker: BrokerNode; readonly partitions: SharedPartition[] }>()
    for (const { topicId, partitions } of this.member.assigned) {
      const topic = this.metadata.topicName(topicId)
      if (topic === undefined) {
        this.metadata.requestUpdate()
        continue
      }
      for (const partition of partitions) {
        const { node } = this.metadata.leader(topic, partition)
        if (node === undefined) {
          this.metadata.requestUpdate()
          continue
        }
        const known = wanted.get(node.id)
        if (known === undefined) wanted.set(node.id, { broker: node, partitions: [{ topic, topicId, partition }] })
        else known.partitions.push({ topic, topicId, partition })
      }
    }
    let next = Infinity
    for (const { broker, partitions } of wanted.values()) {
      const node = this.node(broker)
      if (node.session.isInFlight) continue
      if (!this.rpc.canSend(broker.host, broker.port)) {
        next = Math.min(next, now + Math.max(this.rpc.backoffLeft(broker.host, broker.port), msToUs(1)))
        continue
      }
      if (!node.session.isOpen) this.refuse(node.session.lose(), 'SHARE_SESSION_NOT_FOUND', true)
      this.sendFetch(node, partitions)
    }
    // Nothing is read there any more, but something was.
    for (const [id, node] of this.nodes) if (!wanted.has(id) && !node.session.isInFlight && node.session.hasPending) this.sendAcknowledgements(node, false)
    return next
  }

  private node(broker: BrokerNode): Node {
    const known = this.nodes.get(broker.id)
    if (known !== undefined && known.broker.host === broker.host && known.broker.port === broker.port) return known
    const node: Node = { broker, session: new ShareSession() }
    this.nodes.set(broker.id, node)
    return node
  }

  private sendFetch(node: Node, partitions: readonly SharedPartition[]): void {
    const { config } = this
    const { sent, ...request } = node.session.request(partitions)
    node.session.isInFlight = true
    const askedInPoll = this.polls
    const body = {
      groupId: config.groupId, memberId: this.memberId, maxWaitMs: config.fetchMaxWaitMs, minBytes: config.fetchMinBytes, maxBytes: config.fetchMaxBytes,
      maxRecords: config.maxPollRecords, batchSize: config.maxPollRecords, shareAcquireMode: config.shareAcquireMode === 'record_limit' ? RECORD_LIMIT_MODE : 0, ...request,
    }
    this.answers.ask(node.broker, ApiKey.ShareFetch, body, result => {
      node.session.isInFlight = false
      const response = this.checked<ShareFetchResponse>(node, result, sent)
      if (response !== undefined) this.fetched(node, response, { partitions, sent, askedInPoll })
    })
  }

  private fetched(node: Node, response: ShareFetchResponse, { partitions, sent, askedInPoll }: { readonly partitions: readonly SharedPartition[]; readonly sent: readonly SentAcknowledgements[]; readonly askedInPoll: number }): void {
    this.tell(sent, response.responses.flatMap(({ topicId, partitions: told }) => told.map(({ partitionIndex, acknowledgeErrorCode }) => ({ topicId, partitionIndex, errorCode: acknowledgeErrorCode }))))
    for (const { topicId, partitions: told } of response.responses) {
      for (const data of told) {
        const of = partitions.find(one => one.topicId === topicId && one.partition === data.partitionIndex)
        if (data.errorCode !== ErrorCode.NONE) this.partitionFailed(of, data.errorCode, data.currentLeader, response)
        else if (of !== undefined && data.acquiredRecords.length > 0) this.acquired(node, of, data, askedInPoll)
      }
    }
  }

  private acquired(node: Node, of: SharedPartition, data: ShareFetchResponse['responses'][number]['partitions'][number], askedInPoll: number): void {
    const { records, gaps, unreadable } = recordsOf(of, data, node.broker.id, { checkCrcs: this.config.checkCrcs, askedInPoll })
    for (const record of records) this.buffer.push({ record, of, node })
    for (const offset of gaps) node.session.acknowledge(of, offset, 'gap')
    for (const range of unreadable) {
      this.env.observe({ kind: 'mark', name: 'corrupt-batch-refused-by-consumer' })
      this.unreadable.push({ topic: of.topic, partition: of.partition, ...range })
      for (let offset = range.firstOffset; offset <= range.lastOffset; offset++) node.session.acknowledge(of, offset, 'release')
    }
  }

  private partitionFailed(of: SharedPartition | undefined, errorCode: number, leader: { readonly leaderId: number; readonly leaderEpoch: number }, response: ShareFetchResponse): void {
    this.retryAt = this.env.now() + msToUs(this.config.retryBackoffMs)
    const isKnown = of !== undefined && leader.leaderId >= 0 && leader.leaderEpoch >= 0
    if (isKnown && this.metadata.updateLeader(of.topic, of.partition, leader.leaderId, leader.leaderEpoch, response.nodeEndpoints)) return
    if (errorCode !== ErrorCode.COORDINATOR_NOT_AVAILABLE) this.metadata.requestUpdate()
  }

  // ---- acknowledging ----

  private sendAcknowledgements(node: Node, isFinal: boolean): void {
    const { session } = node
    if (!session.isOpen) return this.refuse(session.lose(), 'SHARE_SESSION_NOT_FOUND', true)
    const { sent, forgottenTopicsData: _, ...request } = session.request(undefined, isFinal) satisfies SessionRequest
    session.isInFlight = true
    this.answers.ask(node.broker, ApiKey.ShareAcknowledge, { groupId: this.config.groupId, memberId: this.memberId, ...request }, result => {
      session.isInFlight = false
      const response = this.checked<ShareAcknowledgeResponse>(node, result, sent)
      if (response === undefined) return
      if (isFinal) session.lose()
      this.tell(sent, response.responses.flatMap(({ topicId, partitions }) => partitions.map(({ partitionIndex, errorCode }) => ({ topicId, partitionIndex, errorCode }))))
    })
  }

  /** The answer, if the session goes on. */
  private checked<T extends { readonly errorCode: number }>({ session }: Node, result: RpcResult, sent: readonly SentAcknowledgements[]): T | undefined {
    const response = result.ok ? (result.body as T) : undefined
    if (response?.errorCode === ErrorCode.NONE) {
      session.accepted()
      return response
    }
    // A session that is refused was looked at before anything else; without an answer nobody knows.
    this.refuse(sent, response === undefined ? 'NETWORK_EXCEPTION' : errorName(response.errorCode), response !== undefined || (!result.ok && !result.sent))
    this.refuse(session.lose(), 'SHARE_SESSION_NOT_FOUND', true)
    this.retryAt = this.env.now() + msToUs(this.config.retryBackoffMs)
    if (response === undefined) this.metadata.requestUpdate()
    return undefined
  }

  private tell(sent: readonly SentAcknowledgements[], answers: readonly { readonly topicId: string; readonly partitionIndex: number; readonly errorCode: number }[]): void {
    for (const one of sent) {
      const answer = answers.find(({ topicId, partitionIndex }) => topicId === one.of.topicId && partitionIndex === one.of.partition)
      const errorCode = answer?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR
      if (errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER) this.metadata.requestUpdate()
      for (const outcome of outcomesOf(one, errorCode)) this.onAcknowledged(outcome)
    }
  }

  private refuse(lost: readonly SentAcknowledgements[], error: string, definite: boolean): void {
    for (const one of lost) for (const outcome of outcomesOf(one, ErrorCode.UNKNOWN_SERVER_ERROR)) this.onAcknowledged({ ...outcome, error, definite })
  }
}

function keyOf({ topic, partition, offset }: { readonly topic: string; readonly partition: number; readonly offset: number }): string {
  return `${topic}-${partition}@${offset}`
}
