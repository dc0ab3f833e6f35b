/**
 * Keys of Kafka histories.
 */

/** `orders-0` -> `orders`. A text without a dash is a topic already. */
export function topicOf(key: string): string {
  const dash = key.lastIndexOf('-')
  return dash === -1 ? key : key.slice(0, dash)
}
