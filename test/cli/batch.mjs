/**
 * Runs many command lines one after the other in this one process, since most of the time of one goes into loading it:
 * `node batch.mjs MAIN`, with `[{cwd, args}]` on standard input and `[{code, stdout, stderr}]` on standard output. Each
 * import of MAIN with another query runs it anew; what it imports is loaded once.
 */
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const main = pathToFileURL(process.argv[2]).href
const lines = JSON.parse(readFileSync(0, 'utf8'))
const [writeOut, writeErr] = [process.stdout.write.bind(process.stdout), process.stderr.write.bind(process.stderr)]
process.stdout.setMaxListeners(0)
const outcomes = []
for (const [index, { cwd, args }] of lines.entries()) {
  const outcome = { code: null, stdout: '', stderr: '' }
  const into = name => text => {
    outcome[name] += text
    return true
  }
  process.chdir(cwd)
  process.argv = [process.argv[0], process.argv[1], ...args]
  process.exitCode = 0
  process.stdout.write = into('stdout')
  process.stderr.write = into('stderr')
  try {
    await import(`${main}?line=${index}`)
    outcome.code = process.exitCode
  } catch (error) {
    outcome.stderr += `uncaught: ${error?.stack}\n`
  }
  process.stdout.write = writeOut
  process.stderr.write = writeErr
  outcomes.push(outcome)
}
process.exitCode = 0
writeOut(JSON.stringify(outcomes))
