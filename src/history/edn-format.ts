/**
 * Histories as EDN, one map a line, as Jepsen reads them: the inverse of `edn-parser.ts`. What a JSON history has as plain
 * text is a string, the operators of micro-operations are keywords, integer keys of maps are integers.
 */
import type { Json, Operation } from './operation.ts'
import { isOperator } from './scalar-text.ts'

const NAME = /^[\p{L}*!_?$%&=<>|+.-][\p{L}\p{N}*!_?$%&=<>|+.#'/:-]*$/u
const KEYWORD = /^[\p{L}\p{N}*!_?$%&=<>|+.-][\p{L}\p{N}*!_?$%&=<>|+.#'/-]*$/u
const INTEGER = /^-?(?:0|[1-9]\d*)$/
const FLOAT = /^[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?M?$/
const TAG = /^[A-Za-z][\w.*+!?$%&=<>/-]*$/

export function formatEdnOperation(operation: Operation): string {
  const { index, time, process, type, f, value, ...rest } = operation
  const fields = [`:index ${index}`, `:time ${number(time)}`, `:process ${process === 'nemesis' ? ':nemesis' : process}`, `:type :${type}`, `:f ${KEYWORD.test(f) ? `:${f}` : quoted(f)}`, `:value ${formatEdn(value)}`]
  for (const name of Object.keys(rest)) {
    const other = rest[name]
    if (other !== undefined) fields.push(`${KEYWORD.test(name) ? `:${name}` : quoted(name)} ${formatEdn(other)}`)
  }
  return `{${fields.join(', ')}}`
}

export function formatEdn(value: Json): string {
  if (value === null) return 'nil'
  if (typeof value === 'number') return number(value)
  if (typeof value === 'string') return scalar(value)
  if (typeof value === 'boolean') return String(value)
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(formatEdn).join(' ')}]`
  return object(value as { readonly [key: string]: Json })
}

function object(value: { readonly [key: string]: Json }): string {
  const keys = Object.keys(value)
  const [only] = keys
  if (keys.length === 1 && only!.startsWith('~#')) {
    const inner = value[only!]!
    const list = Array.isArray(inner) ? (inner as readonly Json[]).map(formatEdn) : undefined
    if (only === '~#set' && list !== undefined) return `#{${list.join(' ')}}`
    if (only === '~#cmap' && list !== undefined && list.length % 2 === 0) return `{${list.join(' ')}}`
    const tag = only!.slice(2)
    if (TAG.test(tag)) return `#${tag} ${formatEdn(inner)}`
  }
  return `{${keys.map(key => `${keyText(key)} ${formatEdn(value[key]!)}`).join(', ')}}`
}

function keyText(key: string): string {
  if (INTEGER.test(key) && key !== '-0') return key
  if (key.startsWith('~:') && KEYWORD.test(key.slice(2))) return `:${key.slice(2)}`
  if (key.startsWith('~n') && INTEGER.test(key.slice(2))) return integer(key.slice(2))
  // A keyword that is an operator is plain text as a value, and as a key.
  if (isOperator(key)) return `:${key}`
  return quoted(key.startsWith('~~') ? key.slice(1) : key.startsWith('~=') ? key.slice(2) : key)
}

function scalar(text: string): string {
  if (isOperator(text)) return `:${text}`
  if (text.charCodeAt(0) !== 0x7e) return quoted(text)
  const rest = text.slice(2)
  switch (text[1]) {
    case ':': return KEYWORD.test(rest) ? `:${rest}` : quoted(text)
    case '$': return NAME.test(rest) && rest !== 'nil' && rest !== 'true' && rest !== 'false' ? rest : rest === '/' ? rest : quoted(text)
    case 'n': return INTEGER.test(rest) ? integer(rest) : quoted(text)
    case 'f': return FLOAT.test(rest) ? rest : quoted(text)
    case 'r': return /^-?\d+\/[1-9]\d*$/.test(rest) ? rest : quoted(text)
    case 'c': return /^(?:\w+|[^\w])$/u.test(rest) ? `\\${rest}` : quoted(text)
    case 'z': return /^-?Inf$|^NaN$/.test(rest) ? `##${rest}` : quoted(text)
    case 't': return `#inst ${quoted(rest)}`
    case 'u': return `#uuid ${quoted(rest)}`
    case '=': return quoted(rest)
    case '~': return quoted(text.slice(1))
    default: return quoted(text)
  }
}

/** Beyond 64 bits Clojure wants a suffix, and writes one itself. */
function integer(digits: string): string {
  const value = BigInt(digits)
  return BigInt.asIntN(64, value) === value ? digits : `${digits}N`
}

/** A fraction, or an integer as one. */
function number(value: number): string {
  const text = String(value)
  return /^-?\d+e/.test(text) ? text.replace('e', '.0e').replace('e+', 'e') : text
}

function quoted(text: string): string {
  // eslint-disable-next-line no-control-regex
  return `"${text.replace(/["\\]/g, character => `\\${character}`).replace(/[\u0000-\u001f\u007f\ud800-\udfff]/g, escape)}"`
}

function escape(character: string, at: number, whole: string): string {
  const code = character.charCodeAt(0)
  // Halves of a pair stay; alone they have no UTF-8.
  if (code >= 0xd800) {
    const pairs = code < 0xdc00 ? whole.charCodeAt(at + 1) >>> 10 === 0x37 : whole.charCodeAt(at - 1) >>> 10 === 0x36
    if (pairs) return character
  }
  return { '\n': '\\n', '\t': '\\t', '\r': '\\r' }[character] ?? `\\u${code.toString(16).padStart(4, '0')}`
}
