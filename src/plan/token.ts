/**
 * Tokens: one unbroken word that names a plan. `t2-<payload>-<check>` in Crockford's base 32 (no ambiguous letters,
 * case-insensitive, dashes ignored), so that a wrapped paste either works or is refused.
 *
 * The payload is one big number in mixed radix: format fields of fixed size first, the rank of the kept elements on top.
 * Options that are at their default cost one bit each.
 */
import { mix } from '../base/random.ts'
import { TrialError } from '../base/trial-error.ts'
import { DEFECTS, type DefectId, MENDS, type MendId } from '../config/defects.ts'
import type { FaultFamily } from '../nemesis/fault.ts'
import { ALL_FAMILIES, DEFAULT_GENERATE_OPTIONS, type FaultRate, type GenerateOptions, PROFILE_NAMES } from './generate-options.ts'

export const TOKEN_FORMAT = 2
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const FAULT_RATES: readonly FaultRate[] = ['low', 'normal', 'high']

export interface TokenContent {
  readonly options: GenerateOptions
  /** A trial seed: base 36, below 2^48. */
  readonly seed: string
  /** Have the fired choices been made explicit, over constant latency or still over the drawn one? */
  readonly materialised: 'no' | 'constant-latency' | 'drawn-latency'
  /** Undefined: all elements are kept. */
  readonly subset: { readonly size: number; readonly rank: bigint } | undefined
  /** 12 bits of the name of an anomaly that the configuration allows and that the plan was shrunk to show; 0: none. */
  readonly witnessBits: number
  /** Low 20 bits of the event digest, low 12 bits of the history digest, 16 bits of the build id. */
  readonly eventBits: number
  readonly historyBits: number
  readonly buildBits: number
}

class Packer {
  private value = 0n
  private scale = 1n

  put(part: number | bigint, radix: number | bigint): void {
    const digit = BigInt(part)
    if (digit < 0n || digit >= BigInt(radix)) throw new TrialError('internal', `token field out of range: ${part} of ${radix}`)
    this.value += digit * this.scale
    this.scale *= BigInt(radix)
  }

  top(part: bigint): bigint {
    return this.value + part * this.scale
  }
}

class Unpacker {
  private value: bigint

  constructor(value: bigint) {
    this.value = value
  }

  take(radix: number | bigint): number {
    const digit = this.value % BigInt(radix)
    this.value /= BigInt(radix)
    return Number(digit)
  }

  rest(): bigint {
    return this.value
  }
}

const bits = <T>(all: readonly T[], chosen: readonly T[]): bigint => all.reduce((sum, item, index) => (chosen.includes(item) ? sum | (1n << BigInt(index)) : sum), 0n)
const unbits = <T>(all: readonly T[], mask: number): T[] => all.filter((_, index) => (BigInt(mask) >> BigInt(index)) & 1n)

/** Few of many: how many, then the place of each. */
function putNames<T>(packer: Packer, all: readonly T[], chosen: readonly T[]): void {
  packer.put(chosen.length, 256)
  for (const one of chosen) packer.put(all.indexOf(one), 256)
}

function takeNames<T>(unpacker: Unpacker, all: readonly T[]): T[] {
  return Array.from({ length: unpacker.take(256) }, () => all[unpacker.take(256)]).filter(one => one !== undefined)
}

const CHECK_LETTERS = 3

function checksum(payload: string): string {
  let hash = TOKEN_FORMAT
  for (let i = 0; i < payload.length; i++) hash = mix(hash, payload.charCodeAt(i))
  return ALPHABET[hash & 31]! + ALPHABET[(hash >>> 5) & 31]! + ALPHABET[(hash >>> 10) & 31]!
}

function base32(value: bigint): string {
  let text = ''
  for (let rest = value; rest > 0n; rest >>= 5n) text = ALPHABET[Number(rest & 31n)]! + text
  return text === '' ? '0' : text
}

/** A witnessed anomaly is named by 12 bits, never 0. */
export const witnessBitsOf = (anomaly: string): number => (nameBits(anomaly) & 0xfff) || 1

/** A workload is named by 16 bits of its name, so that neither the order nor the number of those registered matters. */
function nameBits(name: string): number {
  let hash = TOKEN_FORMAT
  for (let i = 0; i < name.length; i++) hash = mix(hash, name.charCodeAt(i))
  return hash & 0xffff
}

export function encodeToken(content: TokenContent): string {
  const packer = new Packer()
  const { options } = content
  const defaults = DEFAULT_GENERATE_OPTIONS
  const optional = (isDefault: boolean, put: () => void): void => {
    packer.put(isDefault ? 0 : 1, 2)
    if (!isDefault) put()
  }
  packer.put(nameBits(options.workload), 1 << 16)
  packer.put(PROFILE_NAMES.indexOf(options.profile), 32)
  packer.put(BigInt(Number.parseInt(content.seed, 36)), 1n << 48n)
  packer.put(content.eventBits, 1 << 20)
  packer.put(content.historyBits, 1 << 12)
  packer.put(content.buildBits, 1 << 16)
  packer.put(['no', 'constant-latency', 'drawn-latency'].indexOf(content.materialised), 3)
  optional(options.operations === 0, () => packer.put(options.operations, 65_536))
  optional(options.chaosMs === 0, () => packer.put(options.chaosMs, 16_777_216))
  optional(options.families.length === ALL_FAMILIES.length, () => packer.put(bits(ALL_FAMILIES, options.families), 256))
  optional(options.faultRate === defaults.faultRate, () => packer.put(FAULT_RATES.indexOf(options.faultRate), 4))
  optional(options.defects.length === 0, () => putNames(packer, DEFECTS.map(({ id }) => id), options.defects))
  optional(options.mends.length === 0, () => putNames(packer, MENDS.map(({ id }) => id), options.mends))
  optional(options.wire === 'objects', () => undefined)
  optional(!options.beyondBudget, () => undefined)
  optional(options.brokers === 0, () => packer.put(options.brokers, 64))
  optional(content.witnessBits === 0, () => packer.put(content.witnessBits, 4_096))
  optional(content.subset === undefined, () => packer.put(content.subset!.size, 4_096))
  const payload = base32(packer.top(content.subset?.rank ?? 0n))
  return `t${TOKEN_FORMAT}-${payload}-${checksum(payload)}`
}

/** @param workloads names of those that are known here. @throws TrialError('token') with what is wrong */
export function decodeToken(text: string, workloads: readonly string[]): TokenContent {
  const clean = text.replace(/\s+/g, '').toUpperCase().replace(/O/g, '0').replace(/[IL]/g, '1')
  const match = /^T(\d)-?([0-9A-Z-]+)$/.exec(clean)
  if (match === null) throw new TrialError('token', `'${text}' is not a token`, 'a token looks like t2-9Q4ZT7M2C0XRK3-5FG; copy the whole word')
  if (Number(match[1]) !== TOKEN_FORMAT) {
    throw new TrialError('token', `token format t${match[1]} is not understood by this version, which reads t${TOKEN_FORMAT}`, 'use the version of kafka-trial that printed it')
  }
  const letters = match[2]!.replace(/-/g, '')
  const payload = letters.slice(0, -CHECK_LETTERS)
  if (payload === '' || checksum(payload) !== letters.slice(-CHECK_LETTERS) || [...payload].some(letter => !ALPHABET.includes(letter))) {
    throw new TrialError('token', `the checksum of token '${text}' does not match`, 'some letters are missing or changed; copy the whole word again')
  }
  let value = 0n
  for (const letter of payload) value = (value << 5n) | BigInt(ALPHABET.indexOf(letter))
  const unpacker = new Unpacker(value)
  const optional = <T>(fallback: T, take: () => T): T => (unpacker.take(2) === 0 ? fallback : take())
  const named = unpacker.take(1 << 16)
  const [workload, ...others] = workloads.filter(name => nameBits(name) === named)
  if (workload === undefined) throw new TrialError('token', `token '${text}' names a workload that is not known here`, `load the config file that defines it; known: ${workloads.join(', ')}`)
  if (others.length > 0) throw new TrialError('token', `token '${text}' could name the workloads ${[workload, ...others].join(' and ')}`, 'rename one of them, or use the .trial.json file')
  const profile = PROFILE_NAMES[unpacker.take(32)]
  if (profile === undefined) throw new TrialError('token', `token '${text}' names a profile that does not exist here`, 'use the build that printed it')
  const seed = BigInt(unpacker.take(1n << 48n)).toString(36)
  const eventBits = unpacker.take(1 << 20)
  const historyBits = unpacker.take(1 << 12)
  const buildBits = unpacker.take(1 << 16)
  const materialised = (['no', 'constant-latency', 'drawn-latency'] as const)[unpacker.take(3)]!
  const defaults = DEFAULT_GENERATE_OPTIONS
  const options: GenerateOptions = {
    workload,
    profile,
    operations: optional(0, () => unpacker.take(65_536)),
    chaosMs: optional(0, () => unpacker.take(16_777_216)),
    families: optional<readonly FaultFamily[]>(ALL_FAMILIES, () => unbits(ALL_FAMILIES, unpacker.take(256))),
    faultRate: optional(defaults.faultRate, () => FAULT_RATES[unpacker.take(4)] ?? 'normal'),
    defects: optional<readonly DefectId[]>([], () => takeNames(unpacker, DEFECTS.map(({ id }) => id as DefectId))),
    mends: optional<readonly MendId[]>([], () => takeNames(unpacker, MENDS.map(({ id }) => id as MendId))),
    wire: optional<'objects' | 'bytes'>('objects', () => 'bytes'),
    beyondBudget: optional(false, () => true),
    brokers: optional(0, () => unpacker.take(64)),
  }
  const witnessBits = optional(0, () => unpacker.take(4_096))
  const size = optional<number | undefined>(undefined, () => unpacker.take(4_096))
  return {
    options, seed, materialised, witnessBits, eventBits, historyBits, buildBits,
    subset: size === undefined ? undefined : { size, rank: unpacker.rest() },
  }
}
