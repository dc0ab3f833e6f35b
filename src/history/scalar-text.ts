/**
 * Scalars that JSON has no form for, as strings that begin with `~`, in the manner of Transit (cognitect/transit-format):
 *
 *     ~:name   keyword         ~n123…  integer that no double is    ~f1.5M   decimal, or a float that a double would round
 *     ~$name   symbol          ~r1/3   ratio                    ~ca      character (or its EDN name)
 *     ~t…      instant         ~u…     UUID                     ~zNaN    NaN, Infinity, -Infinity
 *     ~~text   the text "~text"        ~=append  the text "append"
 *
 * The operators of micro-operations (`:append`, `:r`, ...) are the exception: as keywords they are plain text, since that
 * is how histories in JSON have them, and the equal string is the one with a prefix. So no two EDN values become one JSON
 * value, and nothing is ever rounded.
 */
const OPERATORS: ReadonlySet<string> = new Set(['append', 'r', 'w', 'read', 'write', 'cas', 'send', 'poll', 'add', 'delete'])

export function isOperator(name: string): boolean {
  return OPERATORS.has(name)
}

export function keywordText(name: string): string {
  return OPERATORS.has(name) ? name : `~:${name}`
}

/** What stands for a string that was written as a string. */
export function stringText(text: string): string {
  if (text.charCodeAt(0) === 0x7e) return `~${text}`
  return OPERATORS.has(text) ? `~=${text}` : text
}

/** A decimal integer of any length, with or without a sign: a number if there is one that is exactly it. */
export function integerText(text: string): number | string {
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text)
  const number = Number(value)
  return Number.isSafeInteger(number) || (Number.isFinite(number) && BigInt(number) === value) ? number : `~n${value}`
}

/** A decimal fraction, perhaps with an exponent. Kept as text where a double is too coarse to tell integers apart. */
export function floatText(text: string): number | string {
  const value = Number(text)
  return Math.abs(value) < 2 ** 53 || (Number.isFinite(value) && digitsOf(String(value)) === digitsOf(text)) ? value + 0 : `~f${text}`
}

/** Significant digits and exponent: equal for equal numbers. */
function digitsOf(text: string): string {
  const [, sign, whole, fraction = '', exponent = '0'] = /^([+-]?)(\d+)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text)!
  const digits = (whole! + fraction).replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  return `${sign === '-' ? '-' : ''}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`
}

export function ratioText(numerator: string, denominator: string): number | string | undefined {
  let [a, b] = [BigInt(numerator.startsWith('+') ? numerator.slice(1) : numerator), BigInt(denominator)]
  if (b === 0n) return undefined
  let [x, y] = [a < 0n ? -a : a, b]
  while (y !== 0n) [x, y] = [y, x % y]
  a /= x
  b /= x
  return b === 1n ? integerText(String(a)) : `~r${a}/${b}`
}

/** For people: `~:timeout` as `:timeout`, big numbers as numbers. */
export function showScalar(text: string): string {
  if (text.charCodeAt(0) !== 0x7e) return text
  const rest = text.slice(2)
  switch (text[1]) {
    case '~': return text.slice(1)
    case '=': case 'n': case 'f': case 'r': case 't': case 'u': case '$': return rest
    case ':': return `:${rest}`
    case 'c': return `\\${rest}`
    case 'z': return rest
    default: return text
  }
}
