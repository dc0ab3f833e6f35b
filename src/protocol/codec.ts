/**
 * Messages by name and version: encode, decode, and the projection that the simulated network applies to every frame.
 * Compiled functions are made on first use and kept.
 */
import { type CompiledMessage, compileMessage } from './compile-message.ts'
import { MESSAGE_TABLES } from './generated/tables.ts'
import type { MessageTable } from './schema.ts'
import { DecodeError, Reader, Writer } from './wire.ts'

export { DecodeError } from './wire.ts'

/** A message in which absent fields take their defaults. */
export type Draft<T> = T extends Uint8Array | string | number | boolean | null
  ? T
  : T extends readonly (infer U)[] ? readonly Draft<U>[] : { readonly [K in keyof T]?: Draft<T[K]> }

const byName = new Map(MESSAGE_TABLES.map(table => [table.name, table]))
const compiled = new Map<string, CompiledMessage[]>()

export function messageTables(): readonly MessageTable[] {
  return MESSAGE_TABLES
}

/** @throws RangeError for a message that does not exist */
export function messageTable(name: string): MessageTable {
  const table = byName.get(name)
  if (table === undefined) throw new RangeError(`no message called ${name}`)
  return table
}

/** @throws RangeError for an unknown message or a version out of its range */
export function compiledMessage(name: string, version: number): CompiledMessage {
  let versions = compiled.get(name)
  if (versions === undefined) compiled.set(name, versions = [])
  const known = versions[version]
  if (known !== undefined) return known
  const table = messageTable(name)
  if (version < table.versions[0]! || version > table.versions[1]!) throw new RangeError(`${name} has no version ${version}`)
  return versions[version] = compileMessage(table, version)
}

export function newestVersion(name: string): number {
  const table = messageTable(name)
  return table.unstable ? table.versions[1]! - 1 : table.versions[1]!
}

/** A full message of this version from a draft. */
export function projectMessage<T>(name: string, version: number, draft: Draft<T>): T {
  return compiledMessage(name, version).transfer(draft as object) as T
}

export function encodeMessage(name: string, version: number, draft: object): Uint8Array {
  const message = compiledMessage(name, version)
  const body = message.transfer(draft)
  const writer = new Writer(message.tally.size)
  message.encode(writer, body)
  return writer.bytes
}

/** @throws DecodeError when the bytes are not exactly one message of this version */
export function decodeMessage<T>(name: string, version: number, bytes: Uint8Array): T {
  const reader = new Reader(bytes)
  const body = compiledMessage(name, version).decode(reader)
  if (reader.left !== 0) throw new DecodeError(`${reader.left} bytes left over after ${name} version ${version}`)
  return body as T
}
