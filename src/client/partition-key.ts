/** The string that stands for a partition in maps and histories: `topic-partition`. */
export { partitionName as partitionKey } from '../base/partition-name.ts'
