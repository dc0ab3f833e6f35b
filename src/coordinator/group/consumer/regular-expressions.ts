/**
 * Topics by pattern (KIP-848): a group keeps what each pattern of its members was resolved to, so that a new coordinator assigns
 * the same. A pattern that is new is resolved at once, the others when topics have been created or after a while, but not all
 * the time; one that no member has any more is dropped.
 *
 * Unlike Kafka, which resolves on a background thread and tells the group later, and in the syntax of RE2/J.
 */
import { ApiError } from '../../../protocol/api-error.ts'
import { ErrorCode } from '../../../protocol/errors.ts'
import type { CoordinatorRecord } from '../../coordinator-record.ts'
import type { GroupScope } from '../group-shard.ts'
import type { ConsumerGroup, ResolvedRegex } from './consumer-group.ts'
import { sameNames } from './consumer-member.ts'
import { regexRecord, regexTombstone } from './consumer-records.ts'

/** REGEX_BATCH_REFRESH_MIN_INTERVAL_MS */
const MIN_REFRESH_INTERVAL_MS = 10_000
/** group.consumer.regex.refresh.interval.ms */
const REFRESH_INTERVAL_MS = 600_000

export interface ResolvedRegexes {
  readonly regexes: ReadonlyMap<string, ResolvedRegex>
  readonly records: readonly CoordinatorRecord[]
  /** The topics that the group consumes may be others now. */
  readonly changed: boolean
}

/** @throws ApiError INVALID_REGULAR_EXPRESSION */
export function resolveRegexes(scope: GroupScope, group: ConsumerGroup, used: ReadonlySet<string>): ResolvedRegexes {
  const regexes = new Map<string, ResolvedRegex>()
  const records: CoordinatorRecord[] = []
  let changed = false
  for (const regex of used) {
    const known = group.regexes.get(regex)
    if (known !== undefined && !isStale(scope, known)) {
      regexes.set(regex, known)
      continue
    }
    const resolved: ResolvedRegex = { topics: matching(scope, regex), version: scope.image.offset, timestampMs: scope.nowMs() }
    regexes.set(regex, resolved)
    records.push(regexRecord(group.groupId, regex, resolved))
    if (known === undefined || !sameNames(known.topics, resolved.topics)) changed = true
  }
  for (const regex of group.regexes.keys()) {
    if (used.has(regex)) continue
    records.push(regexTombstone(group.groupId, regex))
    changed = true
  }
  return { regexes, records, changed }
}

/** Topics have come since a pattern was resolved, long enough ago. */
export function hasStaleRegex(scope: GroupScope, group: ConsumerGroup): boolean {
  for (const resolved of group.regexes.values()) if (isStale(scope, resolved)) return true
  return false
}

function isStale(scope: GroupScope, { version, timestampMs }: ResolvedRegex): boolean {
  const age = scope.nowMs() - timestampMs
  return age >= REFRESH_INTERVAL_MS || (scope.newestTopicOffset > version && age >= MIN_REFRESH_INTERVAL_MS)
}

function matching(scope: GroupScope, regex: string): string[] {
  const pattern = compile(regex)
  return [...scope.image.topicIds.keys()].filter(name => pattern.test(name)).sort()
}

function compile(regex: string): RegExp {
  try {
    return new RegExp(`^(?:${regex})$`, 'u')
  } catch {
    throw new ApiError(ErrorCode.INVALID_REGULAR_EXPRESSION, `SubscribedTopicRegex \`${regex}\` is not a valid regular expression.`)
  }
}
