/** Runs a campaign with some Node in a process of its own; digests of its trials by index, and its exit code. */
import { spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url))

export async function digestsOf(node, flags, file, stdout = 'ignore') {
  const child = spawn(node, [main, 'run', ...flags, '--add-reporter', `jsonl=${file}`], { stdio: ['ignore', stdout, 'inherit'] })
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
  const trials = readFileSync(file, 'utf8').split('\n').filter(line => line !== '').map(line => JSON.parse(line)).filter(({ digest }) => digest !== undefined)
  rmSync(file)
  return { code, digests: new Map(trials.map(({ index, digest, verdict }) => [index, `${digest} ${verdict}`])) }
}

/** Indices of trials that differ or are missing in one of the two. */
export function differences(a, b) {
  return [...new Set([...a.keys(), ...b.keys()])].filter(index => a.get(index) !== b.get(index)).sort((x, y) => x - y)
}
