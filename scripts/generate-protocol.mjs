// Generates src/protocol/generated from Kafka's message and record schemas (JSON with // comments):
//   node scripts/generate-protocol.mjs <folder with messages/ and records/>
// Only names, types, versions, defaults, nullability and tags are taken; no sentences of the schemas. A table's fields
// are made when they are first asked for: a trial needs a few of some 270 messages. (Split by area into ten files, the
// tables took twice as long to load.)
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [source, target = 'src/protocol/generated'] = process.argv.slice(2)
if (source === undefined) {
  console.error('usage: node scripts/generate-protocol.mjs <schema folder> [target folder]')
  process.exit(64)
}

const ANY = 32767

function filesBelow(folder) {
  return readdirSync(folder).sort().flatMap(name => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? filesBelow(path) : path.endsWith('.json') ? [path] : []
  })
}

function parse(path) {
  const text = readFileSync(path, 'utf8').split('\n').map(line => line.replace(/^\s*\/\/.*$/, '')).join('\n')
  return JSON.parse(text.replace(/("(?:[^"\\]|\\.)*")|\/\/[^\n]*/g, (_, string) => string ?? ''))
}

/** '3+' -> [3, 32767], '0-4' -> [0, 4], '2' -> [2, 2], 'none' -> null */
function range(text) {
  if (text === undefined || text === 'none') return null
  if (text.endsWith('+')) return [Number(text.slice(0, -1)), ANY]
  const [low, high = low] = text.split('-')
  return [Number(low), Number(high)]
}

const lower = name => name[0].toLowerCase() + name.slice(1)
const PRIMITIVE = new Set(['int8', 'int16', 'uint16', 'int32', 'uint32', 'int64', 'float64', 'bool', 'string', 'uuid', 'bytes', 'records'])

function defaultOf(field, type) {
  const given = field.default
  if (given === 'null' || given === null) return null
  if (type.startsWith('[]')) return []
  switch (type) {
    case 'bool': return given === true || given === 'true'
    case 'string': return given ?? ''
    case 'uuid': return 'AAAAAAAAAAAAAAAAAAAAAA'
    case 'bytes': case 'records': return ''
    case 'float64': return given === undefined ? 0 : Number(given)
    default: return PRIMITIVE.has(type) ? (given === undefined ? 0 : Number(given)) : undefined
  }
}

function convert(message) {
  const common = new Map((message.commonStructs ?? []).map(struct => [struct.name, struct]))
  const valid = range(message.validVersions)
  const structs = new Map()
  const prefix = message.name
  function fieldsOf(fields, inherited) {
    return fields.flatMap(field => {
      const versions = range(field.versions) ?? inherited
      if (valid !== null && versions[0] > valid[1]) return []
      const array = field.type.startsWith('[]')
      const element = array ? field.type.slice(2) : field.type
      const converted = { name: lower(field.name), type: field.type, versions }
      if (!PRIMITIVE.has(element)) {
        const name = prefix + element
        converted.type = (array ? '[]' : '') + name
        if (!structs.has(name)) {
          structs.set(name, null)
          const inner = field.fields ?? common.get(element).fields
          structs.set(name, fieldsOf(inner, common.has(element) ? [0, ANY] : versions))
        }
      }
      const nullable = range(field.nullableVersions)
      if (nullable !== null) converted.nullable = nullable
      const value = defaultOf(field, field.type)
      if (value !== undefined) converted.default = value
      if (field.tag !== undefined) {
        converted.tag = field.tag
        converted.tagged = range(field.taggedVersions)
      }
      const flexible = range(field.flexibleVersions)
      if (field.flexibleVersions !== undefined) converted.flexible = flexible
      return [converted]
    })
  }
  const fields = fieldsOf(message.fields ?? [], valid ?? [0, ANY])
  return {
    name: message.name, kind: message.type, apiKey: message.apiKey, versions: valid, flexible: range(message.flexibleVersions),
    unstable: message.latestVersionUnstable === true, fields, structs: Object.fromEntries(structs),
  }
}

const tsType = {
  int8: 'number', int16: 'number', uint16: 'number', int32: 'number', uint32: 'number', int64: 'number', float64: 'number',
  bool: 'boolean', string: 'string', uuid: 'string', bytes: 'Uint8Array', records: 'Uint8Array',
}

function typeOf(field) {
  const array = field.type.startsWith('[]')
  const element = array ? field.type.slice(2) : field.type
  const base = (tsType[element] ?? element) + (array ? '[]' : '')
  return field.nullable === undefined && field.default !== null ? base : `${base} | null`
}

// Without versions: what Kafka 4.0 removed (LeaderAndIsr, StopReplica, UpdateMetadata, ControlledShutdown).
const messages = filesBelow(source).map(path => convert(parse(path))).filter(message => message.versions !== null)
for (const message of messages) {
  // The log of tiered storage calls its records metadata too and reuses the type numbers of the metadata log's.
  if (message.kind === 'metadata' && message.name.startsWith('Remote')) message.kind = 'remote-log-metadata'
}
messages.sort((a, b) => (a.name < b.name ? -1 : 1))

const banner = '// Generated by scripts/generate-protocol.mjs from the message and record schemas of Apache Kafka 4.3.1. Do not edit.\n'
const types = [banner]
for (const message of messages) {
  const all = [[message.name, message.fields], ...Object.entries(message.structs)]
  for (const [name, fields] of all) {
    types.push(fields.length === 0
      ? `export type ${name} = Record<never, never>\n`
      : `export interface ${name} {\n${fields.map(field => `  ${field.name}: ${typeOf(field)}`).join('\n')}\n}\n`)
  }
}
const text = value => JSON.stringify(value)
function row(field) {
  const parts = [`name: ${text(field.name)}`, `type: ${text(field.type)}`, `versions: ${text(field.versions)}`]
  for (const key of ['nullable', 'default', 'tag', 'tagged', 'flexible']) if (field[key] !== undefined) parts.push(`${key}: ${text(field[key])}`)
  return `{ ${parts.join(', ')} }`
}
const tables = [banner, "import { lazyTable, type MessageTable } from '../schema.ts'\n", 'export const MESSAGE_TABLES: readonly MessageTable[] = [']
for (const message of messages) {
  tables.push(`  lazyTable({ name: ${text(message.name)}, kind: ${text(message.kind)}, apiKey: ${message.apiKey ?? -1}, versions: ${text(message.versions)}, flexible: ${text(message.flexible)}, unstable: ${message.unstable} }, () => ({`)
  tables.push(`    fields: [\n${message.fields.map(field => `      ${row(field)},`).join('\n')}\n    ],`)
  tables.push('    structs: {')
  for (const [name, fields] of Object.entries(message.structs)) tables.push(`      ${name}: [\n${fields.map(field => `        ${row(field)},`).join('\n')}\n      ],`)
  tables.push('    },\n  })),')
}
tables.push(']\n')
const metadata = messages.filter(message => message.kind === 'metadata')
if (new Set(metadata.map(message => message.apiKey)).size !== metadata.length) throw new Error('two metadata records of one type number')
const union = [banner, `import type {\n${metadata.map(message => `  ${message.name},`).join('\n')}\n} from './types.ts'\n`, 'export type MetadataRecord =']
for (const message of metadata) union.push(`  | { readonly type: '${message.name}'; readonly version: number; readonly data: ${message.name} }`)
union.push('')
mkdirSync(target, { recursive: true })
writeFileSync(join(target, 'types.ts'), types.join('\n'))
writeFileSync(join(target, 'tables.ts'), tables.join('\n'))
writeFileSync(join(target, 'metadata-record.ts'), union.join('\n'))
console.log(`${messages.length} messages`)
