#!/usr/bin/env node
/** `trial`: the command line. Commands are in `commands/`, one a file; exit codes in `exit-code.ts`. */
import { Command, CommanderError } from 'commander'
import { addCheckCommand } from './commands/check.ts'
import { addConvertCommand } from './commands/convert.ts'
import { addCorpusCommand } from './commands/corpus.ts'
import { addDiffCommand } from './commands/diff.ts'
import { addExplainCommand } from './commands/explain.ts'
import { addGuaranteesCommand } from './commands/guarantees.ts'
import { addListCommand } from './commands/list.ts'
import { addReplayCommand } from './commands/replay.ts'
import { addReportCommand } from './commands/report.ts'
import { addRunCommand } from './commands/run.ts'
import { addSelftestCommand } from './commands/selftest.ts'
import { addShrinkCommand } from './commands/shrink.ts'
import { packageVersion } from './command-context.ts'
import { EXIT_CODE_MEANINGS, ExitCode } from './exit-code.ts'

const program = new Command('trial')
  .description('Kafka Trial: correctness testing of Kafka in a deterministic simulation')
  .version(packageVersion())
  .showHelpAfterError('hint: see trial --help, or --help after a command')
  .showSuggestionAfterError(true)
  .configureOutput({ outputError: (text, write) => write(text) })
  .addHelpText('after', `\nExit codes:\n${Object.entries(EXIT_CODE_MEANINGS).map(([code, meaning]) => `  ${code.padStart(3)}  ${meaning}`).join('\n')}\n`)
  .exitOverride()

for (const add of [
  addRunCommand, addReplayCommand, addShrinkCommand, addDiffCommand, addCheckCommand, addConvertCommand, addReportCommand, addListCommand, addExplainCommand,
  addGuaranteesCommand, addCorpusCommand, addSelftestCommand,
]) add(program)
for (const command of program.commands) {
  for (const each of [command, ...command.commands]) each.exitOverride().showHelpAfterError(`hint: see trial ${command.name()} --help`)
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // The reader of a pipe went away.
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0)
  throw error
})

try {
  await program.parseAsync()
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  process.exitCode = error.exitCode === 0 ? ExitCode.Valid : ExitCode.Usage
}
