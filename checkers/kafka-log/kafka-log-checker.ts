/**
 * The Kafka log checker: judges what producers were told and what consumers read, partition by partition. Offsets give
 * the version order outright, so no search is needed: one pass collects (`scan.ts`), a few linear walks find.
 *
 * Values must be unique per send. Indeterminate sends may be in the log or not, once; they are never missed and their
 * presence is never an error.
 */
import type { History, Operation } from '../../src/history/operation.ts'
import type { Checker, CheckContext, CheckResult, HistoryCheck } from '../contract.ts'
import { FindingCollector } from '../finding-collector.ts'
import { show } from '../show.ts'
import { findTransactionCycles } from './find-cycles.ts'
import { findLoss } from './find-loss.ts'
import { findLostMetadata } from './find-lost-metadata.ts'
import { findOffsetRegression, findPollOrder, findSendOrder } from './find-order.ts'
import { findTorn } from './find-torn.ts'
import { findValues } from './find-values.ts'
import { Scan } from './scan.ts'
import { Story } from './story.ts'

/** Takes a history operation by operation; none is kept. */
export class KafkaLogCheck implements HistoryCheck {
  private readonly scan = new Scan()
  private readonly context: CheckContext

  constructor(context: CheckContext) {
    this.context = context
  }

  /** Throws TrialError('input') at what is no Kafka operation. */
  add(operation: Operation): void {
    this.scan.add(operation)
  }

  finish(): CheckResult {
    const { scan, context } = this
    scan.finish()
    const found = new FindingCollector('kafka-log', context.guarantees)
    const { repeated } = scan.sends
    if (repeated !== undefined) return found.result(`Value ${show(repeated)} was sent twice: values must be unique, otherwise nothing can be told of them.`)
    const story = new Story(scan)
    findLoss(scan, story, context, found)
    findValues(scan, story, context, found)
    findSendOrder(scan, story, context, found)
    findPollOrder(scan, story, context, found)
    findOffsetRegression(scan, story, found)
    findLostMetadata(scan.timeline.others, story, found)
    findTorn(scan, story, context, found)
    const unfinished = findTransactionCycles(scan, context, found)
    return found.result(unfinished === undefined ? undefined : `The search for cycles did not end: ${unfinished}.`)
  }
}

export const kafkaLogChecker: Checker = {
  name: 'kafka-log',
  describes: 'what producers were told and consumers read: loss, duplicates, order, offset reuse, corruption, metadata, torn transactions and their cycles',
  check(history: History, context: CheckContext): CheckResult {
    const check = new KafkaLogCheck(context)
    for (const operation of history) check.add(operation)
    return check.finish()
  },
  begin: context => new KafkaLogCheck(context),
}
