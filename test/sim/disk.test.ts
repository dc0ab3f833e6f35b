import { describe, expect, it } from 'vitest'
import type { Task } from '../../src/base/task.ts'
import type { SimDisk } from '../../src/sim/disk.ts'
import type { ChoiceModel } from '../../src/sim/options.ts'
import { Recorder, world } from './world.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (given: Uint8Array): string => new TextDecoder().decode(given)

/** Runs a script on a fresh disk, then cuts the power. */
function crashAfter(script: (disk: SimDisk) => Task<void>, rootKey: number, choices?: ChoiceModel): { disk: SimDisk; recorder: Recorder; fired: readonly { key: string; value: number }[] } {
  const recorder = new Recorder()
  const simulation = world(['node'], { rootKey, observers: [recorder], ...(choices === undefined ? {} : { choices }) })
  const machine = simulation.machine('node')
  machine.start(env => env.spawn('script', script(machine.disk)))
  simulation.run(1_000_000)
  expect(simulation.crashes).toEqual([])
  machine.crashMachine()
  return { disk: machine.disk, recorder, fired: simulation.choicesFired }
}

function content(disk: SimDisk, path: string): string | undefined {
  return disk.exists(path) ? text(disk.open(path).view()) : undefined
}

const NOTHING_LOST: ChoiceModel = { mode: 'explicit', fired: [] }
const lost = (path: string, value: number): ChoiceModel => ({ mode: 'explicit', fired: [{ key: `lossy:node:${path}:1`, value }] })

describe('a file', () => {
  it('reads back what was appended, overwritten and truncated, by copy or by view', () => {
    const { disk } = world(['node']).machine('node')
    const file = disk.open('a/b/file')
    const given = bytes('hello world')
    file.append(given)
    given.fill(0)
    file.write(6, bytes('WORLDS'))
    expect(text(file.view())).toBe('hello WORLDS')
    const copy = file.read(6, 100)
    file.truncate(8)
    file.append(bytes('!'.repeat(1_000)))
    expect(text(copy)).toBe('WORLDS')
    expect(file.size).toBe(1_008)
    expect(text(file.view().subarray(0, 10))).toBe('hello WO!!')
    expect(() => file.write(2_000, given)).toThrow('write at 2000')
  })

  it('survives a process crash with everything', () => {
    const simulation = world(['node'])
    const machine = simulation.machine('node')
    machine.start(env => env.disk.open('x').append(bytes('unsynced')))
    machine.crashProcess()
    machine.start(env => expect(text(env.disk.open('x').view())).toBe('unsynced'))
    expect(simulation.crashes).toEqual([])
  })
})

describe('a power cut', () => {
  function* synced(disk: SimDisk): Task<void> {
    const file = disk.open('log/file')
    file.append(bytes('synced.'))
    yield* file.fsync()
    yield* disk.syncDirectory('log')
    for (const part of ['aaa', 'bbb', 'ccc']) file.append(bytes(part))
    file.write(1, bytes('YNC'))
    file.truncate(9)
    file.append(bytes('end'))
  }

  it('leaves the synced content and a prefix of the later operations', () => {
    // After each whole operation: the journal in order, as it must be found again.
    const prefixes = ['synced.', 'synced.aaa', 'synced.aaabbb', 'synced.aaabbbccc', 'sYNCed.aaabbbccc', 'sYNCed.aa', 'sYNCed.aaend']
    const seen = new Set<string>()
    for (let rootKey = 0; rootKey < 80; rootKey++) {
      const { disk, recorder } = crashAfter(synced, rootKey)
      const found = content(disk, 'log/file')!
      expect(prefixes).toContain(found)
      seen.add(found)
      expect(recorder.kinds('machine-crash-loss').length).toBe(found === prefixes.at(-1) ? 0 : 1)
    }
    expect(seen.size).toBe(prefixes.length)
  })

  it('may tear the last operation, by drawn choice', () => {
    const seen = new Set<string>()
    for (let rootKey = 0; rootKey < 60; rootKey++) {
      const { disk } = crashAfter(function* (disk) {
        const file = disk.open('f')
        yield* disk.syncDirectory('')
        file.append(bytes('0123456789'))
      }, rootKey, { mode: 'drawn', delay: 0, delayMaxUs: 0, break: 0, tornWrite: 1 })
      const found = content(disk, 'f')!
      expect('0123456789'.startsWith(found)).toBe(true)
      seen.add(found)
    }
    expect(seen.size).toBeGreaterThan(6)
  })

  it('loses exactly what explicit choices say, and nothing without them', () => {
    expect(content(crashAfter(synced, 3, NOTHING_LOST).disk, 'log/file')).toBe('sYNCed.aaend')
    const torn = crashAfter(synced, 3, lost('log/file', 7))
    expect(content(torn.disk, 'log/file')).toBe('synced.aaabbbc')
    expect(torn.recorder.kinds('machine-crash-loss').map(({ event }) => event))
      .toEqual([{ kind: 'machine-crash-loss', path: 'log/file', bytesDropped: 0, operationsDropped: 4 }])
    const tornOverwrite = crashAfter(synced, 3, lost('log/file', 11))
    expect(content(tornOverwrite.disk, 'log/file')).toBe('sYNced.aaabbbccc')
    const drawn = crashAfter(synced, 5)
    const replayed = crashAfter(synced, 5, { mode: 'explicit', fired: drawn.fired })
    expect(content(replayed.disk, 'log/file')).toBe(content(drawn.disk, 'log/file'))
  })

  it('keeps what an fsync covered when it was called, once it has completed, and not before', () => {
    const script = (after: number) => function* (disk: SimDisk): Task<void> {
      const file = disk.open('f')
      file.append(bytes('before'))
      const sync = file.fsync()
      file.append(bytes(' after'))
      if (after > 0) yield* sync
    }
    expect(content(crashAfter(script(1), 1, lost('f', 0)).disk, 'f')).toBe('before')
    const simulation = world(['node'], { choices: lost('f', 0) })
    const machine = simulation.machine('node')
    machine.start(env => env.spawn('script', script(1)(machine.disk)))
    simulation.run(499)
    machine.crashMachine()
    simulation.run(1_000)
    expect(content(machine.disk, 'f')).toBe('')
  })

  it('may undo renames and creations whose directory was not synced, a prefix of them, renames atomically', () => {
    const script = (sync: boolean) => function* (disk: SimDisk): Task<void> {
      const old = disk.open('d/checkpoint')
      old.append(bytes('old'))
      yield* old.fsync()
      yield* disk.syncDirectory('d')
      const file = disk.open('d/checkpoint.tmp')
      file.append(bytes('new'))
      yield* file.fsync()
      disk.rename('d/checkpoint.tmp', 'd/checkpoint')
      disk.open('d/other')
      if (sync) yield* disk.syncDirectory('d')
    }
    const seen = new Set<string>()
    for (let rootKey = 0; rootKey < 40; rootKey++) {
      const { disk } = crashAfter(script(false), rootKey)
      seen.add(`${disk.list('d').join()} ${content(disk, 'd/checkpoint')}`)
      const durable = crashAfter(script(true), rootKey).disk
      expect(`${durable.list('d').join()} ${content(durable, 'd/checkpoint')}`).toBe('checkpoint,other new')
    }
    expect(seen).toEqual(new Set([
      'checkpoint old', 'checkpoint,checkpoint.tmp old', 'checkpoint new', 'checkpoint,other new',
    ]))
  })

  it('may bring back what was removed, with all that was in it', () => {
    function* script(disk: SimDisk): Task<void> {
      disk.open('data/t-0/log').append(bytes('x'))
      yield* disk.open('data/t-0/log').fsync()
      yield* disk.syncDirectory('data/t-0')
      disk.rename('data/t-0', 'data/t-0-delete')
      disk.remove('data/t-0-delete')
    }
    expect(crashAfter(script, 1, NOTHING_LOST).disk.list('data')).toEqual([])
    expect(content(crashAfter(script, 1, lost('data/', 1)).disk, 'data/t-0-delete/log')).toBe('x')
    // The sync of the directory settled that it exists.
    expect(content(crashAfter(script, 1, lost('data/', 0)).disk, 'data/t-0/log')).toBe('x')
  })
})

describe('another disk', () => {
  it('is empty, has another id, and is told to the next process', () => {
    const recorder = new Recorder()
    const simulation = world(['node'], { observers: [recorder] })
    const machine = simulation.machine('node')
    machine.start(env => env.disk.open('x').append(bytes('gone')))
    const { id } = machine.disk
    expect(() => machine.replaceDisk()).toThrow('in use')
    machine.crashProcess()
    machine.replaceDisk()
    machine.start(() => {})
    expect(machine.disk.exists('x')).toBe(false)
    expect(machine.disk.id).not.toBe(id)
    for (const given of [id, machine.disk.id]) expect(given).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{20}[AQgw]$/)
    expect(recorder.kinds('process-started').map(({ event }) => event)).toEqual([
      { kind: 'process-started', wiped: false }, { kind: 'process-started', wiped: true },
    ])
  })
})
