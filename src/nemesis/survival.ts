/**
 * What the configured guarantee survives, and how much of it is used up.
 *
 * While a broker has lost data (machine crash, damaged or replaced disk), at most `maxLossy` brokers at a time, it
 * included, may have shut down uncleanly. A broker counts from its crash until its new incarnation is unfenced and back in
 * the ISR of everything that it replicates. A process crash counts although it loses nothing: the controller cannot tell,
 * drops the broker from ISR and ELR all the same (KIP-966, ReplicationControlManager#handleBrokerUncleanShutdown), and when
 * nobody is left it elects the last known leader, lossy or not.
 */
import type { ObservationOf } from '../env/observation.ts'
import type { ClusterView } from './ports.ts'

export interface SurvivalBudget {
  readonly maxLossy: number
  readonly beyond: boolean
}

/** A broker whose last shutdown was unclean and that has not rejoined every ISR. */
interface UncleanBroker {
  state: 'damaged' | 'down' | 'registered' | 'unfenced'
  lossy: boolean
}

export class Survival {
  private readonly view: ClusterView
  private readonly budget: SurvivalBudget
  private readonly isRunning: (host: string) => boolean
  private readonly unclean = new Map<string, UncleanBroker>()

  constructor(view: ClusterView, budget: SurvivalBudget, isRunning: (host: string) => boolean) {
    this.view = view
    this.budget = budget
    this.isRunning = isRunning
  }

  get isBeyond(): boolean {
    return this.budget.beyond
  }

  /** May these hosts go down uncleanly together, with loss of data or not? */
  allows(hosts: readonly string[], lossy: boolean): boolean {
    if (this.budget.beyond) return true
    const brokers = hosts.filter(host => this.view.brokers.includes(host))
    if (brokers.length === 0) return true
    let isAnyLossy = lossy
    for (const [name, { state, lossy: hasLost }] of this.unclean) {
      if (state === 'unfenced' && this.view.isFullyInSync(name)) this.unclean.delete(name)
      else isAnyLossy ||= hasLost
    }
    if (!isAnyLossy) return true
    return this.unclean.size + brokers.filter(host => !this.unclean.has(host)).length <= this.budget.maxLossy
  }

  mark(host: string, lossy: boolean): void {
    if (!this.view.brokers.includes(host)) return
    const known = this.unclean.get(host)
    if (known?.state === 'damaged') return
    this.unclean.set(host, { state: 'down', lossy: lossy || known?.lossy === true })
  }

  /** What is on its disk is damaged, and stays so, through restarts, until it is replaced. */
  damaged(host: string): void {
    if (this.view.brokers.includes(host)) this.unclean.set(host, { state: 'damaged', lossy: true })
  }

  /** It has got another disk, an empty one. */
  replaced(host: string): void {
    if (this.view.brokers.includes(host)) this.unclean.set(host, { state: 'down', lossy: true })
  }

  /** It was marked in case it should go down, and did not. */
  stayedUp(host: string): void {
    const broker = this.unclean.get(host)
    if (broker?.state === 'down') broker.state = 'unfenced'
  }

  follow(event: ObservationOf<'broker-registered' | 'broker-unfenced'>): void {
    const host = this.view.hostOf(event.brokerId)
    const broker = host === undefined ? undefined : this.unclean.get(host)
    if (host === undefined || broker === undefined || !this.isRunning(host)) return
    if (event.kind === 'broker-registered' && broker.state === 'down') broker.state = 'registered'
    if (event.kind === 'broker-unfenced' && broker.state === 'registered') broker.state = 'unfenced'
  }
}
