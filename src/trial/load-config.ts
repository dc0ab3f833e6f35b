/**
 * `trial.config.ts`, loaded through jiti (Node 20 strips no types): profiles of flags, and the user's own workloads.
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createJiti } from 'jiti'
import type { Workload } from '../../workloads/contract.ts'
import { TrialError } from '../base/trial-error.ts'

export interface TrialConfig {
  /** Default flags of `trial run`, by their long names: `{ seeds: 200, workload: 'orders' }`. */
  readonly run?: Readonly<Record<string, string | number | boolean>>
  /** Named sets of flags, chosen by `--profile`. */
  readonly profiles?: Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>
  /** Your own workloads, made with `defineWorkload`. */
  readonly workloads?: readonly Workload[]
}

/** Types a config file; returns it unchanged. */
export function defineConfig(config: TrialConfig): TrialConfig {
  return config
}

const KNOWN = ['run', 'profiles', 'workloads']
export const CONFIG_FILES = ['trial.config.ts', 'trial.config.mts', 'trial.config.js', 'trial.config.mjs']

export function findConfigFile(directory: string): string | undefined {
  return CONFIG_FILES.map(name => resolve(directory, name)).find(path => existsSync(path))
}

/** @throws TrialError('config') when the file cannot be loaded or has keys that do not exist */
export async function loadConfig(path: string): Promise<TrialConfig> {
  if (!existsSync(path)) throw new TrialError('config', `config file '${path}' does not exist`, 'give --config the path of a trial.config.ts')
  let loaded: unknown
  try {
    const jiti = createJiti(pathToFileURL(resolve(path)).href, { interopDefault: true })
    loaded = await jiti.import(pathToFileURL(resolve(path)).href, { default: true })
  } catch (error) {
    throw new TrialError('config', `config file '${path}' failed to load: ${error instanceof Error ? error.message : String(error)}`, 'it must `export default defineConfig({ ... })`')
  }
  if (typeof loaded !== 'object' || loaded === null) throw new TrialError('config', `config file '${path}' has no default export`, 'write `export default defineConfig({ ... })`')
  for (const key of Object.keys(loaded)) {
    if (!KNOWN.includes(key)) throw new TrialError('config', `config file '${path}' has an unknown key '${key}'`, `known keys: ${KNOWN.join(', ')}`)
  }
  return loaded as TrialConfig
}

export async function loadConfiguredWorkloads(path: string): Promise<readonly Workload[]> {
  return (await loadConfig(path)).workloads ?? []
}
