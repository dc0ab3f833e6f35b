/** Tables: for the terminal, and in Markdown. */
export type Row = readonly (string | number)[]

/** Columns padded to their widest cell; the last one runs on. */
export function table(columns: readonly string[], rows: readonly Row[]): string[] {
  const all: readonly Row[] = [columns, ...rows]
  const widths = columns.map((_, index) => Math.max(...all.map(row => String(row[index] ?? '').length)))
  return all.map(row => row.map((cell, index) => (index === columns.length - 1 ? String(cell) : String(cell).padEnd(widths[index]!))).join('  ').trimEnd())
}

export function markdownTable(columns: readonly string[], rows: readonly Row[]): string[] {
  const line = (cells: Row): string => `| ${cells.map(cell => String(cell).replaceAll('|', '\\|')).join(' | ')} |`
  return [line(columns), `|${columns.map(() => '---').join('|')}|`, ...rows.map(line)]
}
