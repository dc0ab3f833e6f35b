/** The workloads that ship. */
import { bank } from './bank.ts'
import { compactedTable } from './compacted-table.ts'
import type { Workload } from './contract.ts'
import { idempotent } from './idempotent.ts'
import { copyExactlyOnce, copyIdempotent, outboxWorkloads, rebalance } from './pipeline-workload.ts'
import { offsets } from './offsets.ts'
import { produceConsume } from './produce-consume.ts'
import { shareQueue } from './share-queue.ts'
import { transactions } from './transactions.ts'
import { userActions } from './user-actions.ts'

export const WORKLOADS: readonly Workload[] = [produceConsume, userActions, transactions, compactedTable, bank, copyExactlyOnce, copyIdempotent, ...outboxWorkloads, rebalance, offsets, shareQueue, idempotent]

export function findWorkload(name: string): Workload | undefined {
  return WORKLOADS.find(workload => workload.name === name)
}
