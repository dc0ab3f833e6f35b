/**
 * Outputs go into an SQL database outside, in three ways:
 *
 *   in-database    the position is a row of the same database transaction: exactly once. A transaction that does not begin
 *                  at the position of the row is of an instance that has lost the partition, and writes nothing
 *   commit-after   the position is committed to the group after the outputs: at least once, duplicates after a crash between
 *   commit-before  and before them: at most once, loss after a crash between
 */
import type { Task } from '../src/base/task.ts'
import { partitionName } from '../src/base/partition-name.ts'
import type { ConsumerRecord } from '../src/client/completed-fetch.ts'
import type { OffsetToCommit } from '../src/client/group/group-metadata.ts'
import type { TopicPartition } from '../src/client/topic-partition.ts'
import type { Json } from '../src/history/operation.ts'
import { commitRecorded, type GroupMember } from './group-member.ts'
import { type Instance, positionsAfter, recordOutputs, type Sink, type Step, work } from './pipeline.ts'
import { SqlDatabase, type SqlTransaction } from './sql-database.ts'

export type Ordering = 'in-database' | 'commit-after' | 'commit-before'

const SCHEMA = `
  CREATE TABLE outputs (id INTEGER PRIMARY KEY, source TEXT NOT NULL, source_offset INTEGER NOT NULL);
  CREATE TABLE positions (source TEXT PRIMARY KEY, next_offset INTEGER NOT NULL);
`
const DATABASE = 'outbox'

/** The database of a trial, made when it is first asked for. */
export function databaseOf(outside: Map<string, unknown>): SqlDatabase {
  const existing = outside.get(DATABASE)
  if (existing instanceof SqlDatabase) return existing
  const created = new SqlDatabase(SCHEMA)
  outside.set(DATABASE, created)
  return created
}

/** `[topic-partition, offset]` of the input of each output, repeated where there are several. */
export function outputsOf(database: SqlDatabase): Json[] {
  return database.all('SELECT source, source_offset FROM outputs ORDER BY id').map(({ source, source_offset: offset }): Json => [source!, offset!])
}

/** Another instance has got further: this one no longer owns the partition. */
class Overtaken extends Error {}

export function databaseSink(instance: Instance, ordering: Ordering): Sink {
  const { env, recorder, outside } = instance
  const database = databaseOf(outside)
  /** Positions as this instance last saw them: a row that says otherwise was moved by another one. */
  const seen = new Map<string, number>()

  /** Writes the outputs; false when it was overtaken and nothing was written. */
  function* write(records: readonly ConsumerRecord[]): Task<boolean> {
    const opened = recordOutputs(recorder, records)
    try {
      yield* database.transaction(env, tx => {
        if (ordering === 'in-database') for (const next of positionsAfter(records)) advance(tx, next, seen.get(partitionName(next.topic, next.partition)))
        for (const record of records) {
          tx.run('INSERT INTO outputs (source, source_offset) VALUES (?, ?)', [partitionName(record.topic, record.partition), record.offset])
        }
      }).wait()
    } catch (error) {
      if (!(error instanceof Overtaken)) throw error
      for (const one of opened) one.fail('overtaken')
      return false
    }
    for (const { topic, partition, offset } of positionsAfter(records)) seen.set(partitionName(topic, partition), offset)
    for (const one of opened) one.ok(null)
    return true
  }

  return {
    ...(ordering !== 'in-database' ? {} : {
      *positions(partitions: readonly TopicPartition[]): Task<readonly OffsetToCommit[]> {
        const found = yield* database.transaction(env, tx => partitions.map(({ topic, partition }): OffsetToCommit => ({ topic, partition, offset: positionOf(tx, partitionName(topic, partition)) }))).wait()
        for (const { topic, partition, offset } of found) seen.set(partitionName(topic, partition), offset)
        return found
      },
    }),

    *process(records: readonly ConsumerRecord[], member: GroupMember): Task<Step> {
      if (ordering === 'in-database') return (yield* write(records)) ? 'on' : 'rewind'
      const offsets = positionsAfter(records)
      if (ordering === 'commit-after') {
        yield* write(records)
        yield* work(instance)
        yield* commitRecorded(member, offsets)
      } else if ((yield* commitRecorded(member, offsets)).ok) {
        yield* work(instance)
        yield* write(records)
      }
      return 'on'
    },
  }
}

function positionOf(tx: SqlTransaction, source: string): number {
  const [row] = tx.all('SELECT next_offset FROM positions WHERE source = ?', [source])
  return Number(row?.['next_offset'] ?? 0)
}

/** Moves the position of a partition, if it is where the instance that asks believes it to be. */
function advance(tx: SqlTransaction, { topic, partition, offset }: OffsetToCommit, expected: number | undefined): void {
  const source = partitionName(topic, partition)
  if (positionOf(tx, source) !== expected) throw new Overtaken()
  tx.run('INSERT INTO positions VALUES (?, ?) ON CONFLICT (source) DO UPDATE SET next_offset = excluded.next_offset', [source, offset])
}
