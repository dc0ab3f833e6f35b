/** Columns of numbers that grow: fourfold, so that little is copied; what is never written takes no memory. */
export function grown<Column extends Uint8Array | Int32Array | Float64Array>(column: Column): Column {
  const larger = new (column.constructor as new (length: number) => Column)(4 * column.length)
  larger.set(column)
  return larger
}
