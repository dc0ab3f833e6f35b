/** The string by which maps and purgatories know a partition. A re-created topic has another id, so another key. */
export { partitionName as partitionKey } from '../base/partition-name.ts'
