/**
 * One broker with one topic of one partition, on the loopback interface, for `record-golden-frames.mjs`: reads requests with
 * our codec, answers through it, and keeps the first requests of each API and version, byte for byte, with its answer.
 */
import { createServer } from 'node:net'
import { advertisedVersions, ALL_API_KEYS, apiName } from '../dist/src/protocol/api-keys.js'
import { decodeRequest, encodeFrame } from '../dist/src/protocol/frame-bytes.js'
import { batchPositions, lastOffsetOf, recordCountOf, stampOffsets } from '../dist/src/protocol/records/record-batch.js'

const TOPIC_ID = 'Z29sZGVuLXRvcGljLWlkMA'
const KEPT = 6

const SERVED = new Set([
  'Produce', 'Fetch', 'ListOffsets', 'Metadata', 'OffsetCommit', 'OffsetFetch', 'FindCoordinator', 'JoinGroup', 'Heartbeat', 'LeaveGroup',
  'SyncGroup', 'ApiVersions', 'InitProducerId', 'OffsetForLeaderEpoch',
])

export async function startRecordingBroker(topicName) {
  const frames = []
  const log = []
  const sockets = new Set()
  const offsets = new Map()
  let endOffset = 0
  let port = 0
  let members = 0

  function append(records) {
    const baseOffset = endOffset
    for (const at of batchPositions(records)) {
      const count = recordCountOf(records, at)
      stampOffsets(records, at, endOffset, 0)
      endOffset += count
    }
    log.push(records)
    return baseOffset
  }

  function readFrom(offset) {
    const parts = log.filter(records => lastOffsetOf(records, batchPositions(records).at(-1)) >= offset)
    return Buffer.concat(parts)
  }

  const partitionInfo = { errorCode: 0, partitionIndex: 0, leaderId: 1, leaderEpoch: 0, replicaNodes: [1], isrNodes: [1], offlineReplicas: [] }

  const HANDLERS = {
    ApiVersions: () => ({
      apiKeys: ALL_API_KEYS.filter(key => SERVED.has(apiName(key))).map(apiKey => {
        const { min, max } = advertisedVersions(apiKey)
        return { apiKey, minVersion: min, maxVersion: max }
      }),
      finalizedFeaturesEpoch: 1,
    }),
    Metadata: () => ({
      brokers: [{ nodeId: 1, host: '127.0.0.1', port, rack: null }], clusterId: 'golden', controllerId: 1,
      topics: [{ errorCode: 0, name: topicName, topicId: TOPIC_ID, partitions: [partitionInfo] }],
    }),
    Produce: body => ({
      responses: body.topicData.map(({ name, topicId, partitionData }) => ({
        name, topicId, partitionResponses: partitionData.map(({ index, records }) => ({ index, baseOffset: append(new Uint8Array(records)), logAppendTimeMs: -1, logStartOffset: 0 })),
      })),
    }),
    Fetch: body => ({
      responses: body.topics.map(({ topic, topicId, partitions }) => ({
        topic, topicId, partitions: partitions.map(({ partition, fetchOffset }) => ({
          partitionIndex: partition, highWatermark: endOffset, lastStableOffset: endOffset, logStartOffset: 0, records: readFrom(fetchOffset), abortedTransactions: [],
        })),
      })),
    }),
    ListOffsets: body => ({
      topics: body.topics.map(({ name, partitions }) => ({
        name, partitions: partitions.map(({ partitionIndex, timestamp }) => ({ partitionIndex, timestamp: -1, offset: timestamp === -2 ? 0 : endOffset, leaderEpoch: 0 })),
      })),
    }),
    OffsetForLeaderEpoch: body => ({
      topics: body.topics.map(({ topic, partitions }) => ({ topic, partitions: partitions.map(({ partition }) => ({ partition, leaderEpoch: 0, endOffset })) })),
    }),
    InitProducerId: () => ({ producerId: 7, producerEpoch: 0 }),
    FindCoordinator: body => ({
      nodeId: 1, host: '127.0.0.1', port, errorMessage: '',
      coordinators: (body.coordinatorKeys ?? []).map(key => ({ key, nodeId: 1, host: '127.0.0.1', port })),
    }),
    JoinGroup: (body, version) => {
      if (body.memberId === '' && version >= 4) return { errorCode: 79, memberId: `member-${++members}`, protocolName: body.protocols[0].name, protocolType: null, leader: '' }
      const memberId = body.memberId === '' ? `member-${++members}` : body.memberId
      return {
        generationId: 1, protocolType: body.protocolType, protocolName: body.protocols[0].name, leader: memberId, memberId,
        members: [{ memberId, groupInstanceId: null, metadata: body.protocols[0].metadata }],
      }
    },
    SyncGroup: body => ({ protocolType: body.protocolType, protocolName: body.protocolName, assignment: body.assignments[0]?.assignment ?? new Uint8Array(0) }),
    Heartbeat: () => ({}),
    LeaveGroup: body => ({ members: (body.members ?? []).map(({ memberId, groupInstanceId }) => ({ memberId, groupInstanceId })) }),
    OffsetFetch: body => {
      const topicsOf = topics => (topics ?? []).map(({ name, topicId, partitionIndexes }) => ({
        name, topicId, partitions: partitionIndexes.map(partitionIndex => ({ partitionIndex, committedOffset: offsets.get(partitionIndex) ?? -1, committedLeaderEpoch: -1, metadata: '' })),
      }))
      return { topics: topicsOf(body.topics), groups: (body.groups ?? []).map(({ groupId, topics }) => ({ groupId, topics: topicsOf(topics) })) }
    },
    OffsetCommit: body => ({
      topics: body.topics.map(({ name, topicId, partitions }) => ({
        name, topicId, partitions: partitions.map(({ partitionIndex, committedOffset }) => {
          offsets.set(partitionIndex, committedOffset)
          return { partitionIndex }
        }),
      })),
    }),
  }

  function answer(socket, bytes) {
    const request = decodeRequest(new Uint8Array(bytes))
    const { apiKey, apiVersion, correlationId, body } = request
    const name = apiName(apiKey)
    const handler = HANDLERS[name]
    if (handler === undefined) throw new Error(`the client asks for ${name}, which is not served`)
    const response = encodeFrame({ apiKey, apiVersion, isResponse: true, correlationId, clientId: null, body: handler(body, apiVersion) })
    if (name !== 'Produce' || body.acks !== 0) setTimeout(() => socket.write(response), name === 'Fetch' && readFrom(body.topics[0]?.partitions[0]?.fetchOffset ?? 0).length === 0 ? 50 : 0)
    const request64 = Buffer.from(bytes).toString('base64')
    const same = frames.filter(frame => frame.api === name && frame.version === apiVersion)
    if (same.length < KEPT && bytes.length < 4_000 && response.length < 4_000) frames.push({ api: name, version: apiVersion, request: request64, response: Buffer.from(response).toString('base64') })
  }

  const server = createServer(socket => {
    sockets.add(socket)
    let pending = Buffer.alloc(0)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket)).on('data', chunk => {
      pending = Buffer.concat([pending, chunk])
      while (pending.length >= 4 && pending.length >= 4 + pending.readInt32BE(0)) {
        const size = 4 + pending.readInt32BE(0)
        try {
          answer(socket, pending.subarray(0, size))
        } catch (error) {
          console.error(`${error.message}: ${pending.subarray(0, size).toString('hex')}`)
          socket.destroy()
          return
        }
        pending = pending.subarray(size)
      }
    })
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  port = server.address().port
  return {
    port, frames,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
