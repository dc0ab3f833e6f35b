/** Kafka's topics of its own (org.apache.kafka.common.internals.Topic). */
export const GROUP_TOPIC = '__consumer_offsets'
export const TRANSACTION_TOPIC = '__transaction_state'
export const SHARE_GROUP_TOPIC = '__share_group_state'

const INTERNAL: ReadonlySet<string> = new Set([GROUP_TOPIC, TRANSACTION_TOPIC, SHARE_GROUP_TOPIC])

export function isInternalTopic(name: string): boolean {
  return INTERNAL.has(name)
}
