/**
 * `meta.properties`: which node and cluster a disk belongs to (Kafka: MetaProperties, version 1). Written on an empty disk,
 * as `kafka-storage.sh format` does before the first start.
 */
import { invariant } from '../base/assert.ts'
import type { Task } from '../base/task.ts'
import type { Env } from '../env/env.ts'

export interface MetaProperties {
  readonly clusterId: string
  readonly nodeId: number
  readonly directoryId: string
}

const PATH = 'meta.properties'
const TEMPORARY_PATH = 'meta.properties.tmp'

/** Checks what the disk says, or writes it. Throws InvariantError for a disk of another node or cluster. */
export function* ensureMetaProperties(env: Env, own: MetaProperties): Task<void> {
  const found = readMetaProperties(env)
  if (found !== undefined) {
    invariant(found.clusterId === own.clusterId && found.nodeId === own.nodeId, `the disk belongs to node ${found.nodeId} of cluster ${found.clusterId}`)
    return
  }
  const text = `cluster.id=${own.clusterId}\ndirectory.id=${own.directoryId}\nnode.id=${own.nodeId}\nversion=1\n`
  env.disk.remove(TEMPORARY_PATH)
  const file = env.disk.open(TEMPORARY_PATH)
  file.append(new TextEncoder().encode(text))
  yield* file.fsync()
  env.disk.rename(TEMPORARY_PATH, PATH)
  yield* env.disk.syncDirectory('')
}

/** What the disk says, undefined when it has not been formatted (or the machine died during it). */
export function readMetaProperties(env: Env): MetaProperties | undefined {
  if (!env.disk.exists(PATH)) return undefined
  const file = env.disk.open(PATH)
  const entries = new Map<string, string>()
  for (const line of new TextDecoder().decode(file.read(0, file.size)).split('\n')) {
    const equals = line.indexOf('=')
    if (equals > 0) entries.set(line.slice(0, equals), line.slice(equals + 1))
  }
  const clusterId = entries.get('cluster.id')
  const nodeId = entries.get('node.id')
  const directoryId = entries.get('directory.id')
  if (clusterId === undefined || nodeId === undefined || directoryId === undefined) return undefined
  return { clusterId, nodeId: Number(nodeId), directoryId }
}
