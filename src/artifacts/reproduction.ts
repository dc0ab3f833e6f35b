/**
 * What a user names to have it again: a token, a plan file, or the folder of a run. Gives the plan and the digests that
 * it should give.
 */
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Workload } from '../../workloads/contract.ts'
import { PLAN_FILE } from './failure-report.ts'
import { TrialError } from '../base/trial-error.ts'
import type { Plan } from '../plan/plan.ts'
import { encodeToken, witnessBitsOf } from '../plan/token.ts'
import { buildId } from '../trial/build-id.ts'
import { readPlanFile } from '../trial/plan-file.ts'
import { buildBitsOf, eventBitsOf, historyBitsOf, type PlanOrigin, resolveToken } from '../trial/resolve-token.ts'
import type { Digests } from '../trial/trial-result.ts'

export interface Reproduction {
  readonly name: string
  readonly plan: Plan
  readonly workload: Workload
  /** Present for tokens: what is needed to print another token. */
  readonly origin?: PlanOrigin
  readonly token?: string
  /** Is this the anomaly, allowed by the configuration, that the token was made to show? */
  isWitness?(anomaly: string): boolean
  /** Was it made by this build? Undefined: nothing says so, and nothing is expected. */
  readonly sameBuild?: boolean
  readonly checkpoints?: readonly string[]
  matchesEvents(digests: Digests): boolean
  matchesHistory(digests: Digests): boolean
  /** The expected event digest, as far as it is known. */
  readonly expectedEvents?: string
}

const LOOKS_LIKE_TOKEN = /^\s*t\d+-/i

/** @throws TrialError('token' | 'input' | 'config') */
export async function findReproduction(input: string, workloads: readonly Workload[]): Promise<Reproduction> {
  const named = (name: string): Workload => {
    const workload = workloads.find(one => one.name === name)
    if (workload === undefined) throw new TrialError('config', `workload '${name}' is not known here`, 'give --config the file that defines it')
    return workload
  }
  if (LOOKS_LIKE_TOKEN.test(input) && !existsSync(input)) {
    const { plan, content, origin } = await resolveToken(input, workloads)
    // However it was pasted: reports are named after it.
    const token = encodeToken(content)
    return {
      name: token, plan, origin, token, workload: named(plan.workload),
      ...(content.witnessBits === 0 ? {} : { isWitness: (anomaly: string) => witnessBitsOf(anomaly) === content.witnessBits }),
      sameBuild: content.buildBits === buildBitsOf(),
      matchesEvents: digests => eventBitsOf(digests) === content.eventBits,
      matchesHistory: digests => historyBitsOf(digests) === content.historyBits,
      expectedEvents: `…${content.eventBits.toString(16).padStart(5, '0')}`,
    }
  }
  const path = existsSync(input) && statSync(input).isDirectory() ? join(input, PLAN_FILE) : input
  if (!existsSync(path)) throw new TrialError('input', `'${input}' is neither a token nor a file`, 'a token looks like t2-9Q4ZT7M2C0XRK3-5FG; a plan file ends with .trial.json')
  const { plan, digests, checkpoints, build } = readPlanFile(path)
  return {
    name: input, plan, workload: named(plan.workload),
    ...(digests === undefined ? {} : { sameBuild: build === buildId(), expectedEvents: digests.events }),
    ...(checkpoints === undefined ? {} : { checkpoints }),
    matchesEvents: other => digests === undefined || other.events === digests.events,
    matchesHistory: other => digests === undefined || other.history === digests.history,
  }
}
