/** Where a setting comes from: flags, then TRIAL_* of the environment, then the profile, then the config file, then defaults. */
import type { Command } from 'commander'
import { TrialError } from '../base/trial-error.ts'
import type { TrialConfig } from '../trial/load-config.ts'
import { closest, oneOf } from './suggest.ts'

type Settings = Readonly<Record<string, string | number | boolean>>

/** Profiles that need no config file. */
const BUILT_IN_PROFILES: Readonly<Record<string, Settings>> = {
  dev: { seeds: 100 },
  ci: { seeds: 1000, reporter: 'pretty,github' },
  nightly: { time: '30m', seeds: 1_000_000_000, verifyDeterminism: 50 },
}

/** Fills in what the command line left open. `flags` as commander gives them. @throws TrialError('config' | 'usage') */
export function mergeSettings<F extends object>(command: Command, flags: F, config: TrialConfig, environment: NodeJS.ProcessEnv): F {
  const merged: Record<string, unknown> = { ...(flags as Record<string, unknown>) }
  const profile = profileOf((flags as { readonly profile?: string }).profile ?? environment['TRIAL_PROFILE'], config)
  for (const settings of [config.run ?? {}, profile]) checkNames(command, settings)
  for (const option of command.options) {
    const name = option.attributeName()
    const source = command.getOptionValueSource(name)
    if (source === 'cli' || name === 'config' || name === 'profile') continue
    const variable = `TRIAL_${name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()}`
    const value = environment[variable] ?? profile[name] ?? config.run?.[name]
    if (value === undefined) continue
    merged[name] = option.variadic ? String(value).split(',') : option.isBoolean() || option.negate ? isTrue(variable, value) : typeof value === 'boolean' ? value : String(value)
  }
  return merged as F
}

function isTrue(name: string, value: string | number | boolean): boolean {
  if (typeof value === 'boolean') return value
  if (value === 'true' || value === '1' || value === 1) return true
  if (value === 'false' || value === '0' || value === 0) return false
  throw new TrialError('config', `${name} is true or false, not '${value}'`)
}

function profileOf(name: string | undefined, config: TrialConfig): Settings {
  if (name === undefined) return {}
  const all: Readonly<Record<string, Settings>> = { ...BUILT_IN_PROFILES, ...config.profiles }
  return all[oneOf('profile', name, Object.keys(all))]!
}

function checkNames(command: Command, settings: Settings): void {
  const known = command.options.map(option => option.attributeName())
  for (const name of Object.keys(settings)) {
    if (known.includes(name)) continue
    const near = closest(name, known)
    throw new TrialError('config', `the config file sets '${name}', which \`trial run\` does not have`, near === undefined ? `it has: ${known.join(', ')}` : `did you mean '${near}'?`)
  }
}
