/** `trial explain THING`: an anomaly, defect, mend, guarantee, checker, exit code or token in plain words. */
import type { Command } from 'commander'
import { type Anomaly, ANOMALIES, findAnomaly, promiseOf } from '../../../checkers/anomalies.ts'
import { GUARANTEES } from '../../../checkers/guarantees.ts'
import { CHECKERS } from '../../../checkers/index.ts'
import { TrialError } from '../../base/trial-error.ts'
import { DEFECTS, MENDS } from '../../config/defects.ts'
import { describeFault, FAULT_DESCRIPTIONS } from '../../nemesis/describe-fault.ts'
import type { FaultKind } from '../../nemesis/fault.ts'
import { type CommonFlags, loadWorkloads, runAction, withCommonFlags } from '../command-context.ts'
import { EXIT_CODE_MEANINGS, ExitCode } from '../exit-code.ts'
import { findReproduction } from '../../artifacts/reproduction.ts'
import { closest } from '../suggest.ts'

export function addExplainCommand(program: Command): void {
  withCommonFlags(program.command('explain <thing>').description('an anomaly, defect, mend, guarantee, checker, fault, exit code or token in plain words'))
    .action((thing: string, flags: CommonFlags) => runAction(flags, async output => {
      const lines = /^\s*t\d+-/i.test(thing) ? await explainToken(thing, flags) : explainName(thing)
      for (const line of lines) output.line(line)
      return ExitCode.Valid
    }))
}

/** @throws TrialError('usage') when nothing has that name */
export function explainName(name: string): string[] {
  const anomaly = findAnomaly(name)
  if (anomaly !== undefined) {
    return [
      `${anomaly.id}: ${anomaly.title} (found by ${anomaly.checker})`, '', anomaly.definition, '',
      ...promiseLines(anomaly),
      '', 'For example:', ...anomaly.example.map(line => `  ${line}`), '', `A false alarm would be: ${anomaly.falseAlarm}`,
    ]
  }
  const defect = DEFECTS.find(({ id }) => id === name)
  if (defect !== undefined) return [`${defect.id}: a defect of Kafka's ${defect.area} code, ${defect.fixedIn === '' ? 'fixed in no release' : `fixed in ${defect.fixedIn}`}; depth ${defect.depth} of 5, seen by ${{ S: 'clients as broken safety', L: 'clients as lack of progress', W: 'white-box invariants only' }[defect.oracle]}`, '', defect.mechanism, '', `Switch it on: trial run --defect ${defect.id} --until-failure`]
  const mend = MENDS.find(({ id }) => id === name)
  if (mend !== undefined) return [`${mend.id}: a known behaviour of Kafka 4.3.1 that breaks a promise`, '', mend.mechanism, '', `${mend.link}`, `Switch it off: trial replay TOKEN --mend ${mend.id}`]
  const guarantee = GUARANTEES.find(({ id }) => id === name)
  if (guarantee !== undefined) return [`${guarantee.id}: ${guarantee.promise}`, guarantee.link, '', `Broken by: ${ANOMALIES.filter(({ forbiddenBy }) => forbiddenBy !== 'never' && forbiddenBy.includes(guarantee.id as never)).map(({ id }) => id).join(', ')}`]
  const checker = CHECKERS.find(one => one.name === name)
  if (checker !== undefined) return [`${checker.name} (${checker.kind}): ${checker.describes}`, '', `Finds: ${ANOMALIES.filter(one => one.checker === name).map(({ id }) => id).join(', ')}`]
  if (Object.hasOwn(FAULT_DESCRIPTIONS, name)) return [`${name}: ${FAULT_DESCRIPTIONS[name as FaultKind]}`]
  const meaning = EXIT_CODE_MEANINGS[Number(name)]
  if (meaning !== undefined) return [`exit code ${name}: ${meaning}`]
  const known = [...ANOMALIES, ...DEFECTS, ...MENDS, ...GUARANTEES].map(({ id }) => id).concat(CHECKERS.map(one => one.name), Object.keys(FAULT_DESCRIPTIONS))
  const near = closest(name, known)
  throw new TrialError('usage', `there is nothing called '${name}' to explain`, near === undefined ? 'give an anomaly, defect, mend, guarantee, checker, fault, exit code or token; see `trial list`' : `did you mean '${near}'?`)
}

/** Which promise it breaks, and where that is made. */
function promiseLines(anomaly: Anomaly): string[] {
  const promise = anomaly.promise ?? promiseOf(anomaly)?.promise
  const link = anomaly.link ?? promiseOf(anomaly)?.link
  const links = link === undefined ? [] : [`  ${link}`]
  if (anomaly.forbiddenBy === 'never') return ['Nothing forbids it: it is counted, never failed.', ...links]
  if (anomaly.models !== undefined) return [`The weakest consistency models that forbid it: ${anomaly.models.join(', ')}.`, ...links]
  return [promise === undefined ? 'No configuration allows it.' : `It breaks: ${promise}`, ...links]
}

async function explainToken(token: string, flags: CommonFlags): Promise<string[]> {
  const { plan, origin, sameBuild } = await findReproduction(token, (await loadWorkloads(flags)).workloads)
  return [
    `workload ${plan.workload}, seed ${plan.seed}, configuration ${origin?.options.profile ?? ''}; made by ${sameBuild === true ? 'this build' : 'another build'}`,
    `defects ${plan.defects.join(', ') || 'none'}; mends ${plan.mends.join(', ') || 'none'}; wire ${plan.wire}`,
    `servers: ${plan.cluster.servers.map(({ host }) => host).join(', ')}`,
    `topics: ${plan.topics.map(({ name, partitions, replicationFactor }) => `${name} (${partitions} partitions, RF ${replicationFactor})`).join(', ')}`,
    `${plan.operations.length} client operations by ${plan.clients.map(({ host, kind }) => `${host} (${kind})`).join(', ')}`,
    ...plan.faults.map(fault => `fault: ${describeFault(fault)}`),
    ...(plan.choices.mode === 'explicit' ? plan.choices.fired.map(({ key, value }) => `kernel choice: ${key} = ${value}`) : ['kernel choices are drawn']),
  ]
}
