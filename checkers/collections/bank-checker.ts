/**
 * `bank`: transfers between accounts keep the total, so every read of all balances adds up to it (Jepsen's bank test, a
 * probe for snapshot isolation). `read` is answered with a map of balances; `transfer` moves `amount` from `from` to `to`.
 *
 * The total and the accounts are given, or else those that most reads show. Without a read the verdict is unknown. A
 * balance below zero is wrong unless `negativeBalances`. Unlike Jepsen's, what failed transfers or wrong ones do to single
 * accounts is not guessed: use a transactional checker for that.
 */
import type { History, Json, Operation } from '../../src/history/operation.ts'
import { TrialError } from '../../src/base/trial-error.ts'
import type { Checker, CheckContext, CheckResult, ExplanationStep } from '../contract.ts'
import { FindingCollector } from '../finding-collector.ts'
import { type Amount, amountJson, amountOf, plus } from './amount.ts'
import { unknownFunction } from './value-table.ts'

export interface BankOptions {
  readonly total?: Amount
  readonly accounts?: readonly string[]
  /** Accounts may be overdrawn. */
  readonly negativeBalances?: boolean
}

interface BankRead {
  readonly operation: Operation
  readonly balances: ReadonlyMap<string, Json>
  /** Undefined when a balance is missing. */
  readonly total: Amount | undefined
}

export function bankChecker(options: BankOptions = {}): Checker {
  return {
    name: 'bank',
    describes: 'transfers keep the total: every read of all accounts adds up to it',
    concerns: ({ f }) => f === 'read' || f === 'transfer',
    check(history: History, context: CheckContext): CheckResult {
      const found = new FindingCollector('bank', context.guarantees)
      const reads: BankRead[] = []
      for (const operation of history) {
        if (operation.process === 'nemesis') continue
        if (operation.f !== 'read' && operation.f !== 'transfer') throw unknownFunction(operation, 'bank', ['read', 'transfer'])
        if (operation.f === 'read' && operation.type === 'ok') reads.push(bankRead(operation))
      }
      if (reads.length === 0) return found.result('The accounts were never read.')
      const total = options.total ?? mostFrequent(reads.map(read => read.total).filter(one => one !== undefined))
      const accounts = new Set(options.accounts ?? mostFrequent(reads.map(({ balances }) => [...balances.keys()].sort().join('\u0000')))!.split('\u0000'))
      for (const read of reads) checkRead(read, total, accounts, options.negativeBalances === true, found)
      return found.result()
    },
  }
}

/** The same order of questions as in Jepsen: only the first that applies is reported of a read. */
function checkRead({ operation, balances, total: sum }: BankRead, total: Amount | undefined, accounts: ReadonlySet<string>, negativeBalances: boolean, found: FindingCollector): void {
  const { index, time } = operation
  const steps: ExplanationStep[] = [{ text: `Process ${operation.process} reads ${[...balances].slice(0, 12).map(([account, balance]) => `${account}: ${JSON.stringify(balance)}`).join(', ')}.`, operation: index, time }]
  const strangers = [...balances.keys()].filter(account => !accounts.has(account))
  const without = [...balances].filter(([, balance]) => balance === null).map(([account]) => account)
  const overdrawn = [...balances].filter(([, balance]) => (amountOf(balance) ?? 0) < 0).map(([account]) => account)
  if (strangers.length > 0) {
    found.add('unexpected-account', () => ({ title: `A read shows account ${strangers[0]}, which there is not.`, evidence: { read: index, accounts: strangers }, steps, contradiction: `There are the accounts ${[...accounts].join(', ')}.` }))
  } else if (without.length > 0) {
    found.add('missing-balance', () => ({ title: `A read shows account ${without[0]} without a balance.`, evidence: { read: index, accounts: without }, steps, contradiction: 'Every account has a balance at all times.' }))
  } else if (sum !== total) {
    found.add('wrong-total', () => ({
      title: `A read adds up to ${sum}, and the total is ${total}.`, evidence: { read: index, sum: amountJson(sum!), total: amountJson(total!) }, steps,
      contradiction: `Transfers keep the total of ${total}; however, this read adds up to ${sum}: it saw one side of a transfer without the other, or one of them is lost.`,
    }))
  } else if (overdrawn.length > 0 && !negativeBalances) {
    found.add('negative-balance', () => ({ title: `A read shows account ${overdrawn[0]} below zero.`, evidence: { read: index, accounts: overdrawn }, steps, contradiction: 'A transfer is refused when the account does not cover it.' }))
  }
}

function bankRead(operation: Operation): BankRead {
  const { value } = operation
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TrialError('input', `operation ${operation.index}: a read of the bank answers a map of balances.`, 'Such as {"0": 10, "1": 5}, in EDN {0 10, 1 5}.')
  const balances = new Map(Object.entries(value as { readonly [account: string]: Json }))
  let total: Amount | undefined = 0
  for (const [account, balance] of balances) {
    const amount = amountOf(balance)
    if (amount === undefined && balance !== null) throw new TrialError('input', `operation ${operation.index}: the balance of ${account} is no whole number.`)
    total = amount === undefined || total === undefined ? undefined : plus(total, amount)
  }
  return { operation, balances, total }
}

/** The first of those that occur most often. */
function mostFrequent<T>(values: readonly T[]): T | undefined {
  const counts = new Map<T, number>()
  let best: T | undefined
  for (const value of values) {
    const count = (counts.get(value) ?? 0) + 1
    counts.set(value, count)
    if (best === undefined || count > counts.get(best)!) best = value
  }
  return best
}
