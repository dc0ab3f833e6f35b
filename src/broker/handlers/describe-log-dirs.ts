/**
 * DescribeLogDirs (KafkaApis#handleDescribeLogDirsRequest, ReplicaManager#describeLogDirs): the logs in this broker's log
 * directory and their sizes.
 *
 * Unlike Kafka a broker has one log directory.
 */
import { ErrorCode } from '../../protocol/errors.ts'
import type { DescribeLogDirsRequest } from '../../protocol/generated/types.ts'
import type { RpcRequest } from '../../rpc/rpc-server.ts'
import type { BrokerContext } from '../broker-context.ts'

const UNKNOWN_BYTES = -1

export function handleDescribeLogDirs(context: BrokerContext, request: RpcRequest): void {
  const { topics: asked } = request.body as DescribeLogDirsRequest
  const topics = new Map<string, object[]>()
  for (const log of context.replicas.storedLogs) {
    if (asked !== null && !asked.some(({ topic, partitions }) => topic === log.topic && partitions.includes(log.partition))) continue
    const partition = { partitionIndex: log.partition, partitionSize: log.sizeInBytes, offsetLag: Math.max(0, log.highWatermark - log.logEndOffset), isFutureKey: false }
    const partitions = topics.get(log.topic)
    if (partitions === undefined) topics.set(log.topic, [partition])
    else partitions.push(partition)
  }
  request.respond({
    errorCode: ErrorCode.NONE,
    results: [{
      errorCode: ErrorCode.NONE, logDir: `/${context.env.disk.id}`, topics: [...topics].map(([name, partitions]) => ({ name, partitions })),
      totalBytes: UNKNOWN_BYTES, usableBytes: UNKNOWN_BYTES,
    }],
  })
}
