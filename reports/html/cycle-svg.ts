/**
 * A cycle of transactions as SVG: boxes on an ellipse, an arrow for each dependency with its kind written beside it. Kinds
 * differ in their strokes as well as in colour.
 */
import type { CyclePicture } from '../check-page.ts'
import { escapeHtml } from './escape.ts'

const BOX = { width: 250, height: 52 }
const LONGEST = 36

/** sin(2πt) by a parabola with a correction: within 0.1 %, and unlike Math.sin the same on every version of Node. */
function sine(turn: number): number {
  const t = turn - Math.floor(turn)
  const half = t < 0.5 ? t : t - 0.5
  const parabola = 16 * half * (0.5 - half)
  const value = 0.775 * parabola + 0.225 * parabola * parabola
  return t < 0.5 ? value : -value
}

export function cycleSvg({ anomaly, transactions, edges, omitted }: CyclePicture): string {
  const count = transactions.length
  const radiusX = Math.min(500, Math.max(250, count * 62))
  const radiusY = count === 2 ? 0 : Math.max(120, count * 40)
  const width = radiusX * 2 + BOX.width + 60
  const height = radiusY * 2 + BOX.height + (count === 2 ? 130 : 60)
  const centre = (nth: number): readonly [number, number] => {
    if (count === 2) return [nth === 0 ? BOX.width / 2 + 30 : width - BOX.width / 2 - 30, height / 2]
    // Clockwise from the top.
    return [width / 2 + sine(nth / count) * radiusX, height / 2 + sine(nth / count + 0.75) * radiusY]
  }
  const position = new Map(transactions.map(({ name }, nth) => [name, centre(nth)]))
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeHtml(`${anomaly}: a cycle of ${count + omitted} transactions`)}">`,
    '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" class="head"/></marker></defs>',
  ]
  for (const { from, to, type, because } of edges) {
    const [a, b] = [position.get(from), position.get(to)]
    // An edge into or out of what is not drawn.
    if (a === undefined || b === undefined) continue
    const [middleX, middleY] = bend(a, b, [width / 2, height / 2], count)
    const [startX, startY] = edgeOfBox(a, [middleX, middleY])
    const [endX, endY] = edgeOfBox(b, [middleX, middleY])
    // The middle of a quadratic curve lies halfway to its control point.
    const [labelX, labelY] = [(startX + endX + 2 * middleX) / 4, (startY + endY + 2 * middleY) / 4]
    parts.push(`<g class="edge ${escapeHtml(type)}"><path d="M${round(startX)} ${round(startY)}Q${round(middleX)} ${round(middleY)} ${round(endX)} ${round(endY)}" marker-end="url(#head)"/><rect class="plate" x="${round(labelX - type.length * 4 - 6)}" y="${round(labelY - 10)}" width="${type.length * 8 + 12}" height="20" rx="4"/><text x="${round(labelX)}" y="${round(labelY + 4)}" text-anchor="middle">${escapeHtml(type)}</text><title>${escapeHtml(`${from} < ${to}, because ${because}`)}</title></g>`)
  }
  transactions.forEach(({ heading, text }, nth) => {
    const [x, y] = centre(nth)
    const short = text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text
    parts.push(`<g class="transaction"><rect x="${round(x - BOX.width / 2)}" y="${round(y - BOX.height / 2)}" width="${BOX.width}" height="${BOX.height}" rx="6"/><text class="host" x="${round(x)}" y="${round(y - 6)}" text-anchor="middle">${escapeHtml(heading)}</text><text class="micro" x="${round(x)}" y="${round(y + 14)}" text-anchor="middle">${escapeHtml(short)}</text><title>${escapeHtml(text)}</title></g>`)
  })
  parts.push('</svg>')
  return parts.join('\n')
}

/** The control point of the curve: a little outward; with two boxes one arrow goes above, the other below. */
function bend(a: readonly [number, number], b: readonly [number, number], [middleX, middleY]: readonly [number, number], count: number): readonly [number, number] {
  const [x, y] = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]
  if (count === 2) return [x, y + (a[0] < b[0] ? -110 : 110)]
  return [x + (x - middleX) * 0.25, y + (y - middleY) * 0.25]
}

/** Where a line from the middle of a box towards a point leaves the box. */
function edgeOfBox([x, y]: readonly [number, number], [toX, toY]: readonly [number, number]): readonly [number, number] {
  const [dx, dy] = [toX - x, toY - y]
  const scale = Math.min(Math.abs(dx) < 1 ? Number.POSITIVE_INFINITY : (BOX.width / 2 + 3) / Math.abs(dx), Math.abs(dy) < 1 ? Number.POSITIVE_INFINITY : (BOX.height / 2 + 3) / Math.abs(dy))
  return [x + dx * scale, y + dy * scale]
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
