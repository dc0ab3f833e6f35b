/** `trial explain`: every anomaly of the catalogue in four parts, told in the same order. */
import { describe, expect, it } from 'vitest'
import { ANOMALIES } from '../../checkers/anomalies.ts'
import { explainName } from '../../src/cli/commands/explain.ts'

describe('an explanation', () => {
  it.each(ANOMALIES.map(one => [one.id, one] as const))('of %s has its four parts', (id, anomaly) => {
    const text = explainName(id).join('\n')
    const parts = /^([\w-]+): (.+) \(found by [\w-]+\)\n\n([^\n]+)\n\n((?:It breaks|Nothing forbids|No configuration|The weakest consistency models)[^\n]*(?:\n {2}https:\/\/\S+)?)\n\nFor example:\n((?: {2}[^\n]*\n){1,6})\nA false alarm would be: ([^\n]+)$/.exec(text)
    expect(parts, text).not.toBeNull()
    const [, name, title, definition, promise, , falseAlarm] = parts!
    expect([name, title, definition, falseAlarm]).toEqual([id, anomaly.title, anomaly.definition, anomaly.falseAlarm])
    expect(definition!.length).toBeGreaterThan(30)
    expect(falseAlarm!.length).toBeGreaterThan(15)
    // Whatever breaks a promise says where the promise is made; only what no configuration allows needs no promise.
    if (anomaly.forbiddenBy !== 'never' && anomaly.id !== 'broker-assertion') expect(promise).toMatch(/https:\/\//)
    expect(promise).not.toContain('undefined')
  })

  it('of Kafka anomalies and of data types names the promise', () => {
    expect(explainName('lost-write').join('\n')).toContain('It breaks: A record acknowledged with acks=all is not lost')
    expect(explainName('wrong-total').join('\n')).toContain('It breaks: Snapshot isolation')
    expect(explainName('G0').join('\n')).toContain('The weakest consistency models that forbid it: ')
    expect(explainName('recovered-message').join('\n')).toContain('Nothing forbids it')
  })
})
