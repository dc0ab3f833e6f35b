/**
 * Acknowledged topics, partitions and configurations against the final description of the cluster. Every change may have
 * been sent twice, and one of them may arrive late.
 */
import type { Json } from '../../../src/history/operation.ts'
import type { AnomalyCases, Cases, HistoryBuilder } from '../history-fixture.ts'

const topic: Json = { topic: 'refunds', partitions: 3 }
const retention = (value: string): Json => ({ topic: 'refunds', name: 'retention.ms', value })

function topics(h: HistoryBuilder, found: Json, extra = true): HistoryBuilder {
  return h.op(9, 'describe-topics', null, found, extra ? { drain: true } : {})
}

function configs(h: HistoryBuilder, entries: Json, extra = true): HistoryBuilder {
  return h.op(9, 'describe-configs', 'refunds', ['refunds', entries], extra ? { drain: true } : {})
}

const grown = (partitions: number): Json => ({ topic: 'refunds', partitions })

const lost = { 'lost-metadata': 1 }

const LOST_METADATA: AnomalyCases = {
  shows: [
    { name: 'an acknowledged topic is absent', history: h => topics(h.change(4, 'create-topic', topic).fault('the active controller loses power'), { orders: 1 }), counts: lost, says: ['Topic refunds was created and does not exist', 'the active controller loses power', 'It is acknowledged'] },
    { name: 'a partition is absent', history: h => topics(h.change(4, 'create-topic', topic), { refunds: 2 }), counts: lost, says: ['has 2 of 3 partitions'] },
    { name: 'a configuration has a value that nobody asked for', history: h => configs(h.change(4, 'alter-config', retention('60')).change(4, 'alter-config', retention('70')), { 'retention.ms': '50' }), counts: lost, says: ['retention.ms of refunds was set to 70 and is 50'] },
    { name: 'none of two concurrent changes is there', history: h => configs(h.invoke(4, 'alter-config', retention('60')).change(5, 'alter-config', retention('70')).complete(4, 'ok', null), { 'retention.ms': '50' }), counts: lost },
    { name: 'a configuration is absent', history: h => configs(h.change(4, 'alter-config', retention('60')), {}), counts: lost, says: ['and is null'] },
    { name: 'partitions that were added are absent', history: h => topics(h.change(4, 'create-partitions', grown(4)).change(4, 'create-partitions', grown(3)), { refunds: 3 }), counts: lost, says: ['was given 4 partitions and has 3 of 4 partitions'] },
    { name: 'the last description counts', history: h => topics(topics(h.change(4, 'create-topic', topic), { refunds: 3 }), {}), counts: lost },
  ],
  passes: [
    { name: 'all is there, and more', history: h => configs(topics(h.change(4, 'create-topic', topic).change(4, 'alter-config', retention('60')), { refunds: 4, orders: 1 }), { 'retention.ms': '60', 'segment.ms': '1' }) },
    { name: 'partitions that were added, and a refusal to take some away', history: h => topics(h.change(4, 'create-topic', topic).change(4, 'create-partitions', grown(4)).change(4, 'create-partitions', grown(2), 'fail'), { refunds: 4 }) },
    { name: 'partitions of a topic that was deleted', history: h => topics(h.change(4, 'create-partitions', grown(4)).change(4, 'delete-topic', topic).change(4, 'create-topic', topic), { refunds: 3 }) },
    { name: 'nobody described the cluster', history: h => h.change(4, 'create-topic', topic).change(4, 'alter-config', retention('60')) },
    { name: 'a description during the faults', history: h => configs(topics(h.change(4, 'create-topic', topic).change(4, 'alter-config', retention('60')), {}, false), {}, false) },
    { name: 'an earlier value: its change may have been sent twice, and one of them late', history: h => configs(h.change(4, 'alter-config', retention('60')).change(4, 'alter-config', retention('70')), { 'retention.ms': '60' }) },
    { name: 'created again after a deletion that may have been sent twice', history: h => topics(h.change(4, 'create-topic', topic).change(4, 'delete-topic', topic).change(4, 'create-topic', topic), {}) },
    { name: 'a later deletion', history: h => topics(h.change(4, 'create-topic', topic).change(4, 'delete-topic', topic), {}) },
    { name: 'a concurrent deletion', history: h => topics(h.invoke(4, 'create-topic', topic).invoke(5, 'delete-topic', topic).complete(5, 'ok', null).complete(4, 'ok', null), {}) },
    { name: 'a concurrent change of the same configuration', history: h => configs(h.invoke(4, 'alter-config', retention('60')).change(5, 'alter-config', retention('70')).complete(4, 'ok', null), { 'retention.ms': '60' }) },
    { name: 'another configuration of the topic', history: h => configs(h.change(4, 'alter-config', retention('60')).change(4, 'alter-config', { topic: 'refunds', name: 'segment.ms', value: '1' }), { 'retention.ms': '60', 'segment.ms': '1' }) },
    { name: 'a configuration of another topic', history: h => configs(h.change(4, 'alter-config', { topic: 'orders', name: 'retention.ms', value: '60' }), {}) },
    { name: 'the topic was deleted and created again with its defaults', history: h => configs(h.change(4, 'alter-config', retention('60')).change(4, 'delete-topic', topic).change(4, 'create-topic', topic), {}) },
    { name: 'the topic was deleted while its configuration changed', history: h => configs(h.invoke(5, 'delete-topic', topic).change(4, 'alter-config', retention('60')).complete(5, 'ok', null).change(4, 'create-topic', topic), {}) },
    { name: 'a deletion before the change, which may have been sent twice', history: h => configs(h.change(4, 'delete-topic', topic).change(4, 'create-topic', topic).change(4, 'alter-config', retention('60')), {}) },
    { name: 'topics named like members of every object', history: h => topics(h.change(4, 'create-topic', { topic: 'constructor', partitions: 1 }), {}), counts: lost },
    { name: 'a single voter that lost unflushed data', history: h => topics(h.change(4, 'create-topic', topic), {}), config: { voters: 1, lossyVoterCrashes: 1 }, counts: lost, allowed: ['lost-metadata'] },
  ],
  indeterminate: [
    { name: 'a creation of unknown fate', history: h => topics(h.change(4, 'create-topic', topic, 'info'), {}) },
    { name: 'partitions that may have been added', history: h => topics(h.change(4, 'create-partitions', grown(4), 'info'), { refunds: 3 }) },
    { name: 'a creation without an answer', history: h => topics(h.change(4, 'create-topic', topic, 'open'), {}) },
    { name: 'a creation that failed', history: h => topics(h.change(4, 'create-topic', topic, 'fail'), {}) },
    { name: 'a later deletion of unknown fate', history: h => topics(h.change(4, 'create-topic', topic).change(4, 'delete-topic', topic, 'info'), {}) },
    { name: 'an earlier deletion of unknown fate may still come', history: h => topics(h.change(5, 'delete-topic', topic, 'open').change(4, 'create-topic', topic), {}) },
    { name: 'a later deletion that failed', history: h => topics(h.change(4, 'create-topic', topic).change(4, 'delete-topic', topic, 'fail'), {}), counts: lost },
    { name: 'a later change of unknown fate', history: h => configs(h.change(4, 'alter-config', retention('60')).change(5, 'alter-config', retention('70'), 'info'), { 'retention.ms': '70' }) },
    { name: 'a later change that failed', history: h => configs(h.change(4, 'alter-config', retention('60')).change(5, 'alter-config', retention('70'), 'fail'), { 'retention.ms': '70' }), counts: lost },
    { name: 'a description of unknown fate', history: h => h.change(4, 'create-topic', topic).invoke(9, 'describe-topics', null, { drain: true }).complete(9, 'info', {}) },
    { name: 'a deletion of unknown fate may have reset the configuration', history: h => configs(h.change(4, 'alter-config', retention('60')).change(5, 'delete-topic', topic, 'info').change(4, 'create-topic', topic), {}) },
    { name: 'or one that is still open', history: h => configs(h.change(5, 'delete-topic', topic, 'open').change(4, 'alter-config', retention('60')), {}) },
    { name: 'or one whose answer was lost before the change, and that may come late', history: h => configs(h.change(5, 'delete-topic', topic, 'info').change(4, 'alter-config', retention('60')), {}) },
    { name: 'a deletion that failed has not', history: h => configs(h.change(4, 'alter-config', retention('60')).change(5, 'delete-topic', topic, 'fail'), {}), counts: lost },
  ],
}

export const METADATA_CASES: Cases = { 'lost-metadata': LOST_METADATA }
