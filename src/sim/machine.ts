/**
 * A machine: a host name, a disk, clocks, and at most one process at a time. Power and process are two things: after a
 * process crash the operating system still answers (peers see resets, connects are refused) and the page cache stays;
 * after a machine crash there is silence, and unsynced data may be gone.
 *
 * A paused process gets nothing: its timers, deliveries and tasks are deferred and happen, in order, when it resumes.
 */
import { invariant } from '../base/assert.ts'
import { draw32 } from '../base/random.ts'
import type { Env } from '../env/env.ts'
import { MachineClock } from './clock.ts'
import { DigestKind } from './digest.ts'
import { SimDisk } from './disk.ts'
import { Interleaver } from './interleaver.ts'
import type { Kernel } from './kernel.ts'
import type { ProcessNetwork } from './network.ts'
import { Process } from './process.ts'

/** Something that happens to a process, and can wait while it is paused. */
export interface Deferrable {
  perform(): void
}

export type EndOfProcess = 'crash' | 'machine-crash' | 'halt' | 'shutdown'

/** What a machine needs of the network. */
export interface NetworkOfMachine {
  open(process: Process): ProcessNetwork
  /** The process died: its connections end as `how` says. */
  processEnded(process: Process, how: EndOfProcess): void
  /** What the machine still had to send is gone. */
  powerLost(machine: Machine): void
}

export class Machine {
  readonly host: string
  readonly index: number
  readonly kernel: Kernel
  readonly clock: MachineClock
  readonly drawKey: number
  readonly interleaver: Interleaver | undefined
  /** Does the operating system answer? */
  isPowered = true
  isPaused = false
  private readonly network: NetworkOfMachine
  private disk_: SimDisk
  private disks = 1
  private wiped = false
  private process_: Process | undefined = undefined
  private starts = 0
  private deferred: Deferrable[] | undefined = undefined

  constructor(kernel: Kernel, network: NetworkOfMachine, host: string, index: number) {
    this.kernel = kernel
    this.network = network
    this.host = host
    this.index = index
    this.drawKey = draw32(kernel.rootKey, 'node', host)
    this.clock = new MachineClock(kernel, kernel.options.epochMs, value => {
      kernel.digest.event(DigestKind.Clock, kernel.now, index)
      kernel.digest.add(value)
    })
    this.interleaver = Interleaver.of(kernel, host)
    this.disk_ = new SimDisk(kernel, host, index, 0)
  }

  get disk(): SimDisk {
    return this.disk_
  }

  get process(): Process | undefined {
    return this.process_
  }

  get isRunning(): boolean {
    return this.process_ !== undefined
  }

  /** Of the running or else the last process; -1 before the first. */
  get incarnation(): number {
    return this.starts - 1
  }

  /** Must what happens to the process wait? */
  get isDeferring(): boolean {
    return this.deferred !== undefined
  }

  /** Powers the machine on if need be and runs `main` as a new process. Throws when a process runs. */
  start(main: (env: Env) => void): void {
    invariant(this.process_ === undefined, `a process runs on ${this.host} already`)
    const incarnation = this.starts++
    this.isPowered = true
    const process = new Process(this, incarnation, owner => this.network.open(owner))
    this.process_ = process
    this.note(DigestKind.Start, incarnation)
    this.kernel.trace?.process('started', this.kernel.now, this.host, incarnation, '')
    this.kernel.observe({ kind: 'process-started', wiped: this.wiped }, this.host, incarnation)
    this.wiped = false
    process.call(() => main(process))
  }

  /** Kills the process as SIGKILL does: the page cache stays, peers see resets. No-op when none runs. */
  crashProcess(): void {
    this.end('crash', 'killed')
  }

  /** Cuts the power: peers see silence, files and directories lose a drawn suffix of what was not synced. */
  crashMachine(): void {
    this.end('machine-crash', 'power cut')
    this.isPowered = false
    this.network.powerLost(this)
    this.disk_.crash()
  }

  /** Ends the process as a finished shutdown does. No-op when none runs. */
  stop(): void {
    this.end('shutdown', 'stopped')
  }

  /** Freezes the process. */
  pause(): void {
    invariant(this.process_ !== undefined && !this.isPaused, `${this.host} does not run`)
    this.isPaused = true
    this.deferred ??= []
    this.note(DigestKind.Pause, 1)
    this.kernel.trace?.process('paused', this.kernel.now, this.host, this.incarnation, '')
  }

  resume(): void {
    invariant(this.isPaused, `${this.host} is not paused`)
    this.isPaused = false
    this.note(DigestKind.Pause, 0)
    this.kernel.trace?.process('resumed', this.kernel.now, this.host, this.incarnation, '')
    // What arrives before the catching up has its turn still queues behind what came earlier.
    this.kernel.schedule(0, () => this.catchUp())
  }

  defer(item: Deferrable): void {
    this.deferred!.push(item)
  }

  /** Puts in an empty disk with another id. Only while no process runs. */
  replaceDisk(): void {
    invariant(this.process_ === undefined, `the disk of ${this.host} is in use`)
    this.disk_ = new SimDisk(this.kernel, this.host, this.index, this.disks++)
    this.wiped = true
  }

  /** The process is over; nothing of it happens any more. No-op when none runs. */
  end(how: EndOfProcess, reason: string): void {
    const process = this.process_
    if (process === undefined) return
    process.isAlive = false
    this.process_ = undefined
    this.isPaused = false
    this.deferred = undefined
    this.note(DigestKind.Stop, how.length)
    this.network.processEnded(process, how)
    this.kernel.trace?.process('stopped', this.kernel.now, this.host, process.incarnation, reason)
    this.kernel.observe({ kind: 'process-stopped', how, reason }, this.host, process.incarnation)
  }

  private catchUp(): void {
    const items = this.deferred
    if (items === undefined || this.isPaused) return
    let done = 0
    while (done < items.length) {
      items[done++]!.perform()
      if (this.deferred !== items) return
      if (this.isPaused) {
        this.deferred = items.slice(done)
        return
      }
    }
    this.deferred = undefined
  }

  private note(kind: number, detail: number): void {
    this.kernel.digest.event(kind, this.kernel.now, this.index)
    this.kernel.digest.add(detail)
  }
}
