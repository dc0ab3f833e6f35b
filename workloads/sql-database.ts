/**
 * A real SQL database outside the cluster: SQLite, compiled to WebAssembly, in memory and in this process, so that a
 * transaction is one synchronous call and a trial stays a pure function of its plan. It never touches a disk, and what
 * would read a clock or draw a number is refused.
 */
import { createRequire } from 'node:module'
import type { Database as SqliteDatabase } from 'node-sqlite3-wasm'
import type { Future } from '../src/base/task.ts'
import { TrialError } from '../src/base/trial-error.ts'
import type { Env } from '../src/env/env.ts'
import { RemoteTransactions } from './remote-transactions.ts'

export type SqlValue = string | number | null
export type SqlRow = Readonly<Record<string, SqlValue>>

/** What a transaction may do, between BEGIN and COMMIT. An error of a statement, or one that the caller throws, rolls back. */
export interface SqlTransaction {
  run(sql: string, values?: readonly SqlValue[]): void
  all(sql: string, values?: readonly SqlValue[]): readonly SqlRow[]
}

/** Functions of SQLite whose answer is not a function of their arguments. */
const REFUSED = ['random', 'randomblob', 'current_timestamp', 'current_date', 'current_time', 'date', 'time', 'datetime', 'julianday', 'unixepoch', 'strftime', 'timediff']
/** Statements that reach outside the database in memory, or change how it works. */
const OUTSIDE = /\b(attach|detach|vacuum|pragma|load_extension)\b/i

/** Loaded when the first database is opened: most trials have none. */
function openInMemory(): SqliteDatabase {
  const { Database } = createRequire(import.meta.url)('node-sqlite3-wasm') as { readonly Database: new () => SqliteDatabase }
  const database = new Database()
  database.exec('PRAGMA temp_store = MEMORY')
  for (const name of REFUSED) {
    const refuse = (): never => {
      throw new TrialError('input', `SQL function ${name}() is refused: what it answers would differ from run to run.`, 'Pass the value as a parameter.')
    }
    // SQLite keeps one function a name and number of arguments.
    for (const fn of [() => refuse(), (_a: unknown) => refuse(), (_a: unknown, _b: unknown) => refuse(), (_a: unknown, _b: unknown, _c: unknown) => refuse()]) database.function(name, fn)
  }
  return database
}

export class SqlDatabase {
  private readonly database = openInMemory()
  private readonly remote = new RemoteTransactions()

  /** `schema`: statements that create the tables. */
  constructor(schema: string) {
    this.database.exec(schema)
  }

  /** Runs `work` in one transaction when the request has arrived; the future holds its result, or its error, when the answer is back. */
  transaction<T>(env: Env, work: (tx: SqlTransaction) => T): Future<T> {
    return this.remote.run(env, () => this.apply(work))
  }

  /** What is in it now, asked by nobody in the simulation. @throws TrialError for what is refused */
  all(sql: string): readonly SqlRow[] {
    return this.apply(tx => tx.all(sql))
  }

  private apply<T>(work: (tx: SqlTransaction) => T): T {
    const { database } = this
    database.exec('BEGIN')
    try {
      const value = work({
        run: (sql, values = []) => void database.run(checked(sql), [...values]),
        all: (sql, values = []) => database.all(checked(sql), [...values]) as SqlRow[],
      })
      database.exec('COMMIT')
      return value
    } catch (error) {
      if (database.inTransaction) database.exec('ROLLBACK')
      throw error
    }
  }
}

function checked(sql: string): string {
  const outside = OUTSIDE.exec(sql)
  if (outside !== null) throw new TrialError('input', `SQL statement with ${outside[1]!.toUpperCase()} is refused: it would reach outside the database in memory.`, 'Keep everything in tables.')
  return sql
}
