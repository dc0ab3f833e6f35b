/**
 * Compiles the table of one message at one version into straight-line functions: `transfer` projects a draft to a full
 * object of that version (absent fields take their defaults, arrays and bytes are copied) while it measures and hashes
 * it; `encode` and `decode` are Kafka's wire format. Generated source keeps objects monomorphic and the hot path free of
 * table look-ups.
 *
 * `transfer` refuses values that the wire cannot carry (an int32 of 2^31, null where a version has none, a string for a
 * number): as bytes they would arrive changed, as objects unchanged, and the two transports must not differ.
 */
import { InvariantError } from '../base/assert.ts'
import { mix, mixBytes, mixNumber, mixString } from '../base/random.ts'
import { type FieldTable, type MessageTable, within } from './schema.ts'
import { ZERO_UUID } from './uuid.ts'
import { DecodeError, type Reader, utf8Length, uvarintSize, type Writer } from './wire.ts'

/** Where `transfer` leaves size and hash. One per compiled message; read right after the call. */
export interface Tally {
  size: number
  hash: number
}

export interface CompiledMessage {
  readonly tally: Tally
  transfer(draft: object): object
  encode(writer: Writer, body: object): void
  decode(reader: Reader): object
}

const FIXED: Readonly<Record<string, number>> = { int8: 1, int16: 2, uint16: 2, int32: 4, uint32: 4, int64: 8, float64: 8, bool: 1, uuid: 16 }

/** Kafka's limit for strings of every version, in bytes. */
const MAX_STRING = 0x7fff

const scratch = new DataView(new ArrayBuffer(8))

function mixFloat(state: number, value: number): number {
  scratch.setFloat64(0, Number.isNaN(value) ? NaN : value)
  return mix(mix(state, scratch.getInt32(0)), scratch.getInt32(4))
}

/** Conditions under which a value of this type cannot be sent. */
const REFUSED: Readonly<Record<string, (v: string) => string>> = {
  int8: v => `(${v} << 24 >> 24) !== ${v}`,
  int16: v => `(${v} << 16 >> 16) !== ${v}`,
  uint16: v => `(${v} & 0xffff) !== ${v}`,
  int32: v => `(${v} | 0) !== ${v}`,
  uint32: v => `(${v} >>> 0) !== ${v}`,
  int64: v => `!Number.isSafeInteger(${v})`,
  float64: v => `typeof ${v} !== 'number'`,
  bool: v => `${v} !== true && ${v} !== false`,
  string: v => `typeof ${v} !== 'string'`,
  uuid: v => `typeof ${v} !== 'string' || ${v}.length !== 22`,
  bytes: v => `!(${v} instanceof Uint8Array)`,
  records: v => `!(${v} instanceof Uint8Array)`,
}

class Compiler {
  private readonly table: MessageTable
  private readonly version: number
  private readonly flexible: boolean
  private readonly source: string[] = []
  private readonly done = new Set<string>()
  private temporaries = 0

  constructor(table: MessageTable, version: number) {
    this.table = table
    this.version = version
    this.flexible = within(table.flexible, version)
  }

  compile(): CompiledMessage {
    this.struct('root', this.table.fields)
    const body = `'use strict'\nconst tally = { size: 0, hash: 0 }\nlet size = 0, h = 0\n${this.source.join('\n')}
return {
  tally,
  transfer(d) { size = 0; h = ${(this.table.apiKey + 7) * 31 + this.version}; const o = transfer_root(d); tally.size = size; tally.hash = h; return o },
  encode: encode_root,
  decode: decode_root,
}`
    // eslint-disable-next-line no-new-func
    const make = new Function('mix', 'mixNumber', 'mixFloat', 'mixString', 'mixBytes', 'utf8Length', 'uvarintSize', 'DecodeError', 'refuse', body)
    const refuse = (field: string, type: string, value: unknown): never => {
      throw new InvariantError(`${this.table.name} version ${this.version}: ${field} is ${String(value).slice(0, 100)}, which is no ${type}`)
    }
    return make(mix, mixNumber, mixFloat, mixString, mixBytes, utf8Length, uvarintSize, DecodeError, refuse) as CompiledMessage
  }

  private struct(name: string, fields: readonly FieldTable[]): void {
    if (this.done.has(name)) return
    this.done.add(name)
    for (const field of fields) {
      const element = elementType(field.type)
      const inner = this.table.structs[element]
      if (inner !== undefined) this.struct(element, inner)
    }
    const live = fields.filter(field => within(field.versions, this.version))
    const isTagged = (field: FieldTable): boolean => this.flexible && field.tag !== undefined && within(field.tagged, this.version)
    const plain = live.filter(field => !isTagged(field))
    const tagged = live.filter(isTagged).sort((a, b) => a.tag! - b.tag!)
    const dead = fields.filter(field => !within(field.versions, this.version))

    // transfer
    const lines = [`function transfer_${name}(d) {`]
    for (const field of fields) {
      const v = `f_${field.name}`
      if (dead.includes(field)) {
        lines.push(`const ${v} = ${this.defaultSource(field)}`)
        continue
      }
      lines.push(`let ${v} = d.${field.name}`, `if (${v} === undefined) ${v} = ${this.defaultSource(field)}`)
      if (isTagged(field)) {
        lines.push(`if (${this.differsFromDefault(field, v)}) {`, `const before_${field.name} = size`, `h = mix(h, ${field.tag})`)
        lines.push(this.transferValue(field, v), `const length_${field.name} = size - before_${field.name}`)
        lines.push(`size += uvarintSize(${field.tag}) + uvarintSize(length_${field.name})`, '}')
        if (this.isStruct(field.type) || field.type.startsWith('[]')) lines.push(`else ${v} = ${this.defaultSource(field)}`)
      } else lines.push(this.transferValue(field, v))
    }
    if (this.flexible) {
      lines.push(tagged.length === 0 ? 'size += 1' : `size += 1 // at most 127 tags`)
    }
    lines.push(`return { ${fields.map(field => `${field.name}: f_${field.name}`).join(', ')} }`, '}')

    // encode
    lines.push(`function encode_${name}(w, o) {`)
    for (const field of plain) lines.push(this.encodeValue(field, `o.${field.name}`))
    if (this.flexible) {
      lines.push('let tags = 0')
      for (const field of tagged) lines.push(`if (${this.differsFromDefault(field, `o.${field.name}`)}) tags++`)
      lines.push('w.uvarint(tags)')
      for (const field of tagged) {
        lines.push(`if (${this.differsFromDefault(field, `o.${field.name}`)}) {`, `w.uvarint(${field.tag})`)
        lines.push(`let length = 0`, this.sizeValue(field, `o.${field.name}`, 'length'), 'w.uvarint(length)', this.encodeValue(field, `o.${field.name}`), '}')
      }
    }
    lines.push('}')

    // size of an already projected struct (only needed inside tagged fields)
    lines.push(`function size_${name}(o) {`, 'let n = 0')
    for (const field of plain) lines.push(this.sizeValue(field, `o.${field.name}`, 'n'))
    if (this.flexible) {
      lines.push('n += 1')
      for (const field of tagged) {
        lines.push(`if (${this.differsFromDefault(field, `o.${field.name}`)}) { let length = 0`, this.sizeValue(field, `o.${field.name}`, 'length'))
        lines.push(`n += length + uvarintSize(${field.tag}) + uvarintSize(length) }`)
      }
    }
    lines.push('return n', '}')

    // decode
    lines.push(`function decode_${name}(r) {`)
    for (const field of fields) lines.push(`let f_${field.name} = ${plain.includes(field) ? 'undefined' : this.defaultSource(field)}`)
    for (const field of plain) lines.push(this.decodeValue(field, `f_${field.name}`))
    if (this.flexible) {
      lines.push('let tags = r.count(r.uvarint())', 'while (tags-- > 0) {', 'const tag = r.uvarint(), length = r.uvarint()')
      lines.push("if (length > r.left) throw new DecodeError('tagged field of ' + length + ' bytes, ' + r.left + ' left')", 'const end = r.position + length')
      lines.push('switch (tag) {')
      for (const field of tagged) lines.push(`case ${field.tag}: {`, this.decodeValue(field, `f_${field.name}`), 'break }')
      lines.push('default: r.position = end }', "if (r.position !== end) throw new DecodeError('tagged field of the wrong length')", '}')
    }
    lines.push(`return { ${fields.map(field => `${field.name}: f_${field.name}`).join(', ')} }`, '}')
    this.source.push(lines.join('\n'))
  }

  private isStruct(type: string): boolean {
    return this.table.structs[type] !== undefined
  }

  private flexibleField(field: FieldTable): boolean {
    return field.flexible === undefined ? this.flexible : within(field.flexible, this.version)
  }

  private nullable(field: FieldTable): boolean {
    return within(field.nullable, this.version)
  }

  private defaultSource(field: FieldTable): string {
    if (field.type.startsWith('[]')) return field.default === null ? 'null' : '[]'
    if (this.isStruct(field.type)) return field.default === null ? 'null' : this.structDefault(field.type)
    if (field.default === null) return 'null'
    if (field.type === 'bytes' || field.type === 'records') return 'new Uint8Array(0)'
    return JSON.stringify(field.default ?? (field.type === 'uuid' ? ZERO_UUID : 0))
  }

  private structDefault(name: string): string {
    return `{ ${this.table.structs[name]!.map(field => `${field.name}: ${this.defaultSource(field)}`).join(', ')} }`
  }

  private differsFromDefault(field: FieldTable, v: string): string {
    if (field.default === null) return `${v} !== null`
    if (field.type.startsWith('[]') || field.type === 'bytes' || field.type === 'records') return `(${v} === null || ${v}.length !== 0)`
    if (this.isStruct(field.type)) {
      return `(${this.table.structs[field.type]!.map(inner => `(${v}.${inner.name} !== undefined && ${this.differsFromDefault(inner, `${v}.${inner.name}`)})`).join(' || ')})`
    }
    return `${v} !== ${this.defaultSource(field)}`
  }

  private lengthSize(field: FieldTable, length: string, fixed: number): string {
    return this.flexibleField(field) ? `uvarintSize(${length} + 1)` : String(fixed)
  }

  /** Projects in place (assigns to `v`), adds to `size`, mixes into `h`. */
  private transferValue(field: FieldTable, v: string): string {
    if (field.type.startsWith('[]')) {
      const i = `i${this.temporaries++}`
      const element: FieldTable = { ...field, type: field.type.slice(2), nullable: [1, 0] }
      const inner = `e${i}`
      const none = this.nullable(field) ? `h = mix(h, -1); size += ${this.flexibleField(field) ? 1 : 4}` : this.refusal(field, v)
      return `if (${v} === null) { ${none} } else {
if (!Array.isArray(${v})) ${this.refusal(field, v)}
const a${i} = new Array(${v}.length)
size += ${this.lengthSize(field, `${v}.length`, 4)}
h = mix(h, ${v}.length)
for (let ${i} = 0; ${i} < ${v}.length; ${i}++) { let ${inner} = ${v}[${i}]
${this.transferValue(element, inner)}
a${i}[${i}] = ${inner} }
${v} = a${i} }`
    }
    const nullable = this.nullable(field)
    const check = `if (${REFUSED[field.type]?.(v) ?? `typeof ${v} !== 'object' || ${v} === null`}) ${this.refusal(field, v)}`
    switch (field.type) {
      case 'bool': return `${check}; size += 1; h = mix(h, ${v} ? 1 : 0)`
      case 'int8': case 'int16': case 'uint16': case 'int32': return `${check}; size += ${FIXED[field.type]}; h = mix(h, ${v})`
      case 'uint32': case 'int64': return `${check}; size += ${FIXED[field.type]}; h = mixNumber(h, ${v})`
      case 'float64': return `${check}; size += 8; h = mixFloat(h, ${v})`
      case 'uuid': return `${check}; size += 16; h = mixString(h, ${v})`
      case 'string': {
        const length = `l${this.temporaries++}`
        const some = `{ ${check}; const ${length} = utf8Length(${v}); if (${length} > ${MAX_STRING}) ${this.refusal(field, v)}; size += ${length} + ${this.lengthSize(field, length, 2)}; h = mixString(h, ${v}) }`
        return nullable ? `if (${v} === null) { size += ${this.flexibleField(field) ? 1 : 2}; h = mix(h, -1) } else ${some}` : some
      }
      case 'bytes': case 'records': {
        const some = `{ ${check}; ${v} = new Uint8Array(${v}); size += ${v}.length + ${this.lengthSize(field, `${v}.length`, 4)}; h = mixBytes(h, ${v}) }`
        return nullable || field.type === 'records' ? `if (${v} === null) { size += ${this.flexibleField(field) ? 1 : 4}; h = mix(h, -1) } else ${some}` : some
      }
      default: {
        const some = `{ ${check}; ${v} = transfer_${field.type}(${v}) }`
        return nullable ? `size += 1; if (${v} === null) h = mix(h, -1); else ${some}` : some
      }
    }
  }

  private refusal(field: FieldTable, v: string): string {
    return `refuse('${field.name}', '${field.type}', ${v})`
  }

  private sizeValue(field: FieldTable, v: string, n: string): string {
    if (field.type.startsWith('[]')) {
      const i = `i${this.temporaries++}`
      const element: FieldTable = { ...field, type: field.type.slice(2), nullable: [1, 0] }
      return `if (${v} === null) ${n} += ${this.flexibleField(field) ? 1 : 4}; else { ${n} += ${this.lengthSize(field, `${v}.length`, 4)}
for (const ${i} of ${v}) { ${this.sizeValue(element, i, n)} } }`
    }
    const fixed = FIXED[field.type]
    if (fixed !== undefined) return `${n} += ${fixed}`
    switch (field.type) {
      case 'string': return `if (${v} === null) ${n} += ${this.flexibleField(field) ? 1 : 2}; else { const l = utf8Length(${v}); ${n} += l + ${this.lengthSize(field, 'l', 2)} }`
      case 'bytes': case 'records': return `if (${v} === null) ${n} += ${this.flexibleField(field) ? 1 : 4}; else ${n} += ${v}.length + ${this.lengthSize(field, `${v}.length`, 4)}`
      default: return this.nullable(field) ? `${n} += 1; if (${v} !== null) ${n} += size_${field.type}(${v})` : `${n} += size_${field.type}(${v})`
    }
  }

  private encodeValue(field: FieldTable, v: string): string {
    const flexible = this.flexibleField(field)
    if (field.type.startsWith('[]')) {
      const i = `i${this.temporaries++}`
      const element: FieldTable = { ...field, type: field.type.slice(2), nullable: [1, 0] }
      return `if (${v} === null) { ${flexible ? 'w.uvarint(0)' : 'w.int32(-1)'} } else { ${flexible ? `w.uvarint(${v}.length + 1)` : `w.int32(${v}.length)`}
for (const ${i} of ${v}) { ${this.encodeValue(element, i)} } }`
    }
    if (FIXED[field.type] !== undefined) return `w.${field.type}(${v})`
    switch (field.type) {
      case 'string': return `if (${v} === null) { ${flexible ? 'w.uvarint(0)' : 'w.int16(-1)'} } else { ${flexible ? `w.uvarint(utf8Length(${v}) + 1)` : `w.int16(utf8Length(${v}))`}; w.text(${v}) }`
      case 'bytes': case 'records': return `if (${v} === null) { ${flexible ? 'w.uvarint(0)' : 'w.int32(-1)'} } else { ${flexible ? `w.uvarint(${v}.length + 1)` : `w.int32(${v}.length)`}; w.raw(${v}) }`
      default: return this.nullable(field) ? `if (${v} === null) w.int8(-1); else { w.int8(1); encode_${field.type}(w, ${v}) }` : `encode_${field.type}(w, ${v})`
    }
  }

  private decodeValue(field: FieldTable, v: string): string {
    const flexible = this.flexibleField(field)
    if (field.type.startsWith('[]')) {
      const t = this.temporaries++
      const element: FieldTable = { ...field, type: field.type.slice(2), nullable: [1, 0] }
      const none = this.nullable(field) ? `${v} = null` : `throw new DecodeError('${field.name} is null')`
      return `{ const n${t} = ${flexible ? 'r.uvarint() - 1' : 'r.int32()'}
if (n${t} < 0) ${none}
else { r.count(n${t}); ${v} = []; for (let i${t} = 0; i${t} < n${t}; i${t}++) { let e${t}; ${this.decodeValue(element, `e${t}`)}; ${v}.push(e${t}) } } }`
    }
    if (FIXED[field.type] !== undefined) return `${v} = r.${field.type}()`
    const none = this.nullable(field) || field.type === 'records' ? `${v} = null` : `throw new DecodeError('${field.name} is null')`
    switch (field.type) {
      case 'string': return `{ const n = ${flexible ? 'r.uvarint() - 1' : 'r.int16()'}; if (n < 0) ${none}; else if (n > ${MAX_STRING}) throw new DecodeError('${field.name} of ' + n + ' bytes'); else ${v} = r.text(n) }`
      case 'bytes': case 'records': return `{ const n = ${flexible ? 'r.uvarint() - 1' : 'r.int32()'}; if (n < 0) ${none}; else ${v} = r.raw(n) }`
      default: return this.nullable(field) ? `${v} = r.int8() < 0 ? null : decode_${field.type}(r)` : `${v} = decode_${field.type}(r)`
    }
  }
}

function elementType(type: string): string {
  return type.startsWith('[]') ? type.slice(2) : type
}

export function compileMessage(table: MessageTable, version: number): CompiledMessage {
  return new Compiler(table, version).compile()
}
