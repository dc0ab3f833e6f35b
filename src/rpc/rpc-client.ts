/**
 * The client side of Kafka's request protocol over simulated TCP, after org.apache.kafka.clients.NetworkClient: one
 * connection a destination, requests in flight in order, a time-out closes the connection and so fails everything else
 * in flight on it, reconnects back off exponentially with jitter. Time-outs are looked for by one alarm a destination, as
 * NetworkClient#handleTimedOutRequests looks through all requests in flight: answers do not touch it.
 *
 * Invariant: every request's future completes exactly once, and responses are matched to requests in order.
 */
import { invariant } from '../base/assert.ts'
import { unit } from '../base/random.ts'
import { Future } from '../base/task.ts'
import { type Micros, msToUs } from '../base/time.ts'
import type { Env, Timer } from '../env/env.ts'
import type { Connection, Frame } from '../env/network.ts'
import { apiDescription, ApiKey } from '../protocol/api-keys.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { ApiVersionsResponse } from '../protocol/generated/types.ts'

export interface RpcClientOptions {
  readonly clientId: string
  readonly requestTimeoutMs: number
  readonly connectionSetupTimeoutMs: number
  /** Requests in flight on one connection at most; more wait in a queue. */
  readonly maxInFlight: number
  readonly reconnectBackoffMs: number
  readonly reconnectBackoffMaxMs: number
  /** Ask each new connection for its ApiVersions and use the newest that both know. */
  readonly discoverVersions?: boolean
}

export interface SendOptions {
  readonly version?: number
  readonly timeoutMs?: number
  /** False for acks=0: the future completes with an empty body as soon as the request is on the wire. */
  readonly expectResponse?: boolean
}

export type RpcResult =
  // biome-ignore lint: bodies are typed by their receivers
  | { readonly ok: true; readonly body: any; readonly version: number }
  | { readonly ok: false; readonly reason: 'timeout' | 'disconnected' | 'unsupported-version'; /** Was it put on the wire? */ readonly sent: boolean }

interface Pending {
  readonly apiKey: number
  readonly body: object
  readonly options: SendOptions
  readonly future: Future<RpcResult>
  readonly deadline: Micros
  version: number
  correlationId: number
}

interface Destination {
  readonly host: string
  readonly port: number
  connection: Connection | undefined
  /** Open, and versions known when they are wanted. */
  ready: boolean
  readonly queue: Pending[]
  readonly inFlight: Pending[]
  versions: Map<number, { readonly min: number; readonly max: number }> | undefined
  failures: number
  /** The broker has asked for silence until then (KIP-219), on whatever connection. */
  throttledUntil: Micros
  backoffUntil: number
  reconnect: Timer | undefined
  setup: Timer | undefined
  /** Comes not later than the first deadline of what is waiting or in flight; perhaps earlier, and then finds nothing. */
  alarm: Timer | undefined
  alarmAt: Micros
}

export class RpcClient {
  private readonly env: Env
  private readonly options: RpcClientOptions
  /** The newest finalized features that any broker has told (ApiVersions#getFinalizedFeaturesInfo); epoch -1: none yet. */
  features: { readonly epoch: number; readonly levels: ReadonlyMap<string, number> } = { epoch: -1, levels: new Map() }
  /** Few, so they are searched one by one: a key built for a map would cost more. */
  private readonly destinations: Destination[] = []
  private nextCorrelationId = 0

  constructor(env: Env, options: RpcClientOptions) {
    this.env = env
    this.options = options
  }

  /** Sends a draft body. The future always completes, never fails. */
  send(host: string, port: number, apiKey: number, body: object, options: SendOptions = {}): Future<RpcResult> {
    const destination = this.destination(host, port)
    const deadline = this.env.now() + msToUs(options.timeoutMs ?? this.options.requestTimeoutMs)
    const pending: Pending = { apiKey, body, options, future: new Future<RpcResult>(), deadline, version: -1, correlationId: -1 }
    this.setAlarm(destination, deadline)
    destination.queue.push(pending)
    if (destination.ready) this.flush(destination)
    else this.connect(destination)
    return pending.future
  }

  /** Connected and below the limit, or free to connect now (not backing off). */
  canSend(host: string, port: number): boolean {
    const destination = this.destination(host, port)
    if (destination.connection === undefined && this.env.now() < destination.backoffUntil) return false
    if (this.env.now() < destination.throttledUntil) return false
    return destination.inFlight.length + destination.queue.length < this.options.maxInFlight
  }

  isReady(host: string, port: number): boolean {
    return this.find(host, port)?.ready === true
  }

  inFlight(host: string, port: number): number {
    const destination = this.find(host, port)
    return destination === undefined ? 0 : destination.inFlight.length + destination.queue.length
  }

  /** Microseconds until a connection may be tried again, or used again after throttling; 0 when it may be now. */
  backoffLeft(host: string, port: number): number {
    const destination = this.find(host, port)
    if (destination === undefined) return 0
    if (destination.connection !== undefined) return Math.max(0, destination.throttledUntil - this.env.now())
    return Math.max(0, destination.backoffUntil - this.env.now())
  }

  /** Closes connections (of one host, or all) and fails what is in flight with `disconnected`. */
  close(host?: string): void {
    for (const destination of this.destinations) {
      if (host !== undefined && destination.host !== host) continue
      destination.reconnect?.cancel()
      destination.reconnect = undefined
      destination.alarm?.cancel()
      destination.alarm = undefined
      this.disconnect(destination, false)
    }
  }

  private find(host: string, port: number): Destination | undefined {
    const { destinations } = this
    for (let i = 0; i < destinations.length; i++) {
      const destination = destinations[i]!
      if (destination.port === port && destination.host === host) return destination
    }
    return undefined
  }

  private destination(host: string, port: number): Destination {
    let destination = this.find(host, port)
    if (destination === undefined) {
      destination = {
        host, port, connection: undefined, ready: false, queue: [], inFlight: [], versions: undefined,
        failures: 0, throttledUntil: 0, backoffUntil: 0, reconnect: undefined, setup: undefined, alarm: undefined, alarmAt: 0,
      }
      this.destinations.push(destination)
    }
    return destination
  }

  private connect(destination: Destination): void {
    if (destination.connection !== undefined || destination.reconnect !== undefined) return
    const wait = destination.backoffUntil - this.env.now()
    if (wait > 0) {
      destination.reconnect = this.env.timer(wait, () => {
        destination.reconnect = undefined
        if (destination.queue.length > 0) this.connect(destination)
      })
      return
    }
    const connection = this.env.network.connect(destination.host, destination.port)
    destination.connection = connection
    connection.onOpen = () => this.opened(destination, connection)
    connection.onFrame = frame => this.received(destination, frame)
    connection.onClose = () => {
      if (destination.connection === connection) this.disconnect(destination, true)
    }
    destination.setup = this.env.timer(msToUs(this.options.connectionSetupTimeoutMs), () => {
      if (destination.connection === connection && !destination.ready) this.disconnect(destination, true)
    })
  }

  private opened(destination: Destination, connection: Connection): void {
    if (destination.connection !== connection) return
    if (this.options.discoverVersions === true) this.discover(destination)
    else this.becomeReady(destination)
  }

  private discover(destination: Destination): void {
    const pending: Pending = {
      apiKey: ApiKey.ApiVersions, body: { clientSoftwareName: 'kafka-trial', clientSoftwareVersion: '1' }, options: {},
      future: new Future<RpcResult>(), deadline: Infinity, version: -1, correlationId: -1,
    }
    pending.future.onSettled(() => {
      const result = pending.future.result()
      if (!result.ok) return
      const response = result.body as ApiVersionsResponse
      if (response.errorCode !== ErrorCode.NONE && response.errorCode !== ErrorCode.UNSUPPORTED_VERSION) {
        this.disconnect(destination, true)
        return
      }
      if (response.finalizedFeaturesEpoch > this.features.epoch) {
        this.features = {
          epoch: response.finalizedFeaturesEpoch,
          levels: new Map(response.finalizedFeatures.map(({ name, maxVersionLevel }) => [name, maxVersionLevel])),
        }
      }
      destination.versions = new Map(response.apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, { min: minVersion, max: maxVersion }]))
      this.becomeReady(destination)
    })
    this.transmit(destination, pending, apiDescription(ApiKey.ApiVersions).max)
  }

  private becomeReady(destination: Destination): void {
    destination.ready = true
    destination.failures = 0
    destination.setup?.cancel()
    destination.setup = undefined
    this.flush(destination)
  }

  private flush(destination: Destination): void {
    if (this.env.now() < destination.throttledUntil) return
    while (destination.ready && destination.queue.length > 0 && destination.inFlight.length < this.options.maxInFlight) {
      const pending = destination.queue.shift()!
      const version = this.versionFor(destination, pending)
      if (version === undefined) this.settle(pending, { ok: false, reason: 'unsupported-version', sent: false })
      else this.transmit(destination, pending, version)
    }
  }

  private versionFor(destination: Destination, pending: Pending): number | undefined {
    const ours = apiDescription(pending.apiKey)
    const wanted = Math.min(pending.options.version ?? ours.max, ours.max)
    if (destination.versions === undefined) return wanted
    const theirs = destination.versions.get(pending.apiKey)
    if (theirs === undefined) return undefined
    const version = Math.min(wanted, theirs.max)
    return version < Math.max(ours.min, theirs.min) ? undefined : version
  }

  private transmit(destination: Destination, pending: Pending, version: number): void {
    const { connection } = destination
    invariant(connection !== undefined, 'a request is sent on a connection')
    pending.version = version
    pending.correlationId = this.nextCorrelationId
    this.nextCorrelationId = (this.nextCorrelationId + 1) & 0x7fffffff
    connection.send({ apiKey: pending.apiKey, apiVersion: version, isResponse: false, correlationId: pending.correlationId, clientId: this.options.clientId, body: pending.body })
    if (pending.options.expectResponse === false) this.settle(pending, { ok: true, body: {}, version })
    else destination.inFlight.push(pending)
  }

  private received(destination: Destination, frame: Frame): void {
    const pending = destination.inFlight.shift()
    invariant(pending !== undefined && pending.correlationId === frame.correlationId, `response ${frame.correlationId} of ${destination.host} out of order`)
    this.throttle(destination, frame.body)
    this.settle(pending, { ok: true, body: frame.body, version: pending.version })
    if (destination.ready) this.flush(destination)
  }

  /** Nothing more is sent for as long as the broker does not read it (NetworkClient#maybeThrottle). */
  private throttle(destination: Destination, body: { readonly throttleTimeMs?: number }): void {
    const { throttleTimeMs } = body
    if (throttleTimeMs === undefined || throttleTimeMs <= 0) return
    destination.throttledUntil = Math.max(destination.throttledUntil, this.env.now() + msToUs(throttleTimeMs))
    this.env.timer(destination.throttledUntil - this.env.now(), () => this.flush(destination))
  }

  private setAlarm(destination: Destination, at: Micros): void {
    if (destination.alarm !== undefined) {
      if (destination.alarmAt <= at) return
      destination.alarm.cancel()
    }
    destination.alarmAt = at
    destination.alarm = this.env.timer(Math.max(0, at - this.env.now()), () => this.alarmed(destination, at))
  }

  /**
   * Times out what was due at `due`. Not what has come due since: after a pause answers may lie behind this alarm, and they
   * are read before time-outs are looked at (NetworkClient#poll).
   */
  private alarmed(destination: Destination, due: Micros): void {
    destination.alarm = undefined
    const waiting = [...destination.inFlight, ...destination.queue]
    for (const pending of waiting) if (pending.deadline <= due) this.timedOut(destination, pending)
    let next = Infinity
    for (const { deadline } of destination.inFlight) next = Math.min(next, deadline)
    for (const { deadline } of destination.queue) next = Math.min(next, deadline)
    if (next < Infinity) this.setAlarm(destination, next)
  }

  private timedOut(destination: Destination, pending: Pending): void {
    const queued = destination.queue.indexOf(pending)
    if (queued >= 0) {
      destination.queue.splice(queued, 1)
      this.settle(pending, { ok: false, reason: 'timeout', sent: false })
      return
    }
    const position = destination.inFlight.indexOf(pending)
    if (position < 0) return
    destination.inFlight.splice(position, 1)
    this.settle(pending, { ok: false, reason: 'timeout', sent: true })
    this.disconnect(destination, true)
  }

  private disconnect(destination: Destination, backOff: boolean): void {
    const { connection } = destination
    destination.connection = undefined
    destination.ready = false
    destination.versions = undefined
    destination.setup?.cancel()
    destination.setup = undefined
    if (connection !== undefined) {
      connection.onOpen = undefined
      connection.onFrame = undefined
      connection.onClose = undefined
      connection.close()
    }
    if (backOff) {
      const { reconnectBackoffMs, reconnectBackoffMaxMs } = this.options
      const base = Math.min(reconnectBackoffMaxMs, reconnectBackoffMs * 2 ** Math.min(destination.failures, 16))
      const jitter = 0.8 + 0.4 * unit(this.env.draw('reconnect-backoff', destination.host, destination.failures))
      destination.failures++
      destination.backoffUntil = this.env.now() + Math.round(msToUs(base) * jitter)
    }
    const failed = destination.inFlight.splice(0)
    const waiting = destination.queue.splice(0)
    for (const pending of failed) this.settle(pending, { ok: false, reason: 'disconnected', sent: true })
    for (const pending of waiting) this.settle(pending, { ok: false, reason: 'disconnected', sent: false })
  }

  private settle(pending: Pending, result: RpcResult): void {
    pending.future.complete(result)
  }
}
