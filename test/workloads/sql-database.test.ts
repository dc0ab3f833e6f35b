/** The database outside: transactions are all or nothing, its clock and dice are refused, and a dying client does not know. */
import { expect, test } from 'vitest'
import { SqlDatabase } from '../../workloads/sql-database.ts'
import { FakeEnv } from '../client/fake-env.ts'

const open = (): SqlDatabase => new SqlDatabase('CREATE TABLE accounts (name TEXT PRIMARY KEY, balance INTEGER NOT NULL)')

test('a transaction is all or nothing, and takes time on both ways', () => {
  const env = new FakeEnv()
  const database = open()
  const done = database.transaction(env, tx => {
    tx.run('INSERT INTO accounts VALUES (?, ?)', ['a', 5])
    return tx.all('SELECT balance FROM accounts')
  })
  expect(done.isSettled).toBe(false)
  env.run(20)
  expect(done.result()).toEqual([{ balance: 5 }])
  const failed = database.transaction(env, tx => {
    tx.run('UPDATE accounts SET balance = 0')
    tx.run('INSERT INTO accounts VALUES (?, ?)', ['a', 6])
  })
  env.run(20)
  expect(failed.isFailed).toBe(true)
  expect(database.all('SELECT * FROM accounts')).toEqual([{ name: 'a', balance: 5 }])
})

test('what happened is there although the answer never came', () => {
  const env = new FakeEnv()
  const database = open()
  const done = database.transaction(env, tx => tx.run('INSERT INTO accounts VALUES (?, ?)', ['a', 5]))
  // Neither leg takes less than half a millisecond, nor more than four and a half.
  for (let i = 0; i < 20 && database.all('SELECT * FROM accounts').length === 0; i++) env.run(1)
  expect(database.all('SELECT * FROM accounts')).toHaveLength(1)
  expect(done.isSettled).toBe(false)
})

test.each([
  'SELECT random()', 'SELECT randomblob(4)', "SELECT datetime('now')", 'SELECT CURRENT_TIMESTAMP', "SELECT strftime('%s', 'now')", 'SELECT unixepoch()', "SELECT julianday('now', 'utc')", 'SELECT current_date',
])('%s is refused', sql => {
  expect(() => open().all(sql)).toThrow('is refused: what it answers would differ')
})

test.each(["ATTACH 'x.db' AS x", 'VACUUM INTO "x.db"', 'PRAGMA journal_mode = WAL'])('%s is refused', sql => {
  expect(() => open().all(sql)).toThrow('reach outside')
})
