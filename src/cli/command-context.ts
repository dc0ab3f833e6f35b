/**
 * What every command is given, and how it ends: an action returns an exit code, and what it throws becomes one clear
 * sentence and the documented code.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Command, Option } from 'commander'
import { WORKLOADS } from '../../workloads/index.ts'
import type { Workload } from '../../workloads/contract.ts'
import { findConfigFile, loadConfig, type TrialConfig } from '../trial/load-config.ts'
import { type ExitCode, exitCodeOf } from './exit-code.ts'
import { Output } from './output.ts'

export interface CommonFlags {
  readonly quiet?: boolean
  readonly verbose?: boolean
  readonly color?: string
  readonly progress?: string
  readonly config?: string
}

/** Adds the flags that every command has. */
export function withCommonFlags(command: Command): Command {
  return command
    .option('--config <FILE>', 'config file; default: trial.config.ts of this folder, if there is one')
    .option('-q, --quiet', 'print results only')
    .option('--verbose', 'print stack traces of errors')
    .addOption(new Option('--color <WHEN>', 'auto, always or never (NO_COLOR and FORCE_COLOR count as well)').default('auto').choices(['auto', 'always', 'never']))
    .addOption(new Option('--progress <KIND>', 'auto, bar, counter or none').default('auto').choices(['auto', 'bar', 'counter', 'none']))
}

/** Runs an action: its result, or what its error means, becomes the exit code of the process. */
export function runAction<F extends CommonFlags>(flags: F, action: (output: Output) => Promise<ExitCode>): Promise<void> {
  const output = new Output(flags)
  return action(output).then(
    code => {
      output.clearProgress()
      process.exitCode = code
    },
    (error: unknown) => {
      output.error(error, flags.verbose === true)
      process.exitCode = exitCodeOf(error)
    },
  )
}

export interface LoadedConfig {
  readonly file: string | undefined
  readonly config: TrialConfig
  /** Ours, then those of the config file. */
  readonly workloads: readonly Workload[]
}

/** @throws TrialError('config') */
export async function loadWorkloads(flags: CommonFlags): Promise<LoadedConfig> {
  const file = flags.config ?? findConfigFile(process.cwd())
  const config = file === undefined ? {} : await loadConfig(file)
  return { file, config, workloads: [...WORKLOADS, ...(config.workloads ?? [])] }
}

/** Version of the package; the same whether run from `dist` or from source. */
export function packageVersion(): string {
  let folder = fileURLToPath(new URL('.', import.meta.url))
  for (let up = 0; up < 5; up++) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: string; version?: string }
      if (name === 'kafka-trial' && version !== undefined) return version
    } catch {
      // not here
    }
    folder = join(folder, '..')
  }
  return 'unknown'
}
