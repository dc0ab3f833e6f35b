/** The page of a check; of one that was cut short, what is known of it. */
import { basename } from 'node:path'
import { checkPage, timelineOf } from '../../../reports/check-page.ts'
import { checkHtml } from '../../../reports/html/check-html.ts'
import type { History } from '../../history/operation.ts'
import type { CheckOutcome, CheckRequest } from './check-request.ts'

/** Keys that are drawn; all are counted. */
const MOST_TIMELINES = 8

export function pageOf(request: CheckRequest, { verdict, operations, results, cut }: CheckOutcome, history: History): string {
  const timelines = results.flatMap(({ findings }) => findings).filter(({ status }) => status === 'bad').flatMap(finding => timelineOf(history, finding) ?? []).slice(0, MOST_TIMELINES)
  const notes = [...results.flatMap(({ reason }) => reason ?? []), ...(cut === undefined ? [] : [`The check ended early; ${cut.doing}.`])]
  return checkHtml(checkPage({
    file: basename(request.path), verdict, operations, notes, timelines,
    judged: request.model === undefined ? `checker ${request.checkers.join(', ')}` : `model ${request.model}`,
  }, results))
}
