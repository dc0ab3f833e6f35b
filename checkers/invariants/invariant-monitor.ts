/**
 * What the monitors share: facts about the trial, and reporting the first event at which an invariant broke, once for
 * each partition and node (a broken replica would otherwise be reported at every event that follows).
 */
import type { Observation } from '../../src/env/observation.ts'
import type { Json } from '../../src/history/operation.ts'
import type { ExplanationStep, Finding, Monitor } from '../contract.ts'
import { FindingCollector } from '../finding-collector.ts'
import type { GuaranteeId, GuaranteeSet } from '../guarantees.ts'
import type { ClusterShadow, Moment, PartitionShadow } from './cluster-shadow.ts'

export interface MonitorContext {
  readonly guarantees: GuaranteeSet
  /** Is unclean leader election, at any time, enabled for this topic? */
  readonly uncleanElections: (topic: string) => boolean
  readonly servers: readonly { readonly nodeId: number; readonly host: string }[]
  /** May producer ids expire within the trial (producer.id.expiration.ms)? */
  readonly producersExpire?: boolean
}

export interface Violation {
  readonly title: string
  readonly evidence: { readonly [key: string]: Json }
  /** What led to it; the event itself is added. */
  readonly before?: readonly (Moment | undefined)[]
  /** What this event did. */
  readonly event: string
  readonly contradiction: string
  readonly offset?: number
  readonly requires?: readonly GuaranteeId[] | 'never'
}

export abstract class InvariantMonitor implements Monitor {
  readonly name: string
  protected readonly context: MonitorContext
  protected readonly cluster: ClusterShadow
  private readonly found: FindingCollector
  private readonly reported = new Set<string>()

  constructor(name: string, context: MonitorContext, cluster: ClusterShadow) {
    this.name = name
    this.context = context
    this.cluster = cluster
    this.found = new FindingCollector(name, context.guarantees)
  }

  abstract observe(event: Observation, node: string, incarnation: number, time: number): void

  /** Called once, when everything has healed and the cluster has settled. */
  settled(_isUp: (host: string) => boolean, _time: number): void {}

  finish(): readonly Finding[] {
    return this.found.findings()
  }

  result(): ReturnType<FindingCollector['result']> {
    return this.found.result()
  }

  /** True if this was not reported before. `about` tells reports of one node apart. */
  protected isNew(partition: PartitionShadow | undefined, node: string, about = ''): boolean {
    const id = `${partition?.topicId ?? ''} ${partition?.partition ?? ''} ${node} ${about}`
    if (this.reported.has(id)) return false
    this.reported.add(id)
    return true
  }

  protected report(anomaly: string, partition: PartitionShadow | undefined, node: string, time: number, violation: Violation): void {
    const { title, evidence, before = [], event, contradiction, offset } = violation
    const steps: ExplanationStep[] = before.filter(moment => moment !== undefined).map(({ text, time: at }) => ({ text, time: at }))
    steps.sort((a, b) => a.time! - b.time!)
    steps.push({ text: event, time })
    const unclean = partition !== undefined && this.context.uncleanElections(partition.topic)
    this.found.add(anomaly, () => ({
      title,
      evidence: { ...evidence, node, time },
      steps,
      contradiction,
      ...(partition === undefined ? {} : { key: partition.key }),
      ...(offset === undefined ? {} : { offset }),
    }), violation.requires ?? (unclean && UNCLEAN_EXCUSES.has(anomaly) ? 'never' : undefined))
  }
}

/** What an unclean election does by design. */
const UNCLEAN_EXCUSES: ReadonlySet<string> = new Set(['log-divergence', 'leader-completeness', 'candidate-completeness'])
