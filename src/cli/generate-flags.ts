/** Flags that decide how plans are drawn, and their meaning. Every mistake is one sentence with a suggestion. */
import type { Command } from 'commander'
import { DEFECTS, type DefectId, MENDS, type MendId } from '../config/defects.ts'
import { FAULT_FAMILIES, type FaultFamily } from '../nemesis/fault.ts'
import { ALL_FAMILIES, DEFAULT_GENERATE_OPTIONS, type FaultRate, type GenerateOptions, PROFILE_NAMES } from '../plan/generate-options.ts'
import { TrialError } from '../base/trial-error.ts'
import { duration, oneOf, wholeNumber } from './suggest.ts'

export interface GenerateFlags {
  readonly nodes?: string
  readonly faults?: string
  readonly faultRate?: string
  readonly simTime?: string
  readonly ops?: string
  readonly configuration?: string
  readonly defect?: string[]
  readonly mend?: string[]
  readonly wire?: string
  readonly beyondBudget?: boolean
}

export function withGenerateFlags(command: Command): Command {
  return command
    .option('--nodes <N>', 'number of brokers; default: drawn, 3 to 5')
    .option('--faults <LIST>', `families of faults: ${Object.keys(FAULT_FAMILIES).join(',')}, all or none`, 'all')
    .option('--fault-rate <RATE>', 'low, normal or high', 'normal')
    .option('--sim-time <TIME>', 'length of the fault phase in virtual time, such as 10s; default: drawn, 3 to 9 s')
    .option('--ops <N>', 'client operations a trial; default: drawn')
    .option('--configuration <NAME>', `what is pinned instead of drawn: ${PROFILE_NAMES.join(', ')}`, 'any')
    .option('--defect <ID...>', 'switch historical defects of Kafka on (see `trial list defects`)')
    .option('--mend <ID...>', 'switch known behaviours of Kafka off (see `trial list mends`)')
    .option('--wire <FORM>', 'objects or bytes: bytes encodes and decodes every message', 'objects')
    .option('--beyond-budget', 'let faults exceed what the configuration survives')
}

const listed = (values: readonly string[]): string[] => values.flatMap(value => value.split(',')).map(value => value.trim()).filter(value => value !== '')

export function defectIds(values: readonly string[]): DefectId[] {
  return listed(values).map(value => oneOf('defect', value, DEFECTS.map(({ id }) => id as DefectId)))
}

export function mendIds(values: readonly string[]): MendId[] {
  return listed(values).map(value => oneOf('mend', value, MENDS.map(({ id }) => id as MendId)))
}

function families(text: string): readonly FaultFamily[] {
  if (text === 'all') return ALL_FAMILIES
  if (text === 'none') return []
  const names = listed([text])
  if (names.length === 0) throw new TrialError('usage', '--faults takes a list of families, all or none', `families: ${ALL_FAMILIES.join(', ')}`)
  const chosen = new Set(names.map(name => oneOf('family of faults', name, ALL_FAMILIES)))
  return ALL_FAMILIES.filter(family => chosen.has(family))
}

/** @throws TrialError('usage') */
export function generateOptionsOf(flags: GenerateFlags, workload: string): GenerateOptions {
  return {
    ...DEFAULT_GENERATE_OPTIONS,
    workload,
    profile: oneOf('configuration', flags.configuration ?? 'any', PROFILE_NAMES),
    operations: flags.ops === undefined ? 0 : wholeNumber('--ops', flags.ops, 1, 60_000),
    chaosMs: flags.simTime === undefined ? 0 : within('--sim-time', duration('--sim-time', flags.simTime), 100, 3_600_000),
    families: families(flags.faults ?? 'all'),
    faultRate: oneOf<FaultRate>('fault rate', flags.faultRate ?? 'normal', ['low', 'normal', 'high']),
    defects: defectIds(flags.defect ?? []),
    mends: mendIds(flags.mend ?? []),
    wire: oneOf('wire form', flags.wire ?? 'objects', ['objects', 'bytes'] as const),
    beyondBudget: flags.beyondBudget === true,
    brokers: flags.nodes === undefined ? 0 : wholeNumber('--nodes', flags.nodes, 1, 9),
  }
}

function within(what: string, ms: number, min: number, max: number): number {
  if (ms < min || ms > max) throw new TrialError('usage', `${what} lies between ${min / 1000} s and ${max / 1000} s`, `for example ${what} 10s`)
  return ms
}
