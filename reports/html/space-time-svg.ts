/**
 * The space-time diagram as SVG: hosts as columns, virtual time downward, a line a message from send to delivery. A lost
 * message ends in a cross, a late one is dashed with a hollow head; crashes, pauses and cuts shade their column. Colour
 * never stands alone: every state also differs by pattern, dash or glyph.
 */
import { formatTime } from '../../src/base/time.ts'
import type { DiagramMark, DiagramSection } from '../report-model.ts'
import { escapeHtml } from './escape.ts'

const TOP = 56
const COLUMN = 150
const LEFT = 92
const MARK_GLYPHS: Readonly<Record<DiagramMark['kind'], string>> = {
  fault: '⚡', leader: '★', truncate: '✂', crash: '✖', isr: '◆', append: '•', client: '▸', other: '·',
}

/** Ordinal time with a floor and a ceiling: close events stay apart, long silences shrink. */
function timeScale(section: DiagramSection): { y(time: number): number; height: number; ticks: number[] } {
  const times = new Set<number>()
  for (const message of section.messages) {
    times.add(message.sentAt)
    if (message.arrivedAt !== null) times.add(message.arrivedAt)
  }
  for (const mark of section.marks) times.add(mark.time)
  for (const span of section.spans) {
    times.add(Math.max(section.from, span.from))
    times.add(Math.min(section.to, span.to))
  }
  const sorted = [...times].filter(time => time >= section.from && time <= section.to).sort((a, b) => a - b)
  const positions = new Map<number, number>()
  let y = TOP + 10
  let previous = sorted[0] ?? section.from
  const ticks: number[] = []
  let lastTick = -100
  for (const time of sorted) {
    y += Math.min(42, Math.max(time === previous ? 0 : 5, (time - previous) / 1500))
    previous = time
    positions.set(time, y)
    if (y - lastTick >= 34) {
      ticks.push(time)
      lastTick = y
    }
  }
  const at = (time: number): number => {
    const known = positions.get(time)
    if (known !== undefined) return known
    return time <= (sorted[0] ?? 0) ? TOP : y
  }
  return { y: at, height: y + 40, ticks }
}

export function spaceTimeSvg(section: DiagramSection): string {
  const scale = timeScale(section)
  const x = (host: string): number => LEFT + COLUMN / 2 + Math.max(0, section.hosts.findIndex(({ name }) => name === host)) * COLUMN
  const width = LEFT + section.hosts.length * COLUMN + 20
  const parts: string[] = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${Math.ceil(scale.height)}" width="${width}" height="${Math.ceil(scale.height)}" role="img" aria-label="Space-time diagram of ${section.messages.length} messages between ${section.hosts.length} hosts">`,
    '<defs><pattern id="hatch" width="6" height="6" patternTransform="rotate(45)" patternUnits="userSpaceOnUse"><line x1="0" y1="0" x2="0" y2="6" class="hatch"/></pattern><pattern id="dots" width="6" height="6" patternUnits="userSpaceOnUse"><circle cx="2" cy="2" r="1" class="dot"/></pattern></defs>',
  ]
  for (const tick of scale.ticks) {
    const y = scale.y(tick)
    parts.push(`<line class="tick" x1="${LEFT - 6}" y1="${y}" x2="${width - 10}" y2="${y}"/><text class="time" x="${LEFT - 10}" y="${y + 4}" text-anchor="end">${formatTime(tick)}</text>`)
  }
  for (const { name, group } of section.hosts) {
    parts.push(`<line class="life ${group}" x1="${x(name)}" y1="${TOP}" x2="${x(name)}" y2="${Math.ceil(scale.height) - 10}"/>`)
    parts.push(`<text class="host" x="${x(name)}" y="28" text-anchor="middle">${escapeHtml(name)}</text><text class="group" x="${x(name)}" y="44" text-anchor="middle">${group}</text>`)
  }
  for (const span of section.spans) {
    const from = scale.y(Math.max(section.from, span.from))
    const to = scale.y(Math.min(section.to, span.to))
    parts.push(`<rect class="span ${span.kind}" x="${x(span.host) - 16}" y="${from}" width="32" height="${Math.max(4, to - from)}"><title>${escapeHtml(`${span.host}: ${span.text}`)}</title></rect>`)
  }
  for (const message of section.messages) {
    const x1 = x(message.from)
    const x2 = x(message.to)
    const y1 = scale.y(message.sentAt)
    const lost = message.arrivedAt === null
    const endX = lost ? x1 + (x2 - x1) * 0.55 : x2
    const endY = lost ? y1 + 8 : scale.y(message.arrivedAt!)
    const title = `${message.label}: ${message.from} > ${message.to}, sent ${formatTime(message.sentAt)}, ${lost ? 'never arrived' : `arrived ${formatTime(message.arrivedAt!)}`}`
    parts.push(`<g class="message ${message.fate}"><line x1="${x1}" y1="${y1}" x2="${endX}" y2="${endY}"/>`)
    if (lost) parts.push(`<text class="cross" x="${endX}" y="${endY + 4}" text-anchor="middle">×</text>`)
    else parts.push(`<circle cx="${endX}" cy="${endY}" r="3"/>`)
    parts.push(`<title>${escapeHtml(title)}</title></g>`)
    if (Math.abs(x2 - x1) > 0) parts.push(`<text class="label" x="${x1 + (x2 > x1 ? 8 : -8)}" y="${y1 - 3}" text-anchor="${x2 > x1 ? 'start' : 'end'}">${escapeHtml(message.label)}</text>`)
  }
  for (const mark of section.marks) {
    const y = scale.y(mark.time)
    parts.push(`<g class="mark ${mark.kind}"><text x="${x(mark.host)}" y="${y + 5}" text-anchor="middle">${MARK_GLYPHS[mark.kind]}</text><title>${escapeHtml(`${formatTime(mark.time)} ${mark.host}: ${mark.text}`)}</title></g>`)
    parts.push(`<text class="note" x="${x(mark.host) + 12}" y="${y + 4}">${escapeHtml(mark.text.slice(0, 60))}</text>`)
  }
  parts.push('</svg>')
  return parts.join('\n')
}
