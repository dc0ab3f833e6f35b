/**
 * Producer ids from blocks that the controller hands out (Kafka: RPCProducerIdManager). An id is never given twice in a
 * cluster. The next block is asked for when 90 % of the current one are used; who asks while there is none is told to
 * come back.
 */
import type { Task } from '../base/task.ts'
import { msToUs } from '../base/time.ts'
import type { Env } from '../env/env.ts'
import { ApiKey } from '../protocol/api-keys.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { AllocateProducerIdsResponse } from '../protocol/generated/types.ts'
import type { ControllerChannel } from './controller-channel.ts'

const PREFETCH_PERCENT = 90
const RETRY_BACKOFF_MS = 50

interface Block {
  readonly start: number
  readonly length: number
}

export class ProducerIds {
  private readonly env: Env
  private readonly brokerId: number
  private readonly brokerEpoch: () => number
  private readonly channel: Pick<ControllerChannel, 'send'>
  private current: Block = { start: 0, length: 0 }
  private used = 0
  private following: Block | undefined = undefined
  private isRequesting = false
  /** Last id of the newest block. */
  private highest = -1

  constructor(env: Env, o: { brokerId: number; brokerEpoch: () => number; channel: Pick<ControllerChannel, 'send'> }) {
    this.env = env
    this.brokerId = o.brokerId
    this.brokerEpoch = o.brokerEpoch
    this.channel = o.channel
  }

  /** A new id, or undefined when no block is at hand. */
  next(): number | undefined {
    if (this.used === this.current.length) {
      if (this.following === undefined) {
        this.request()
        return undefined
      }
      this.current = this.following
      this.following = undefined
      this.used = 0
    }
    const id = this.current.start + this.used++
    if (this.used * 100 >= this.current.length * PREFETCH_PERCENT) this.request()
    return id
  }

  private request(): void {
    if (this.isRequesting || this.following !== undefined) return
    this.isRequesting = true
    this.env.spawn('allocate-producer-ids', this.allocate())
  }

  private *allocate(): Task<void> {
    const reply = yield* this.channel.send(ApiKey.AllocateProducerIds, { brokerId: this.brokerId, brokerEpoch: this.brokerEpoch() }).wait()
    const response = reply.ok ? (reply.body as AllocateProducerIdsResponse) : undefined
    if (response !== undefined && response.errorCode === ErrorCode.NONE && this.isNew(response.producerIdStart)) {
      this.following = { start: response.producerIdStart, length: response.producerIdLen }
      this.highest = response.producerIdStart + response.producerIdLen - 1
    } else {
      yield* this.env.sleep(msToUs(RETRY_BACKOFF_MS)).wait()
    }
    this.isRequesting = false
  }

  /** Blocks only rise: one that overlaps the last, such as the repeat of an old answer, is not taken. */
  private isNew(start: number): boolean {
    return this.env.defects.has('KAFKA-20031') ? start >= this.highest : start > this.highest
  }
}
