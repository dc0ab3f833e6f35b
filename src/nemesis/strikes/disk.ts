/**
 * Faults of disks. A disk that is full, or whose fsync fails, costs the broker its process (Kafka: LogDirFailureChannel,
 * and without another log directory Exit#halt) until the disk is well and an operator starts it again. A slow one only
 * takes time. What is damaged on the medium (a flipped bit, a batch written to the wrong place, a sector that cannot be
 * read) Kafka never repairs by itself: the fault ends with an empty replacement disk, and until then counts as lost data.
 */
import { below, mix } from '../../base/random.ts'
import type { ActionOf, Target } from '../fault.ts'
import type { DiskPort } from '../ports.ts'
import { partitionOf } from '../resolve-target.ts'
import { BEYOND_BUDGET, NO_TARGET, type Outcome, stopProblem, type StrikeContext } from './strike.ts'

/** Record batch v2: where the length is, and from where on a change is noticed (the CRC itself, then what it covers). */
const BASE_OFFSET_BYTES = 8
const LENGTH_END = 12
const CRC_AT = 17

export function failDisk(context: StrikeContext, action: ActionOf<'disk-full' | 'fsync-error'>): Outcome {
  const { world, survival } = context
  const host = context.resolve(action.target)
  const problem = stopProblem(world, host)
  if (host === undefined || problem !== undefined) return problem ?? NO_TARGET
  if (!world.hosts.includes(host)) return 'a client keeps nothing on its disk'
  if (!survival.allows([host], false)) return BEYOND_BUDGET
  survival.mark(host, false)
  const { disk } = world.machine(host)
  const set = (on: boolean): void => (action.kind === 'disk-full' ? disk.setFull(on) : disk.setFailingSync(on))
  set(true)
  return {
    hosts: [host],
    heal: () => {
      set(false)
      if (world.machine(host).isRunning) survival.stayedUp(host)
      else context.revive(host)
    },
  }
}

export function slowDisk(context: StrikeContext, action: ActionOf<'disk-slow'>): Outcome {
  const host = context.resolve(action.target)
  if (host === undefined) return NO_TARGET
  const { disk } = context.world.machine(host)
  disk.slowSync(action.extraUs)
  return { hosts: [host], heal: () => disk.slowSync(0) }
}

export function damageDisk(context: StrikeContext, action: ActionOf<'bit-flip' | 'misdirected-write' | 'bad-sector'>): Outcome {
  const { world, view, survival } = context
  const host = context.resolve(action.target)
  const problem = stopProblem(world, host)
  if (host === undefined || problem !== undefined) return problem ?? NO_TARGET
  if (view.voters.has(host)) return 'a quorum voter keeps its disk'
  // What the CRC does not cover (offset, length, leader epoch; a whole batch elsewhere) Kafka takes for data.
  const isCovered = action.kind === 'bit-flip' && action.covered
  if (action.kind !== 'bad-sector' && !isCovered && !survival.isBeyond) return BEYOND_BUDGET
  if (!survival.allows([host], true)) return BEYOND_BUDGET
  const where = damage(world.machine(host).disk, action, fileOf(context, host, action.target))
  if (where === undefined) return 'nothing is stored there yet'
  survival.damaged(host)
  return {
    hosts: [host],
    who: `${host} (${where})`,
    heal: () => {
      const machine = world.machine(host)
      if (machine.isPaused) machine.resume()
      machine.crashProcess()
      machine.replaceDisk()
      survival.replaced(host)
      world.schedule(1_000, () => context.revive(host))
    },
  }
}

/** The log files of the target's partition on that host, newest last. */
function fileOf({ view, world }: StrikeContext, host: string, target: Target): readonly string[] {
  const { topic, partition } = partitionOf(target, view)
  const all = world.machine(host).disk.files().filter(path => path.endsWith('.log') && !path.includes('__cluster_metadata'))
  const own = all.filter(path => path.includes(`/${topic}-${partition}/`))
  return own.length > 0 ? own : all
}

function damage(disk: DiskPort, action: ActionOf<'bit-flip' | 'misdirected-write' | 'bad-sector'>, paths: readonly string[]): string | undefined {
  const path = paths[action.pick % Math.max(1, paths.length)]
  if (path === undefined) return undefined
  const bytes = disk.read(path)
  const batches = batchesIn(bytes)
  // Every other time one of the newest: these are still to be fetched.
  const among = (action.pick & 1) === 0 ? batches : batches.slice(-3)
  const batch = among[(mix(action.pick, 1) >>> 0) % Math.max(1, among.length)]
  if (batch === undefined) return undefined
  switch (action.kind) {
    case 'bad-sector':
      disk.spoil(path)
      return `${path} cannot be read`
    case 'bit-flip': {
      const from = action.covered ? batch.start + CRC_AT : batch.start
      const to = action.covered ? batch.end : batch.start + CRC_AT
      const position = from + below(mix(action.pick, 2) >>> 0, to - from)
      disk.damage(path, position, Uint8Array.of(bytes[position]! ^ (1 << (mix(action.pick, 3) & 7))))
      return `${path} at ${position}`
    }
    case 'misdirected-write': {
      const other = batches[(mix(action.pick, 4) >>> 0) % batches.length]!
      if (other === batch) return undefined
      disk.damage(path, other.start, bytes.slice(batch.start, Math.min(batch.end, batch.start + bytes.length - other.start)))
      return `${path}: the batch at ${batch.start} over the one at ${other.start}`
    }
  }
}

/** Where the whole record batches of a log file lie (base offset 8 bytes, then the length of what follows it). */
function batchesIn(bytes: Uint8Array): { readonly start: number; readonly end: number }[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const batches: { start: number; end: number }[] = []
  for (let start = 0; start + LENGTH_END <= bytes.length;) {
    const end = start + LENGTH_END + view.getInt32(start + BASE_OFFSET_BYTES)
    if (end <= start + CRC_AT || end > bytes.length) break
    batches.push({ start, end })
    start = end
  }
  return batches
}
