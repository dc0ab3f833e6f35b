/**
 * Anomalies of transactions: Adya's phenomena with Elle's process and realtime variants, and what histories of lists and
 * registers show without a cycle. Which of them are bad depends on the consistency model that is required.
 */
import type { Anomaly } from '../anomalies.ts'
import { ruledOut } from '../isolation/consistency-models.ts'

type Entry = Omit<Anomaly, 'forbiddenBy' | 'models' | 'checker'> & { readonly checker?: string }

const ADYA = 'https://pmg.csail.mit.edu/papers/adya-phd.pdf'
const ELLE = 'https://www.vldb.org/pvldb/vol14/p268-alvaro.pdf'

const CYCLES: readonly Entry[] = [
  {
    id: 'G0',
    title: 'Write cycle',
    definition: 'Each of several transactions wrote what the next one overwrote, round to the first (Adya: G0).',
    example: ['T1: append x 1, append y 1', 'T2: append x 2, append y 2', 'T3: read x [1 2], read y [2 1]', '', 'In x T1 wrote first, in y T2 did.'],
    falseAlarm: 'In a Kafka log it is allowed: transactions interleave in each partition as they like. Elements appended by transactions of unknown fate count only once they were read.',
    link: ADYA,
  },
  {
    id: 'G1c',
    title: 'Circular information flow',
    definition: 'Each of several transactions wrote what the next one read or overwrote, round to the first, with at least one read (Adya: G1c).',
    example: ['T1: append x 1, read y [1]', 'T2: append y 1, read x [1]', '', 'Each saw what the other wrote, so each is after the other.'],
    falseAlarm: 'In a Kafka log it is allowed where the cycle needs an overwrite, because writes are not isolated there; one of reads alone never is.',
    link: ADYA,
  },
  {
    id: 'G-single',
    title: 'Read skew',
    definition: 'A cycle of dependencies with exactly one anti-dependency: a transaction saw part of what another did, and missed another part (Adya: G-single).',
    example: ['T1: append x 1, append y 1', 'T2: read x [1], read y []', '', 'T2 saw the append to x, so it is after T1; it missed the one to y, so it is before.'],
    falseAlarm: 'Read committed allows it. In a Kafka log it is counted only: a poll may lag behind.',
    link: ADYA,
  },
  {
    id: 'G-nonadjacent',
    title: 'Long fork',
    definition: 'A cycle with two or more anti-dependencies, no two of them in a row: two readers saw independent writes in opposite orders.',
    example: ['T1: append x 1            T2: append y 1', 'T3: read x [1], read y []', 'T4: read x [],  read y [1]', '', 'For T3 T1 was first, for T4 T2 was.'],
    falseAlarm: 'Parallel snapshot isolation and weaker models allow it. Two anti-dependencies in a row are another anomaly (G2-item).',
    link: 'https://www.cs.cornell.edu/~andru/papers/podc16.pdf',
  },
  {
    id: 'G2-item',
    title: 'Write skew',
    definition: 'A cycle with two anti-dependencies in a row: transactions that each missed what another wrote to a key they had read (Adya: G2-item).',
    example: ['T1: read x [], append y 1', 'T2: read y [], append x 1', '', 'Each missed the append of the other, so each is before the other.'],
    falseAlarm: 'Snapshot isolation allows it: both read the same snapshot and wrote different keys.',
    link: ADYA,
  },
  {
    id: 'G2',
    title: 'Anti-dependency cycle over ranges',
    checker: 'kafka-log',
    definition: 'A cycle with two anti-dependencies in a row where what was missed would have been in a range that was read (Adya: G2). Polls read a range: everything after an offset.',
    example: ['T1: poll x: nothing after 4, send 7 to y: offset 5', 'T2: poll y: nothing after 4, send 8 to x: offset 5', '', 'Each poll missed the record of the other.'],
    falseAlarm: 'In a Kafka log it is counted only: a poll may lag behind, and transactions are no snapshots.',
    link: ADYA,
  },
]

const VARIANTS = [
  { suffix: '-process', title: ' with session order', says: 'It needs the order in which one client ran its transactions.', near: 'Clients with several sessions under one process number.', order: 'T1 and T2 are of one client, in that order.' },
  { suffix: '-realtime', title: ' with realtime order', says: 'It needs that one transaction was answered before another was invoked.', near: 'Only strong (strict) models forbid it. Clocks do not matter, the order of the history does.', order: 'T1 was answered before T2 was invoked.' },
] as const
/** The smallest examples of the variants. */
const VARIED: Readonly<Record<string, readonly string[]>> = {
  'G0': ['T1: append x 1', 'T2: append x 2', 'T3: read x [2 1]'],
  'G1c': ['T1: read x [1]', 'T2: append x 1'],
  'G-single': ['T1: append x 1', 'T2: read x []'],
  'G-nonadjacent': ['T1: append x 1, then T2: read y []', 'T3: append y 1, then T4: read x []', 'The same order holds from T3 to T4.'],
  'G2-item': ['T1: append x 1, then T2: read y [], read z []', 'T3: read x [], append z 1, append y 1', '', 'T2 missed T3, and T3 missed T1.'],
  'G2': ['T1: send 7 to x, then T2: poll y: nothing', 'T3: poll x: nothing, send 8 to y', '', 'T2 missed T3, and T3 missed T1.'],
}

const OTHERS: readonly Entry[] = [
  {
    id: 'G1a',
    title: 'Aborted read',
    definition: 'A committed transaction read what a transaction wrote that definitely failed (Adya: G1a).',
    example: ['T1: append x 1               fail', 'T2: read x [1]               ok'],
    falseAlarm: 'A transaction of unknown fate (info) may have committed; what it wrote may be read.',
    link: ADYA,
  },
  {
    id: 'G1b',
    title: 'Intermediate read',
    definition: 'A transaction read a state that another one wrote and then overwrote itself (Adya: G1b).',
    example: ['T1: append x 1, append x 2   ok', 'T2: read x [1]               ok', '', 'x was [] before T1 and [1 2] after it, never [1].'],
    falseAlarm: 'A transaction may read its own intermediate states.',
    link: ADYA,
  },
  {
    id: 'internal',
    title: 'A transaction contradicts itself',
    definition: 'A transaction read something else than its own earlier reads and writes of that key say (axiom INT of Cerone, Bernardi and Gotsman).',
    example: ['T1: append x 1, read x []', '', 'It does not see its own append.'],
    falseAlarm: 'Read committed may see another value at each read, and allows it: the required model decides.',
    link: ELLE,
  },
  {
    id: 'future-read',
    title: 'A transaction reads what it has yet to write',
    definition: 'A transaction read a value that it wrote only later.',
    example: ['T1: read x [1], append x 1'],
    falseAlarm: 'Values that are not unique.',
    link: ELLE,
  },
  {
    id: 'dirty-update',
    title: 'Dirty update',
    definition: 'A committed transaction built on what a failed one wrote: its element lies right after the failed one in a list that was read.',
    example: ['T1: append x 1               fail', 'T2: append x 2               ok', 'T3: read x [1 2]             ok'],
    falseAlarm: 'A transaction of unknown fate may have committed.',
    link: ELLE,
  },
  {
    id: 'lost-update',
    title: 'Lost update',
    definition: 'Two committed transactions read the same version of a key and both wrote that key.',
    example: ['T1: read x [], append x 1    ok', 'T2: read x [], append x 2    ok', '', 'Whichever was second did not see the first.'],
    falseAlarm: 'Transactions that write before they read; a reader that failed. Read committed allows it.',
    link: 'https://arxiv.org/abs/1302.0309',
  },
  {
    id: 'duplicate-elements',
    title: 'One element twice in a list',
    definition: 'A list that was read holds an element twice that was appended once.',
    example: ['T1: append x 1               ok', 'T2: read x [1 1]             ok'],
    falseAlarm: 'Elements that were appended twice: then the history cannot be judged, and the verdict is unknown.',
    link: ELLE,
  },
  {
    id: 'incompatible-order',
    title: 'Two orders of one list',
    definition: 'Two reads of a list of which neither begins with the other: no order of appends explains both.',
    example: ['T1: read x [1 2]             ok', 'T2: read x [1 3 2]           ok'],
    falseAlarm: 'Reads of transactions that failed, or whose fate is unknown: they are not believed.',
    link: ELLE,
  },
  {
    id: 'garbage-read',
    title: 'A value that nobody wrote',
    definition: 'A transaction read a value that no transaction of the history wrote.',
    example: ['T1: append x 1               ok', 'T2: read x [1 7]             ok'],
    falseAlarm: 'Writers that the history leaves out. A register may begin with one value that nobody wrote.',
    link: ELLE,
  },
  {
    id: 'cyclic-versions',
    title: 'Versions of a register in a circle',
    checker: 'rw-register',
    definition: 'What is known of the order of the versions of a register goes round in a circle.',
    example: ['T1: write x 1                ok', 'T2: read x 1, write x 2      ok', 'T3: read x 2, write x 1      ok', '', '1 is before 2 and 2 is before 1.'],
    falseAlarm: 'Values that are not unique; assumptions about registers (sequential, linearizable) that the database does not promise.',
    link: ELLE,
  },
]

function varied(entry: Entry): Entry[] {
  return [entry, ...VARIANTS.map(({ suffix, title, says, near, order }): Entry => ({
    ...entry,
    id: entry.id + suffix,
    title: entry.title + title,
    definition: `${entry.definition} ${says}`,
    example: [...VARIED[entry.id]!, order],
    falseAlarm: `${near} ${entry.falseAlarm}`,
  }))]
}

export const ISOLATION_ANOMALIES: readonly Anomaly[] = [...CYCLES.flatMap(varied), ...OTHERS].map(entry => ({
  checker: 'list-append',
  ...entry,
  forbiddenBy: [],
  models: ruledOut([entry.id], entry.id !== 'G2').not,
}))
