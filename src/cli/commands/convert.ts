/** `trial convert FROM TO`: a history from JSON Lines to Jepsen's EDN or back, operation by operation. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { TrialError } from '../../base/trial-error.ts'
import { formatEdnOperation } from '../../history/edn-format.ts'
import { HISTORY_FORMATS, type HistoryFormat, withHistoryFile } from '../../history/history-reader.ts'
import { formatHistory, formatOperation } from '../../history/json-lines.ts'
import { reasonOf } from '../../artifacts/write-artifacts.ts'
import { type CommonFlags, runAction, withCommonFlags } from '../command-context.ts'
import { ExitCode } from '../exit-code.ts'

interface ConvertFlags extends CommonFlags {
  readonly format?: HistoryFormat
  readonly anyTimes?: boolean
}

export function addConvertCommand(program: Command): void {
  withCommonFlags(program.command('convert <from> <to>').description('a history from JSON Lines to EDN, or back'))
    .addOption(new Option('--format <FORMAT>', 'to write; default: by the extension of TO').choices(HISTORY_FORMATS))
    .option('--any-times', 'times may go back')
    .addHelpText('after', '\nExample: trial convert jepsen/history.edn history.jsonl\n')
    .action((from: string, to: string, flags: ConvertFlags) => runAction(flags, async output => {
      const format = flags.format ?? (to.endsWith('.edn') ? 'edn' : 'jsonl')
      const count = withHistoryFile(from, { times: flags.anyTimes === true ? 'any' : 'rising' }, reader => {
        // The first operation is read before anything is overwritten.
        const chunks = formatHistory(reader, format === 'edn' ? formatEdnOperation : formatOperation)
        const first = chunks.next()
        const file = open(to)
        try {
          for (let chunk = first; chunk.done !== true; chunk = chunks.next()) writeSync(file, chunk.value)
        } finally {
          closeSync(file)
        }
        return reader.count
      })
      output.note(`${count} operations written to ${to} as ${format}`)
      return ExitCode.Valid
    }))
}

/** @throws TrialError('input') */
function open(path: string): number {
  try {
    return openSync(path, 'w')
  } catch (error) {
    throw new TrialError('input', `cannot write '${path}': ${reasonOf(error)}`, 'name a file in a folder that exists')
  }
}
