/** The workloads that ship. */
import type { Workload } from './contract.ts'
import { produceConsume } from './produce-consume.ts'
import { transactions } from './transactions.ts'
import { userActions } from './user-actions.ts'

export const WORKLOADS: readonly Workload[] = [produceConsume, userActions, transactions]

export function findWorkload(name: string): Workload | undefined {
  return WORKLOADS.find(workload => workload.name === name)
}
