/** transaction-agreement: what leaders open, what markers end, and what is left open, against what coordinators say. */
import type { ClusterTrace, TraceCases } from '../cluster-fixture.ts'

const ORDERS = ['orders-0']
/** Broker 1 leads; the transaction of producer 7 includes the partition. */
const ongoing = (t: ClusterTrace) => t.lead(1, 1).coordinates(2, 'Ongoing', ORDERS)
const opened = (t: ClusterTrace) => ongoing(t).opens(1, 0)
const V2 = { transactionVersion: 2, producerEpoch: 1 }

export const TRANSACTION_CASES: TraceCases = {
  'unknown-transaction': {
    shows: [
      { name: 'after the end', trace: t => t.lead(1, 1).coordinates(2, 'CompleteAbort', []).opens(1, 4), counts: { 'unknown-transaction': 1 }, says: ['copier (producer 7, epoch 0) in CompleteAbort'] },
      { name: 'of a producer that nobody knows', trace: t => t.lead(1, 1).opens(1, 4), counts: { 'unknown-transaction': 1 }, says: ['nothing of this producer'] },
      { name: 'on another partition', trace: t => t.lead(1, 1).coordinates(2, 'Ongoing', ['orders-1']).opens(1, 4), counts: { 'unknown-transaction': 1 } },
      { name: 'of another epoch', trace: t => t.lead(1, 1).coordinates(2, 'Ongoing', ORDERS, { producerEpoch: 3 }).opens(1, 4, 2), counts: { 'unknown-transaction': 1 } },
      { name: 'of an id that was given up', trace: t => ongoing(t).coordinates(2, 'CompleteAbort', [], { producerId: 8 }).opens(1, 4), counts: { 'unknown-transaction': 1 } },
    ],
    passes: [
      { name: 'listed', trace: opened },
      { name: 'decided, but its marker is still to come', trace: t => t.lead(1, 1).coordinates(2, 'PrepareAbort', ORDERS, { producerEpoch: 1 }).opens(1, 4) },
      { name: 'at a leader that is deposed and does not know it yet', trace: t => ongoing(t).lead(3, 2).coordinates(2, 'CompleteAbort', []).opens(1, 4) },
      { name: 'what a deposed coordinator says does not count', trace: t => t.lead(1, 1).coordinates(2, 'Ongoing', ORDERS, { coordinatorEpoch: 2 }).coordinates(3, 'CompleteAbort', []).opens(1, 4) },
    ],
  },
  'undecided-marker': {
    shows: [
      { name: 'while the transaction is under way', trace: t => opened(t).marks(1, true), counts: { 'undecided-marker': 1 }, says: ['commits what producer 7 wrote to orders-0', 'in Ongoing with orders-0'] },
      { name: 'decided otherwise', trace: t => opened(t).coordinates(2, 'PrepareCommit', ORDERS).marks(1, false), counts: { 'undecided-marker': 1 } },
      { name: 'of the transaction before', trace: t => opened(t).coordinates(2, 'PrepareCommit', ORDERS, { producerEpoch: 1 }).marks(1, true), counts: { 'undecided-marker': 1 } },
    ],
    passes: [
      { name: 'decided', trace: t => opened(t).coordinates(2, 'PrepareCommit', ORDERS).marks(1, true) },
      { name: 'a repeat ends nothing', trace: t => opened(t).coordinates(2, 'PrepareCommit', ORDERS).marks(1, true).coordinates(2, 'CompleteCommit', []).marks(1, true, { firstOffset: -1 }) },
      { name: 'in the log of a deposed leader', trace: t => opened(t).lead(3, 2).marks(1, true) },
    ],
  },
  'two-outcomes': {
    shows: [
      {
        name: 'committed here and aborted there', counts: { 'two-outcomes': 1 }, says: ['committed on orders-0 and aborted on orders-1'],
        trace: t => {
          t.lead(1, 1).coordinates(2, 'PrepareCommit', ['orders-0', 'orders-1'], { producerEpoch: 1 }).marks(1, true, V2)
          t.partition = 1
          return t.lead(2, 1).coordinates(3, 'PrepareAbort', ['orders-1'], { producerEpoch: 1, coordinatorEpoch: 2 }).marks(2, false, V2)
        },
      },
    ],
    passes: [
      { name: 'one outcome, repeated', trace: t => t.lead(1, 1).coordinates(2, 'PrepareCommit', ORDERS, { producerEpoch: 1 }).marks(1, true, V2).marks(1, true, { ...V2, firstOffset: -1 }) },
      { name: 'of the next epoch', trace: t => t.lead(1, 1).coordinates(2, 'PrepareCommit', ORDERS, { producerEpoch: 1 }).marks(1, true, V2).marks(1, false, { ...V2, producerEpoch: 2, firstOffset: -1 }) },
      { name: 'under version 1, where an epoch has many transactions', trace: t => t.lead(1, 1).marks(1, true, { firstOffset: -1 }).marks(1, false, { firstOffset: -1 }) },
    ],
  },
  'hanging-transaction': {
    shows: [
      { name: 'open, and nobody lists it', trace: t => opened(t).coordinates(2, 'CompleteAbort', []).settled(), counts: { 'hanging-transaction': 1 }, says: ['hangs on orders-0 from offset 0 on'] },
      { name: 'open in the log of the next leader', trace: t => opened(t).coordinates(2, 'CompleteAbort', []).lead(3, 2).finds(3, 0).settled(), counts: { 'hanging-transaction': 1 } },
      { name: 'decided and not finished', trace: t => ongoing(t).coordinates(2, 'PrepareCommit', ORDERS).after(6).settled(), counts: { 'hanging-transaction': 1 }, says: ['The transaction of copier is decided and was never finished'] },
      { name: 'where no progress is owed', trace: t => opened(t).coordinates(2, 'CompleteAbort', []).settled(), config: { heals: false }, counts: { 'hanging-transaction': 1 }, allowed: ['hanging-transaction'] },
    ],
    passes: [
      { name: 'under way', trace: t => opened(t).settled() },
      { name: 'ended', trace: t => opened(t).coordinates(2, 'PrepareCommit', ORDERS).marks(1, true).coordinates(2, 'CompleteCommit', []).settled() },
      { name: 'the next leader has the marker', trace: t => opened(t).coordinates(2, 'CompleteAbort', []).lead(3, 2).finds(3, -1).settled() },
      { name: 'decided a moment ago', trace: t => ongoing(t).after(6).coordinates(2, 'PrepareCommit', ORDERS).settled() },
      { name: 'its producer has another id by now', trace: t => ongoing(t).coordinates(2, 'PrepareCommit', ORDERS).coordinates(2, 'CompleteCommit', [], { producerId: 8 }).after(6).settled() },
      { name: 'its leader is down', trace: t => opened(t).coordinates(2, 'CompleteAbort', []).settled(1) },
    ],
  },
}
