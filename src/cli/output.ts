/**
 * What the command line prints: colours where wanted (NO_COLOR, FORCE_COLOR, a terminal), plain lines elsewhere, and a
 * progress line that never uses carriage returns outside a terminal.
 */
import { styleText } from 'node:util'
import { TrialError } from '../base/trial-error.ts'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

export class Output {
  private readonly colour: boolean
  private readonly quiet: boolean
  private readonly terminal: boolean
  private lastLine = 0
  private progressShown = false

  constructor(options: { readonly quiet?: boolean; readonly color?: string; readonly progress?: string } = {}) {
    const wanted = options.color ?? 'auto'
    this.quiet = options.quiet === true
    this.terminal = process.stderr.isTTY === true && options.progress !== 'counter' && options.progress !== 'none'
    this.colour = wanted === 'always' || (wanted !== 'never' && process.env['NO_COLOR'] === undefined && (process.env['FORCE_COLOR'] !== undefined || process.stdout.isTTY === true))
  }

  style(style: Style, text: string): string {
    return this.colour ? styleText(style, text, { validateStream: false }) : text
  }

  line(text = ''): void {
    this.clearProgress()
    process.stdout.write(`${text}\n`)
  }

  /** Not printed with --quiet. */
  note(text = ''): void {
    if (!this.quiet) this.line(text)
  }

  /** A status that replaces the last one on a terminal, and is printed every 10 seconds elsewhere. */
  progress(text: string, force = false): void {
    if (this.quiet) return
    const now = Date.now()
    if (this.terminal) {
      if (!force && now - this.lastLine < 100) return
      this.lastLine = now
      process.stderr.write(`\r\u001b[2K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`)
      this.progressShown = true
    } else if (force || now - this.lastLine >= 10_000) {
      this.lastLine = now
      process.stderr.write(`${text}\n`)
    }
  }

  clearProgress(): void {
    if (!this.progressShown) return
    process.stderr.write('\r\u001b[2K')
    this.progressShown = false
  }

  error(error: unknown, verbose: boolean): void {
    this.clearProgress()
    if (error instanceof TrialError) {
      process.stderr.write(`${this.style('red', 'error')}: ${error.message}\n`)
      if (error.hint !== undefined) process.stderr.write(`hint: ${error.hint}\n`)
      if (verbose && error.stack !== undefined) process.stderr.write(`${error.stack}\n`)
      return
    }
    const text = error instanceof Error ? error.message : String(error)
    process.stderr.write(`${this.style('red', 'internal error')}: ${text}\n`)
    if (verbose && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`)
    else process.stderr.write('hint: this is a bug of kafka-trial; run again with --verbose for the stack\n')
  }
}
