/**
 * A history: what clients saw. The only input of black-box checkers, and the same type whether it comes from the
 * simulator, a JSON Lines file or a real cluster. Shapes follow Jepsen (index, time, process, type, f, value).
 *
 * `info` means "may or may not have happened" and stays open for ever: that process id never speaks again.
 */
export type OperationType = 'invoke' | 'ok' | 'fail' | 'info'
export type Process = number | 'nemesis'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

export interface Operation {
  readonly index: number
  /** Virtual microseconds (nanoseconds in imported Jepsen histories). */
  readonly time: number
  readonly process: Process
  readonly type: OperationType
  readonly f: string
  readonly value: Json
  /** A word in ours; any data in Jepsen's. */
  readonly error?: Json
  /** The client's node, when known. */
  readonly node?: string
  /** Anything else that was recorded; kept on import and export. */
  readonly [extra: string]: Json | undefined
}

export type History = readonly Operation[]

/**
 * Kafka operations, f by f. Micro-operations are in Jepsen's form.
 *
 * send    value: [['send', key, v]] on invoke, [['send', key, [offset, v]]] on ok (offset null under acks=0).
 *         `key` is `topic-partition`; the partition may be unknown on invoke (then key is the topic).
 * poll    value: [['poll']] on invoke, [['poll', {key: [[offset, v], ...]}]] on ok
 * seek / assign   value: {key: offset} ; positions move legally (also the consumer's own reset: `f: 'reset'`)
 * list-offsets    value: [key, 'latest' | 'earliest'] ; ok: [key, which, offset]
 * create-topic, delete-topic, alter-config, create-partitions   value: {topic, ...}
 * delete-records, reassign, elect-leader                        value: {topic, partition, ...}
 * describe-topic-ids   ok: {topic: id}, the ids of topics that were created anew. Sends and polls name such a topic
 *                      `topic@id`; what is said of other ids than these is not judged.
 * Polls of the final drain carry `drain: true`.
 */
export type MicroOp = readonly ['send', string, Json] | readonly ['poll', { readonly [key: string]: readonly (readonly [number, Json])[] }?]
