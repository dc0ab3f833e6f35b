/**
 * Mutates the isolation checkers one line at a time and demands that a test fails each time: a comparison flipped, a kind of
 * edge dropped, a state of the search forgotten. Mutants that survive are listed, and the exit code is 1.
 *
 *   node scripts/mutate-isolation.mjs [TEXT]     only mutants whose file or line contains TEXT
 *
 * Files are changed in place, one at a time, and put back. Run it on a clean tree.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'

const ISOLATION = 'checkers/isolation/'
const KAFKA = 'checkers/kafka-log/'
const GRAPHS = ['isolation/find-cycles', 'list-append.test', 'isolation/agreement.test']
const LISTS = ['list-append.test', 'isolation/agreement.test', 'hostile']
const REGISTERS = ['rw-register', 'register-agreement', 'hostile']
const LOGS = ['transaction-cycles', 'kafka-log.test']

/** File, what is there (once), what stands there instead, tests of which one must fail. */
const MUTANTS = [
  [`${ISOLATION}components.ts`, 'if (seen < lowest && of[target] === -1) lowest = seen', 'if (seen < lowest) lowest = seen', GRAPHS],
  [`${ISOLATION}components.ts`, 'if (lowest < low[parent]!) low[parent] = lowest', 'if (lowest > low[parent]!) low[parent] = lowest', GRAPHS],
  [`${ISOLATION}components.ts`, 'kinds[at] === RW && !junction', 'kinds[at] === RW && junction', GRAPHS],
  [`${ISOLATION}components.ts`, 'junction ? 2 * target + 1 : 2 * target, 1', '2 * target + 1, 1', GRAPHS],
  [`${ISOLATION}dependency-graph.ts`, 'if (from === to) return', '', GRAPHS],
  [`${ISOLATION}dependency-graph.ts`, 'this.link(both[0]!, one, RW)', '', GRAPHS],
  [`${ISOLATION}dependency-graph.ts`, 'if (!updating.has(reader)) this.link(reader, fromReaders, RW)', 'this.link(reader, fromReaders, RW)', GRAPHS],
  [`${ISOLATION}find-cycles.ts`, 'edge.to < edge.from && wanted(edge)', 'edge.to > edge.from && wanted(edge)', GRAPHS],
  [`${ISOLATION}find-cycles.ts`, 'order > 0 || (order === 0', 'order < 0 || (order === 0', GRAPHS],
  [`${ISOLATION}find-cycles.ts`, '(order === 0 && to < from)', 'false', GRAPHS],
  [`${ISOLATION}find-cycles.ts`, 'inside(writes, edge) && !inside(before?.writes, edge)', 'inside(writes, edge)', GRAPHS],
  [`${ISOLATION}find-cycles.ts`, '!nonadjacent(apart, edge) && !inside(before?.all, edge)', '!inside(before?.all, edge)', GRAPHS],
  [`${ISOLATION}find-cycles.ts`, 'if (known) continue', '', GRAPHS],
  [`${ISOLATION}find-cycles.ts`, 'kinds[at] = 0', '', GRAPHS],
  [`${ISOLATION}find-cycles.ts`, 'const TRIES = [3, 6, 12, 48, Number.MAX_SAFE_INTEGER]', 'const TRIES = [3, 6, 12, 48]', ['isolation/find-cycles']],
  [`${ISOLATION}find-cycles.ts`, 'Math.min(most, best.nodes.length - 1)', 'most', GRAPHS],
  [`${ISOLATION}path-search.ts`, 'next: [0, 3, 0, -1, 2, 3, 2, -1]', 'next: [0, 3, 0, 3, 2, 3, 2, 3]', GRAPHS],
  [`${ISOLATION}path-search.ts`, 'accepts: [false, true, true]', 'accepts: [false, false, true]', GRAPHS],
  [`${ISOLATION}path-search.ts`, 'next: [0, 1, 0, 2, 2, 2]', 'next: [0, 1, 0, 1, 2, 2]', GRAPHS],
  [`${ISOLATION}path-search.ts`, 'if (new Set(nodes).size !== nodes.length) return undefined', '', GRAPHS],
  [`${ISOLATION}path-search.ts`, "if (stamps[place] === epoch) return", '', GRAPHS],
  [`${ISOLATION}transaction-table.ts`, 'if (group < groups) graph.link(transaction, junctions[group]!, REALTIME)', '', GRAPHS],
  [`${ISOLATION}transaction-table.ts`, 'if (group + 1 < groups) graph.link(junctions[group]!, junctions[group + 1]!, REALTIME)', '', GRAPHS],
  [`${ISOLATION}transaction-table.ts`, 'graph.link(transaction, next, PROCESS)', '', GRAPHS],
  [`${ISOLATION}transaction-table.ts`, 'if (first >= second || this.statuses[first] !== OK) return 0', 'if (first >= second) return 0', GRAPHS],
  [`${ISOLATION}transaction-table.ts`, 'this.firstAfter.at(group) <= second ? REALTIME', 'this.firstAfter.at(group) < second ? REALTIME', GRAPHS],
  [`${ISOLATION}list-append-graph.ts`, 'builder.link(this.writer(before[place]!), this.writer(append), WW)', '{}', LISTS],
  [`${ISOLATION}list-append-graph.ts`, 'if (this.committed(last)) builder.link(this.writer(last), transaction, WR)', '', LISTS],
  [`${ISOLATION}list-append-graph.ts`, 'if (next !== NONE) builder.link(transaction, this.writer(next), RW)', 'if (next !== NONE) continue', LISTS],
  [`${ISOLATION}list-append-graph.ts`, 'builder.link(this.writer(last), this.writer(append), WW)', '{}', ['isolation/agreement.test']],
  [`${ISOLATION}list-append-graph.ts`, 'for (const [key, readers] of upToDate) builder.linkAll', 'if (false) for (const [key, readers] of upToDate) builder.linkAll', LISTS],
  [`${ISOLATION}list-append-history.ts`, 'return length > key.agreed ? NONE : length', 'return length', LISTS],
  [`${ISOLATION}list-append-history.ts`, 'if (commonPrefix(list, longest) < most) {', 'if (false) {', LISTS],
  [`${ISOLATION}list-append-history.ts`, 'if (list.length > order.length) order = list', '', LISTS],
  [`${ISOLATION}list-append-history.ts`, '.status(this.appendTransactions.at(append)) <= OK', '.status(this.appendTransactions.at(append)) >= OK', LISTS],
  [`${ISOLATION}list-append-anomalies.ts`, 'if (version > failed)', 'if (version >= failed)', LISTS],
  [`${ISOLATION}list-append-anomalies.ts`, 'if (version > twice)', 'if (version < twice)', LISTS],
  [`${ISOLATION}list-append-anomalies.ts`, 'if (writer === reader) return', '', LISTS],
  [`${ISOLATION}list-append-anomalies.ts`, 'if (status !== OK || failed === NONE) continue', 'if (failed === NONE) continue', LISTS],
  [`${ISOLATION}list-append-inner.ts`, 'if (internal || agrees(history, first, micro)) continue', 'continue', LISTS],
  [`${ISOLATION}list-append-inner.ts`, 'place !== NONE && version > place', 'place !== NONE && version >= place', LISTS],
  [`${ISOLATION}list-append-inner.ts`, 'if (updaters.length < 2) continue', 'if (updaters.length < 3) continue', LISTS],
  [`${ISOLATION}register-graph.ts`, 'if (writer !== NONE) builder.link(writer, transaction, WR)', '', REGISTERS],
  [`${ISOLATION}register-graph.ts`, 'if (initial !== NONE) builder.linkAll', 'if (false) builder.linkAll', REGISTERS],
  [`${ISOLATION}register-graph.ts`, 'for (const one of later) builder.link(writer, one, WW)', '{}', REGISTERS],
  [`${ISOLATION}register-graph.ts`, 'if (readers !== undefined) builder.linkAll(readers, [...later])', '', REGISTERS],
  [`${ISOLATION}register-versions.ts`, 'one.completed >= completion.invoked', 'one.completed < completion.invoked', REGISTERS],
  [`${ISOLATION}register-versions.ts`, 'if (before !== undefined) link(before, met.first)', '', REGISTERS],
  [`${ISOLATION}register-versions.ts`, 'if (components.sizes[component]! > 1)', 'if (components.sizes[component]! > 2)', REGISTERS],
  [`${ISOLATION}register-anomalies.ts`, 'transactions.status(writer) === FAILED) addAborted', 'transactions.status(writer) !== FAILED) addAborted', REGISTERS],
  [`${ISOLATION}register-anomalies.ts`, 'known.size > 1 ||', 'known.size > 2 ||', REGISTERS],
  [`${ISOLATION}consistency-models.ts`, "'G-nonadjacent-item': ['G-nonadjacent', 'G2-item'],", "'G-nonadjacent-item': ['G-nonadjacent'],", ['consistency-models']],
  [`${ISOLATION}consistency-models.ts`, "if (suffix === '-process') waiting.push(`${base}-realtime`)", '', ['consistency-models', 'list-append.test']],
  [`${KAFKA}find-cycles.ts`, 'builder.link(log[i - 1]!.transaction, log[i]!.transaction, WW)', '{}', LOGS],
  [`${KAFKA}find-cycles.ts`, 'builder.link(reads.at(i), reads.at(i + 1), WR)', '{}', LOGS],
  [`${KAFKA}find-cycles.ts`, 'if (next !== undefined) builder.link(ends.at(2 * i), next.transaction, RW)', '', LOGS],
  [`${KAFKA}find-cycles.ts`, 'if (placeOf(log[middle]!) <= offset) low', 'if (placeOf(log[middle]!) < offset) low', LOGS],
  [`${KAFKA}find-cycles.ts`, "cycle.readsOnly && context.guarantees.config.isolation === 'read_committed'", "context.guarantees.config.isolation === 'read_committed'", LOGS],
  [`${KAFKA}find-cycles.ts`, 'if (this.isOvertaken(i)) continue', '', LOGS],
  [`${KAFKA}find-torn.ts`, 'if (there.length === 0 || missing.length === 0) continue', 'if (missing.length === 0) continue', LOGS],
  [`${KAFKA}find-torn.ts`, 'offset >= logStartOf(context, key)', 'true', LOGS],
  [`${KAFKA}scan.ts`, 'if (send.transaction === polling) this.transactions.ownRead(polling, send)', '', LOGS],
  [`${KAFKA}scan.ts`, "if (moved === undefined) this.polls.poll(readerOf(operation), at, reads)", 'if (moved !== null) this.polls.poll(readerOf(operation), at, reads)', LOGS],
]

const wanted = process.argv[2] ?? ''
let killed = 0
const survivors = []
for (const [file, there, instead, tests] of MUTANTS) {
  if (!file.includes(wanted) && !there.includes(wanted)) continue
  const source = readFileSync(file, 'utf8')
  if (source.split(there).length !== 2) {
    survivors.push(`${file}: is not there once: ${there}`)
    continue
  }
  writeFileSync(file, source.replace(there, () => instead))
  try {
    execFileSync('npx', ['vitest', 'run', '--bail=1', '--reporter=dot', ...tests], { stdio: 'ignore', timeout: 180_000, env: { ...process.env, ISOLATION_HISTORIES: '2000' } })
    survivors.push(`${file}: ${there}  ->  ${instead || '(nothing)'}`)
    process.stdout.write('S')
  } catch {
    killed++
    process.stdout.write('.')
  } finally {
    writeFileSync(file, source)
  }
}
console.log(`\n${killed} mutants killed, ${survivors.length} survived`)
for (const one of survivors) console.log(`  ${one}`)
process.exitCode = survivors.length === 0 ? 0 : 1
