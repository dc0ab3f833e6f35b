/**
 * Partition logs: a lane a replica, a cell a batch, labelled by offsets, leader epoch and producer; truncated batches as
 * struck-through ghosts; a divergent offset has a double border and is spelled out.
 */
import { formatTime } from '../../src/base/time.ts'
import type { PartitionSection, ReplicaLog } from '../report-model.ts'
import { escapeHtml } from './escape.ts'

/** Cells shown at most a replica: the last ones. */
const MOST_CELLS = 60

function lane(replica: ReplicaLog, divergent: ReadonlySet<number>): string {
  const cells = replica.cells.slice(-MOST_CELLS)
  const omitted = replica.cells.length - cells.length
  const rendered = cells.map(cell => {
    const offsets = cell.baseOffset === cell.lastOffset ? String(cell.baseOffset) : `${cell.baseOffset}–${cell.lastOffset}`
    const classes = ['cell', `epoch${cell.leaderEpoch % 6}`, ...(cell.truncatedAt === null ? [] : ['ghost']), ...(cell.isControl ? ['control'] : []), ...(divergent.has(cell.baseOffset) ? ['divergent'] : [])]
    const title = `offsets ${offsets}, leader epoch ${cell.leaderEpoch}, ${cell.producer}, content ${cell.crc.toString(16)}, appended ${formatTime(cell.appendedAt)}${cell.truncatedAt === null ? '' : `, truncated ${formatTime(cell.truncatedAt)}`}`
    return `<td class="${classes.join(' ')}" title="${escapeHtml(title)}">${offsets}<small>e${cell.leaderEpoch}${cell.truncatedAt === null ? '' : ' cut'}</small></td>`
  }).join('')
  return `<tr><th scope="row">${escapeHtml(replica.host)}<small>start ${replica.logStart} ≤ HW ${replica.highWatermark} ≤ end ${replica.end}</small></th>${omitted > 0 ? `<td class="omitted">… ${omitted} earlier</td>` : ''}${rendered}</tr>`
}

export function partitionLogHtml(section: PartitionSection): string {
  const divergent = new Set(section.divergent.map(text => Number(/^offset (\d+)/.exec(text)?.[1] ?? -1)))
  const leaders = section.leaders.map(({ time, leader, epoch, reason }) => `<li><time>${formatTime(time)}</time> epoch ${epoch}: ${escapeHtml(leader)} (${escapeHtml(reason)})</li>`).join('')
  const isr = section.isr.slice(-30).map(({ time, members }) => `<li><time>${formatTime(time)}</time> {${members.map(escapeHtml).join(', ')}}</li>`).join('')
  return `<section class="partition"><h3>${escapeHtml(section.key)}</h3>
<div class="scroll"><table class="log"><caption class="visually-hidden">Log of ${escapeHtml(section.key)} a replica</caption>${section.replicas.map(replica => lane(replica, divergent)).join('\n')}</table></div>
${section.divergent.map(text => `<p class="alert" role="note">${escapeHtml(text)}</p>`).join('\n')}
<div class="columns"><div><h4>Leaders</h4><ol class="plain">${leaders}</ol></div><div><h4>ISR</h4><ol class="plain">${isr}</ol></div></div></section>`
}
