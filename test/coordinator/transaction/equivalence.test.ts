/**
 * Coordinator equivalence (invariant 9) of transactions, producer ids that run out included: a coordinator is killed before
 * each append, before its record commits and before the answer, markers still to be written. The next one has what is committed, and a client that asks again ends up with the outcomes
 * that it would have had. Every moment is tried, none drawn.
 */
import { describe, expect, it } from 'vitest'
import type { ProducerIdAndEpoch } from '../../../src/coordinator/transaction/transaction-coordinator.ts'
import type { TransactionFields } from '../../../src/coordinator/transaction/transaction-metadata.ts'
import { errorName } from '../../../src/protocol/errors.ts'
import { CoordinatorFixture, PARTITION } from './coordinator-fixture.ts'
import type { Pending } from './coordinator-fixture.ts'

const BOUNDARIES = ['before append', 'before commit', 'before answer'] as const
type Boundary = (typeof BOUNDARIES)[number]
const TRANSACTIONS = 17

/** Runs requests, each until it is not told to come again; dies once, at the n-th request. */
class Application {
  readonly f: CoordinatorFixture
  requests = 0
  private readonly kill: number
  private readonly boundary: Boundary

  constructor(version: 1 | 2, kill: number, boundary: Boundary) {
    this.f = new CoordinatorFixture(version, { buggify: ['few-epochs'] })
    this.kill = kill
    this.boundary = boundary
  }

  request<T>(ask: () => Pending<T>, isAgain: (answer: T) => boolean): T {
    for (let attempt = 0; attempt < 20; attempt++) {
      const { answer } = this.requests++ === this.kill ? this.killed(ask) : ask()
      if (answer !== undefined && !isAgain(answer)) return answer
      this.f.writeMarkers()
    }
    throw new Error('no answer')
  }

  private killed<T>(ask: () => Pending<T>): Pending<T> {
    const { f, boundary } = this
    if (boundary === 'before append') f.failOver()
    else {
      f.logs.commitsAtOnce = boundary === 'before answer'
      ask()
      const live = f.fields
      f.logs.commitsAtOnce = true
      f.failOver()
      // What was acknowledged is there again; what was not may be lost, or it has been read and acknowledged since.
      if (boundary === 'before answer') expect(onDisk(f.fields)).toEqual(onDisk(live))
    }
    return { answer: undefined }
  }
}

/** A retry over a change of coordinators does not find the last epoch: it is not in the log. */
function onDisk(fields: TransactionFields | undefined): unknown {
  return fields === undefined ? undefined : { ...fields, lastProducerEpoch: -1, partitions: [...fields.partitions.keys()], previousProducerId: -1 }
}

function outcomes(version: 1 | 2, kill = -1, boundary: Boundary = 'before append'): { readonly outcomes: string[]; readonly requests: number } {
  const app = new Application(version, kill, boundary)
  const { f } = app
  const again = ['CONCURRENT_TRANSACTIONS', 'NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_LOAD_IN_PROGRESS']
  const ended = ({ errorCode }: { errorCode: number }): boolean => again.includes(errorName(errorCode))
  let producer: ProducerIdAndEpoch = app.request(() => f.init(), ended)
  const seen: string[] = []
  for (let i = 0; i < TRANSACTIONS; i++) {
    const commit = i % 3 !== 1
    const added = app.request(() => f.add(producer, 'waits'), answer => again.includes(answer))
    expect(added).toBe('NONE')
    const answer = app.request(() => f.end(producer, commit), ended)
    expect(errorName(answer.errorCode), `transaction ${i}`).toBe('NONE')
    f.writeMarkers()
    seen.push(f.fields!.state)
    producer = version === 2 ? answer : i % 4 === 3 ? app.request(() => f.init(), ended) : producer
  }
  expect(f.logs.log(PARTITION).batches.length).toBeGreaterThan(3 * TRANSACTIONS)
  return { outcomes: seen, requests: app.requests }
}

describe.each([1, 2] as const)('version %i', version => {
  const undisturbed = outcomes(version)

  it.each(BOUNDARIES)('killed %s', boundary => {
    expect(undisturbed.requests).toBeGreaterThan(2 * TRANSACTIONS)
    for (let kill = 0; kill < undisturbed.requests; kill++) {
      expect(outcomes(version, kill, boundary).outcomes, `request ${kill}`).toEqual(undisturbed.outcomes)
    }
  })
})
