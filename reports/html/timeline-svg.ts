/**
 * A history that is not linearizable, as SVG: a lane a process, a bar an operation from its call to its return, time by
 * events and not by seconds. Operations that some order explains carry their place in that order; the impossible one is
 * hatched, framed and crossed. Colour never stands alone.
 */
import type { Timeline, TimelineOperation } from '../check-page.ts'
import { escapeHtml } from './escape.ts'

const LEFT = 110
const LANE = 58
const BAR = 26
const TOP = 34
const STEP = 16
const CHARACTER = 6.6
const LONGEST = 34

const GLYPHS = { prefix: '', impossible: '✗ ', against: '! ', open: '? ', later: '' } as const

function label({ text, role }: TimelineOperation): string {
  const short = text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text
  return GLYPHS[role] + short
}

export function timelineSvg(timeline: Timeline): string {
  const { operations } = timeline
  const processes = [...new Set(operations.map(({ process }) => process))].sort((a, b) => Number(a) - Number(b))
  const places = [...new Set(operations.flatMap(({ from, to }) => (to === null ? [from] : [from, to])))].sort((a, b) => a - b)
  const x = columns(operations, places, processes)
  const width = Math.ceil(Math.max(...[...x.values()].map(at => at + 40), ...operations.map(one => x.get(one.from)! + label(one).length * CHARACTER + 50)))
  const height = TOP + processes.length * LANE + 10
  const right = width - 16
  const y = (process: TimelineOperation['process']): number => TOP + processes.indexOf(process) * LANE + 22
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeHtml(`${operations.length} operations of ${processes.length} processes; ${timeline.impossible.text} of process ${timeline.impossible.process} is impossible`)}">`,
    '<defs><pattern id="wrong" width="7" height="7" patternTransform="rotate(45)" patternUnits="userSpaceOnUse"><line x1="0" y1="0" x2="0" y2="7" class="hatch"/></pattern></defs>',
    `<text class="time" x="${LEFT}" y="14">events, in the order of the history →</text>`,
  ]
  for (const process of processes) parts.push(`<text class="host" x="8" y="${y(process) + 17}">process ${process}</text><line class="lane" x1="${LEFT - 8}" y1="${y(process) + BAR + 5}" x2="${right}" y2="${y(process) + BAR + 5}"/>`)
  for (const one of operations) {
    const from = x.get(one.from)!
    const to = one.to === null ? right : x.get(one.to)!
    const top = y(one.process)
    const title = `${one.text}; process ${one.process}, operation ${one.index}${one.order === null ? '' : `, number ${one.order} in the order`}${one.to === null ? ', outcome unknown' : ''}`
    parts.push(`<g class="bar ${one.role}"><rect x="${from}" y="${top}" width="${Math.max(8, to - from)}" height="${BAR}" rx="4"/>${one.role === 'impossible' ? `<rect class="wrong" x="${from}" y="${top}" width="${Math.max(8, to - from)}" height="${BAR}" rx="4"/>` : ''}<text x="${from + 6}" y="${top - 5}">${escapeHtml(label(one))}</text><title>${escapeHtml(title)}</title></g>`)
  }
  parts.push(...points(operations, x, y), '</svg>')
  return parts.join('\n')
}

/** Where each event is drawn: apart from the one before, and far enough from the call that the text above the bar fits. */
function columns(operations: readonly TimelineOperation[], places: readonly number[], processes: readonly TimelineOperation['process'][]): Map<number, number> {
  const x = new Map<number, number>()
  const starting = new Map(operations.map(one => [one.from, one]))
  const ending = new Map(operations.filter(({ to }) => to !== null).map(one => [one.to!, one]))
  // Where the text of a lane ends.
  const busy = new Map(processes.map(process => [process, 0]))
  let at = LEFT - STEP
  for (const place of places) {
    at += STEP
    const ends = ending.get(place)
    if (ends !== undefined) at = Math.max(at, x.get(ends.from)! + 26)
    const starts = starting.get(place)
    if (starts !== undefined) {
      at = Math.max(at, busy.get(starts.process)!)
      busy.set(starts.process, at + label(starts).length * CHARACTER + 14)
    }
    x.set(place, at)
  }
  return x
}

/** A dot on each bar of the prefix, from left to right in the order that explains it, with its number. */
function points(operations: readonly TimelineOperation[], x: ReadonlyMap<number, number>, y: (process: TimelineOperation['process']) => number): string[] {
  const ordered = operations.filter(({ order }) => order !== null).sort((a, b) => a.order! - b.order!)
  const parts: string[] = []
  let at = 0
  let path = ''
  for (const one of ordered) {
    const end = one.to === null ? Number.POSITIVE_INFINITY : x.get(one.to)! - 9
    at = Math.min(Math.max(at + 3, x.get(one.from)! + 11), end)
    const middle = y(one.process) + BAR / 2
    path += `${path === '' ? 'M' : 'L'}${at} ${middle}`
    parts.push(`<g class="point"><circle cx="${at}" cy="${middle}" r="10"/><text x="${at}" y="${middle + 4}" text-anchor="middle">${one.order}</text></g>`)
  }
  return path === '' ? [] : [`<path class="order" d="${path}"/>`, ...parts]
}
